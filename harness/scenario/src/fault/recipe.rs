//! What a fault operator does, in the steps of the scenario language.

use crate::model::{
    DatagramOp, Delay, DropMessage, Duplicate, Edit, EditDatagram, EditOp, Exchange, HashTreatment, Inject,
    InjectBytes, IvTreatment, Selector, Side, Step, ToPort, When,
};

/// How a fault is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    /// Changes before encryption; the hash of the message stays as it was.
    Plain(fn() -> Vec<EditOp>),
    /// The same, and the payloads stay readable: the hash is that of the changed message, so that only the fault is wrong.
    Proper(fn() -> Vec<EditOp>),
    /// The same, and the payloads may be unreadable or miss what phase 1 needs: the hash follows in phase 2 only.
    Broken(fn() -> Vec<EditOp>),
    /// Changes of the header's length.
    Length(fn() -> Vec<EditOp>),
    /// No encryption.
    Clear,
    /// Another IV.
    Iv(IvTreatment),
    /// Changes of the first copy, after encryption.
    Datagram(fn() -> Vec<DatagramOp>),
    /// Loss of so many copies.
    Drop(u32),
    /// So many more copies.
    Duplicate(u32),
    /// A delay of so many milliseconds.
    Delay(u64),
    /// Another datagram in front of it.
    Before(fn() -> InjectBytes),
    /// Another datagram behind it.
    After(fn() -> InjectBytes),
}

impl Recipe {
    /// The step that does it to a message of the harness.
    pub(super) fn step(self, message: &Selector) -> Step {
        let (message, from) = (message.clone(), Side::Harness);
        let edit = |apply: Vec<EditOp>| Edit {
            message: message.clone(),
            apply,
            hash: HashTreatment::Keep,
            keep_length: false,
            in_the_clear: false,
            sealed: false,
            iv: IvTreatment::Right,
        };
        let inject =
            |datagram, when| Step::Inject(Inject { datagram, when, to_port: ToPort::default(), times: 1 });
        match self {
            Self::Plain(ops) => Step::Edit(edit(ops())),
            Self::Proper(ops) => {
                let ops = ops();
                let hash =
                    if covered(&message, &ops) { HashTreatment::Recompute } else { HashTreatment::Keep };
                Step::Edit(Edit { hash, ..edit(ops) })
            }
            Self::Broken(ops) => {
                let phase1 = matches!(message.exchange, Exchange::MainMode | Exchange::AggressiveMode);
                let hash = if phase1 { HashTreatment::Keep } else { HashTreatment::Recompute };
                Step::Edit(Edit { hash, ..edit(ops()) })
            }
            Self::Length(ops) => Step::Edit(Edit { keep_length: true, ..edit(ops()) }),
            Self::Clear => Step::Edit(Edit { in_the_clear: true, ..edit(Vec::new()) }),
            Self::Iv(iv) => Step::Edit(Edit { iv, ..edit(Vec::new()) }),
            Self::Datagram(ops) => Step::EditDatagram(EditDatagram { message, from, apply: ops(), times: 1 }),
            Self::Drop(times) => Step::Drop(DropMessage { message, from, times }),
            Self::Duplicate(copies) => Step::Duplicate(Duplicate { message, from, copies }),
            Self::Delay(by_ms) => Step::Delay(Delay { message, from, by_ms }),
            Self::Before(datagram) => inject(datagram(), When::Before(message.clone())),
            Self::After(datagram) => inject(datagram(), When::After(message.clone())),
        }
    }
}

/// Whether the hash of the exchange covers what is changed, and can be computed over it: in phase 2 all of the message, in a
/// first message of phase 1 the SA payload and what is covered with it, later the ID payload alone.
fn covered(message: &Selector, ops: &[EditOp]) -> bool {
    let of_id = |op: &EditOp| {
        matches!(op, EditOp::Set { field, .. } | EditOp::SetNumber { field, .. } | EditOp::Xor { field, .. }
            | EditOp::Replace { field, .. } | EditOp::Grow { field, .. } if field.starts_with("id."))
    };
    match (message.exchange, message.number) {
        (Exchange::MainMode, 1 | 3) | (Exchange::AggressiveMode, 1) => true,
        (Exchange::MainMode, 5 | 6) | (Exchange::AggressiveMode, 2) => ops.iter().any(of_id),
        (Exchange::MainMode | Exchange::AggressiveMode, _) => false,
        _ => true,
    }
}

// --- Changes by field path ---

pub(super) fn number(field: &str, value: u64) -> EditOp {
    EditOp::SetNumber { field: field.to_owned(), value }
}

pub(super) fn add(field: &str, by: i64) -> EditOp {
    EditOp::Add { field: field.to_owned(), by }
}

pub(super) fn xor(field: &str, mask: u8) -> EditOp {
    EditOp::Xor { field: field.to_owned(), index: 0, mask }
}

pub(super) fn all(field: &str, byte: u8) -> EditOp {
    EditOp::SetAll { field: field.to_owned(), byte }
}

pub(super) fn grow(field: &str, by: i64) -> EditOp {
    EditOp::Grow { field: field.to_owned(), by }
}

pub(super) fn replace(field: &str, hex: &str) -> EditOp {
    EditOp::Replace { field: field.to_owned(), hex: hex.to_owned() }
}

pub(super) fn remove(field: &str) -> EditOp {
    EditOp::RemovePayload { field: field.to_owned() }
}

pub(super) fn repeat(field: &str) -> EditOp {
    EditOp::DuplicatePayload { field: field.to_owned() }
}

pub(super) fn swap(a: &str, b: &str) -> EditOp {
    EditOp::SwapPayloads { a: a.to_owned(), b: b.to_owned() }
}

pub(super) fn append_payload(payload_type: u8, hex: &str) -> EditOp {
    EditOp::AppendPayload { payload_type, hex: hex.to_owned() }
}

/// So many zero octets behind the last payload.
pub(super) fn fill(octets: usize) -> EditOp {
    EditOp::Append { hex: "00".repeat(octets) }
}

// --- Changes of a datagram, by offset ---

pub(super) fn bytes(hex: &str) -> DatagramOp {
    DatagramOp::Append { hex: hex.to_owned() }
}

pub(super) fn set_bytes(offset: usize, hex: &str) -> DatagramOp {
    DatagramOp::Set { offset, hex: hex.to_owned() }
}

pub(super) const fn xor_byte(offset: i64, mask: u8) -> DatagramOp {
    DatagramOp::Xor { offset, mask }
}

pub(super) const fn whole(length: usize) -> DatagramOp {
    DatagramOp::Truncate { length }
}

pub(super) const fn cut(octets: usize) -> DatagramOp {
    DatagramOp::Cut { octets }
}

/// A copy of the message with these changes.
pub(super) const fn copy(apply: Vec<DatagramOp>) -> InjectBytes {
    InjectBytes::Copy { apply }
}

/// Random octets; with the run's seed they are always the same.
pub(super) const fn random(length: usize) -> InjectBytes {
    InjectBytes::Random { seed: 0x2409, length }
}
