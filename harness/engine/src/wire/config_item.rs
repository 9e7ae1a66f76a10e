//! What the attributes of Mode-Config say (Mode-Config draft section 3.4).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use bytes::Bytes;

use super::{Attribute, AttributeValue, ConfigAttribute, Result, WireError};

/// One attribute of Mode-Config with its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigItem {
    /// INTERNAL_IP4_ADDRESS or INTERNAL_IP6_ADDRESS: an address within the internal network.
    Address(IpAddr),
    /// INTERNAL_IP4_NETMASK or INTERNAL_IP6_NETMASK.
    Netmask(IpAddr),
    /// INTERNAL_IP4_DNS or INTERNAL_IP6_DNS.
    Dns(IpAddr),
    /// INTERNAL_IP4_NBNS or INTERNAL_IP6_NBNS: a NetBIOS name server.
    Nbns(IpAddr),
    /// INTERNAL_ADDRESS_EXPIRY: for how many seconds the address may be used.
    AddressExpiry(u32),
    /// INTERNAL_IP4_DHCP or INTERNAL_IP6_DHCP: where DHCP requests go.
    Dhcp(IpAddr),
    /// APPLICATION_VERSION: printable ASCII, not null-terminated.
    ApplicationVersion(String),
    /// INTERNAL_IP4_SUBNET: address and netmask of a network behind the edge device.
    Ip4Subnet(Ipv4Addr, Ipv4Addr),
    /// INTERNAL_IP6_SUBNET: address and prefix length of a network behind the edge device.
    Ip6Subnet(Ipv6Addr, u8),
    /// SUPPORTED_ATTRIBUTES: the classes that its sender knows.
    SupportedAttributes(Vec<ConfigAttribute>),
}

