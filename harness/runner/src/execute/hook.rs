//! What the harness engine tells while it works: values, plaintexts, and messages that it lets the case edit.
//!
//! The engine calls [`ValueTap`] and [`EditHook`] in the middle of its methods; both only note what they
//! see in [`Tap`], and the executor takes it from there after each call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ikev1::crypto::{CryptoError, HashAlgorithm, reference};
use ikev1::hook::{AuthHash, OutgoingHook, OutgoingMessage};
use ikev1::keylog::{Direction, KeyLog, Label};
use ikev1::wire::edit::{self, Edit};
use ikev1::wire::{
    CookiePair, ExchangeType, Flags, Header, MessageId, PayloadType, Trailing, WireLimits, decode_chain,
    dissect,
};
use ikev1_scenario::model::{self, Contains, EditOp, Exchange, HashTreatment, IvTreatment, Selector};
use ikev1_scenario::tracker::{HeaderIdentity, fragment_number};

use crate::link::{HexError, from_hex};

/// Length of a generic payload header (RFC 2408 section 3.2).
const GENERIC_HEADER: usize = 4;

/// The executor's handle on what the engine told.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTap(Arc<Mutex<Tap>>);

impl SharedTap {
    /// What was told so far.
    pub(super) fn lock(&self) -> MutexGuard<'_, Tap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A derived value of the harness engine.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub(super) cookies: CookiePair,
    pub(super) m_id: MessageId,
    pub(super) label: Label,
    pub(super) bytes: Vec<u8>,
}

/// A decrypted message of the harness engine, or a clear one that an edit changed.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    pub(super) direction: Direction,
    pub(super) bytes: Vec<u8>,
    /// It is not encrypted on the wire; then its length field may still be that of before the edit.
    pub(super) clear: bool,
    /// Before and by which steps it was edited.
    pub(super) edited: Option<Edited>,
    /// The same of edits of what went out, where bodies of its payloads are encrypted.
    pub(super) sealed: Option<Edited>,
}

impl Plain {
    /// Whether it is what that message says when decrypted, as far as the header and the length tell. Of a message in
    /// fragments, it is told with the first.
    fn is_of(&self, message: &[u8]) -> bool {
        if self.has_encrypted_bodies() {
            return same_exchange(&self.bytes, message) && self.bytes.get(17..24) == message.get(17..24);
        }
        if let Some(number) = fragment_number(message) {
            return number == 1 && same_exchange(&self.bytes, message) && self.bytes.len() > message.len();
        }
        let upto = if self.clear { 24 } else { Header::LEN };
        let same_body = !self.clear || self.bytes.get(Header::LEN..) == message.get(Header::LEN..);
        self.bytes.len() == message.len() && self.bytes.get(..upto) == message.get(..upto) && same_body
    }

    /// Whether bodies of payloads are encrypted on the wire, and not the whole message (RFC 2409 sections 5.2 and 5.3).
    /// Then its length tells nothing, and neither do its payloads, which may have been edited.
    fn has_encrypted_bodies(&self) -> bool {
        let flags = self.bytes.get(19).copied().map(Flags);
        !self.clear && flags.is_some_and(|flags| !flags.contains(Flags::ENCRYPTION))
    }
}

/// Whether two messages have the same cookies, exchange type and M-ID.
fn same_exchange(a: &[u8], b: &[u8]) -> bool {
    HeaderIdentity::read(a) == HeaderIdentity::read(b)
}

/// What an edit changed.
#[derive(Debug, Clone)]
pub(super) struct Edited {
    pub(super) unaltered: Vec<u8>,
    pub(super) steps: Vec<usize>,
}

/// An edit that waits for its message.
#[derive(Debug, Clone)]
struct ArmedEdit {
    step: usize,
    edit: model::Edit,
    /// Messages so far that the selector's `contains` fits.
    fitting: u32,
    done: bool,
    /// It holds for every message that it fits, in every exchange of its type, and is no fault of the case when it cannot be
    /// applied.
    standing: bool,
}

