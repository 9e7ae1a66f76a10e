//! A capture from its first packet to its last.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use ikev1::wire::{
    Chain, CookiePair, ExchangeType, Flags, Fragment, Header, Message, Payload, PayloadType, Trailing,
    WireLimits, decode_chain, dissect as wire_dissect,
};
use ikev1_report::capture::{
    CAPTURE_SCHEMA, CaptureCounts, CaptureFinding, CaptureReport, CapturedMessage, Conversation,
    IsakmpSaSeen, Rung,
};
use ikev1_scenario::Verdict;

use super::carried::{Carries, Packets, Whole};
use super::checks::{self, Found, found};
use super::file::{CaptureFileError, Frame, read};
use super::link::ip_packet;
use super::remarks::{Way, remarks};
use super::sa::{Phase2, Sa};
use crate::capture::KeyTable;
use crate::pages::{content, fields};

/// The major version of IKEv2.
const IKE_V2: u8 = 2;
/// Kinds of other packets that a line of a ladder names.
const KINDS_MAX: usize = 3;
/// Fragments of messages that are kept until their messages are whole.
const FRAGMENTS_MAX: usize = 4_096;
/// Copies of a message from which on their distances tell something.
const COPIES_MIN: usize = 3;
/// Copies that are closer than this count as one.
const SAME_US: u64 = 100_000;

/// What is known beside the capture.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    /// Ka of ISAKMP SAs.
    pub keys: &'a KeyTable,
    /// A pre-shared key to try HASH_I and HASH_R with.
    pub pre_shared_key: Option<&'a [u8]>,
}

/// Reads a capture: pcap or pcapng in `bytes`, from the file of this name.
///
/// # Errors
/// When it is neither.
pub fn dissect(file: &str, bytes: &[u8], secrets: Secrets<'_>) -> Result<CaptureReport, CaptureFileError> {
    let capture = read(bytes)?;
    let mut links: Vec<String> = Vec::new();
    for frame in &capture.frames {
        let link = format!("{:?}", frame.link);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    let first = capture.frames.iter().map(|frame| frame.at).min().unwrap_or_default();
    let last = capture.frames.iter().map(|frame| frame.at).max().unwrap_or_default();
    let mut reader = Reader {
        secrets,
        first,
        packets: Packets::new(),
        conversations: HashMap::new(),
        talks: Vec::new(),
        sas: Vec::new(),
        counts: CaptureCounts::default(),
        findings: Vec::new(),
        notes: capture.notes,
        unknown_links: BTreeMap::new(),
    };
    for frame in &capture.frames {
        reader.frame(frame);
    }
    let format = [vec![capture.format.to_owned()], links].concat().join(", ");
    Ok(reader.finish(file, format, micros(last.saturating_sub(first))))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

struct Reader<'a> {
    secrets: Secrets<'a>,
    first: Duration,
    packets: Packets,
    /// The smaller address first.
    conversations: HashMap<(IpAddr, IpAddr), usize>,
    talks: Vec<Talk>,
    sas: Vec<Sa>,
    counts: CaptureCounts,
    findings: Vec<CaptureFinding>,
    notes: Vec<String>,
    unknown_links: BTreeMap<String, u64>,
}

/// A conversation while it is read.
struct Talk {
    left: IpAddr,
    shown: Conversation,
    /// Messages by sender and octets.
    sent: HashMap<(IpAddr, Bytes), Copies>,
    /// Senders of the messages, in order.
    senders: Vec<IpAddr>,
    /// Packets since the last message, by kind, and the time of the first.
    others: Vec<(String, u64)>,
    others_at: u64,
    fragments: BTreeMap<(IpAddr, CookiePair, u16), BTreeMap<u8, Fragment>>,
}

/// A message that was sent, perhaps several times.
struct Copies {
    packet: u64,
    name: String,
    sa: usize,
    exchange: ExchangeType,
    /// Time, place among the messages, and packet of each.
    times: Vec<(u64, usize, u64)>,
}

/// A message on its way.
struct Passing<'a> {
    frame: &'a Frame,
    at_us: u64,
    from: SocketAddr,
    to: SocketAddr,
    cut: bool,
}

