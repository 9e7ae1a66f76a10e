//! A charon connection for IKEv1, rendered as VICI messages.

use std::net::Ipv4Addr;

use super::charon_keys::CharonKeys;
use super::vici_message::Section;

/// The IPsec protocol of the phase 2 proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// ESP.
    Esp,
    /// AH. charon with kernel-libipsec negotiates it but cannot install it.
    Ah,
}

/// Encapsulation mode of the IPsec SAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpsecMode {
    /// Tunnel mode.
    Tunnel,
    /// Transport mode, with `dynamic` selectors. charon with kernel-libipsec negotiates it but cannot install it.
    Transport,
}

impl IpsecMode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tunnel => "tunnel",
            Self::Transport => "transport",
        }
    }
}

/// When charon asks whether the peer lives (RFC 3706), and when it takes it for dead. It announces dead peer detection and
/// answers whatever is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharonDpd {
    /// Seconds of silence before it sends R-U-THERE, and between one and the next.
    pub delay_s: u32,
    /// Seconds from the first R-U-THERE without any message of the peer until it is dead.
    pub timeout_s: u32,
    /// What it does then.
    pub action: DpdAction,
}

/// What charon does with fragments of IKE messages. It cuts messages of more than 1280 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharonFragmentation {
    /// It announces nothing and sends none.
    No,
    /// It announces them and sends none.
    Accept,
    /// It announces them, and sends them to a peer that does.
    Yes,
    /// It announces them, and sends them to any peer.
    Force,
}

impl CharonFragmentation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Accept => "accept",
            Self::Yes => "yes",
            Self::Force => "force",
        }
    }
}

/// What charon does when the peer no longer answers its R-U-THERE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpdAction {
    /// It forgets the SAs.
    Clear,
    /// It starts a new phase 1.
    Restart,
}

/// Lifetime of the ISAKMP SA, in seconds; zero means never.
///
/// charon proposes the larger of the two times plus `over_s` as the life duration of phase 1. For IKEv1,
/// both `rekey_s` and `reauth_s` start a new phase 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IkeLifetime {
    /// Seconds until charon rekeys.
    pub rekey_s: u32,
    /// Seconds until charon reauthenticates.
    pub reauth_s: u32,
    /// Seconds between those and the hard end.
    pub over_s: u32,
}

/// Lifetime of the IPsec SAs; zero means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpsecLifetime {
    /// Seconds until charon starts a new quick mode.
    pub rekey_s: u32,
    /// Seconds until the hard end; the life duration that charon proposes.
    pub life_s: u32,
}

/// charon's part in extended authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CharonXauth {
    /// It asks, and lets these users in: name and password.
    EdgeDevice(Vec<(String, String)>),
    /// It is asked, and answers with this name and password.
    IpsecHost(String, String),
}

/// charon's part in Mode-Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CharonModeConfig {
    /// It assigns an address from a pool.
    EdgeDevice(CharonPool),
    /// It wants an address.
    Host,
}