/// Everything that the engine told and the executor has not taken yet, and the edits that wait.
#[derive(Debug, Default)]
pub(super) struct Tap {
    pub(super) values: Vec<Derived>,
    pub(super) plains: VecDeque<Plain>,
    /// Edits that could not be applied: a fault of the case, not of the peer.
    pub(super) problems: Vec<String>,
    edits: Vec<ArmedEdit>,
    edited: Option<Edited>,
    exchanges: Exchanges,
    nonces: HashMap<(CookiePair, MessageId), Vec<Vec<u8>>>,
    /// The IV of the last message that the harness encrypted under an ISAKMP SA.
    ivs: HashMap<CookiePair, Vec<u8>>,
}

impl Tap {
    /// Arms an edit for messages to come.
    pub(super) fn arm(&mut self, step: usize, edit: model::Edit) {
        self.edits.push(ArmedEdit { step, edit, fitting: 0, done: false, standing: false });
    }

    /// Whether an edit waits for its message.
    pub(super) fn waits(&self) -> bool {
        self.edits.iter().any(|armed| !armed.done && !armed.standing)
    }

    /// Notes the exchange of a message of the peer, so that occurrences count over both sides.
    pub(super) fn peer_sent(&mut self, message: &[u8]) {
        if let Some(identity) = HeaderIdentity::read(message)
            && identity.exchange() != Some(Exchange::Informational)
        {
            self.exchanges.occurrence(identity);
        }
    }

    /// The decrypted form of the message that the engine has just handled; the last when it tried several keys. Others
    /// that the engine had kept and opened now are left out.
    pub(super) fn take_inbound(&mut self, message: &[u8]) -> Option<Plain> {
        let fits = |plain: &&Plain| {
            let same = if plain.has_encrypted_bodies() {
                plain.is_of(message)
            } else if fragment_number(message).is_some() {
                // Some daemons set the M-ID of fragments to zero.
                plain.bytes.get(..16) == message.get(..16) && plain.bytes.get(18) == message.get(18)
            } else {
                plain.bytes.get(..Header::LEN) == message.get(..Header::LEN)
            };
            plain.direction == Direction::Inbound && same
        };
        let last = self.plains.iter().rev().find(fits).cloned();
        self.plains.retain(|plain| plain.direction != Direction::Inbound);
        last
    }

