//! What a host that dials in and the edge device that it dials into are told: extended authentication of the user
//! (draft-beaulieu-ike-xauth-02), hybrid authentication (draft-ietf-ipsec-isakmp-hybrid-auth-05), Mode-Config
//! (draft-dukes-ike-mode-cfg-02).

use core::net::Ipv4Addr;

use super::{AuthenticationMethod, PeerConfig};
use crate::crypto::Secret;
use crate::event::Role;
use crate::wire::{AuthMethod, ConfigAttribute, ConfigItem, XauthType};

/// Extended authentication: behind phase 1 the edge device asks the user who sits at the IPsec host.
#[derive(Debug, Clone)]
pub struct ExtendedAuthentication {
    /// What phase 1 authenticates.
    pub phase1: XauthPhase1,
    /// Which of the two we are.
    pub part: XauthPart,
}

/// What phase 1 authenticates where extended authentication follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum XauthPhase1 {
    /// Both sides, as the authentication method says.
    Both,
    /// The edge device alone, by its signature (hybrid authentication). The IPsec host shows a hash.
    EdgeDevice,
}

/// A side of extended authentication.
#[derive(Debug, Clone)]
pub enum XauthPart {
    /// The side that asks.
    EdgeDevice(XauthServer),
    /// The side with the user.
    IpsecHost(XauthUser),
}

/// What an edge device asks, and whom it lets in.
#[derive(Debug, Clone)]
pub struct XauthServer {
    /// The requests that a user must answer, in order. With none, every user counts as authenticated before, and the
    /// edge device says so at once (XAUTH draft section 5.5).
    pub rounds: Vec<XauthRound>,
    /// The users.
    pub users: Vec<XauthUser>,
    /// How often a user may answer wrongly and is asked again, before authentication has failed.
    pub retries: u8,
    /// Take answers under whatever identifier. All messages of a transaction have the same (XAUTH draft section 6), but
    /// some hosts put zero into their answers, which M-ID and hash bind to the request anyway.
    pub any_identifier: bool,
}

/// One request of an edge device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XauthRound {
    /// XAUTH-TYPE, [`XauthType::GENERIC`] or [`XauthType::RADIUS_CHAP`]; `None` leaves it out, which means the first.
    pub xauth_type: Option<XauthType>,
    /// The attributes that the user is to fill in.
    pub asked: Vec<ConfigAttribute>,
    /// XAUTH-MESSAGE for the user.
    pub message: Option<String>,
}

impl XauthRound {
    /// A request for name and password.
    #[must_use]
    pub fn name_and_password() -> Self {
        Self {
            xauth_type: Some(XauthType::GENERIC),
            asked: vec![ConfigAttribute::XAUTH_USER_NAME, ConfigAttribute::XAUTH_USER_PASSWORD],
            message: None,
        }
    }
}

/// A user: on the IPsec host what it answers, on the edge device what it must answer.
#[derive(Debug, Clone)]
pub struct XauthUser {
    /// XAUTH-USER-NAME.
    pub name: String,
    /// Answers by attribute: XAUTH-USER-PASSWORD, XAUTH-PASSCODE, XAUTH-DOMAIN, XAUTH-NEXT-PIN, XAUTH-ANSWER. An edge
    /// device takes any answer to the last two, and to XAUTH-DOMAIN, that is not listed.
    pub answers: Vec<(ConfigAttribute, Secret)>,
}

impl XauthUser {
    /// A user with a password.
    #[must_use]
    pub fn with_password(name: impl Into<String>, password: impl Into<Vec<u8>>) -> Self {
        let password = Secret::new(password.into());
        Self { name: name.into(), answers: vec![(ConfigAttribute::XAUTH_USER_PASSWORD, password)] }
    }

    /// The answer to an attribute.
    pub(crate) fn answer(&self, class: ConfigAttribute) -> Option<&[u8]> {
        if class == ConfigAttribute::XAUTH_USER_NAME {
            return Some(self.name.as_bytes());
        }
        self.answers.iter().find(|(known, _)| *known == class).map(|(_, answer)| answer.as_bytes())
    }
}

/// Who begins with the configuration of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigMethod {
    /// The host asks: ISAKMP_CFG_REQUEST, ISAKMP_CFG_REPLY.
    Pull,
    /// The edge device tells: ISAKMP_CFG_SET, ISAKMP_CFG_ACK.
    Push,
}