impl Reader<'_> {
    fn frame(&mut self, frame: &Frame) {
        self.counts.packets = self.counts.packets.saturating_add(1);
        let at_us = micros(frame.at.saturating_sub(self.first));
        let packet = match ip_packet(frame.link, &frame.data) {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.counts.other = self.counts.other.saturating_add(1),
            Err(link) => {
                *self.unknown_links.entry(format!("{link:?}")).or_default() += 1;
                return;
            }
        };
        let Some(whole) = self.packets.packet(packet.bytes, &packet.vlans) else { return };
        let Whole { from, to, carries, cut } = whole;
        let passing = Passing { frame, at_us, from, to, cut: cut || frame.missing > 0 };
        match carries {
            Carries::Isakmp(message) => self.datagram(&passing, message),
            Carries::Esp { spi, in_udp } => {
                let (count, name) = if in_udp {
                    (&mut self.counts.esp_in_udp, "ESP in UDP")
                } else {
                    (&mut self.counts.esp, "ESP")
                };
                *count = count.saturating_add(1);
                self.other(&passing, format!("{name} to {}, SPI {spi:08x}", to.ip()));
            }
            Carries::Ah { spi } => {
                self.counts.ah = self.counts.ah.saturating_add(1);
                self.other(&passing, format!("AH to {}, SPI {spi:08x}", to.ip()));
            }
            Carries::KeepAlive => {
                self.counts.keep_alives = self.counts.keep_alives.saturating_add(1);
                self.other(&passing, format!("keep-alive to {}", to.ip()));
            }
            Carries::Other(what) => {
                self.counts.other = self.counts.other.saturating_add(1);
                self.other(&passing, what);
            }
        }
    }

    /// The conversation of two hosts, if there is one.
    fn talk(&self, passing: &Passing<'_>) -> Option<usize> {
        let (a, b) = (passing.from.ip(), passing.to.ip());
        self.conversations.get(&(a.min(b), a.max(b))).copied()
    }

    /// A packet that is no message: told where its hosts have spoken ISAKMP.
    fn other(&mut self, passing: &Passing<'_>, what: String) {
        let Some(talk) = self.talk(passing).and_then(|index| self.talks.get_mut(index)) else { return };
        if talk.others.is_empty() {
            talk.others_at = passing.at_us;
        }
        match talk.others.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => talk.others.push((what, 1)),
        }
    }

    fn datagram(&mut self, passing: &Passing<'_>, message: Bytes) {
        // Early drafts of UDP encapsulation have ESP on port 500, with zeros in the place of CKY-I.
        let is_message = |header: &Header| {
            !header.cookies.initiator.is_zero() || usize::try_from(header.length) == Ok(message.len())
        };
        let Some(header) = Header::decode(&message).ok().filter(is_message) else {
            self.counts.other = self.counts.other.saturating_add(1);
            return self.other(passing, format!("{} octets that are no ISAKMP message", message.len()));
        };
        match header.version.major() {
            1 => {}
            IKE_V2 => {
                self.counts.ikev2 = self.counts.ikev2.saturating_add(1);
                return self.other(passing, format!("IKEv2 to {}, passed over", passing.to.ip()));
            }
            major => {
                self.counts.other = self.counts.other.saturating_add(1);
                return self.other(passing, format!("a message of major version {major}, passed over"));
            }
        }
        let talk = self.talk(passing).unwrap_or_else(|| self.new_talk(passing));
        let fragment =
            header.next_payload == PayloadType::FRAGMENT && !header.flags.contains(Flags::ENCRYPTION);
        if fragment {
            let whole = self.fragment(talk, passing, &header, &message);
            if let Some((header, message)) = whole {
                self.message(talk, passing, &header, &message);
            }
            return;
        }
        self.message(talk, passing, &header, &message);
    }

    fn new_talk(&mut self, passing: &Passing<'_>) -> usize {
        let (left, right) = (passing.from.ip(), passing.to.ip());
        let index = self.talks.len();
        self.conversations.insert((left.min(right), left.max(right)), index);
        self.talks.push(Talk {
            left,
            shown: Conversation {
                left: left.to_string(),
                right: right.to_string(),
                ladder: Vec::new(),
                messages: Vec::new(),
            },
            sent: HashMap::new(),
            senders: Vec::new(),
            others: Vec::new(),
            others_at: 0,
            fragments: BTreeMap::new(),
        });
        index
    }

    /// Takes in a fragment of a message; the message, when it was the last one missing.
    fn fragment(
        &mut self,
        talk: usize,
        passing: &Passing<'_>,
        header: &Header,
        message: &Bytes,
    ) -> Option<(Header, Bytes)> {
        let read = Message::decode(message, &WireLimits::default());
        let Some(Payload::Fragment(fragment)) = read.ok().and_then(|read| read.chain.iter().next().cloned())
        else {
            self.counts.other = self.counts.other.saturating_add(1);
            self.other(passing, "a fragment that cannot be read".to_owned());
            return None;
        };
        self.other(
            passing,
            format!("fragment {} of message {} to {}", fragment.number, fragment.id, passing.to.ip()),
        );
        let talk = self.talks.get_mut(talk)?;
        let key = (passing.from.ip(), header.cookies, fragment.id);
        let held: usize = talk.fragments.values().map(BTreeMap::len).sum();
        if held >= FRAGMENTS_MAX {
            talk.fragments.clear();
        }
        let parts = talk.fragments.entry(key).or_default();
        parts.insert(fragment.number, fragment);
        let last = parts.values().find(|part| part.is_last())?.number;
        let whole: Vec<_> = (1..=last).map_while(|number| parts.get(&number)).collect();
        if whole.len() < usize::from(last) {
            return None;
        }
        let message: Bytes = whole.iter().flat_map(|part| part.data.iter().copied()).collect();
        talk.fragments.remove(&key);
        let header = Header::decode(&message).ok()?;
        Some((header, message))
    }

    fn message(&mut self, talk_index: usize, passing: &Passing<'_>, header: &Header, message: &Bytes) {
        self.counts.ikev1 = self.counts.ikev1.saturating_add(1);
        let (from, number, at_us) = (passing.from.ip(), passing.frame.number, passing.at_us);
        let Some(talk) = self.talks.get_mut(talk_index) else { return };
        talk.flush();
        let place = talk.senders.len();
        talk.senders.push(from);
        let mut shown = CapturedMessage {
            packet: number,
            at_us,
            from: passing.from.to_string(),
            to: passing.to.to_string(),
            from_left: from == talk.left,
            ..CapturedMessage::default()
        };
        if let Some(copies) = talk.sent.get_mut(&(from, message.clone())) {
            copies.times.push((at_us, place, number));
            shown.name.clone_from(&copies.name);
            shown.isakmp_sa = Some(copies.sa);
            shown.retransmission_of = Some(copies.packet);
            shown.form = format!("the same octets as packet {}", copies.packet);
            self.counts.retransmissions = self.counts.retransmissions.saturating_add(1);
            talk.show(shown);
            return;
        }
        let read = self.read(talk_index, passing, header, message);
        shown.name.clone_from(&read.name);
        shown.isakmp_sa = Some(read.sa);
        shown.content = read.content;
        shown.form = read.form;
        shown.remarks = read.remarks;
        shown.fields = read.fields;
        shown.bytes = read.bytes;
        for Found { verdict, clause, what, field } in read.found {
            if let Some(path) = &field {
                let marked = shown.fields.iter_mut().find(|field| field.path == *path);
                if let Some(marked) = marked {
                    marked.marked = true;
                }
            }
            let finding = CaptureFinding {
                verdict,
                clause: clause.to_owned(),
                packet: number,
                from: from.to_string(),
                what,
                field,
            };
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        let copies = Copies {
            packet: number,
            name: read.name,
            sa: read.sa,
            exchange: header.exchange_type,
            times: vec![(at_us, place, number)],
        };
        if let Some(talk) = self.talks.get_mut(talk_index) {
            talk.sent.insert((from, message.clone()), copies);
            talk.show(shown);
        }
    }

    /// A message that was not there before.
    fn read(&mut self, talk: usize, passing: &Passing<'_>, header: &Header, message: &Bytes) -> Read {
        let mut list = Vec::new();
        let index = self.sa(talk, passing, header, &mut list);
        let keys = self.secrets.pre_shared_key;
        let Some(sa) = self.sas.get_mut(index) else { return Read::default() };
        let encrypted = header.flags.contains(Flags::ENCRYPTION);
        let body = message.slice(Header::LEN.min(message.len())..);
        let plaintext = if encrypted && !passing.cut { sa.open(header, &body) } else { None };
        self.counts.encrypted = self.counts.encrypted.saturating_add(u64::from(encrypted));
        self.counts.decrypted = self.counts.decrypted.saturating_add(u64::from(plaintext.is_some()));
        let opaque = encrypted && plaintext.is_none();
        let bytes = match &plaintext {
            Some(plaintext) => [message.get(..Header::LEN).unwrap_or_default(), plaintext].concat(),
            None => message.to_vec(),
        };
        let dissection = wire_dissect(&bytes, opaque);
        let chain = (!opaque).then(|| {
            let body = Bytes::copy_from_slice(bytes.get(Header::LEN..).unwrap_or_default());
            let trailing = if encrypted { Trailing::Padding } else { Trailing::Alignment };
            decode_chain(header.next_payload, &body, trailing, &WireLimits::default()).ok()
        });
        let chain = chain.flatten();
        let in_phase1 = is_phase1(header.exchange_type);
        let name = if in_phase1 {
            phase1(sa, passing, header, chain.as_ref(), &mut list)
        } else {
            phase2(sa, passing, header, chain.as_ref(), &mut list)
        };
        let hidden = in_phase1 && sa.hides_bodies();
        let may_hide = in_phase1 && sa.may_hide_bodies();
        if passing.cut {
            list.push(found(Verdict::Info, "", "the capture has only the beginning of this packet"));
        } else {
            list.extend(checks::layout(header, &dissection, may_hide));
            if encrypted && usize::try_from(header.length) == Ok(message.len()) {
                list.extend(checks::ciphertext(body.len(), sa.suite().filter(|_| sa.sure)));
            }
        }
        if let (Some(suite), true) = (sa.suite(), plaintext.is_some()) {
            list.extend(checks::padding(&dissection, suite));
        }
        if let Some(chain) = &chain {
            list.extend(checks::values(chain, sa, in_phase1));
            if let (Some(psk), true) = (keys, in_phase1) {
                let from_initiator = sa.initiator == Some(passing.from.ip());
                sa.try_psk(psk, chain, from_initiator, passing.frame.number);
            }
        }
        let hash = sa.suite().map(|suite| suite.hash);
        let way = Way { cookies: header.cookies, from: passing.from, to: passing.to, hash };
        let form = match (encrypted, plaintext.is_some()) {
            (true, true) => "decrypted",
            (true, false) => "encrypted",
            (false, _) => "in the clear",
        };
        Read {
            name,
            sa: index,
            content: content(&dissection, encrypted),
            form: form.to_owned(),
            remarks: chain.map(|chain| remarks(&chain, hidden, way)).unwrap_or_default(),
            fields: fields(&dissection, &bytes),
            bytes,
            found: list,
        }
    }

    /// The ISAKMP SA of a message; a new one where none is known.
    fn sa(&mut self, talk: usize, passing: &Passing<'_>, header: &Header, list: &mut Vec<Found>) -> usize {
        let CookiePair { initiator, responder } = header.cookies;
        let phase1 = is_phase1(header.exchange_type);
        let from = passing.from.ip();
        let of_talk = |sa: &Sa| sa.conversation == talk && sa.cky_i == initiator;
        let position = |test: &dyn Fn(&Sa) -> bool| self.sas.iter().rposition(test);
        let exact = position(&|sa| of_talk(sa) && sa.cky_r == responder && !responder.is_zero());
        // An answer gives the responder's cookie; a refusal may come without one, and an initiator sends message 1 again.
        let open = || position(&|sa| of_talk(sa) && (sa.cky_r.is_zero() || responder.is_zero()));
        if let Some(index) = exact.or_else(open) {
            let Some(sa) = self.sas.get_mut(index) else { return index };
            let begins_anew = phase1 && responder.is_zero() && sa.initiator == Some(from) && sa.number > 1;
            if !(begins_anew && sa.complete()) {
                if sa.cky_r.is_zero() {
                    sa.cky_r = responder;
                }
                return index;
            }
            let what = format!("CKY-I {initiator} was that of an earlier ISAKMP SA");
            list.push(found(Verdict::Fail, "RFC2408-2.5.3-01", what));
        } else if let Some(index) = position(&|sa| of_talk(sa) && phase1 && sa.exchange.is_some()) {
            let known = self.sas.get(index).map(|sa| sa.cky_r).unwrap_or_default();
            let what = format!("CKY-R is {responder}, where {known} was chosen before");
            list.push(found(Verdict::Info, "RFC2409-4-10", what));
            return index;
        } else if let Some(index) = position(&|sa| {
            sa.conversation == talk && sa.cky_i == responder && sa.cky_r == initiator && !initiator.is_zero()
        }) {
            let what = "CKY-I and CKY-R stand in the order of this exchange, not in that of phase 1";
            // Without phase 1 nobody can tell whose order is right.
            let known = self.sas.get(index).is_some_and(|sa| sa.initiator.is_some());
            list.push(found(if known { Verdict::Fail } else { Verdict::Info }, "RFC2409-4-04", what));
            return index;
        }
        let mut sa = Sa::new(talk, header, self.secrets.keys.get(initiator));
        if phase1 {
            sa.exchange = Some(header.exchange_type);
            // Only who has no answer yet leaves CKY-R zero: so this is message 1.
            sa.sure = responder.is_zero();
            sa.initiator = sa.sure.then_some(from);
        }
        self.sas.push(sa);
        self.sas.len().saturating_sub(1)
    }

    fn finish(mut self, file: &str, format: String, duration_us: u64) -> CaptureReport {
        for talk in &mut self.talks {
            talk.flush();
            self.findings.extend(talk.repetitions());
        }
        let cookies_of = |sa: &Sa| (sa.cky_i, sa.cky_r);
        for (index, sa) in self.sas.iter().enumerate() {
            let twice = self.sas.iter().take(index).find(|other| {
                other.cky_r == sa.cky_r
                    && !sa.cky_r.is_zero()
                    && cookies_of(other) != cookies_of(sa)
                    && other.conversation == sa.conversation
                    && other.exchange.is_some()
                    && sa.exchange.is_some()
            });
            if twice.is_some() {
                self.notes.push(format!("CKY-R {} belongs to several ISAKMP SAs", sa.cky_r));
            }
        }
        for (link, count) in &self.unknown_links {
            self.notes.push(format!("{count} packets of link type {link} were passed over: it is not known"));
        }
        if self.counts.ikev2 > 0 {
            self.notes
                .push(format!("{} IKEv2 messages were passed over: this reads IKEv1", self.counts.ikev2));
        }
        if self.talks.is_empty() {
            self.notes.push("no IKEv1 message on UDP port 500 or 4500".to_owned());
        }
        self.findings.sort_by_key(|finding| finding.packet);
        let tried = self.secrets.pre_shared_key.is_some();
        CaptureReport {
            schema: CAPTURE_SCHEMA,
            file: file.to_owned(),
            format,
            counts: self.counts,
            duration_us,
            conversations: self.talks.into_iter().map(|talk| talk.shown).collect(),
            isakmp_sas: self.sas.into_iter().map(|sa| seen(sa, tried)).collect(),
            findings: self.findings,
            notes: self.notes,
        }
    }
}

