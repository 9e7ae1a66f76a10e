//! Accepted outcomes: conditions over what was recorded, and assertions over fields of messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{Exchange, SaKind, Side, Whose};
use super::step::{Selector, ToPort};

/// One accepted outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The verdict that it gives.
    #[serde(default)]
    pub verdict: AcceptedVerdict,
    /// Why it is accepted: the reading of the clause, in a few words.
    pub because: String,
    /// Its conditions; all must hold.
    pub all: Vec<Condition>,
}

/// Verdict of an accepted outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedVerdict {
    /// As the clauses want it.
    #[default]
    Pass,
    /// Tolerable, but a recommendation is missed.
    Warn,
    /// One of several readings; recorded.
    Info,
}

/// Something that holds, or not, of a recorded run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// At the end SAs stand.
    Established {
        /// Whose SAs.
        #[serde(default = "both")]
        of: Whose,
        /// Established ISAKMP SAs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        isakmp_sas: Option<Count>,
        /// Pairs of IPsec SAs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ipsec_sas: Option<Count>,
    },
    /// At the end no SA of this kind stands; half-finished ones do not count.
    NoSa {
        /// Whose SAs.
        #[serde(default = "both")]
        of: Whose,
        /// The kind of SA; both kinds when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<SaKind>,
    },
    /// After a message was delivered, the side that received it sent nothing new in that exchange, no informational message, and
    /// nothing that belongs to no exchange, until the end of the case. Retransmissions of its earlier messages do not count.
    Silence {
        /// The message.
        after: Selector,
        /// Who is silent.
        #[serde(default = "peer")]
        from: Side,
    },
    /// After a message was delivered, a Notification payload of one of these types came. Whether it did is not known where an
    /// informational message cannot be read.
    Notify {
        /// The message.
        after: Selector,
        /// Who sent the notification.
        #[serde(default = "peer")]
        from: Side,
        /// Its type, by RFC names such as `INVALID-HASH-INFORMATION`.
        types: Vec<String>,
        /// Whether it was encrypted; either when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protected: Option<bool>,
    },
    /// After a message was delivered, the side that received it sent informational messages, all of them encrypted under keys
    /// that the harness has dropped or never had, so that what they say is not known.
    Unreadable {
        /// The message.
        after: Selector,
        /// Who sent them.
        #[serde(default = "peer")]
        from: Side,
    },
    /// A message was sent, and these assertions hold of it. It is not known whether they do where the message cannot be
    /// read.
    Message {
        /// The message.
        message: Selector,
        /// Its sender.
        #[serde(default = "peer")]
        from: Side,
        /// What must hold of its fields.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assert: Vec<FieldAssert>,
    },
    /// A message was not sent.
    NoMessage {
        /// The message.
        message: Selector,
        /// Its sender.
        #[serde(default = "peer")]
        from: Side,
    },
    /// The first copy of a message went through this port.
    Port {
        /// The message.
        message: Selector,
        /// Its sender.
        #[serde(default = "peer")]
        from: Side,
        /// The ISAKMP port, or the one of NAT traversal.
        port: ToPort,
    },
    /// So many exchanges of a type took place.
    Exchanges {
        /// The type.
        exchange: Exchange,
        /// How many.
        count: Count,
    },
    /// A message was sent again, unchanged, so many times.
    Retransmitted {
        /// The message.
        message: Selector,
        /// Its sender.
        #[serde(default = "peer")]
        from: Side,
        /// Copies beyond the first.
        times: Count,
    },
    /// A message went out in so many fragments (payload type 132); 0 when it went out whole.
    Fragments {
        /// The message.
        message: Selector,
        /// Its sender.
        #[serde(default = "peer")]
        from: Side,
        /// How many.
        count: Count,
    },
    /// So many keep-alives came through the port of NAT traversal (RFC 3948 section 2.3), and none through the ISAKMP port.
    KeepAlives {
        /// Their sender.
        #[serde(default = "peer")]
        from: Side,
        /// How many.
        count: Count,
    },
    /// As the harness sees it, extended authentication came to this end at last.
    UserAuthenticated(bool),
    /// As the harness sees it, Mode-Config assigned this address to the host at last.
    AddressAssigned(std::net::Ipv4Addr),
    /// So many packets through the IPsec SAs were answered, over all `traffic` steps.
    TrafficReplies(Count),
    /// The peer reported this, in words of its own: a line, or the beginning of one.
    Reported(String),
    /// Both sides know these derived values, and agree on them.
    ValuesAgree {
        /// Names of values, e.g. `SKEYID_d`. Each must be known by both sides at least once.
        labels: Vec<String>,
    },
}

/// A number of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Count {
    /// Just as many.
    Exactly(u32),
    /// As many or more.
    AtLeast(u32),
    /// As many or fewer.
    AtMost(u32),
}

impl Count {
    /// Whether `n` is such a number.
    pub const fn admits(self, n: u32) -> bool {
        match self {
            Self::Exactly(wanted) => n == wanted,
            Self::AtLeast(min) => n >= min,
            Self::AtMost(max) => n <= max,
        }
    }
}

impl core::fmt::Display for Count {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "exactly {n}"),
            Self::AtLeast(n) => write!(f, "at least {n}"),
            Self::AtMost(n) => write!(f, "at most {n}"),
        }
    }
}

/// An assertion over one field of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldAssert {
    /// Field path, e.g. `sa.proposal[0].transform_count`.
    pub field: String,
    /// What must hold of it.
    pub check: Check,
}

/// What must hold of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The field is there.
    Present,
    /// The field is not there.
    Absent,
    /// The number is this.
    Equals(u64),
    /// The number is not this.
    NotEquals(u64),
    /// The number is one of these.
    OneOf(Vec<u64>),
    /// The number, also in a field of up to 8 bytes, is this or less.
    AtMost(u64),
    /// The number has this RFC name.
    Named(String),
    /// The bytes are these, in hex.
    Bytes(String),
    /// All bytes are zero.
    Zero,
    /// Some byte is not zero.
    NonZero,
    /// The length in bytes is this.
    Length(usize),
    /// The length in bytes is this or more.
    MinLength(usize),
    /// The length in bytes is this or less.
    MaxLength(usize),
    /// The bytes are those of a field of another message.
    SameAs(FieldOf),
    /// The bytes are not those of a field of another message.
    DiffersFrom(FieldOf),
    /// The bytes are the number that follows the one in a field of another message; both have up to 8 bytes.
    OneMoreThan(FieldOf),
}

/// A field of another message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldOf {
    /// The message.
    pub message: Selector,
    /// Its sender.
    pub from: Side,
    /// Field path; the same path when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

const fn peer() -> Side {
    Side::Peer
}

const fn both() -> Whose {
    Whose::Both
}
