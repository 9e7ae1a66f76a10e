//! Steps: what happens in a case, in order.
//!
//! Some steps act at once (`start`, `inject` now, `replay`, `advance`, `rekey` ...), some wait (`expect`,
//! `expect_state`, `conclude`, `settle`, `traffic`), some only arm a rule for messages that are still to come (`fault`, `edit`,
//! `edit_datagram`, `drop`, `duplicate`, `delay`, `inject` before or after a message). A rule that was armed and never
//! applied makes the case `inconclusive`: its clause was not exercised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accept::{Count, FieldAssert};
use super::names::{Exchange, SaKind, Side, Which, Whose};
use crate::fault::Fault;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Starts an exchange; does not wait for its end.
    Start(Start),
    /// Waits for a message and checks its fields.
    Expect(Expect),
    /// Arms a named fault of a message of the harness engine.
    Fault(ApplyFault),
    /// Arms a change of a message of the harness engine, before encryption.
    Edit(Edit),
    /// Arms a change of a datagram, after encryption.
    EditDatagram(EditDatagram),
    /// Arms the loss of a message.
    Drop(DropMessage),
    /// Arms further copies of a message, delivered right behind it.
    Duplicate(Duplicate),
    /// Arms a delay of a message; others overtake it.
    Delay(Delay),
    /// Delivers a message that has passed once more, now.
    Replay(Replay),
    /// Sends a raw datagram of the harness to the peer.
    Inject(Inject),
    /// Lets time pass; everything that falls due in it happens.
    Advance(Advance),
    /// Lets everything run until no datagram has passed for a while.
    Settle(Settle),
    /// Replaces an SA.
    Rekey(OnSa),
    /// Deletes an SA, with a Delete payload to the other side.
    Delete(OnSa),
    /// Deletes every pair of IPsec SAs of the harness, with all their SPIs in one message.
    DeleteAll(DeleteAll),
    /// Sends a notification from the harness engine in an informational exchange.
    Notify(Notify),
    /// Asks whether the other side lives: R-U-THERE (RFC 3706) under the newest ISAKMP SA.
    Probe(Probe),
    /// Offers the private group of the configuration by New Group mode (RFC 2409 section 5.6), under the newest ISAKMP SA.
    NewGroup(NewGroup),
    /// The NAT before the harness forgets its mapping: from now on what the harness sends for NAT traversal comes from
    /// another port, and what goes to the old one is lost.
    Rebind(Rebind),
    /// Sends packets through the IPsec SAs.
    Traffic(Traffic),
    /// Waits for SAs.
    ExpectState(ExpectState),
    /// Waits until what the harness has started is over.
    Conclude(Conclude),
}

impl Step {
    /// The step's key in scenario files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Expect(_) => "expect",
            Self::Fault(_) => "fault",
            Self::Edit(_) => "edit",
            Self::EditDatagram(_) => "edit_datagram",
            Self::Drop(_) => "drop",
            Self::Duplicate(_) => "duplicate",
            Self::Delay(_) => "delay",
            Self::Replay(_) => "replay",
            Self::Inject(_) => "inject",
            Self::Advance(_) => "advance",
            Self::Settle(_) => "settle",
            Self::Rekey(_) => "rekey",
            Self::Delete(_) => "delete",
            Self::DeleteAll(_) => "delete_all",
            Self::Notify(_) => "notify",
            Self::Probe(_) => "probe",
            Self::NewGroup(_) => "new_group",
            Self::Rebind(_) => "rebind",
            Self::Traffic(_) => "traffic",
            Self::ExpectState(_) => "expect_state",
            Self::Conclude(_) => "conclude",
        }
    }

    /// The message and its sender that a rule armed by this step waits for, and how often the rule must apply.
    pub fn arms(&self) -> Option<(&Selector, Side, u32)> {
        match self {
            Self::Edit(edit) => Some((&edit.message, Side::Harness, 1)),
            Self::EditDatagram(edit) => Some((&edit.message, edit.from, edit.times)),
            Self::Drop(drop) => Some((&drop.message, drop.from, drop.times)),
            Self::Duplicate(duplicate) => Some((&duplicate.message, duplicate.from, 1)),
            Self::Delay(delay) => Some((&delay.message, delay.from, 1)),
            Self::Inject(Inject { when: When::Before(message) | When::After(message), .. }) => {
                Some((message, Side::Harness, 1))
            }
            _ => None,
        }
    }
}

