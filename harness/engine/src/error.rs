//! Why an exchange could not go on, and what the peer is told about it.

use crate::crypto::{CryptoError, KeyType};
use crate::keylog::Label;
use crate::pki::PkiError;
use crate::wire::{
    CookiePair, ExchangeType, MessageId, NotifyType, PayloadType, ProtocolId, TransformId, WireError,
};

/// Why a message was refused or an exchange ended without its SA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The bytes do not form a message.
    #[error("malformed message: {0}")]
    Wire(#[from] WireError),
    /// What does not form a message, though its hash says that the peer sent it so.
    #[error("malformed under its hash: {0}")]
    Malformed(Box<Self>),
    /// A provider refused its input.
    #[error("cryptography: {0}")]
    Crypto(#[from] CryptoError),
    /// No SA or exchange has these cookies.
    #[error("no ISAKMP SA with cookies {0}")]
    UnknownCookies(CookiePair),
    /// The initiator cookie is zero, or the responder cookie is where none may be.
    #[error("invalid cookies {0}")]
    InvalidCookies(CookiePair),
    /// No configured peer has this source address.
    #[error("no peer is configured for {0}")]
    UnknownPeer(std::net::SocketAddr),
    /// This exchange type is not supported, or not at this point.
    #[error("exchange type {got:?} is not acceptable here")]
    UnexpectedExchange {
        /// What came.
        got: ExchangeType,
    },
    /// A phase 2 message with M-ID zero, or a phase 1 message with another.
    #[error("message ID {0} is not acceptable here")]
    InvalidMessageId(MessageId),
    /// Flags that this message must not carry, or lacks.
    #[error("flags 0x{got:02x} are not acceptable here: {problem}")]
    InvalidFlags {
        /// The flags octet.
        got: u8,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The encrypted body is empty or not a multiple of the cipher's block.
    #[error("encrypted body of {got} bytes, expected a positive multiple of {block}")]
    NotBlockAligned {
        /// Body length in bytes.
        got: usize,
        /// Block length in bytes.
        block: usize,
    },
    /// A payload that the exchange needs is not there.
    #[error("payload {0:?} is missing")]
    MissingPayload(PayloadType),
    /// A payload is there more often than the exchange allows.
    #[error("payload {0:?} comes more than once")]
    RepeatedPayload(PayloadType),
    /// A payload is not where the exchange wants it.
    #[error("payload {got:?} at position {position}, expected {expected:?}")]
    MisplacedPayload {
        /// Position in the chain, from 0.
        position: usize,
        /// What RFC 2409 wants there.
        expected: PayloadType,
        /// What stands there.
        got: PayloadType,
    },
    /// A payload that was not agreed upon.
    #[error("payload {0:?} was not agreed upon")]
    UnexpectedPayload(PayloadType),
    /// A payload of a type that is reserved (RFC 2408 section 3.1).
    #[error("payload type {0:?} is not defined")]
    UnknownPayload(PayloadType),
    /// None of the offered proposals is acceptable.
    #[error("no proposal chosen: {0}")]
    NoProposalChosen(String),
    /// A transform with attributes that are not supported, contradict each other or are missing.
    #[error("attributes are not supported: {0}")]
    AttributesNotSupported(String),
    /// A transform whose identifier is a reserved one (RFC 2407 section 4.4).
    #[error("transform ID {} is reserved", .0.0)]
    InvalidTransformId(TransformId),
    /// The reply's SA payload is not one of the offered choices, unchanged.
    #[error("the reply is not one of the offered choices: {0}")]
    ProposalAltered(String),
    /// The DOI is not the IPsec DOI.
    #[error("DOI {0} is not supported")]
    DoiNotSupported(u32),
    /// The situation is not SIT_IDENTITY_ONLY.
    #[error("situation 0x{0:08x} is not supported")]
    SituationNotSupported(u32),
    /// A nonce outside 8 to 256 bytes (RFC 2409 section 5).
    #[error("nonce of {0} bytes, expected 8 to 256")]
    NonceLength(usize),
    /// An authentication hash differs from ours.
    #[error("{0} does not verify")]
    HashMismatch(Label),
    /// HASH_I or HASH_R that is not as long as those of the negotiated hash.
    #[error("{label} of {got} bytes, expected {expected}")]
    HashLength {
        /// Which of the two.
        label: Label,
        /// Length in bytes.
        got: usize,
        /// Output length of the negotiated prf, in bytes.
        expected: usize,
    },
    /// What was encrypted under our public key is not acceptable. The peer is told what it is told about a HASH_I or
    /// HASH_R that does not verify, and when it is told that.
    #[error("{0} does not count: {1}")]
    EncryptedContent(Label, &'static str),
    /// HASH(1) of the initiator names none of our certificates (RFC 2409 section 5.2).
    #[error("HASH(1) names none of our certificates")]
    UnknownCertificateHash,
    /// No public key to encrypt nonce and identity with is known.
    #[error("no public key of the peer is known: {0}")]
    NoPeerKey(&'static str),
    /// A signature is not that of the peer's key over HASH_I or HASH_R.
    #[error("{0} does not verify")]
    SignatureMismatch(Label),
    /// A signature that is not as long as those of the peer's key.
    #[error("signature of {got} bytes, those of the peer's key have {expected}")]
    SignatureLength {
        /// Length in bytes.
        got: usize,
        /// What the key's signatures have, in bytes.
        expected: usize,
    },
    /// The peer's public key is of another type than the negotiated authentication method takes.
    #[error("the peer's key is of type {}, {method} does not work with it", .got.name())]
    PeerKeyType {
        /// The method's name.
        method: &'static str,
        /// The type of the peer's key.
        got: KeyType,
    },
    /// The peer's certificate, or our own, is refused.
    #[error("certificate: {0}")]
    Pki(#[from] PkiError),
    /// [`Config::clock_start`](crate::config::Config::clock_start) is not set, so no certificate can be valid.
    #[error("the calendar time is not known, so no certificate can be validated")]
    CalendarUnknown,
    /// We have no private key for this authentication method.
    #[error("no credentials for authentication method {0}")]
    NoCredentials(&'static str),
    /// The peer's identity is not the one expected, or not one that the policy allows.
    #[error("identity {0} is refused")]
    IdentityRefused(String),
    /// Reserved octets that must be zero are not.
    #[error("reserved octets of payload {0:?} are not zero")]
    ReservedNotZero(PayloadType),
    /// The Protocol-ID of a Proposal, Notification or Delete payload names no protocol that is possible there.
    #[error("protocol {0} is not possible here")]
    InvalidProtocolId(ProtocolId),
    /// An SPI that cannot be one of its protocol.
    #[error("SPI of {len} bytes is not possible for protocol {protocol}")]
    InvalidSpi {
        /// The protocol.
        protocol: ProtocolId,
        /// Length of the SPI in bytes.
        len: usize,
    },
    /// An SPI of AH or ESP below 256, none of which may be on the wire (RFC 2406 section 2.1).
    #[error("SPI {0} is reserved")]
    ReservedSpi(u32),
    /// A Delete payload names SAs that do not stand with its sender.
    #[error("{0} SPIs of a delete name no SA with its sender")]
    UnknownSpis(usize),
    /// The data of a notification do not have the form of its type.
    #[error("notification {0:?} with data of another form")]
    NotificationData(NotifyType),
    /// A Fragment payload that can be part of no message.
    #[error("impossible fragment: {0}")]
    InvalidFragment(&'static str),
    /// A sequence number of dead peer detection that was used before, or that nobody has asked with.
    #[error("dead peer detection: sequence number {got}, expected {expected:?}")]
    DpdSequence {
        /// What came.
        got: u32,
        /// What should have come, where that is known.
        expected: Option<u32>,
    },
    /// A bound of [`Limits`](crate::limits::Limits) was reached.
    #[error("limit reached: {0}")]
    LimitReached(&'static str),
    /// The message belongs to an exchange that is over.
    #[error("message ID {0} was used before")]
    Replayed(MessageId),
    /// The peer did not answer.
    #[error("no answer after {0} retransmissions")]
    TimedOut(u8),
    /// The ISAKMP SA of the exchange went away.
    #[error("the ISAKMP SA was deleted")]
    SaDeleted,
    /// A group of New Group mode is not acceptable, with the reason.
    #[error("group is not acceptable: {0}")]
    GroupRefused(String),
    /// A transaction exchange says what does not fit where it stands.
    #[error("configuration message: {0}")]
    UnexpectedConfig(&'static str),
    /// An attribute of Mode-Config has a value of an impossible length.
    #[error("configuration message: {0}")]
    MalformedConfig(WireError),
    /// Extended authentication has not succeeded, so the ISAKMP SA protects no other exchange yet.
    #[error("the user is not authenticated yet")]
    UserNotAuthenticated,
    /// An authenticated notify of the peer ended the exchange.
    #[error("the peer answered {0:?}")]
    PeerNotified(NotifyType),
}

impl ExchangeError {
    /// The Notify type that RFC 2408 section 5 names for this error; `None` where silence is right. All of that choice is
    /// here, in [`WireError::notify_type`] and in [`PkiError::notify_type`].
    ///
    /// Phase 1 tells in the clear (RFC 2409 section 5.7). Under an ISAKMP SA only what its HASH vouches for is told, and only
    /// [so often](crate::limits::Limits::refusals_answered_max) without a good message in between: noise is dropped in
    /// silence. An informational exchange is never answered. The errors of RFC 2408 section 3.14.1:
    ///
    /// | type | sent for |
    /// |---|---|
    /// | INVALID-PAYLOAD-TYPE | Next Payload fields (5.2, 5.3), payloads of reserved types, payloads not agreed upon |
    /// | DOI-NOT-SUPPORTED | the DOI of an SA payload (5.4) |
    /// | SITUATION-NOT-SUPPORTED | its situation (5.4) |
    /// | INVALID-COOKIE | cookies of no SA (5.2) |
    /// | INVALID-MAJOR-VERSION, INVALID-MINOR-VERSION | the version (5.2) |
    /// | INVALID-EXCHANGE-TYPE | an exchange that is unknown or out of place (5.2) |
    /// | INVALID-FLAGS | flags (5.2) |
    /// | INVALID-MESSAGE-ID | M-IDs (5.2) |
    /// | INVALID-PROTOCOL-ID | when all proposals have protocols that cannot be there (5.5) |
    /// | INVALID-SPI | when all proposals have SPIs that their protocols cannot have (5.5) |
    /// | INVALID-TRANSFORM-ID | when all transforms have reserved identifiers; unknown ones are passed over (5.6) |
    /// | ATTRIBUTES-NOT-SUPPORTED | when all transforms have unsupported or conflicting attributes (5.6, RFC 2407 section 4.5), and for groups of New Group mode (RFC 2409 section 5.6) |
    /// | NO-PROPOSAL-CHOSEN | any other offer of which nothing is taken (5.4) |
    /// | BAD-PROPOSAL-SYNTAX | wrong counts of transforms, and choices that were not offered (5.5, 5.6) |
    /// | PAYLOAD-MALFORMED | lengths, RESERVED fields, missing and repeated payloads, nonces (5.3, 5.7 to 5.13) |
    /// | INVALID-KEY-INFORMATION | public values, and KE payloads where none is wanted (5.7) |
    /// | INVALID-ID-INFORMATION | identities that are malformed, unknown or not allowed (5.8) |
    /// | INVALID-CERT-ENCODING, INVALID-CERTIFICATE | CERT payloads, where they decide (5.9); where another one does, as for requests |
    /// | CERT-TYPE-UNSUPPORTED | requests for types of certificates that there are none of (5.10), see below |
    /// | INVALID-CERT-AUTHORITY | authorities that are not trusted; requests whose authority is no name (5.10), see below |
    /// | INVALID-HASH-INFORMATION | hashes of another length than the negotiated one's (5.11) |
    /// | AUTHENTICATION-FAILED | HASH_I, HASH_R and signatures that do not verify (5.11, 5.12) |
    /// | INVALID-SIGNATURE | signatures that cannot be those of the peer's key (5.12) |
    /// | ADDRESS-NOTIFICATION | never sent: nothing in section 5 or RFC 2407 uses it |
    /// | NOTIFY-SA-LIFETIME | never sent: RFC 2407 section 4.6.3.1 has RESPONDER-LIFETIME, which goes in quick mode 2 |
    /// | CERTIFICATE-UNAVAILABLE | peers of whom neither certificate nor key is known; requests that nothing fits (5.10), see below |
    /// | UNSUPPORTED-EXCHANGE-TYPE | the Base and Authentication Only exchanges, which RFC 2408 defines and IKE leaves out |
    /// | UNEQUAL-PAYLOAD-LENGTHS | a header whose length is not the datagram's (5.1) |
    ///
    /// A request that is discarded does not end phase 1, and with many peers a notify of an error would; what there is to
    /// say of it is said under the ISAKMP SA, and only with
    /// [`PeerConfig::notify_discarded`](crate::config::PeerConfig::notify_discarded).
    pub fn notify_type(&self) -> Option<NotifyType> {
        Some(match self {
            Self::Wire(error) => return error.notify_type(),
            Self::Malformed(error) => return error.notify_type(),
            Self::Crypto(error) if error.is_public_value() => NotifyType::INVALID_KEY_INFORMATION,
            Self::UnknownCookies(_) | Self::InvalidCookies(_) => NotifyType::INVALID_COOKIE,
            Self::UnexpectedExchange { got: ExchangeType::BASE | ExchangeType::AUTHENTICATION_ONLY } => {
                NotifyType::UNSUPPORTED_EXCHANGE_TYPE
            }
            Self::UnexpectedExchange { .. } => NotifyType::INVALID_EXCHANGE_TYPE,
            Self::InvalidMessageId(_) => NotifyType::INVALID_MESSAGE_ID,
            Self::InvalidFlags { .. } => NotifyType::INVALID_FLAGS,
            Self::NotBlockAligned { .. } | Self::ReservedNotZero(_) | Self::NonceLength(_) => {
                NotifyType::PAYLOAD_MALFORMED
            }
            Self::MissingPayload(_)
            | Self::RepeatedPayload(_)
            | Self::MisplacedPayload { .. }
            | Self::MalformedConfig(_) => NotifyType::PAYLOAD_MALFORMED,
            Self::UnexpectedPayload(PayloadType::KE) => NotifyType::INVALID_KEY_INFORMATION,
            Self::UnexpectedPayload(_) | Self::UnknownPayload(_) => NotifyType::INVALID_PAYLOAD_TYPE,
            Self::NoProposalChosen(_) => NotifyType::NO_PROPOSAL_CHOSEN,
            Self::AttributesNotSupported(_) | Self::GroupRefused(_) => NotifyType::ATTRIBUTES_NOT_SUPPORTED,
            Self::InvalidTransformId(_) => NotifyType::INVALID_TRANSFORM_ID,
            Self::ProposalAltered(_) => NotifyType::BAD_PROPOSAL_SYNTAX,
            Self::DoiNotSupported(_) => NotifyType::DOI_NOT_SUPPORTED,
            Self::SituationNotSupported(_) => NotifyType::SITUATION_NOT_SUPPORTED,
            Self::InvalidProtocolId(_) => NotifyType::INVALID_PROTOCOL_ID,
            Self::InvalidSpi { .. } | Self::ReservedSpi(_) => NotifyType::INVALID_SPI,
            Self::HashMismatch(Label::HashI | Label::HashR) => NotifyType::AUTHENTICATION_FAILED,
            Self::EncryptedContent(..) => NotifyType::AUTHENTICATION_FAILED,
            Self::HashMismatch(_) | Self::HashLength { .. } | Self::UnknownCertificateHash => {
                NotifyType::INVALID_HASH_INFORMATION
            }
            Self::SignatureMismatch(_) => NotifyType::AUTHENTICATION_FAILED,
            Self::SignatureLength { .. } => NotifyType::INVALID_SIGNATURE,
            Self::PeerKeyType { .. } | Self::CalendarUnknown => NotifyType::INVALID_CERTIFICATE,
            Self::Pki(error) => error.notify_type(),
            Self::IdentityRefused(_) => NotifyType::INVALID_ID_INFORMATION,
            Self::Crypto(_)
            | Self::UnknownPeer(_)
            | Self::NoCredentials(_)
            | Self::NoPeerKey(_)
            | Self::UnknownSpis(_)
            | Self::InvalidFragment(_)
            | Self::NotificationData(_)
            | Self::DpdSequence { .. }
            | Self::LimitReached(_)
            | Self::Replayed(_)
            | Self::TimedOut(_)
            | Self::SaDeleted
            | Self::UnexpectedConfig(_)
            | Self::UserNotAuthenticated
            | Self::PeerNotified(_) => return None,
        })
    }
}

impl ExchangeError {
    /// The reason alone, as one of several against an offer.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::NoProposalChosen(reason) | Self::AttributesNotSupported(reason) => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Whether the error is about what a message of phase 2 says, after its HASH has verified.
    pub(crate) fn is_about_authenticated_content(&self) -> bool {
        match self {
            Self::MissingPayload(payload) => *payload != PayloadType::HASH,
            Self::MisplacedPayload { expected, .. } => *expected != PayloadType::HASH,
            Self::RepeatedPayload(payload) => *payload != PayloadType::HASH,
            Self::Malformed(_)
            | Self::UnexpectedPayload(_)
            | Self::NoProposalChosen(_)
            | Self::AttributesNotSupported(_)
            | Self::InvalidTransformId(_)
            | Self::GroupRefused(_)
            | Self::ProposalAltered(_)
            | Self::DoiNotSupported(_)
            | Self::SituationNotSupported(_)
            | Self::InvalidProtocolId(_)
            | Self::InvalidSpi { .. }
            | Self::ReservedSpi(_)
            | Self::NonceLength(_)
            | Self::IdentityRefused(_)
            | Self::MalformedConfig(_)
            | Self::Crypto(_) => true,
            _ => false,
        }
    }
}

/// The caller asked for something that the endpoint's state or configuration does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// No peer of this name is configured.
    #[error("no peer named {0:?} is configured")]
    UnknownPeer(String),
    /// The peer has no fixed address, so nothing can be sent to it first.
    #[error("peer {0:?} has no address to initiate to")]
    NoPeerAddress(String),
    /// The peer has no IPsec policy of this name.
    #[error("no IPsec policy named {0:?} is configured")]
    UnknownPolicy(String),
    /// No such SA stands.
    #[error("no such {0} stands")]
    UnknownSa(&'static str),
    /// Phase 1 is not complete.
    #[error("the ISAKMP SA is not established")]
    NotEstablished,
    /// An extension that both sides must announce, and did not.
    #[error("{0} was not announced by both sides")]
    NotAnnounced(&'static str),
    /// A bound of [`Limits`](crate::limits::Limits) was reached.
    #[error("limit reached: {0}")]
    LimitReached(&'static str),
    /// A configured policy cannot be offered.
    #[error("policy cannot be used: {0}")]
    UnusablePolicy(String),
    /// The IPsec SA cannot seal a packet.
    #[error("packet cannot be sent: {0}")]
    Packet(#[from] crate::esp::EspError),
    /// A provider failed.
    #[error("cryptography: {0}")]
    Crypto(#[from] CryptoError),
}
