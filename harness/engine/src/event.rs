//! What an endpoint tells its driver about SAs, exchanges and traffic.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::error::ExchangeError;
use crate::wire::{ConfigItem, CookiePair, ExchangeType, MessageId, NotifyType, ProtocolId};

/// Which end of an exchange or SA an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// It sent the first message.
    Initiator,
    /// It answered the first message.
    Responder,
}

impl Role {
    /// The other role.
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// Names one ISAKMP SA of an endpoint for as long as the endpoint lives; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IsakmpSaId(pub u32);

/// Names one pair of IPsec SAs of an endpoint for as long as the endpoint lives; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpsecSaId(pub u32);

/// Why an SA is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeleteReason {
    /// Its lifetime ended.
    Expired,
    /// A newer SA took its place.
    Replaced,
    /// The peer sent a Delete payload.
    PeerDeleted,
    /// The local side asked for it.
    LocalRequest,
    /// The peer said INITIAL-CONTACT on another ISAKMP SA.
    InitialContact,
    /// The peer no longer answers (RFC 3706).
    PeerDead,
    /// Extended authentication of the user failed.
    UserNotAuthenticated,
    /// The host did not get the configuration that it needs.
    NotConfigured,
}

/// Something that happened in an endpoint.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Phase 1 is complete and the sides are authenticated as far as phase 1 does it. Extended authentication and
    /// configuration follow where they are configured.
    IsakmpSaEstablished {
        /// The new ISAKMP SA.
        sa: IsakmpSaId,
        /// Its cookies.
        cookies: CookiePair,
        /// Our role in phase 1.
        role: Role,
    },
    /// An ISAKMP SA is gone.
    IsakmpSaDeleted {
        /// The SA.
        sa: IsakmpSaId,
        /// Its cookies.
        cookies: CookiePair,
        /// Why.
        reason: DeleteReason,
    },
    /// Quick mode is complete: both unidirectional SAs stand.
    IpsecSaEstablished {
        /// The new pair of IPsec SAs.
        sa: IpsecSaId,
        /// The ISAKMP SA that protected quick mode.
        isakmp_sa: IsakmpSaId,
        /// AH or ESP.
        protocol: ProtocolId,
        /// SPI of the inbound SA (chosen by us).
        spi_in: u32,
        /// SPI of the outbound SA (chosen by the peer).
        spi_out: u32,
        /// The SA pair that this one replaces, after a rekey.
        replaces: Option<IpsecSaId>,
    },
    /// A pair of IPsec SAs is gone.
    IpsecSaDeleted {
        /// The SA pair.
        sa: IpsecSaId,
        /// Its inbound SPI.
        spi_in: u32,
        /// Why.
        reason: DeleteReason,
    },
    /// The peer did not answer the last question whether it lives (RFC 3706); its SAs are deleted without a message.
    PeerDead {
        /// The ISAKMP SA that asked.
        sa: IsakmpSaId,
        /// How often it asked.
        asked: u32,
    },
    /// The peer speaks from another address or port: the mapping of its NAT has changed (RFC 3947 section 7).
    PeerMoved {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// Where it is now.
        remote: SocketAddr,
    },
    /// Extended authentication is over.
    ExtendedAuthentication {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// The user, on success; `None` where the edge device did not ask.
        user: Option<String>,
        /// Whether the user is authenticated. If not, the SA is deleted.
        passed: bool,
    },
    /// The edge device has something to say to the user (XAUTH-MESSAGE).
    MessageForUser {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// The text.
        message: String,
    },
    /// The edge device has told us our configuration.
    Configured {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// What it told us.
        items: Vec<ConfigItem>,
    },
    /// We have told a host its configuration, and where it need not ask for it, the host has accepted it.
    ConfigurationGiven {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// What the host got.
        items: Vec<ConfigItem>,
    },
    /// New Group mode is complete: quick modes under the ISAKMP SA may name the group (RFC 2409 section 5.6).
    GroupDefined {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// The Group Description that names it.
        description: u16,
        /// Whether we offered it.
        role: Role,
    },
    /// An exchange ended without its SA.
    ExchangeFailed {
        /// The ISAKMP SA it belonged to.
        sa: IsakmpSaId,
        /// The exchange type.
        exchange: ExchangeType,
        /// Zero for phase 1.
        m_id: MessageId,
        /// What went wrong.
        error: ExchangeError,
    },
    /// A Notification payload arrived.
    Notified {
        /// The ISAKMP SA, when one is known.
        sa: Option<IsakmpSaId>,
        /// The message type.
        notify_type: NotifyType,
        /// Whether a HASH(1) over it was checked (RFC 2409 section 5.7) or the exchange's own hash covers it.
        authenticated: bool,
        /// Notification data.
        data: Bytes,
    },
    /// A datagram was dropped or answered with an error; no SA came to harm.
    DatagramRejected {
        /// What was wrong with it.
        error: ExchangeError,
    },
    /// A payload of a phase 1 message was discarded, and the message handled without it: a certificate or a request for
    /// one that is of no use (RFC 2408 sections 5.9 and 5.10).
    PayloadDiscarded {
        /// The ISAKMP SA.
        sa: IsakmpSaId,
        /// What was wrong with the payload.
        error: ExchangeError,
    },
    /// An IP packet came out of an inbound IPsec SA.
    PacketReceived {
        /// The SA pair.
        sa: IpsecSaId,
        /// The inner packet (tunnel mode) or the transport payload with its protocol number (transport mode).
        packet: Bytes,
        /// The next-header number of `packet`: 4 for IPv4 in tunnel mode.
        next_header: u8,
    },
    /// An ESP or AH packet was refused.
    PacketRejected {
        /// The SPI it carried.
        spi: u32,
        /// What was wrong with it.
        error: crate::esp::EspError,
    },
}