/// Addresses that charon assigns, and what it tells besides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CharonPool {
    /// `first-last`.
    pub addresses: String,
    /// Attributes by charon's name for them, such as `dns`.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// One connection, seen from charon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharonConnection {
    /// Name of the connection and of its phase 2 configuration.
    pub name: String,
    /// Aggressive mode instead of main mode.
    pub aggressive: bool,
    /// charon's IKE address.
    pub local_addr: Ipv4Addr,
    /// The harness' IKE address, as charon sees it.
    pub remote_addr: Ipv4Addr,
    /// charon's port for exchanges that it initiates: 500, or 4500 if `remote_port` is not 500.
    ///
    /// From 500 it floats to 4500 on *both* sides after NAT-D, whatever `remote_port` is; so the harness needs
    /// its own ports 500 and 4500, which only root may bind. From 4500 to another port than 500, it puts the
    /// non-ESP marker before every message from the first on and never floats: one socket on any port is enough.
    pub local_port: u16,
    /// The harness' IKE port, for exchanges that charon initiates.
    pub remote_port: u16,
    /// charon's identity, for example `10.0.0.1`, `fqdn:gw.example.org` or `user@example.org`.
    pub local_id: String,
    /// The harness' identity.
    pub remote_id: String,
    /// The pre-shared key.
    pub psk: String,
    /// Keys and certificates that authenticate instead of the pre-shared key.
    pub keys: Option<CharonKeys>,
    /// Take exchanges from any address.
    pub any_remote: bool,
    /// Phase 1 proposals, for example `aes128-sha1-modp2048`.
    pub phase1_proposals: Vec<String>,
    /// ESP or AH.
    pub protocol: SecurityProtocol,
    /// Phase 2 proposals, for example `aes128-sha1`, or `aes128-sha1-modp2048` for PFS.
    pub phase2_proposals: Vec<String>,
    /// Compress with IPComp before ESP or AH.
    pub ipcomp: bool,
    /// Tunnel or transport mode.
    pub mode: IpsecMode,
    /// charon's protected network, for example `10.12.0.0/24`; `dynamic` is its IKE address.
    pub local_ts: String,
    /// The harness' protected network.
    pub remote_ts: String,
    /// Lifetime of the ISAKMP SA.
    pub ike_lifetime: IkeLifetime,
    /// Lifetime of the IPsec SAs.
    pub ipsec_lifetime: IpsecLifetime,
    /// Dead peer detection; none: it never asks.
    pub dpd: Option<CharonDpd>,
    /// Fragments of IKE messages.
    pub fragmentation: CharonFragmentation,
    /// Extended authentication behind phase 1.
    pub xauth: Option<CharonXauth>,
    /// In phase 1 only the edge device authenticates; extended authentication is the host's first round.
    pub hybrid: bool,
    /// Mode-Config, and whether the edge device begins with it.
    pub mode_config: Option<(CharonModeConfig, bool)>,
    /// Whether charon claims a NAT by a wrong NAT-D. With kernel-libipsec it always does.
    pub encap: bool,
    /// Further keys of the connection section, for what this type does not know.
    pub extra: Vec<(String, String)>,
}

impl CharonConnection {
    /// Main mode with AES-128, SHA-1 and group 14 between `local_addr` (charon) and `remote_addr` (the
    /// harness), identities by address, ESP in tunnel mode between 10.12.0.0/24 and 10.11.0.0/24, long lives.
    #[must_use]
    pub fn new(name: impl Into<String>, local_addr: Ipv4Addr, remote_addr: Ipv4Addr) -> Self {
        Self {
            name: name.into(),
            aggressive: false,
            local_addr,
            remote_addr,
            local_port: 500,
            remote_port: 500,
            local_id: local_addr.to_string(),
            remote_id: remote_addr.to_string(),
            psk: "a pre-shared key of the harness".to_owned(),
            keys: None,
            any_remote: false,
            phase1_proposals: vec!["aes128-sha1-modp2048".to_owned()],
            protocol: SecurityProtocol::Esp,
            phase2_proposals: vec!["aes128-sha1".to_owned()],
            ipcomp: false,
            mode: IpsecMode::Tunnel,
            local_ts: "10.12.0.0/24".to_owned(),
            remote_ts: "10.11.0.0/24".to_owned(),
            ike_lifetime: IkeLifetime { rekey_s: 14_400, reauth_s: 0, over_s: 1_440 },
            ipsec_lifetime: IpsecLifetime { rekey_s: 3_600, life_s: 3_960 },
            dpd: None,
            fragmentation: CharonFragmentation::No,
            xauth: None,
            hybrid: false,
            mode_config: None,
            encap: true,
            extra: Vec::new(),
        }
    }