/// A message, read.
#[derive(Default)]
struct Read {
    name: String,
    sa: usize,
    content: String,
    form: String,
    remarks: Vec<String>,
    fields: Vec<ikev1_report::capture::Field>,
    bytes: Vec<u8>,
    found: Vec<Found>,
}

fn is_phase1(exchange: ExchangeType) -> bool {
    matches!(
        exchange,
        ExchangeType::IDENTITY_PROTECTION
            | ExchangeType::AGGRESSIVE
            | ExchangeType::BASE
            | ExchangeType::AUTHENTICATION_ONLY
    )
}

/// A phase 1 message; its name.
fn phase1(
    sa: &mut Sa,
    passing: &Passing<'_>,
    header: &Header,
    chain: Option<&Chain>,
    list: &mut Vec<Found>,
) -> String {
    let from = passing.from.ip();
    let exchange = exchange_name(header.exchange_type);
    if !matches!(header.exchange_type, ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE) {
        return format!("{exchange} message");
    }
    match sa.exchange {
        Some(begun) if begun != header.exchange_type => {
            let what = format!("a message of {exchange} within {}", exchange_name(begun));
            // Whoever begins once more, with the same CKY-I, does not carry the exchange on.
            let carried_on = sa.initiator.is_some() && !header.cookies.responder.is_zero();
            let verdict = if carried_on { Verdict::Fail } else { Verdict::Info };
            list.push(found(verdict, "RFC2409-5-18", what));
            return format!("{exchange} message");
        }
        Some(_) => {}
        None => sa.exchange = Some(header.exchange_type),
    }
    let types: Option<Vec<_>> =
        chain.map(|chain| chain.payloads.iter().map(|payload| payload.payload_type).collect());
    let types = types.filter(|_| !header.flags.contains(Flags::ENCRYPTION));
    let Some(initiator) = sa.initiator else {
        // The capture begins behind message 1, so that nobody can tell which this is.
        return format!("{exchange}, after its beginning");
    };
    let from_initiator = initiator == from;
    if from_initiator && header.cookies.responder.is_zero() && sa.number > 0 {
        // Nobody can tell which of them is answered.
        sa.sure = false;
        let what = "message 1 once more, with other content than before";
        list.push(found(Verdict::Info, "", what));
        return format!("{exchange} 1");
    }
    let (number, in_turn) = sa.next_number(from, types.as_deref());
    if !in_turn {
        let what = "two different messages of one side in a row: one is sent anew, or the capture lacks what came in between";
        list.push(found(Verdict::Info, "", what));
    }
    let offer = chain.and_then(|chain| {
        let received = chain.first(PayloadType::SA)?;
        match &received.payload {
            Payload::Sa(payload) => Some((payload, &received.body)),
            _ => None,
        }
    });
    if let (Some((payload, _)), false) = (offer, from_initiator) {
        list.extend(checks::choice(sa, payload));
    }
    if let Some((payload, body)) = offer {
        sa.sa_payload(payload, body, from_initiator);
    }
    if let Some(chain) = chain {
        sa.key_exchange(chain, from_initiator);
    }
    list.extend(checks::phase1(sa, header, number, chain));
    format!("{exchange} {number}")
}