    /// The decrypted form of a message that the engine sends.
    pub(super) fn take_outbound(&mut self, message: &[u8]) -> Option<Plain> {
        let fits = |plain: &Plain| plain.direction == Direction::Outbound && plain.is_of(message);
        let index = self.plains.iter().position(fits)?;
        self.plains.remove(index)
    }

    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        let edited = self.edit(message, false);
        if !message.iv.is_empty() {
            self.ivs.insert(message.cookies, message.iv.to_vec());
        }
        let Some(edited) = edited else { return };
        if message.encrypted {
            self.edited = Some(edited);
            return;
        }
        // Clear messages are not reported as plaintexts; this one is, so that both forms are recorded.
        let (bytes, edited) = (message.bytes.clone(), Some(edited));
        let direction = Direction::Outbound;
        self.plains.push_back(Plain { direction, bytes, clear: true, edited, sealed: None });
    }

    fn sealed(&mut self, message: &mut OutgoingMessage<'_>) {
        let Some(edited) = self.edit(message, true) else { return };
        if let Some(plain) = self.plains.back_mut() {
            plain.sealed = Some(edited);
        }
    }

    /// Applies the edits that wait for a message, of encrypted bodies or of others; `None` where there is none.
    fn edit(&mut self, message: &mut OutgoingMessage<'_>, sealed: bool) -> Option<Edited> {
        let identity = HeaderIdentity::read(message.bytes)?;
        let occurrence = self.exchanges.occurrence(identity);
        let exchange = identity.exchange()?;
        let unaltered = message.bytes.clone();
        let mut steps = Vec::new();
        let mut edits = core::mem::take(&mut self.edits);
        for armed in edits.iter_mut().filter(|armed| !armed.done && armed.edit.sealed == sealed) {
            let selector = &armed.edit.message;
            if selector.exchange != exchange || selector.number != message.number {
                continue;
            }
            let place = match &selector.contains {
                None => occurrence,
                Some(contains) if contained(contains, &unaltered) => {
                    armed.fitting = armed.fitting.saturating_add(1);
                    armed.fitting
                }
                Some(_) => continue,
            };
            if armed.standing {
                let (bytes, keep_length) = (message.bytes.clone(), message.keep_length);
                if self.apply(&armed.edit, message).is_err() {
                    (*message.bytes, message.keep_length) = (bytes, keep_length);
                }
                continue;
            }
            if place != selector.occurrence {
                continue;
            }
            armed.done = true;
            steps.push(armed.step);
            if let Err(problem) = self.apply(&armed.edit, message) {
                self.problems.push(format!("cannot edit {}: {problem}", shown(selector)));
            }
        }
        self.edits = edits;
        (!steps.is_empty()).then_some(Edited { unaltered, steps })
    }

    fn apply(&self, armed: &model::Edit, message: &mut OutgoingMessage<'_>) -> Result<(), EditFailure> {
        for op in &armed.apply {
            edit::apply(message.bytes, &wire_edit(op, message.bytes)?)?;
        }
        message.keep_length |= armed.keep_length;
        message.in_the_clear |= armed.in_the_clear;
        match armed.iv {
            IvTreatment::Right => {}
            _ if message.iv.is_empty() => return Err(EditFailure::NoIv("it is not encrypted as a whole")),
            IvTreatment::Zero => message.other_iv = Some(vec![0; message.iv.len()]),
            IvTreatment::Stale => {
                let iv = self.ivs.get(&message.cookies);
                let iv = iv.ok_or(EditFailure::NoIv("the harness has encrypted nothing before it"))?;
                message.other_iv = Some(iv.clone());
            }
        }
        match armed.hash {
            HashTreatment::Keep => Ok(()),
            HashTreatment::Recompute if message.m_id == MessageId::PHASE_1 => recompute_auth_hash(message),
            HashTreatment::Recompute => self.recompute_hash(message),
            treatment => wrong_proof(message, treatment),
        }
    }

    /// Computes HASH(1), HASH(2) or HASH(3) of a phase 2 message again (RFC 2409 sections 5.5 and 5.7).
    fn recompute_hash(&self, message: &mut OutgoingMessage<'_>) -> Result<(), EditFailure> {
        let skeyid_a = message.skeyid_a.ok_or(EditFailure::NoHash("SKEYID_a is not known yet"))?;
        let first = message.bytes.get(16).copied().map(PayloadType);
        if first != Some(PayloadType::HASH) {
            return Err(EditFailure::NoHash("its first payload is no HASH"));
        }
        let length = message.bytes.get(Header::LEN + 2..Header::LEN + GENERIC_HEADER);
        let length =
            length.map_or(0, |field| field.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
        let end = Header::LEN.saturating_add(length);
        let (Some(digest_len), Some(after_hash)) =
            (length.checked_sub(GENERIC_HEADER), message.bytes.get(end..))
        else {
            return Err(EditFailure::NoHash("its HASH payload has no valid length"));
        };
        let hash = HashAlgorithm::ALL.iter().copied().find(|hash| hash.output_len() == digest_len);
        let hash = hash.ok_or(EditFailure::NoHash("its HASH payload has the length of no hash"))?;

        let m_id = message.m_id.0.to_be_bytes();
        let nonces = self.nonces.get(&(message.cookies, message.m_id)).map_or(&[][..], Vec::as_slice);
        let (ni_b, nr_b) = (nonces.first(), nonces.get(1));
        let no_nonce = EditFailure::NoHash("the nonces of its exchange are not known");
        let parts: Vec<&[u8]> = match (message.exchange, message.number, ni_b, nr_b) {
            (ExchangeType::QUICK_MODE, 2, Some(ni_b), _) => vec![&m_id, ni_b, after_hash],
            (ExchangeType::QUICK_MODE, 3, Some(ni_b), Some(nr_b)) => vec![&[0], &m_id, ni_b, nr_b],
            (ExchangeType::QUICK_MODE, 2 | 3, ..) => return Err(no_nonce),
            _ => vec![&m_id, after_hash],
        };
        let digest = reference().prf(hash, skeyid_a, &parts).as_bytes().to_vec();
        if let Some(field) = message.bytes.get_mut(Header::LEN + GENERIC_HEADER..end) {
            field.copy_from_slice(&digest);
        }
        Ok(())
    }

    fn plaintext(&mut self, direction: Direction, message: &[u8]) {
        self.note_nonce(message);
        let told =
            |plain: &Plain| plain.clear && plain.bytes.get(Header::LEN..) == message.get(Header::LEN..);
        if direction == Direction::Outbound && self.plains.back().is_some_and(told) {
            return; // An edited message in the clear that goes out in fragments.
        }
        let edited = if direction == Direction::Outbound { self.edited.take() } else { None };
        self.plains.push_back(Plain {
            direction,
            bytes: message.to_vec(),
            clear: false,
            edited,
            sealed: None,
        });
    }

    /// Keeps the nonce of a quick mode message: the first of its exchange is Ni_b, the second Nr_b.
    fn note_nonce(&mut self, message: &[u8]) {
        let Ok(header) = Header::decode(message) else { return };
        if header.exchange_type != ExchangeType::QUICK_MODE {
            return;
        }
        let body = Bytes::copy_from_slice(message.get(Header::LEN..).unwrap_or_default());
        let limits = WireLimits::default();
        let Ok(chain) = decode_chain(header.next_payload, &body, Trailing::Padding, &limits) else { return };
        let Some(nonce) = chain.first(PayloadType::NONCE) else { return };
        let nonces = self.nonces.entry((header.cookies, header.message_id)).or_default();
        if !nonces.iter().any(|known| *known == nonce.body) {
            nonces.push(nonce.body.to_vec());
        }
    }
}