    /// The message of VICI's `load-conn`.
    #[must_use]
    pub fn load_conn(&self) -> Section {
        let remote_addr = if self.any_remote { "%any".to_owned() } else { self.remote_addr.to_string() };
        let mut conn = Section::new()
            .value("version", "1")
            .value("aggressive", yes_no(self.aggressive))
            .list("local_addrs", [self.local_addr.to_string()])
            .list("remote_addrs", [remote_addr])
            .value("local_port", self.local_port.to_string())
            .value("remote_port", self.remote_port.to_string())
            .list("proposals", self.phase1_proposals.iter())
            .value("encap", yes_no(self.encap))
            .value("fragmentation", self.fragmentation.as_str())
            .value("mobike", "no")
            .value("keyingtries", "1")
            .value("rekey_time", seconds(self.ike_lifetime.rekey_s))
            .value("reauth_time", seconds(self.ike_lifetime.reauth_s))
            .value("over_time", seconds(self.ike_lifetime.over_s))
            .value("rand_time", seconds(0));
        if let Some(CharonDpd { delay_s, timeout_s, .. }) = self.dpd {
            conn = conn.value("dpd_delay", seconds(delay_s)).value("dpd_timeout", seconds(timeout_s));
        }
        if let Some((mode_config, push)) = &self.mode_config {
            conn = conn.value("pull", yes_no(!push));
            conn = match mode_config {
                CharonModeConfig::EdgeDevice(_) => conn.list("pools", [self.name.as_str()]),
                CharonModeConfig::Host => conn.list("vips", ["0.0.0.0"]),
            };
        }
        let round = if self.hybrid { Section::new() } else { Section::new().value("round", "2") };
        let round = round.value("auth", "xauth");
        let (mut host, mut edge_device) = (None, None);
        match &self.xauth {
            None => {}
            Some(CharonXauth::EdgeDevice(_)) => edge_device = Some(round),
            Some(CharonXauth::IpsecHost(name, _)) => host = Some(round.value("xauth_id", name)),
        }
        if !self.hybrid {
            for (name, round) in [("local-2", host.take()), ("remote-2", edge_device.take())] {
                if let Some(round) = round {
                    conn = conn.section(name, round);
                }
            }
        }
        for (key, value) in &self.extra {
            conn = conn.value(key.as_str(), value.as_str());
        }
        let (local, remote) = match &self.keys {
            None => {
                let psk = |id: &String| Section::new().value("auth", "psk").value("id", id);
                (psk(&self.local_id), psk(&self.remote_id))
            }
            Some(keys) => {
                conn = keys.of_connection(conn);
                (keys.local(&self.local_id), keys.remote(&self.remote_id))
            }
        };
        let local = host.map_or(local, |host| host.value("id", &self.local_id));
        let remote = edge_device.map_or(remote, |host| host.value("id", &self.remote_id));
        conn = conn
            .section("local", local)
            .section("remote", remote)
            .section("children", Section::new().section(&self.name, self.phase2()));
        Section::new().section(&self.name, conn)
    }

    fn phase2(&self) -> Section {
        let proposals = match self.protocol {
            SecurityProtocol::Esp => "esp_proposals",
            SecurityProtocol::Ah => "ah_proposals",
        };
        let mut phase2 = Section::new()
            .value("mode", self.mode.as_str())
            .list(proposals, self.phase2_proposals.iter())
            .list("local_ts", [self.local_ts.as_str()])
            .list("remote_ts", [self.remote_ts.as_str()])
            .value("rekey_time", seconds(self.ipsec_lifetime.rekey_s))
            .value("life_time", seconds(self.ipsec_lifetime.life_s))
            .value("rand_time", seconds(0));
        if self.ipcomp {
            phase2 = phase2.value("ipcomp", "yes");
        }
        if let Some(CharonDpd { action, .. }) = self.dpd {
            let action = match action {
                DpdAction::Clear => "clear",
                DpdAction::Restart => "restart",
            };
            phase2 = phase2.value("dpd_action", action);
        }
        phase2
    }

    /// The messages of VICI's `load-shared` for the users of extended authentication.
    #[must_use]
    pub fn load_users(&self) -> Vec<Section> {
        let user = |(name, password): &(String, String)| {
            Section::new().value("type", "XAUTH").value("data", password).list("owners", [name])
        };
        match &self.xauth {
            None => Vec::new(),
            Some(CharonXauth::EdgeDevice(users)) => users.iter().map(user).collect(),
            Some(CharonXauth::IpsecHost(name, password)) => vec![user(&(name.clone(), password.clone()))],
        }
    }

