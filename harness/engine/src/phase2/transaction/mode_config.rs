//! The configuration of a host: what is asked, told and accepted (Mode-Config draft sections 2 and 3.4).

use core::net::{IpAddr, Ipv4Addr};

use crate::config::{ConfigHost, ConfigServer};
use crate::error::ExchangeError;
use crate::wire::{Attribute, AttributesPayload, ConfigAttribute, ConfigItem, ConfigType};

/// A host's request, with the address that it would like to keep.
pub(crate) fn request(host: &ConfigHost, identifier: u16, wanted: Option<Ipv4Addr>) -> AttributesPayload {
    let attribute = |class: &ConfigAttribute| match wanted {
        Some(address) if *class == ConfigAttribute::INTERNAL_IP4_ADDRESS => {
            ConfigItem::Address(address.into()).attribute()
        }
        _ => Attribute::variable(*class, ""),
    };
    let attributes = host.wishes.iter().map(attribute).collect();
    AttributesPayload { message_type: ConfigType::REQUEST, identifier, attributes }
}

/// What a message says. Attributes that are not known, and those without a value, are left out.
///
/// # Errors
///
/// When a value has not the length of its class: the whole message is discarded.
pub(crate) fn items(payload: &AttributesPayload) -> Result<Vec<ConfigItem>, ExchangeError> {
    let items = payload.attributes.iter().map(ConfigItem::read).filter_map(Result::transpose);
    items.collect::<Result<_, _>>().map_err(ExchangeError::MalformedConfig)
}

/// Whether an attribute is asked for, with a suggestion or without one.
pub(crate) fn asks_for(request: &AttributesPayload, class: ConfigAttribute) -> bool {
    request.attribute(class).is_some()
}

/// The IPv4 address among these items.
pub(crate) fn ip4_address(items: &[ConfigItem]) -> Option<Ipv4Addr> {
    items.iter().find_map(|item| match item {
        ConfigItem::Address(IpAddr::V4(address)) => Some(*address),
        _ => None,
    })
}

/// What an edge device has to tell with this address assigned. A netmask goes only with an address (section 3.4).
pub(crate) fn told(server: &ConfigServer, assigned: Option<Ipv4Addr>) -> Vec<ConfigItem> {
    let address = assigned.map(|address| ConfigItem::Address(address.into()));
    let mut told: Vec<_> = address.into_iter().chain(server.items.iter().cloned()).collect();
    if !told.iter().any(|item| matches!(item, ConfigItem::Address(_))) {
        told.retain(|item| !matches!(item, ConfigItem::Netmask(_)));
    }
    told
}

/// What of this was asked for, in the order of the request, and the attributes that are supported if that was asked.
pub(crate) fn reply_items(request: &AttributesPayload, told: Vec<ConfigItem>) -> Vec<ConfigItem> {
    let mut known = told;
    known.push(ConfigItem::SupportedAttributes(ConfigItem::CLASSES.to_vec()));
    let mut asked: Vec<u16> = Vec::new();
    for attribute in &request.attributes {
        if !asked.contains(&attribute.class) {
            asked.push(attribute.class);
        }
    }
    let of_class = |class| known.iter().filter(move |item| item.class().0 == class).cloned();
    asked.into_iter().flat_map(of_class).collect()
}

/// A message of these items.
pub(crate) fn payload(message_type: ConfigType, identifier: u16, items: &[ConfigItem]) -> AttributesPayload {
    AttributesPayload {
        message_type,
        identifier,
        attributes: items.iter().map(ConfigItem::attribute).collect(),
    }
}