/// A message that is none of phase 1; its name.
fn phase2(
    sa: &mut Sa,
    passing: &Passing<'_>,
    header: &Header,
    chain: Option<&Chain>,
    list: &mut Vec<Found>,
) -> String {
    let from = passing.from.ip();
    let (exchange, m_id) = (header.exchange_type, header.message_id);
    let encrypted = header.flags.contains(Flags::ENCRYPTION);
    let commit = header.flags.contains(Flags::COMMIT);
    if !encrypted {
        list.extend(checks::phase2(sa, header, None, chain));
        return exchange_name(exchange);
    }
    let entry =
        sa.phase2.entry(m_id.0).or_insert(Phase2 { exchange, number: 0, begun_by: from, sure: true, commit });
    entry.commit |= commit;
    let (begun, committed) = (entry.exchange, entry.commit);
    let mut number = None;
    if begun == exchange {
        entry.number = entry.number.saturating_add(1);
        entry.sure &= (entry.begun_by == from) == (entry.number % 2 == 1);
        number = Some(entry.number).filter(|_| entry.sure);
    } else if !(exchange == ExchangeType::INFORMATIONAL && checks::may_be_connected(chain, committed)) {
        let (verdict, clause) = match (begun, exchange) {
            (ExchangeType::QUICK_MODE, ExchangeType::INFORMATIONAL) => (Verdict::Fail, "RFC2409-5.7-02"),
            _ => (Verdict::Info, "RFC2408-3.1-06"),
        };
        let what = format!("its M-ID {m_id} is that of {}", exchange_name(begun));
        list.push(found(verdict, clause, what));
    }
    let quick = exchange == ExchangeType::QUICK_MODE;
    if let Some(count @ 4..) = number.filter(|_| quick) {
        let what = format!("message {count} of a quick mode, which has three");
        list.push(found(Verdict::Info, "RFC2409-5-25", what));
    }
    // Where the capture has no phase 1, it may begin within this exchange.
    let place = number.filter(|_| sa.exchange.is_some() && sa.sure);
    list.extend(checks::phase2(sa, header, place, chain));
    match number {
        Some(number) if exchange != ExchangeType::INFORMATIONAL => {
            format!("{} {number}, M-ID {m_id}", exchange_name(exchange))
        }
        _ => format!("{}, M-ID {m_id}", exchange_name(exchange)),
    }
}