/// Lets HASH_I and HASH_R, or the signatures over them, cover a phase 1 message as it was edited (RFC 2409 section 5):
/// the SA and ID payloads of a first message, or the ID payload of one that carries its own hash or signature.
fn recompute_auth_hash(message: &mut OutgoingMessage<'_>) -> Result<(), EditFailure> {
    // Main mode message 3 carries no hash either, and its nonce goes into SKEYID.
    let is_main_mode_3 = (message.exchange, message.number) == (ExchangeType::IDENTITY_PROTECTION, 3);
    if message.number == 1 || is_main_mode_3 {
        message.hash_covers_edit = true;
        return Ok(());
    }
    let (auth_hash, id_b) = auth_hash(message)?;
    let (payload, bytes) = auth_hash.proof_over(&id_b)?;
    let path = if payload == PayloadType::SIG { "sig.data" } else { "hash.data" };
    Ok(edit::apply(message.bytes, &Edit::Set { path: path.to_owned(), bytes })?)
}

/// The HASH_I or HASH_R of a message, and the body of its ID payload as it was edited.
fn auth_hash<'a>(message: &OutgoingMessage<'a>) -> Result<(&'a AuthHash, Vec<u8>), EditFailure> {
    let auth_hash =
        message.auth_hash.ok_or(EditFailure::NoHash("it does not carry HASH_I or HASH_R with an ID"))?;
    let dissection = dissect(message.bytes, false);
    let id_b = dissection.field("id").and_then(|field| {
        let end = field.offset.checked_add(field.len)?;
        message.bytes.get(field.offset.checked_add(GENERIC_HEADER)?..end)
    });
    Ok((auth_hash, id_b.ok_or(EditFailure::NoHash("it has no ID payload"))?.to_vec()))
}