/// Names a message by its place: exchange, number in the exchange, and which exchange of that type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The exchange.
    pub exchange: Exchange,
    /// The message's number in the exchange, counted from 1 over both sides as RFC 2409's figures show them.
    #[serde(default = "one_u8")]
    #[schemars(range(min = 1, max = 64))]
    pub number: u8,
    /// Which exchange of that type, in the order of their first messages in the case. Informational exchanges are counted for
    /// each sender; with `contains`, only those that contain it count.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub occurrence: u32,
    /// Which fragment of a message that goes out in fragments, from 1. Without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u8>,
    /// What the message must contain to count. Not usable in steps that arm a rule on datagrams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<Contains>,
}

/// Something that a message contains.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Contains {
    /// A payload, by the first part of its field paths: `delete`, `notification`, `ke` ...
    Payload(String),
    /// A Notification payload of this type, by its RFC name: `NO-PROPOSAL-CHOSEN` ...
    Notify(String),
    /// A Vendor ID payload that begins with these bytes, in hex.
    VendorId(String),
}

/// What `start` starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StartExchange {
    /// Main or aggressive mode, as configured.
    #[serde(rename = "phase-1")]
    Phase1,
    /// Quick mode under the newest ISAKMP SA.
    #[serde(rename = "quick-mode")]
    QuickMode,
    /// Phase 1, then quick mode.
    #[serde(rename = "both")]
    Both,
}

/// Starts an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// What to start.
    pub exchange: StartExchange,
    /// Who starts it. Default: the initiator of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Side>,
}

/// What an unmet expectation means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The clause is violated: `fail`, `warn` or `info` by the scenario's level.
    #[default]
    Fail,
    /// A precondition is missing; nothing is known about the clause.
    Inconclusive,
}

/// Waits for a message and checks its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The message.
    pub message: Selector,
    /// Its sender.
    #[serde(default = "peer")]
    pub from: Side,
    /// How long to wait, in milliseconds.
    #[serde(default = "within_ms")]
    pub within_ms: u64,
    /// What must hold of its fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assert: Vec<FieldAssert>,
    /// What it means when the message does not come or an assertion does not hold.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// Does what a fault operator says to a message of the harness engine. The operators are those of
/// `ikev1-conform list --faults`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyFault {
    /// The message.
    pub message: Selector,
    /// The operator. Default: that of the matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Fault>,
}

/// Changes a message of the harness engine before it is padded and encrypted, or with `sealed` afterwards.
/// Retransmissions carry the same change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The message.
    pub message: Selector,
    /// The changes, in order.
    pub apply: Vec<EditOp>,
    /// What happens to the hash of the message: HASH(1), HASH(2) or HASH(3), or in phase 1 HASH_I or HASH_R.
    #[serde(default)]
    pub hash: HashTreatment,
    /// Leave the header's length field as the edits made it, instead of setting it after padding.
    #[serde(default)]
    pub keep_length: bool,
    /// Send a message that is to be encrypted without encryption and without the Encryption bit, so that everyone can
    /// read it and nothing protects it. The list of changes may then be empty.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub in_the_clear: bool,
    /// Change the message once bodies of its payloads are encrypted (RFC 2409 sections 5.2 and 5.3): `nonce.data` is the
    /// PKCS #1 block then, and the fields of the other encrypted payloads are parts of their ciphertext.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub sealed: bool,
    /// The IV that the message is encrypted from (RFC 2409 appendix B). With another than the right one the list of changes
    /// may be empty.
    #[serde(default, skip_serializing_if = "IvTreatment::is_right")]
    pub iv: IvTreatment,
}