impl ConfigItem {
    /// Every class that an item can have, in the order of the draft.
    pub const CLASSES: &'static [ConfigAttribute] = &[
        ConfigAttribute::INTERNAL_IP4_ADDRESS,
        ConfigAttribute::INTERNAL_IP4_NETMASK,
        ConfigAttribute::INTERNAL_IP4_DNS,
        ConfigAttribute::INTERNAL_IP4_NBNS,
        ConfigAttribute::INTERNAL_ADDRESS_EXPIRY,
        ConfigAttribute::INTERNAL_IP4_DHCP,
        ConfigAttribute::APPLICATION_VERSION,
        ConfigAttribute::INTERNAL_IP6_ADDRESS,
        ConfigAttribute::INTERNAL_IP6_NETMASK,
        ConfigAttribute::INTERNAL_IP6_DNS,
        ConfigAttribute::INTERNAL_IP6_NBNS,
        ConfigAttribute::INTERNAL_IP6_DHCP,
        ConfigAttribute::INTERNAL_IP4_SUBNET,
        ConfigAttribute::SUPPORTED_ATTRIBUTES,
        ConfigAttribute::INTERNAL_IP6_SUBNET,
    ];

    /// The class of its attribute.
    #[must_use]
    pub fn class(&self) -> ConfigAttribute {
        use ConfigAttribute as Class;
        let by_family = |address: &IpAddr, v4, v6| if address.is_ipv4() { v4 } else { v6 };
        match self {
            Self::Address(ip) => by_family(ip, Class::INTERNAL_IP4_ADDRESS, Class::INTERNAL_IP6_ADDRESS),
            Self::Netmask(ip) => by_family(ip, Class::INTERNAL_IP4_NETMASK, Class::INTERNAL_IP6_NETMASK),
            Self::Dns(ip) => by_family(ip, Class::INTERNAL_IP4_DNS, Class::INTERNAL_IP6_DNS),
            Self::Nbns(ip) => by_family(ip, Class::INTERNAL_IP4_NBNS, Class::INTERNAL_IP6_NBNS),
            Self::AddressExpiry(_) => Class::INTERNAL_ADDRESS_EXPIRY,
            Self::Dhcp(ip) => by_family(ip, Class::INTERNAL_IP4_DHCP, Class::INTERNAL_IP6_DHCP),
            Self::ApplicationVersion(_) => Class::APPLICATION_VERSION,
            Self::Ip4Subnet(..) => Class::INTERNAL_IP4_SUBNET,
            Self::Ip6Subnet(..) => Class::INTERNAL_IP6_SUBNET,
            Self::SupportedAttributes(_) => Class::SUPPORTED_ATTRIBUTES,
        }
    }

    /// Its attribute, which is always of variable length.
    #[must_use]
    pub fn attribute(&self) -> Attribute {
        let value = match self {
            Self::Address(ip) | Self::Netmask(ip) | Self::Dns(ip) | Self::Nbns(ip) | Self::Dhcp(ip) => {
                match ip {
                    IpAddr::V4(ip) => ip.octets().to_vec(),
                    IpAddr::V6(ip) => ip.octets().to_vec(),
                }
            }
            Self::AddressExpiry(seconds) => seconds.to_be_bytes().to_vec(),
            Self::ApplicationVersion(text) => text.clone().into_bytes(),
            Self::Ip4Subnet(address, mask) => [address.octets(), mask.octets()].concat(),
            Self::Ip6Subnet(address, prefix) => [&address.octets()[..], &[*prefix]].concat(),
            Self::SupportedAttributes(classes) => {
                classes.iter().flat_map(|class| class.0.to_be_bytes()).collect()
            }
        };
        Attribute::variable(self.class(), value)
    }

    /// Reads an attribute: `None` for one of another class, which is discarded, and for one without a value, which
    /// asks for one.
    ///
    /// # Errors
    ///
    /// [`WireError::BadLength`] when a value has not the length of its class. A basic attribute has no place in
    /// Mode-Config; it counts as one of two octets.
    pub fn read(attribute: &Attribute) -> Result<Option<Self>> {
        use ConfigAttribute as Class;
        let class = ConfigAttribute(attribute.class);
        let value = match &attribute.value {
            AttributeValue::Variable(value) => value.clone(),
            AttributeValue::Short(value) => Bytes::copy_from_slice(&value.to_be_bytes()),
        };
        if value.is_empty() || !Self::CLASSES.contains(&class) {
            return Ok(None);
        }
        let v4 = || Ok(IpAddr::from(fixed::<4>(&value)?));
        let v6 = || Ok(IpAddr::from(fixed::<16>(&value)?));
        Ok(Some(match class {
            Class::INTERNAL_IP4_ADDRESS => Self::Address(v4()?),
            Class::INTERNAL_IP6_ADDRESS => Self::Address(v6()?),
            Class::INTERNAL_IP4_NETMASK => Self::Netmask(v4()?),
            Class::INTERNAL_IP6_NETMASK => Self::Netmask(v6()?),
            Class::INTERNAL_IP4_DNS => Self::Dns(v4()?),
            Class::INTERNAL_IP6_DNS => Self::Dns(v6()?),
            Class::INTERNAL_IP4_NBNS => Self::Nbns(v4()?),
            Class::INTERNAL_IP6_NBNS => Self::Nbns(v6()?),
            Class::INTERNAL_IP4_DHCP => Self::Dhcp(v4()?),
            Class::INTERNAL_IP6_DHCP => Self::Dhcp(v6()?),
            Class::INTERNAL_ADDRESS_EXPIRY => Self::AddressExpiry(u32::from_be_bytes(fixed(&value)?)),
            Class::INTERNAL_IP4_SUBNET => {
                let [a, b, c, d, mask @ ..] = fixed::<8>(&value)?;
                Self::Ip4Subnet([a, b, c, d].into(), mask.into())
            }
            Class::INTERNAL_IP6_SUBNET => {
                let [address @ .., prefix] = fixed::<17>(&value)?;
                Self::Ip6Subnet(address.into(), prefix)
            }
            Class::SUPPORTED_ATTRIBUTES => {
                let (pairs, rest) = value.as_chunks::<2>();
                if !rest.is_empty() {
                    let below = value.len().saturating_sub(1);
                    return Err(bad_length(value.len(), below..=below));
                }
                Self::SupportedAttributes(
                    pairs.iter().map(|pair| ConfigAttribute(u16::from_be_bytes(*pair))).collect(),
                )
            }
            _ => Self::ApplicationVersion(String::from_utf8_lossy(&value).into_owned()),
        }))
    }
}

fn fixed<const N: usize>(value: &Bytes) -> Result<[u8; N]> {
    value.as_ref().try_into().map_err(|_| bad_length(value.len(), N..=N))
}