/// Mode-Config of one side. Whichever it is, every request is answered; what we do not have is left out of the reply.
#[derive(Debug, Clone)]
pub enum ModeConfig {
    /// The host that is configured, before its quick modes start.
    Host(ConfigHost),
    /// The edge device that has the configuration.
    EdgeDevice(ConfigServer),
}

/// A host that wants to be configured.
#[derive(Debug, Clone)]
pub struct ConfigHost {
    /// Whether it asks, or waits to be told. It accepts what it is told in either case.
    pub method: ConfigMethod,
    /// What it asks for; an address among them, or nothing is asked (Mode-Config draft section 5.1).
    pub wishes: Vec<ConfigAttribute>,
    /// Quick mode's client on our side is the address that was assigned, not the configured one.
    pub assigned_client: bool,
}

/// What an edge device tells its hosts.
#[derive(Debug, Clone)]
pub struct ConfigServer {
    /// Whether it waits to be asked, or tells unasked. It answers requests in either case.
    pub method: ConfigMethod,
    /// The addresses that it assigns.
    pub pool: Option<AddressPool>,
    /// What it tells besides; only what is asked for goes into a reply.
    pub items: Vec<ConfigItem>,
    /// Quick mode's client on the host's side must be the address that was assigned, not the configured one.
    pub assigned_client: bool,
}

/// A range of addresses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressPool {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

/// What an authentication method above 64000 says besides the method proper: that extended authentication follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Extension {
    pub(crate) phase1: XauthPhase1,
    /// The role in phase 1 of the side that the user sits at.
    pub(crate) user: Role,
}

/// The numbers of the XAUTH draft section 7.2 and the hybrid draft section 3.2.1. What other methods there are, DSS and
/// RSA aside, cannot be extended.
const EXTENDED: [(AuthenticationMethod, XauthPhase1, AuthMethod, AuthMethod); 7] = {
    use AuthMethod as Number;
    use AuthenticationMethod as Method;
    use XauthPhase1::{Both, EdgeDevice};
    [
        (Method::PreSharedKey, Both, Number::XAUTH_INIT_PRE_SHARED, Number::XAUTH_RESP_PRE_SHARED),
        (Method::DssSignature, Both, Number::XAUTH_INIT_DSS, Number::XAUTH_RESP_DSS),
        (Method::RsaSignature, Both, Number::XAUTH_INIT_RSA, Number::XAUTH_RESP_RSA),
        (Method::RsaEncryption, Both, Number::XAUTH_INIT_RSA_ENCRYPTION, Number::XAUTH_RESP_RSA_ENCRYPTION),
        (
            Method::RevisedRsaEncryption,
            Both,
            Number::XAUTH_INIT_REVISED_RSA_ENCRYPTION,
            Number::XAUTH_RESP_REVISED_RSA_ENCRYPTION,
        ),
        (Method::RsaSignature, EdgeDevice, Number::HYBRID_INIT_RSA, Number::HYBRID_RESP_RSA),
        (Method::DssSignature, EdgeDevice, Number::HYBRID_INIT_DSS, Number::HYBRID_RESP_DSS),
    ]
};

/// The value of the Authentication Method attribute; `None` where the method cannot be extended so.
pub(crate) fn extended_number(
    method: AuthenticationMethod,
    extension: Option<Extension>,
) -> Option<AuthMethod> {
    let Some(extension) = extension else { return Some(method.number()) };
    let row = EXTENDED.iter().find(|row| (row.0, row.1) == (method, extension.phase1))?;
    Some(if extension.user == Role::Initiator { row.2 } else { row.3 })
}

/// What a value of the Authentication Method attribute says.
pub(crate) fn method_of_number(number: u64) -> Option<(AuthenticationMethod, Option<Extension>)> {
    let mut plain = AuthenticationMethod::ALL.iter().copied();
    if let Some(method) = plain.find(|method| u64::from(method.number().0) == number) {
        return Some((method, None));
    }
    EXTENDED.iter().find_map(|(method, phase1, init, resp)| {
        let user = match number {
            _ if number == u64::from(init.0) => Role::Initiator,
            _ if number == u64::from(resp.0) => Role::Responder,
            _ => return None,
        };
        Some((*method, Some(Extension { phase1: *phase1, user })))
    })
}

