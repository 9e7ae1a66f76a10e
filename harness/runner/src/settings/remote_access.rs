//! Extended authentication and Mode-Config of a case as those of an endpoint.

use std::net::{IpAddr, Ipv4Addr};

use ikev1::config::{
    self, ConfigHost, ConfigServer, ExtendedAuthentication, XauthPart, XauthPhase1, XauthServer,
};
use ikev1::crypto::Secret;
use ikev1::wire::{ConfigAttribute, ConfigItem, XauthType};
use ikev1_scenario::model;

/// The part of a side in extended authentication; `role` is its role in phase 1.
pub(super) fn extended_authentication(
    xauth: &model::XauthConfig,
    role: model::Role,
) -> ExtendedAuthentication {
    let part = if xauth.host() == role {
        XauthPart::IpsecHost(user(&xauth.user()))
    } else {
        XauthPart::EdgeDevice(XauthServer {
            rounds: xauth.rounds().iter().map(round).collect(),
            users: xauth.users().iter().map(user).collect(),
            retries: xauth.retries.unwrap_or(0),
            any_identifier: xauth.any_identifier.unwrap_or(true),
        })
    };
    let phase1 = if xauth.hybrid { XauthPhase1::EdgeDevice } else { XauthPhase1::Both };
    ExtendedAuthentication { phase1, part }
}

fn user(user: &model::XauthUser) -> config::XauthUser {
    let mut known = config::XauthUser::with_password(user.name.clone(), user.password.clone());
    let answer = |answer: &model::XauthAnswer| {
        (xauth_attribute(answer.to), Secret::new(answer.value.clone().into_bytes()))
    };
    known.answers.extend(user.answers.iter().map(answer));
    known
}

fn round(round: &model::XauthRound) -> config::XauthRound {
    config::XauthRound {
        xauth_type: round.xauth_type.map(|xauth_type| match xauth_type {
            model::XauthType::Generic => XauthType::GENERIC,
            model::XauthType::RadiusChap => XauthType::RADIUS_CHAP,
            model::XauthType::Otp => XauthType::OTP,
        }),
        asked: round.ask().into_iter().map(xauth_attribute).collect(),
        message: round.message.clone(),
    }
}

const fn xauth_attribute(attribute: model::XauthAttribute) -> ConfigAttribute {
    match attribute {
        model::XauthAttribute::UserName => ConfigAttribute::XAUTH_USER_NAME,
        model::XauthAttribute::UserPassword => ConfigAttribute::XAUTH_USER_PASSWORD,
        model::XauthAttribute::Passcode => ConfigAttribute::XAUTH_PASSCODE,
        model::XauthAttribute::Domain => ConfigAttribute::XAUTH_DOMAIN,
        model::XauthAttribute::NextPin => ConfigAttribute::XAUTH_NEXT_PIN,
        model::XauthAttribute::Answer => ConfigAttribute::XAUTH_ANSWER,
    }
}

/// The part of a side in Mode-Config; `role` is its role in phase 1.
pub(super) fn mode_config(settings: &model::ModeConfig, role: model::Role) -> config::ModeConfig {
    let method = match settings.method {
        model::ConfigMethod::Pull => config::ConfigMethod::Pull,
        model::ConfigMethod::Push => config::ConfigMethod::Push,
    };
    let assigned_client = settings.assigned_client();
    if settings.host() == role {
        let wishes = settings.wishes().into_iter().map(attribute).collect();
        return config::ModeConfig::Host(ConfigHost { method, wishes, assigned_client });
    }
    let pool = settings.pool.map(|pool| config::AddressPool { first: pool.first, last: pool.last });
    let items = settings.items.iter().map(item).collect();
    config::ModeConfig::EdgeDevice(ConfigServer { method, pool, items, assigned_client })
}

const fn attribute(attribute: model::ModeConfigAttribute) -> ConfigAttribute {
    use model::ModeConfigAttribute as Name;
    match attribute {
        Name::Ip4Address => ConfigAttribute::INTERNAL_IP4_ADDRESS,
        Name::Ip4Netmask => ConfigAttribute::INTERNAL_IP4_NETMASK,
        Name::Ip4Dns => ConfigAttribute::INTERNAL_IP4_DNS,
        Name::Ip4Nbns => ConfigAttribute::INTERNAL_IP4_NBNS,
        Name::AddressExpiry => ConfigAttribute::INTERNAL_ADDRESS_EXPIRY,
        Name::Ip4Dhcp => ConfigAttribute::INTERNAL_IP4_DHCP,
        Name::ApplicationVersion => ConfigAttribute::APPLICATION_VERSION,
        Name::Ip6Address => ConfigAttribute::INTERNAL_IP6_ADDRESS,
        Name::Ip6Netmask => ConfigAttribute::INTERNAL_IP6_NETMASK,
        Name::Ip6Dns => ConfigAttribute::INTERNAL_IP6_DNS,
        Name::Ip6Nbns => ConfigAttribute::INTERNAL_IP6_NBNS,
        Name::Ip6Dhcp => ConfigAttribute::INTERNAL_IP6_DHCP,
        Name::Ip4Subnet => ConfigAttribute::INTERNAL_IP4_SUBNET,
        Name::SupportedAttributes => ConfigAttribute::SUPPORTED_ATTRIBUTES,
        Name::Ip6Subnet => ConfigAttribute::INTERNAL_IP6_SUBNET,
    }
}

fn item(item: &model::ConfigItem) -> ConfigItem {
    match item {
        model::ConfigItem::Netmask(mask) => ConfigItem::Netmask(*mask),
        model::ConfigItem::Dns(server) => ConfigItem::Dns(*server),
        model::ConfigItem::Nbns(server) => ConfigItem::Nbns(*server),
        model::ConfigItem::Dhcp(server) => ConfigItem::Dhcp(*server),
        model::ConfigItem::ExpirySeconds(seconds) => ConfigItem::AddressExpiry(*seconds),
        model::ConfigItem::Version(text) => ConfigItem::ApplicationVersion(text.clone()),
        model::ConfigItem::Subnet(model::Subnet { address: IpAddr::V6(address), prefix }) => {
            ConfigItem::Ip6Subnet(*address, *prefix)
        }
        model::ConfigItem::Subnet(model::Subnet { address: IpAddr::V4(address), prefix }) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub((*prefix).into())).unwrap_or(0);
            ConfigItem::Ip4Subnet(*address, Ipv4Addr::from_bits(mask))
        }
    }
}