/// Puts a proof that is made in a wrong way, from the right HASH_I or HASH_R, into the place of the signature.
fn wrong_proof(message: &mut OutgoingMessage<'_>, treatment: HashTreatment) -> Result<(), EditFailure> {
    let (auth_hash, id_b) = auth_hash(message)?;
    let hash = auth_hash.over(&id_b);
    let signature = match treatment {
        HashTreatment::DigestInfo => auth_hash.digest_info_signature_over(&id_b)?,
        HashTreatment::TruncatedHash => {
            let half = hash.get(..hash.len() / 2).unwrap_or_default();
            auth_hash.signature_over_bytes(half)?
        }
        HashTreatment::ExtendedHash => auth_hash.signature_over_bytes(&[&hash[..], &[0; 16]].concat())?,
        _ => {
            let dissection = dissect(message.bytes, false);
            // The header is the first of the structures, the payloads follow.
            let structures = dissection.fields.iter().filter(|field| field.depth == 0);
            let at = structures.skip(1).position(|field| field.path == "sig");
            let at = at.ok_or(EditFailure::NoHash("it has no SIG payload"))?;
            edit::apply(message.bytes, &Edit::RemovePayload { path: "sig".to_owned() })?;
            let insert = Edit::InsertPayload { at, payload_type: PayloadType::HASH, body: hash };
            return Ok(edit::apply(message.bytes, &insert)?);
        }
    };
    let bytes = signature.ok_or(EditFailure::NoHash("no signature of that kind authenticates"))?;
    Ok(edit::apply(message.bytes, &Edit::Replace { path: "sig.data".to_owned(), bytes })?)
}

/// Counts exchanges by type, as the tracker does, but before a message is on its way.
#[derive(Debug, Default)]
struct Exchanges {
    known: HashMap<HeaderIdentity, u32>,
    counts: HashMap<u8, u32>,
}

impl Exchanges {
    /// Which exchange of its type the message belongs to. Informational exchanges have one message, so each is new.
    fn occurrence(&mut self, identity: HeaderIdentity) -> u32 {
        let exchange = identity.exchange();
        let key = match exchange {
            // CKY-R is zero in the first message.
            Some(Exchange::MainMode | Exchange::AggressiveMode) => {
                HeaderIdentity { cky_r: [0; 8], ..identity }
            }
            _ => identity,
        };
        let single = exchange == Some(Exchange::Informational);
        if let Some(known) = self.known.get(&key).filter(|_| !single) {
            return *known;
        }
        let count = self.counts.entry(identity.exchange_type).or_insert(0);
        *count = count.saturating_add(1);
        self.known.insert(key, *count);
        *count
    }
}

