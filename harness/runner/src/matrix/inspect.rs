//! Every ISAKMP message of a capture against the form of its exchange (RFC 2409 section 5).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ikev1::crypto::{CipherAlgorithm, HashAlgorithm};
use ikev1::wire::{
    Chain, Cookie, CookiePair, ExchangeType, Flags, Header, Message, Payload, PayloadType, WireLimits,
};
use ikev1_report::model::Finding;
use ikev1_scenario::Verdict;

use super::wire::{Carries, End, Seen};
use crate::dissect::{IvChains, Proof, Suite, chain, decrypt, form, messages};

/// The cipher and the hash of every combination.
const SUITE: Suite = Suite { cipher: CipherAlgorithm::AesCbc128, hash: HashAlgorithm::Sha1 };

/// What a combination lets expect on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) aggressive: bool,
    pub(super) signatures: bool,
    pub(super) pfs: bool,
}

/// Something that is not as expected, with the verdict that it makes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) verdict: Verdict,
    pub(super) finding: Finding,
}

impl Problem {
    /// A problem without a packet.
    pub(super) fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self { verdict, finding: Finding { what: what.into(), ..Finding::default() } }
    }
}

/// The SPIs of a quick mode: those that its initiator and its responder have chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Negotiated {
    /// Which end began the quick mode.
    pub(super) by_initiator: bool,
    /// The SPI of its first message.
    pub(super) first: Option<u32>,
    /// The SPI of its second message.
    pub(super) second: Option<u32>,
}

/// What the capture shows.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    /// Different ISAKMP messages.
    pub(super) messages: usize,
    /// Repeated ones.
    pub(super) repeated: usize,
    /// Encrypted ones.
    pub(super) encrypted: usize,
    /// Encrypted ones that were read.
    pub(super) opened: usize,
    /// The quick modes that were read, by ISAKMP SA and M-ID.
    pub(super) quick_modes: BTreeMap<(CookiePair, u32), Negotiated>,
    /// Everything that is not as expected.
    pub(super) problems: Vec<Problem>,
}

/// Checks all ISAKMP messages. `keys` has Ka of the ISAKMP SAs by CKY-I, where a side has logged it.
pub(super) fn inspect(seen: &[Seen], expected: Expected, keys: &BTreeMap<Cookie, Vec<u8>>) -> Inspection {
    let mut inspector = Inspector {
        expected,
        keys,
        phase1: BTreeMap::new(),
        counts: BTreeMap::new(),
        known: BTreeSet::new(),
        found: Inspection::default(),
    };
    for seen in seen {
        if let Carries::Isakmp(message) = &seen.carries {
            inspector.message(seen, message);
        }
    }
    inspector.found
}

/// A phase 1 that has begun.
#[derive(Debug)]
struct Phase1 {
    responder: Cookie,
    started_by: End,
    messages: usize,
    g_xi: Option<Bytes>,
    ivs: Option<IvChains>,
}

struct Inspector<'a> {
    expected: Expected,
    keys: &'a BTreeMap<Cookie, Vec<u8>>,
    phase1: BTreeMap<Cookie, Phase1>,
    /// Messages of each quick mode.
    counts: BTreeMap<(CookiePair, u32), usize>,
    /// What was met before: the same again is a retransmission.
    known: BTreeSet<(bool, Bytes)>,
    found: Inspection,
}