/// The name of an exchange in RFC 2409.
fn exchange_name(exchange: ExchangeType) -> String {
    match exchange {
        ExchangeType::IDENTITY_PROTECTION => "main mode".to_owned(),
        ExchangeType::AGGRESSIVE => "aggressive mode".to_owned(),
        ExchangeType::QUICK_MODE => "quick mode".to_owned(),
        ExchangeType::INFORMATIONAL => "informational".to_owned(),
        ExchangeType::TRANSACTION => "transaction".to_owned(),
        ExchangeType::NEW_GROUP_MODE => "new group mode".to_owned(),
        other => match other.name() {
            Some(name) => format!("{} exchange", name.to_lowercase()),
            None => format!("exchange of type {}", other.0),
        },
    }
}

fn seen(sa: Sa, tried: bool) -> IsakmpSaSeen {
    let phase1 = match (sa.exchange, sa.initiator) {
        (None, _) => "phase 1 is not in the capture".to_owned(),
        (Some(exchange), None) => {
            format!("{}, whose beginning is not in the capture", exchange_name(exchange))
        }
        (Some(exchange), Some(initiator)) => {
            let whole = if sa.complete() { "" } else { ", not complete" };
            format!("{} begun by {initiator}{whole}", exchange_name(exchange))
        }
    };
    let key = sa.key_status();
    let mut pre_shared_key = sa.proven;
    if tried && pre_shared_key.is_empty() {
        pre_shared_key.push("the pre-shared key could not be tried: that takes a whole phase 1 and a HASH_I or HASH_R that can be read".to_owned());
    }
    IsakmpSaSeen {
        conversation: sa.conversation,
        cky_i: sa.cky_i.to_string(),
        cky_r: sa.cky_r.to_string(),
        initiator: sa.initiator.map(|initiator| initiator.to_string()),
        phase1,
        chosen: sa.chosen.map(|(text, _)| text),
        encrypted: sa.encrypted,
        decrypted: sa.decrypted,
        key,
        pre_shared_key,
    }
}