fn bad_length(got: usize, expected: RangeInclusive<usize>) -> WireError {
    WireError::BadLength { what: "configuration attribute", got, expected }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::test_support::hex;
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::address(ConfigItem::Address(ip("10.3.0.1")), 1, "0a030001")]
    #[case::netmask(ConfigItem::Netmask(ip("255.255.255.0")), 2, "ffffff00")]
    #[case::dns(ConfigItem::Dns(ip("10.3.0.53")), 3, "0a030035")]
    #[case::nbns(ConfigItem::Nbns(ip("10.3.0.42")), 4, "0a03002a")]
    #[case::expiry(ConfigItem::AddressExpiry(86_400), 5, "00015180")]
    #[case::dhcp(ConfigItem::Dhcp(ip("10.3.0.67")), 6, "0a030043")]
    #[case::version(ConfigItem::ApplicationVersion("v1".into()), 7, "7631")]
    #[case::ip6_address(ConfigItem::Address(ip("2001:db8::1")), 8, "20010db8000000000000000000000001")]
    #[case::ip6_netmask(ConfigItem::Netmask(ip("ffff::")), 9, "ffff0000000000000000000000000000")]
    #[case::ip6_dns(ConfigItem::Dns(ip("::35")), 10, "00000000000000000000000000000035")]
    #[case::ip6_nbns(ConfigItem::Nbns(ip("::2a")), 11, "0000000000000000000000000000002a")]
    #[case::ip6_dhcp(ConfigItem::Dhcp(ip("::43")), 12, "00000000000000000000000000000043")]
    #[case::subnet(
        ConfigItem::Ip4Subnet([10, 12, 0, 0].into(), [255, 255, 255, 0].into()),
        13,
        "0a0c0000ffffff00"
    )]
    #[case::supported(
        ConfigItem::SupportedAttributes(vec![ConfigAttribute::INTERNAL_IP4_ADDRESS, ConfigAttribute(16_520)]),
        14,
        "00014088"
    )]
    #[case::ip6_subnet(
        ConfigItem::Ip6Subnet("2001:db8::".parse().unwrap(), 32),
        15,
        "20010db800000000000000000000000020"
    )]
    fn an_item_is_an_attribute_of_its_class(
        #[case] item: ConfigItem,
        #[case] class: u16,
        #[case] value: &str,
    ) {
        let attribute = Attribute::variable(class, hex(value));
        assert_eq!(item.attribute(), attribute);
        assert_eq!(ConfigItem::read(&attribute), Ok(Some(item)));
    }

    #[rstest]
    #[case::ip4_of_three_octets(1, "0a0300")]
    #[case::ip4_of_five_octets(3, "0a03000100")]
    #[case::expiry_of_two_octets(5, "0e10")]
    #[case::ip6_of_four_octets(8, "0a030001")]
    #[case::ip4_subnet_without_a_mask(13, "0a0c0000")]
    #[case::ip6_subnet_without_a_prefix(15, "20010db8000000000000000000000000")]
    #[case::half_a_supported_attribute(14, "000140")]
    fn a_value_of_another_length_is_refused(#[case] class: u16, #[case] value: &str) {
        let error = ConfigItem::read(&Attribute::variable(class, hex(value))).unwrap_err();
        assert!(matches!(error, WireError::BadLength { what: "configuration attribute", .. }), "{error}");
    }

    #[test]
    fn a_basic_attribute_is_two_octets_long() {
        let short = Attribute::short(ConfigAttribute::INTERNAL_ADDRESS_EXPIRY, 3600_u16);
        assert!(ConfigItem::read(&short).is_err());
    }

    #[rstest]
    #[case::no_value(Attribute::variable(1_u16, Bytes::new()))]
    #[case::reserved(Attribute::variable(0_u16, &[1][..]))]
    #[case::private(Attribute::variable(28_672_u16, &[1][..]))]
    #[case::xauth(Attribute::short(ConfigAttribute::XAUTH_TYPE, 0_u16))]
    fn other_attributes_are_no_items(#[case] attribute: Attribute) {
        assert_eq!(ConfigItem::read(&attribute), Ok(None));
    }

    #[test]
    fn every_class_can_be_read() {
        let lengths = [4, 16, 8, 17, 2];
        for class in ConfigItem::CLASSES {
            let read = |len| ConfigItem::read(&Attribute::variable(*class, vec![1; len]));
            let item = lengths.iter().find_map(|len| read(*len).ok().flatten()).unwrap();
            assert_eq!(item.class(), *class);
        }
    }
}
