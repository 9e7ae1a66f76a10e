//! Hosts that dial in: extended authentication (XAUTH), hybrid authentication and Mode-Config.

use std::net::{IpAddr, Ipv4Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ConfigMethod, ModeConfigAttribute, Role, XauthAttribute, XauthType};

/// Extended authentication: behind phase 1 one side, the edge device, asks the user at the other, the IPsec host. Each
/// side takes its part of this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XauthConfig {
    /// Which side of phase 1 is the IPsec host. Default `initiator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Role>,
    /// Hybrid authentication: in phase 1 only the edge device authenticates, by a signature. Default false.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub hybrid: bool,
    /// The user at the IPsec host. Default: `joe` with the password `foobar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<XauthUser>,
    /// The users that the edge device lets in. Default: `joe` with the password `foobar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<XauthUser>>,
    /// The requests that a user must answer, in order; with none, the edge device says at once that the user is
    /// authenticated. Default: one for name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Vec<XauthRound>>,
    /// How often a wrong answer is asked for again. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u8>,
    /// The edge device takes answers under another identifier than the transaction's. Default true, since some hosts put
    /// zero there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_identifier: Option<bool>,
}

impl XauthConfig {
    /// The side of phase 1 that is the IPsec host.
    pub fn host(&self) -> Role {
        self.host.unwrap_or(Role::Initiator)
    }

    /// The user at the IPsec host.
    pub fn user(&self) -> XauthUser {
        self.user.clone().unwrap_or_else(XauthUser::joe)
    }

    /// The users that the edge device lets in.
    pub fn users(&self) -> Vec<XauthUser> {
        self.users.clone().unwrap_or_else(|| vec![XauthUser::joe()])
    }

    /// The requests that a user must answer.
    pub fn rounds(&self) -> Vec<XauthRound> {
        self.rounds.clone().unwrap_or_else(|| vec![XauthRound::default()])
    }
}

/// A user and the answers to what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XauthUser {
    /// XAUTH-USER-NAME.
    pub name: String,
    /// XAUTH-USER-PASSWORD.
    pub password: String,
    /// Answers to other attributes. An edge device takes any answer to XAUTH-DOMAIN, XAUTH-NEXT-PIN and XAUTH-ANSWER that
    /// is not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<XauthAnswer>,
}

impl XauthUser {
    fn joe() -> Self {
        Self { name: "joe".to_owned(), password: "foobar".to_owned(), answers: Vec::new() }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XauthAnswer {
    /// The attribute.
    pub to: XauthAttribute,
    /// Its value.
    pub value: String,
}

/// One request of an edge device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XauthRound {
    /// XAUTH-TYPE; without it the attribute is left out, which means `generic`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub xauth_type: Option<XauthType>,
    /// What is asked for. Default: name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Vec<XauthAttribute>>,
    /// XAUTH-MESSAGE for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl XauthRound {
    /// What is asked for.
    pub fn ask(&self) -> Vec<XauthAttribute> {
        self.ask.clone().unwrap_or_else(|| vec![XauthAttribute::UserName, XauthAttribute::UserPassword])
    }
}

/// Mode-Config: the edge device tells the host its address and more, before quick mode. Each side takes its part of
/// this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeConfig {
    /// Whether the host asks or the edge device tells unasked.
    pub method: ConfigMethod,
    /// Which side of phase 1 is the host. Default `initiator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Role>,
    /// What the host asks for. Default: address, netmask and DNS server, of IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wishes: Option<Vec<ModeConfigAttribute>>,
    /// The addresses that the edge device assigns. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<AddressPool>,
    /// What the edge device tells besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ConfigItem>,
    /// The assigned address is the host's client in quick mode, in place of its `client`. Default: true with a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_client: Option<bool>,
}

impl ModeConfig {
    /// The side of phase 1 that is the host.
    pub fn host(&self) -> Role {
        self.host.unwrap_or(Role::Initiator)
    }

    /// What the host asks for.
    pub fn wishes(&self) -> Vec<ModeConfigAttribute> {
        use ModeConfigAttribute as Attribute;
        let default = || vec![Attribute::Ip4Address, Attribute::Ip4Netmask, Attribute::Ip4Dns];
        self.wishes.clone().unwrap_or_else(default)
    }

    /// Whether the assigned address is the host's client.
    pub fn assigned_client(&self) -> bool {
        self.assigned_client.unwrap_or(self.pool.is_some())
    }
}

/// A range of addresses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressPool {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

/// What an edge device tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfigItem {
    /// INTERNAL_IP4_NETMASK or INTERNAL_IP6_NETMASK.
    Netmask(IpAddr),
    /// INTERNAL_IP4_DNS or INTERNAL_IP6_DNS.
    Dns(IpAddr),
    /// INTERNAL_IP4_NBNS or INTERNAL_IP6_NBNS.
    Nbns(IpAddr),
    /// INTERNAL_IP4_DHCP or INTERNAL_IP6_DHCP.
    Dhcp(IpAddr),
    /// INTERNAL_ADDRESS_EXPIRY, in seconds.
    ExpirySeconds(u32),
    /// APPLICATION_VERSION.
    Version(String),
    /// INTERNAL_IP4_SUBNET or INTERNAL_IP6_SUBNET.
    Subnet(Subnet),
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    /// Its address.
    pub address: IpAddr,
    /// Length of its prefix in bits.
    pub prefix: u8,
}