impl Talk {
    fn show(&mut self, message: CapturedMessage) {
        self.shown.ladder.push(Rung::Message { index: self.shown.messages.len() });
        self.shown.messages.push(message);
    }

    /// A line for the packets since the last message.
    fn flush(&mut self) {
        if self.others.is_empty() {
            return;
        }
        let kinds = self.others.len();
        let shown = self.others.iter().take(KINDS_MAX).map(|(what, count)| match count {
            1 => what.clone(),
            count => format!("{count} × {what}"),
        });
        let mut text = shown.collect::<Vec<_>>().join("; ");
        if kinds > KINDS_MAX {
            text.push_str(&format!("; and {} other kinds", kinds - KINDS_MAX));
        }
        self.shown.ladder.push(Rung::Other { at_us: self.others_at, text });
        self.others.clear();
    }

    /// What the distances of retransmissions tell (RFC 2408 section 5.1).
    fn repetitions(&self) -> Vec<CaptureFinding> {
        let mut list = Vec::new();
        for ((sender, _), copies) in &self.sent {
            let finding = |verdict, clause: &str, packet, what: String| CaptureFinding {
                verdict,
                clause: clause.to_owned(),
                packet,
                from: sender.to_string(),
                what,
                field: None,
            };
            if let (ExchangeType::INFORMATIONAL, Some((_, _, packet))) =
                (copies.exchange, copies.times.get(1))
            {
                let what = "an informational message once more: its sender retransmits it, or somebody on the way repeats it";
                list.push(finding(Verdict::Info, "RFC2408-5.14-14", *packet, what.to_owned()));
                continue;
            }
            // A capture on several interfaces has each packet several times.
            let mut times = copies.times.clone();
            times.dedup_by(|next, kept| next.0.saturating_sub(kept.0) < SAME_US);
            // An answer is sent again because the question was: its distances are not its sender's.
            let (Some(first), Some(last)) = (times.first(), times.last()) else { continue };
            let between = self.senders.get(first.1..=last.1).unwrap_or_default();
            let alone = between.iter().all(|each| each == sender);
            if times.len() < COPIES_MIN || !alone {
                continue;
            }
            let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect();
            let not_longer = gaps.windows(2).position(|pair| pair[1] <= pair[0].saturating_add(pair[0] / 20));
            if let Some(index) = not_longer {
                let packet = times.get(index + 2).map_or(copies.packet, |(_, _, packet)| *packet);
                let seconds = |us: u64| format!("{}.{:01}", us / 1_000_000, us % 1_000_000 / 100_000);
                let what = format!(
                    "sent again after {} s and then after {} s: the waits do not grow",
                    seconds(gaps.get(index).copied().unwrap_or_default()),
                    seconds(gaps.get(index + 1).copied().unwrap_or_default())
                );
                // The capture may lack some of them.
                list.push(finding(Verdict::Info, "RFC2408-5.1-09", packet, what));
            }
        }
        list
    }
}