    /// The message of VICI's `load-pool`, when there is a pool.
    #[must_use]
    pub fn load_pool(&self) -> Option<Section> {
        let Some((CharonModeConfig::EdgeDevice(pool), _)) = &self.mode_config else { return None };
        let mut section = Section::new().value("addrs", &pool.addresses);
        for (name, values) in &pool.attributes {
            section = section.list(name.as_str(), values.iter());
        }
        Some(Section::new().section(&self.name, section))
    }

    /// The message of VICI's `load-shared`.
    #[must_use]
    pub fn load_shared(&self) -> Section {
        Section::new()
            .value("id", &self.name)
            .value("type", "IKE")
            .value("data", &self.psk)
            .list("owners", [&self.local_id, &self.remote_id])
    }
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn seconds(count: u32) -> String {
    format!("{count}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> CharonConnection {
        CharonConnection::new("net", Ipv4Addr::new(172, 17, 0, 2), Ipv4Addr::new(172, 17, 0, 1))
    }

    #[test]
    fn renders_a_main_mode_connection() {
        insta::assert_snapshot!(sample().load_conn(), @r"
        net {
            version = 1
            aggressive = no
            local_addrs = 172.17.0.2
            remote_addrs = 172.17.0.1
            local_port = 500
            remote_port = 500
            proposals = aes128-sha1-modp2048
            encap = yes
            fragmentation = no
            mobike = no
            keyingtries = 1
            rekey_time = 14400s
            reauth_time = 0s
            over_time = 1440s
            rand_time = 0s
            local {
                auth = psk
                id = 172.17.0.2
            }
            remote {
                auth = psk
                id = 172.17.0.1
            }
            children {
                net {
                    mode = tunnel
                    esp_proposals = aes128-sha1
                    local_ts = 10.12.0.0/24
                    remote_ts = 10.11.0.0/24
                    rekey_time = 3600s
                    life_time = 3960s
                    rand_time = 0s
                }
            }
        }
        ");
    }

    #[test]
    fn renders_aggressive_mode_ah_dpd_and_extras() {
        let conn = CharonConnection {
            aggressive: true,
            remote_port: 5500,
            protocol: SecurityProtocol::Ah,
            phase2_proposals: vec!["sha1-modp1024".to_owned(), "md5".to_owned()],
            mode: IpsecMode::Transport,
            dpd: Some(CharonDpd { delay_s: 2, timeout_s: 6, action: DpdAction::Restart }),
            fragmentation: CharonFragmentation::Force,
            extra: vec![("unique".to_owned(), "never".to_owned())],
            ..sample()
        };
        insta::assert_snapshot!(conn.load_conn(), @r"
        net {
            version = 1
            aggressive = yes
            local_addrs = 172.17.0.2
            remote_addrs = 172.17.0.1
            local_port = 500
            remote_port = 5500
            proposals = aes128-sha1-modp2048
            encap = yes
            fragmentation = force
            mobike = no
            keyingtries = 1
            rekey_time = 14400s
            reauth_time = 0s
            over_time = 1440s
            rand_time = 0s
            dpd_delay = 2s
            dpd_timeout = 6s
            unique = never
            local {
                auth = psk
                id = 172.17.0.2
            }
            remote {
                auth = psk
                id = 172.17.0.1
            }
            children {
                net {
                    mode = transport
                    ah_proposals = sha1-modp1024, md5
                    local_ts = 10.12.0.0/24
                    remote_ts = 10.11.0.0/24
                    rekey_time = 3600s
                    life_time = 3960s
                    rand_time = 0s
                    dpd_action = restart
                }
            }
        }
        ");
    }

    #[test]
    fn renders_the_pre_shared_key_for_both_identities() {
        insta::assert_snapshot!(sample().load_shared(), @r"
        id = net
        type = IKE
        data = a pre-shared key of the harness
        owners = 172.17.0.2, 172.17.0.1
        ");
    }
}