impl PeerConfig {
    /// How phase 1 is extended, when we play `ours` in it.
    pub(crate) fn extension(&self, ours: Role) -> Option<Extension> {
        let ExtendedAuthentication { phase1, part } = self.extended_authentication.as_ref()?;
        let user = match part {
            XauthPart::IpsecHost(_) => ours,
            XauthPart::EdgeDevice(_) => ours.other(),
        };
        Some(Extension { phase1: *phase1, user })
    }

    /// Whether we are the side that shows no more than a hash in phase 1.
    pub(crate) fn is_hybrid_host(&self) -> bool {
        matches!(
            self.extended_authentication,
            Some(ExtendedAuthentication { phase1: XauthPhase1::EdgeDevice, part: XauthPart::IpsecHost(_) })
        )
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::xauth_init_pre_shared(
        AuthenticationMethod::PreSharedKey,
        XauthPhase1::Both,
        Role::Initiator,
        65_001
    )]
    #[case::xauth_resp_pre_shared(
        AuthenticationMethod::PreSharedKey,
        XauthPhase1::Both,
        Role::Responder,
        65_002
    )]
    #[case::xauth_init_dss(AuthenticationMethod::DssSignature, XauthPhase1::Both, Role::Initiator, 65_003)]
    #[case::xauth_resp_dss(AuthenticationMethod::DssSignature, XauthPhase1::Both, Role::Responder, 65_004)]
    #[case::xauth_init_rsa(AuthenticationMethod::RsaSignature, XauthPhase1::Both, Role::Initiator, 65_005)]
    #[case::xauth_resp_rsa(AuthenticationMethod::RsaSignature, XauthPhase1::Both, Role::Responder, 65_006)]
    #[case::xauth_init_rsa_enc(
        AuthenticationMethod::RsaEncryption,
        XauthPhase1::Both,
        Role::Initiator,
        65_007
    )]
    #[case::xauth_resp_rsa_enc(
        AuthenticationMethod::RsaEncryption,
        XauthPhase1::Both,
        Role::Responder,
        65_008
    )]
    #[case::xauth_init_revised(
        AuthenticationMethod::RevisedRsaEncryption,
        XauthPhase1::Both,
        Role::Initiator,
        65_009
    )]
    #[case::xauth_resp_revised(
        AuthenticationMethod::RevisedRsaEncryption,
        XauthPhase1::Both,
        Role::Responder,
        65_010
    )]
    #[case::hybrid_init_rsa(
        AuthenticationMethod::RsaSignature,
        XauthPhase1::EdgeDevice,
        Role::Initiator,
        64_221
    )]
    #[case::hybrid_resp_rsa(
        AuthenticationMethod::RsaSignature,
        XauthPhase1::EdgeDevice,
        Role::Responder,
        64_222
    )]
    #[case::hybrid_init_dss(
        AuthenticationMethod::DssSignature,
        XauthPhase1::EdgeDevice,
        Role::Initiator,
        64_223
    )]
    #[case::hybrid_resp_dss(
        AuthenticationMethod::DssSignature,
        XauthPhase1::EdgeDevice,
        Role::Responder,
        64_224
    )]
    fn an_extended_method_has_the_number_of_its_draft(
        #[case] method: AuthenticationMethod,
        #[case] phase1: XauthPhase1,
        #[case] user: Role,
        #[case] number: u16,
    ) {
        let extension = Some(Extension { phase1, user });
        assert_eq!(extended_number(method, extension), Some(AuthMethod(number)));
        assert_eq!(method_of_number(number.into()), Some((method, extension)));
    }

    #[rstest]
    #[case::hybrid_needs_a_signature(AuthenticationMethod::PreSharedKey, XauthPhase1::EdgeDevice)]
    #[case::no_number_for_ecdsa(AuthenticationMethod::EcdsaP256, XauthPhase1::Both)]
    fn other_methods_cannot_be_extended(#[case] method: AuthenticationMethod, #[case] phase1: XauthPhase1) {
        let extension = Some(Extension { phase1, user: Role::Initiator });
        assert_eq!(extended_number(method, extension), None);
    }

    #[test]
    fn plain_methods_keep_their_numbers() {
        for method in AuthenticationMethod::ALL {
            let number = extended_number(*method, None).unwrap();
            assert_eq!(method_of_number(number.0.into()), Some((*method, None)));
        }
        assert_eq!(method_of_number(65_011), None);
    }
}