/// The acknowledgement: each accepted attribute without its value (section 2).
pub(crate) fn acknowledgement(identifier: u16, accepted: &[ConfigItem]) -> AttributesPayload {
    let attributes = accepted.iter().map(|item| Attribute::variable(item.class(), "")).collect();
    AttributesPayload { message_type: ConfigType::ACK, identifier, attributes }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::config::ConfigMethod;

    fn server() -> ConfigServer {
        let items = vec![
            ConfigItem::Netmask(IpAddr::from([255, 255, 255, 0])),
            ConfigItem::Dns(IpAddr::from([10, 3, 0, 53])),
            ConfigItem::Dns(IpAddr::from([10, 3, 0, 54])),
        ];
        ConfigServer { method: ConfigMethod::Pull, pool: None, items, assigned_client: false }
    }

    fn asked(classes: &[ConfigAttribute]) -> AttributesPayload {
        let attributes = classes.iter().map(|class| Attribute::variable(*class, "")).collect();
        AttributesPayload { message_type: ConfigType::REQUEST, identifier: 7, attributes }
    }

    #[test]
    fn a_reply_has_what_was_asked_for_and_is_known() {
        let request = asked(&[
            ConfigAttribute(16_500),
            ConfigAttribute::INTERNAL_IP4_DNS,
            ConfigAttribute::INTERNAL_IP4_NBNS,
            ConfigAttribute::INTERNAL_IP4_ADDRESS,
            ConfigAttribute::INTERNAL_IP4_ADDRESS,
        ]);
        let address = Ipv4Addr::new(10, 3, 0, 1);
        let items = reply_items(&request, told(&server(), Some(address)));
        let classes: Vec<_> = items.iter().map(ConfigItem::class).collect();
        let (dns, one) = (ConfigAttribute::INTERNAL_IP4_DNS, ConfigAttribute::INTERNAL_IP4_ADDRESS);
        assert_eq!(classes, [dns, dns, one]);
        assert_eq!(ip4_address(&items), Some(address));
    }

    #[test]
    fn a_request_suggests_a_wanted_address_and_nothing_else() {
        let (address, netmask) =
            (ConfigAttribute::INTERNAL_IP4_ADDRESS, ConfigAttribute::INTERNAL_IP4_NETMASK);
        let host =
            ConfigHost { method: ConfigMethod::Pull, wishes: vec![address, netmask], assigned_client: false };
        let wanted = Ipv4Addr::new(10, 3, 0, 9);
        let suggested = |wanted| items(&request(&host, 7, wanted)).unwrap();
        assert_eq!(suggested(Some(wanted)), [ConfigItem::Address(wanted.into())]);
        assert_eq!(suggested(None), []);
        let asked = |class| asks_for(&request(&host, 7, None), class);
        assert!(asked(address) && asked(netmask) && !asked(ConfigAttribute::INTERNAL_IP4_DNS));
    }

    #[test]
    fn a_netmask_goes_with_an_address_only() {
        let has_mask =
            |assigned| told(&server(), assigned).iter().any(|item| matches!(item, ConfigItem::Netmask(_)));
        assert!(has_mask(Some(Ipv4Addr::LOCALHOST)));
        assert!(!has_mask(None));
    }

    #[test]
    fn supported_attributes_are_listed_when_asked_for() {
        let request = asked(&[ConfigAttribute::SUPPORTED_ATTRIBUTES]);
        let items = reply_items(&request, Vec::new());
        assert_eq!(items, [ConfigItem::SupportedAttributes(ConfigItem::CLASSES.to_vec())]);
    }

    #[test]
    fn one_value_of_a_wrong_length_spoils_the_message() {
        let mut payload = asked(&[ConfigAttribute::INTERNAL_IP4_ADDRESS, ConfigAttribute(20_000)]);
        assert_eq!(items(&payload), Ok(Vec::new()), "nothing has a value");
        payload.attributes.push(Attribute::variable(ConfigAttribute::INTERNAL_IP4_DNS, vec![1, 2, 3]));
        assert!(matches!(items(&payload), Err(ExchangeError::MalformedConfig(_))));
    }

    #[test]
    fn an_acknowledgement_has_the_accepted_attributes_without_values() {
        let ack = acknowledgement(9, &server().items);
        assert_eq!((ack.message_type, ack.identifier), (ConfigType::ACK, 9));
        assert_eq!(ack.attributes.len(), 3);
        assert!(
            ack.attributes.iter().all(|attribute| attribute.value == Attribute::variable(0_u16, "").value)
        );
    }
}