impl Inspector<'_> {
    fn problem(&mut self, seen: &Seen, verdict: Verdict, requirement: &str, what: String) {
        let requirements = if requirement.is_empty() { Vec::new() } else { vec![requirement.to_owned()] };
        let what = format!("{}: {what}", seen.from.name());
        let finding = Finding { requirements, what, packet: Some(seen.number), ..Finding::default() };
        self.found.problems.push(Problem { verdict, finding });
    }

    fn message(&mut self, seen: &Seen, message: &Bytes) {
        if !self.known.insert((seen.from == End::Initiator, message.clone())) {
            self.found.repeated += 1;
            return;
        }
        self.found.messages += 1;
        let header = match Header::decode(message).and_then(|h| h.check(message.len()).map(|()| h)) {
            Ok(header) => header,
            Err(error) => {
                let what =
                    format!("its message has a header that RFC 2408 section 3.1 does not allow: {error}");
                return self.problem(seen, Verdict::Fail, "", what);
            }
        };
        let body = message.slice(Header::LEN..);
        let encrypted = header.flags.contains(Flags::ENCRYPTION);
        if header.cookies.initiator.is_zero() {
            let what = "CKY-I of its message is zero".to_owned();
            self.problem(seen, Verdict::Fail, "RFC2408-2.5.3-01", what);
        }
        if encrypted {
            self.found.encrypted += 1;
            if body.is_empty() || !body.len().is_multiple_of(SUITE.cipher.block_len()) {
                let what = format!("{} bytes are encrypted, no multiple of the cipher's block", body.len());
                self.problem(seen, Verdict::Fail, "", what);
            }
        }
        match header.exchange_type {
            ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE => {
                self.in_phase1(seen, &header, message, &body);
            }
            ExchangeType::QUICK_MODE | ExchangeType::INFORMATIONAL => {
                self.in_phase2(seen, &header, &body);
            }
            other => {
                let what = format!("a message of an exchange that was not asked for: {other}");
                self.problem(seen, Verdict::Info, "", what);
            }
        }
    }

    fn in_phase1(&mut self, seen: &Seen, header: &Header, message: &Bytes, body: &Bytes) {
        let Expected { aggressive, signatures, .. } = self.expected;
        let cookie = header.cookies.initiator;
        let (responder, exchange) = (header.cookies.responder, header.exchange_type);
        let first = !self.phase1.contains_key(&cookie);
        let phase1 = self.phase1.entry(cookie).or_insert_with(|| Phase1 {
            responder,
            started_by: seen.from,
            messages: 0,
            g_xi: None,
            ivs: None,
        });
        phase1.messages += 1;
        let number = phase1.messages;
        if number == 2 {
            phase1.responder = responder;
        }
        let (chosen, started_by) = (phase1.responder, phase1.started_by);
        let name = format!("message {number} of {exchange}");
        let asked_for = if aggressive { ExchangeType::AGGRESSIVE } else { ExchangeType::IDENTITY_PROTECTION };
        if exchange != asked_for {
            let what = format!("{name} where {asked_for} is configured");
            return self.problem(seen, Verdict::Fail, "", what);
        }
        let proof = if signatures { Proof::Signatures } else { Proof::PreSharedKey };
        let Some(form) = form(aggressive, proof, number) else {
            let what = format!("{name}, which has no more than {}", messages(aggressive));
            return self.problem(seen, Verdict::Info, "", what);
        };
        if (seen.from == started_by) != (number % 2 == 1) {
            let what = format!("{name}, which the other side should have sent");
            self.problem(seen, Verdict::Fail, form.clause, what);
        }
        if first != responder.is_zero() || responder != chosen {
            let what = format!("CKY-R of {name} is {}", hex::encode(responder.0));
            self.problem(seen, Verdict::Fail, "RFC2408-2.5.3-01", what);
        }
        if header.message_id.0 != 0 {
            let what = format!("M-ID of {name} is {:08x}, not zero", header.message_id.0);
            self.problem(seen, Verdict::Fail, "RFC2408-3.1-01", what);
        }
        let encrypted = header.flags.contains(Flags::ENCRYPTION);
        if form.encrypted.is_some_and(|wanted| wanted != encrypted) {
            let what = format!("{name} is {}", if encrypted { "encrypted" } else { "in the clear" });
            self.problem(seen, Verdict::Fail, form.clause, what);
        }
        let chain = if encrypted {
            let iv = self.phase1.get_mut(&cookie).and_then(|phase1| phase1.ivs.as_mut()?.advance(0, body));
            self.open(seen, header, body, iv, &name)
        } else {
            match Message::decode(message, &WireLimits::default()) {
                Ok(message) => Some(message.chain),
                Err(error) => {
                    self.problem(seen, Verdict::Fail, form.clause, format!("{name} cannot be read: {error}"));
                    None
                }
            }
        };
        let Some(chain) = chain else { return };
        self.payloads(seen, &name, &chain, form.payloads, form.clause);
        if form.payloads.contains(&PayloadType::SA) && types(&chain).first() != Some(&PayloadType::SA) {
            let what = format!("{name} begins with {:?}, not with SA", types(&chain).first());
            self.problem(seen, Verdict::Fail, "RFC2409-5-04", what);
        }
        let public = chain.iter().find_map(|payload| match payload {
            Payload::KeyExchange(ke) => Some(ke.data.clone()),
            _ => None,
        });
        if let (Some(public), Some(phase1)) = (public, self.phase1.get_mut(&cookie)) {
            match &phase1.g_xi {
                Some(g_xi) => phase1.ivs = Some(IvChains::begin(SUITE, g_xi, &public)),
                None => phase1.g_xi = Some(public),
            }
        }
    }

    fn in_phase2(&mut self, seen: &Seen, header: &Header, body: &Bytes) {
        let quick = header.exchange_type == ExchangeType::QUICK_MODE;
        let clause = if quick { "RFC2409-5.5-01" } else { "RFC2409-5.7-01" };
        let (cookies, m_id) = (header.cookies, header.message_id.0);
        let count = self.counts.entry((cookies, m_id)).or_default();
        *count += 1;
        let count = *count;
        let name = format!("{} {}, message {count}", header.exchange_type, header.message_id);
        let known = self.phase1.get(&cookies.initiator);
        let complete = known.is_some_and(|phase1| {
            phase1.responder == cookies.responder && phase1.messages >= messages(self.expected.aggressive)
        });
        if !header.flags.contains(Flags::ENCRYPTION) {
            // Before the end of phase 1 nothing else is possible, and it is a refusal.
            let verdict = if quick || complete { Verdict::Fail } else { Verdict::Info };
            return self.problem(seen, verdict, clause, format!("{name} is in the clear"));
        }
        if known.is_none_or(|phase1| phase1.responder != cookies.responder) {
            let what = format!("{name} has cookies of no phase 1 on the wire");
            return self.problem(seen, Verdict::Fail, "RFC2409-4-04", what);
        }
        if m_id == 0 {
            return self.problem(seen, Verdict::Fail, "RFC2408-3.1-06", format!("M-ID of {name} is zero"));
        }
        let phase1 = self.phase1.get_mut(&cookies.initiator);
        let iv = phase1.and_then(|phase1| phase1.ivs.as_mut()?.advance(m_id, body));
        let Some(chain) = self.open(seen, header, body, iv, &name) else { return };
        let types = types(&chain);
        let order = if quick { "RFC2409-5.5-02" } else { clause };
        if types.first() != Some(&PayloadType::HASH) {
            let what = format!("{name} begins with {:?}, not with HASH", types.first());
            self.problem(seen, Verdict::Fail, order, what);
        }
        if !quick {
            return;
        }
        if count < 3 && types.get(1) != Some(&PayloadType::SA) {
            let what = format!("{name} has {:?} behind HASH, not SA", types.get(1));
            self.problem(seen, Verdict::Fail, order, what);
        }
        let wanted: &[PayloadType] = match (count, self.expected.pfs) {
            (1 | 2, true) => &[PayloadType::HASH, PayloadType::SA, PayloadType::NONCE, PayloadType::KE],
            (1 | 2, false) => &[PayloadType::HASH, PayloadType::SA, PayloadType::NONCE],
            _ => &[PayloadType::HASH],
        };
        self.payloads(seen, &name, &chain, wanted, clause);
        if types.contains(&PayloadType::KE) && !self.expected.pfs {
            let what = format!("{name} has a KE payload without PFS");
            self.problem(seen, Verdict::Fail, "", what);
        }
        let spi = chain.iter().find_map(|payload| match payload {
            Payload::Sa(sa) => sa.proposals.first()?.spi.as_ref().try_into().ok().map(u32::from_be_bytes),
            _ => None,
        });
        let negotiated = self.found.quick_modes.entry((cookies, m_id)).or_default();
        match count {
            1 => (negotiated.first, negotiated.by_initiator) = (spi, seen.from == End::Initiator),
            2 => negotiated.second = spi,
            _ => {}
        }
    }

    /// The payloads of an encrypted message, where its key is known.
    fn open(
        &mut self,
        seen: &Seen,
        header: &Header,
        body: &Bytes,
        iv: Option<Vec<u8>>,
        name: &str,
    ) -> Option<Chain> {
        let ka = self.keys.get(&header.cookies.initiator)?;
        match decrypt(SUITE, body, ka, &iv?).and_then(|plain| chain(header.next_payload, plain)) {
            Ok(chain) => {
                self.found.opened += 1;
                Some(chain)
            }
            // Whether key, IV or message is wrong cannot be told.
            Err(error) => {
                let what = format!("{name} makes no sense under the key that was logged: {error}");
                self.problem(seen, Verdict::Info, "", what);
                None
            }
        }
    }

    fn payloads(&mut self, seen: &Seen, name: &str, chain: &Chain, wanted: &[PayloadType], clause: &str) {
        let types = types(chain);
        let missing: Vec<String> =
            wanted.iter().filter(|kind| !types.contains(kind)).map(ToString::to_string).collect();
        if !missing.is_empty() {
            let what = format!("{name} lacks {}; it has {types:?}", missing.join(", "));
            self.problem(seen, Verdict::Fail, clause, what);
        }
    }
}

fn types(chain: &Chain) -> Vec<PayloadType> {
    chain.payloads.iter().map(|payload| payload.payload_type).collect()
}