/// The IV of an encrypted message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IvTreatment {
    /// The one that the exchange has come to.
    #[default]
    Right,
    /// Zero.
    Zero,
    /// That of the last message that the harness encrypted under the same ISAKMP SA.
    Stale,
}

impl IvTreatment {
    /// Whether nothing is wrong with it.
    pub fn is_right(&self) -> bool {
        *self == Self::Right
    }
}

/// What happens to the hash of an edited message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HashTreatment {
    /// It stays as the edits left it.
    #[default]
    Keep,
    /// It is computed again over the edited message, so that only the edit is wrong. For a first message of phase 1 that is
    /// the HASH_I or HASH_R of the messages to come, which cover its SA payload, and in aggressive mode its nonce and its
    /// ID payload. For main mode message 3 it is SKEYID, which its nonce goes into.
    Recompute,
    /// It is computed again and signed with a DigestInfo around it. Only for RSA signatures, in a message with an ID
    /// payload, as the following.
    DigestInfo,
    /// Only its first half is signed.
    TruncatedHash,
    /// Sixteen zero bytes are signed with it, behind it.
    ExtendedHash,
    /// HASH_I or HASH_R itself takes the place of the signature over it.
    HashPayload,
}

/// One change of a message, by field paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EditOp {
    /// Overwrites a field with bytes of the same length; touches nothing else.
    Set {
        /// Field path.
        field: String,
        /// The bytes, in hex.
        hex: String,
    },
    /// Overwrites a number field; touches nothing else.
    SetNumber {
        /// Field path.
        field: String,
        /// The number.
        value: u64,
    },
    /// Flips bits of one byte of a field; touches nothing else.
    Xor {
        /// Field path.
        field: String,
        /// Byte of the field, from 0.
        #[serde(default)]
        index: usize,
        /// Bits to flip.
        mask: u8,
    },
    /// Cuts the message to this many bytes.
    Truncate {
        /// Bytes that stay.
        length: usize,
    },
    /// Adds bytes behind the message.
    Append {
        /// The bytes, in hex.
        hex: String,
    },
    /// Inserts a payload; chain and lengths stay valid.
    InsertPayload {
        /// Its index among the payloads, from 0.
        at: usize,
        /// Its payload type number.
        payload_type: u8,
        /// Its body, in hex, without the generic header.
        hex: String,
    },
    /// Takes a payload out; chain and lengths stay valid.
    RemovePayload {
        /// The payload's path, e.g. `nonce`.
        field: String,
    },
    /// Puts the payloads in another order; chain and lengths stay valid.
    Reorder {
        /// Old indices in the new order.
        order: Vec<usize>,
    },
    /// Replaces the contents of a field by bytes of any length; chain and lengths stay valid.
    Replace {
        /// Field path.
        field: String,
        /// The bytes, in hex.
        hex: String,
    },
    /// Replaces the contents of a field by a repeated byte; chain and lengths stay valid.
    Fill {
        /// Field path.
        field: String,
        /// New length in bytes.
        length: usize,
        /// The byte.
        byte: u8,
    },
    /// Cuts the contents of a field to a length, or fills them up with zero bytes; chain and lengths stay valid.
    Resize {
        /// Field path.
        field: String,
        /// New length in bytes.
        length: usize,
    },
    /// Inserts a CERT payload; chain and lengths stay valid.
    InsertCertificate {
        /// Its index among the payloads, from 0.
        at: usize,
        /// The file in `credentials` whose first certificate, or revocation list where it has none, it carries:
        /// `harness-rsa` is `credentials/harness-rsa.pem`.
        file: String,
        /// Its Certificate Encoding (RFC 2408 section 3.9). Default: 4 for a certificate, 7 for a revocation list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<u8>,
    },
    /// Adds to a number field, or takes from it; touches nothing else. What leaves the field is lost.
    Add {
        /// Field path.
        field: String,
        /// How much; less than zero to take away.
        by: i64,
    },
    /// Overwrites every byte of a field; touches nothing else.
    SetAll {
        /// Field path.
        field: String,
        /// The byte.
        byte: u8,
    },
    /// Adds zero bytes to the end of a field, or cuts bytes there; chain and lengths stay valid.
    Grow {
        /// Field path.
        field: String,
        /// How many bytes; less than zero to cut.
        by: i64,
    },
    /// Inserts a payload behind the last; chain and lengths stay valid.
    AppendPayload {
        /// Its payload type number.
        payload_type: u8,
        /// Its body, in hex, without the generic header.
        hex: String,
    },
    /// Exchanges two payloads; chain and lengths stay valid.
    SwapPayloads {
        /// The path of one.
        a: String,
        /// The path of the other.
        b: String,
    },
    /// Repeats a payload right behind itself; chain and lengths stay valid.
    DuplicatePayload {
        /// The payload's path, e.g. `sa`.
        field: String,
    },
}