/// Why an edit could not be applied.
#[derive(Debug, thiserror::Error)]
enum EditFailure {
    #[error(transparent)]
    Hex(#[from] HexError),
    #[error(transparent)]
    Edit(#[from] edit::EditError),
    #[error("no hash to recompute: {0}")]
    NoHash(&'static str),
    #[error("no IV to encrypt from: {0}")]
    NoIv(&'static str),
    #[error("{path} has {len} bytes, so {by} cannot be cut")]
    TooShort { path: String, len: usize, by: u64 },
    #[error("cannot sign again: {0}")]
    Sign(#[from] CryptoError),
    #[error("no certificate in credentials/{0}.pem")]
    NoCertificate(String),
}

fn wire_edit(op: &EditOp, message: &[u8]) -> Result<Edit, EditFailure> {
    let path = |field: &String| field.clone();
    Ok(match op {
        EditOp::Set { field, hex } => Edit::Set { path: path(field), bytes: from_hex("bytes to set", hex)? },
        EditOp::SetNumber { field, value } => Edit::SetNumber { path: path(field), value: *value },
        EditOp::Xor { field, index, mask } => Edit::Xor { path: path(field), index: *index, mask: *mask },
        EditOp::Truncate { length } => Edit::Truncate { len: *length },
        EditOp::Append { hex } => Edit::Append { bytes: from_hex("bytes to append", hex)? },
        EditOp::InsertPayload { at, payload_type, hex } => Edit::InsertPayload {
            at: *at,
            payload_type: PayloadType(*payload_type),
            body: from_hex("payload body", hex)?,
        },
        EditOp::RemovePayload { field } => Edit::RemovePayload { path: path(field) },
        EditOp::Reorder { order } => Edit::ReorderPayloads { order: order.clone() },
        EditOp::Replace { field, hex } => {
            Edit::Replace { path: path(field), bytes: from_hex("replacing bytes", hex)? }
        }
        EditOp::Fill { field, length, byte } => {
            Edit::Replace { path: path(field), bytes: vec![*byte; *length] }
        }
        EditOp::Resize { field, length } => {
            let mut bytes = dissect(message, false).bytes(field).unwrap_or_default().to_vec();
            bytes.resize(*length, 0);
            Edit::Replace { path: path(field), bytes }
        }
        EditOp::Add { field, by } => {
            let bytes = named(field, message)?;
            let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let sum = number.wrapping_add_signed(*by).to_be_bytes();
            let bytes = sum.get(sum.len().saturating_sub(bytes.len())..).unwrap_or(&sum).to_vec();
            Edit::Set { path: path(field), bytes }
        }
        EditOp::SetAll { field, byte } => {
            Edit::Set { path: path(field), bytes: vec![*byte; named(field, message)?.len()] }
        }
        EditOp::Grow { field, by } => {
            let mut bytes = named(field, message)?;
            let len = isize::try_from(*by).ok().and_then(|by| bytes.len().checked_add_signed(by));
            let len = len.ok_or_else(|| EditFailure::TooShort {
                path: path(field),
                len: bytes.len(),
                by: by.unsigned_abs(),
            })?;
            bytes.resize(len, 0);
            Edit::Replace { path: path(field), bytes }
        }
        EditOp::AppendPayload { payload_type, hex } => Edit::InsertPayload {
            // The header is the first of the structures, the payloads follow.
            at: dissect(message, false).fields.iter().filter(|field| field.depth == 0).skip(1).count(),
            payload_type: PayloadType(*payload_type),
            body: from_hex("payload body", hex)?,
        },
        EditOp::SwapPayloads { a, b } => Edit::SwapPayloads { a: path(a), b: path(b) },
        EditOp::InsertCertificate { file, .. } => return Err(EditFailure::NoCertificate(file.clone())),
        EditOp::DuplicatePayload { field } => Edit::DuplicatePayload { path: path(field) },
    })
}

/// The bytes of a field.
fn named(field: &str, message: &[u8]) -> Result<Vec<u8>, EditFailure> {
    let dissection = dissect(message, false);
    let missing =
        || edit::EditError::NoSuchField { path: field.to_owned(), nearest: dissection.nearest(field) };
    Ok(dissection.bytes(field).ok_or_else(missing)?.to_vec())
}

/// Whether a message in the clear contains what a selector asks for.
fn contained(contains: &Contains, message: &[u8]) -> bool {
    super::find::contains(message, contains)
}

fn shown(selector: &Selector) -> String {
    format!("{} message {} of exchange {}", selector.exchange, selector.number, selector.occurrence)
}

/// The engine's key log.
#[derive(Debug)]
pub(super) struct ValueTap(pub(super) SharedTap);

impl KeyLog for ValueTap {
    fn value(&mut self, cookies: CookiePair, m_id: MessageId, label: Label, bytes: &[u8]) {
        self.0.lock().values.push(Derived { cookies, m_id, label, bytes: bytes.to_vec() });
    }

    fn plaintext(&mut self, direction: Direction, message: &[u8]) {
        self.0.lock().plaintext(direction, message);
    }
}

/// Edits that a peer makes to all of its messages that they fit.
#[derive(Debug, Clone)]
pub(crate) struct StandingEdits(SharedTap);

impl StandingEdits {
    /// For messages to come. Which exchange of its type a selector means does not count.
    pub(crate) fn new(edits: &[model::Edit]) -> Self {
        let arm = |edit: &model::Edit| ArmedEdit {
            step: 0,
            edit: edit.clone(),
            fitting: 0,
            done: false,
            standing: true,
        };
        let tap = SharedTap::default();
        tap.lock().edits = edits.iter().map(arm).collect();
        Self(tap)
    }

    /// The hook that makes them.
    pub(crate) fn hook(&self) -> impl OutgoingHook + use<> {
        EditHook(self.0.clone())
    }

    /// Takes note of a decrypted message, as its nonce goes into later hashes.
    pub(crate) fn plaintext(&self, message: &[u8]) {
        self.0.lock().note_nonce(message);
    }
}

/// The engine's outgoing hook.
#[derive(Debug)]
pub(super) struct EditHook(pub(super) SharedTap);

impl OutgoingHook for EditHook {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        self.0.lock().outgoing(message);
    }

    fn sealed(&mut self, message: &mut OutgoingMessage<'_>) {
        self.0.lock().sealed(message);
    }
}