/// Changes datagrams on their way, after encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditDatagram {
    /// The message.
    pub message: Selector,
    /// Its sender.
    #[serde(default = "harness")]
    pub from: Side,
    /// The changes, in order. Offsets count from the start of the ISAKMP header.
    pub apply: Vec<DatagramOp>,
    /// How many copies are changed; later retransmissions pass unchanged.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub times: u32,
}

/// One change of a datagram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DatagramOp {
    /// Overwrites bytes.
    Set {
        /// Offset of the first byte.
        offset: usize,
        /// The bytes, in hex.
        hex: String,
    },
    /// Flips bits of one byte.
    Xor {
        /// Offset of the byte; negative counts from the end.
        offset: i64,
        /// Bits to flip.
        mask: u8,
    },
    /// Cuts the datagram to this many bytes.
    Truncate {
        /// Bytes that stay.
        length: usize,
    },
    /// Cuts bytes at the end.
    Cut {
        /// How many.
        octets: usize,
    },
    /// Adds bytes at the end.
    Append {
        /// The bytes, in hex.
        hex: String,
    },
}

/// Loses copies of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropMessage {
    /// The message.
    pub message: Selector,
    /// Its sender.
    pub from: Side,
    /// How many copies are lost; later retransmissions pass.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub times: u32,
}

/// Delivers further copies of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// The message.
    pub message: Selector,
    /// Its sender.
    #[serde(default = "harness")]
    pub from: Side,
    /// How many copies beyond the first.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub copies: u32,
}

/// Delivers a message late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// The message.
    pub message: Selector,
    /// Its sender.
    pub from: Side,
    /// How late, in milliseconds.
    pub by_ms: u64,
}

/// Delivers a message that has passed once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The message.
    pub message: Selector,
    /// Its sender.
    #[serde(default = "harness")]
    pub from: Side,
    /// The port of the peer that it goes to, for a message of the harness. Default: the one that it went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<ToPort>,
    /// How many times.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub times: u32,
}

/// Sends a raw datagram of the harness to the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inject {
    /// Its bytes.
    pub datagram: InjectBytes,
    /// When it is sent.
    #[serde(default)]
    pub when: When,
    /// The port of the peer that it goes to; a copy goes to that of its message.
    #[serde(default)]
    pub to_port: ToPort,
    /// How many times. Random bytes differ each time.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub times: u32,
}

/// Bytes of an injected datagram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InjectBytes {
    /// These bytes, in hex; may be empty.
    Hex(String),
    /// Random bytes.
    Random {
        /// Seed; together with the run's seed it decides the bytes.
        seed: u64,
        /// How many bytes.
        length: usize,
    },
    /// A copy of the message that `when` names, changed: a forgery. Not usable with `now`.
    Copy {
        /// The changes, in order. Offsets count from the start of the ISAKMP header.
        apply: Vec<DatagramOp>,
    },
}

/// When a datagram is injected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// At this step.
    #[default]
    Now,
    /// Right before the first copy of this message of the harness passes.
    Before(Selector),
    /// Right behind the first copy of this message of the harness.
    After(Selector),
}

/// A port of the peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToPort {
    /// The ISAKMP port (500).
    #[default]
    Ike,
    /// The NAT traversal port (4500).
    NatT,
}

/// Lets time pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// How much, in seconds.
    pub seconds: u64,
}

/// Lets everything run until it is quiet. Where nothing but a look at the state follows, a message that a rule still waits for has
/// five seconds more: the peer may be late, and without it the case has no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Quiet time in milliseconds that ends the step.
    pub ms: u64,
    /// The step ends after this many milliseconds at the latest.
    #[serde(default = "settle_within_ms")]
    pub within_ms: u64,
}

/// Acts on an SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnSa {
    /// The kind of SA.
    pub sa: SaKind,
    /// Which of them.
    #[serde(default = "newest")]
    pub which: Which,
    /// Who acts.
    #[serde(default = "harness")]
    pub by: Side,
}

/// Sends a notification under the newest ISAKMP SA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Notify message type number.
    pub notify_type: u16,
    /// Protocol-ID; 1 is ISAKMP.
    #[serde(default = "one_u8")]
    pub protocol: u8,
    /// Notification data, in hex.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_hex: String,
}

/// Deletes every pair of IPsec SAs of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAll {}

/// Asks whether the other side lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Who asks.
    #[serde(default = "harness")]
    pub by: Side,
}

/// Offers the private group by New Group mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Who offers it.
    #[serde(default = "harness")]
    pub by: Side,
}

/// Gives the harness another port, as a NAT would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebind {}

/// Sends packets through the IPsec SAs and waits for their replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// How many packets the harness sends; the peer answers each.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub packets: u32,
    /// Bytes of data in each packet, which compress well. Default: 21, too few for compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1300))]
    pub data_bytes: Option<u16>,
    /// Both the packets and the replies must have been compressed (IPComp), as the harness counts them. Default false.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub compressed: bool,
    /// Each packet goes out once more, octet for octet, when all have been answered, and these copies must not be answered.
    /// Default false.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub replayed: bool,
    /// Through which pair of IPsec SAs.
    #[serde(default = "newest")]
    pub sa: Which,
    /// What is expected.
    #[serde(default)]
    pub expect: TrafficExpect,
    /// How long to wait for the replies, in milliseconds.
    #[serde(default = "within_ms")]
    pub within_ms: u64,
    /// What it means when that does not come true.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What is expected of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficExpect {
    /// A reply to each packet.
    #[default]
    Reply,
    /// No reply.
    None,
}

/// Waits until the SAs of one or both sides are as many as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectState {
    /// Whose SAs.
    #[serde(default = "both")]
    pub of: Whose,
    /// Established ISAKMP SAs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isakmp_sas: Option<Count>,
    /// Pairs of IPsec SAs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipsec_sas: Option<Count>,
    /// How long to wait, in milliseconds.
    #[serde(default = "within_ms")]
    pub within_ms: u64,
    /// What it means when that does not come true.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// Waits until the harness has an established SA of this kind. Unlike `expect_state` it waits no longer than there is hope: it
/// is not met as soon as an exchange of the harness has failed, its ISAKMP SA is gone, or the peer has sent a notification of
/// an error. An unmet one makes the case `inconclusive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conclude {
    /// The kind of SA.
    pub sa: SaKind,
    /// How long to wait at most, in milliseconds.
    #[serde(default = "within_ms")]
    pub within_ms: u64,
}

const fn one() -> u32 {
    1
}

const fn one_u8() -> u8 {
    1
}

const fn within_ms() -> u64 {
    5_000
}

const fn settle_within_ms() -> u64 {
    60_000
}

const fn peer() -> Side {
    Side::Peer
}

const fn harness() -> Side {
    Side::Harness
}

const fn newest() -> Which {
    Which::Newest
}

const fn both() -> Whose {
    Whose::Both
}
