//! What a transcript holds, ready to be looked up.

use std::collections::{BTreeMap, BTreeSet};

use ikev1::keylog::Label;

use super::message;
use crate::judge::messages::{Messages, SentMessage, bare, is_isakmp, sent_hex};
use crate::model::{Exchange, Side};
use crate::tracker::HeaderIdentity;
use crate::transcript::{Event, Fault, Record};

/// CKY-I and CKY-R.
pub(super) type Cookies = ([u8; 8], [u8; 8]);
/// An exchange: cookies and M-ID, which is zero in phase 1.
pub(super) type Place = (Cookies, u32);

/// The place of a recorded value; `None` when its cookies are no cookies.
pub(super) fn place(cky_i: &str, cky_r: &str, m_id: u32) -> Option<Place> {
    let cookie = |text: &str| hex::decode(text).ok()?.try_into().ok();
    Some(((cookie(cky_i)?, cookie(cky_r)?), m_id))
}

/// A message as its sender sent it.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub(super) from: Side,
    pub(super) exchange: Exchange,
    pub(super) number: u8,
    pub(super) header: HeaderIdentity,
    pub(super) wire: Vec<u8>,
    /// Header and payloads in the clear, where they are known.
    pub(super) clear: Option<&'a [u8]>,
}

impl<'a> Sent<'a> {
    fn new(message: &'a SentMessage<'a>) -> Option<Self> {
        let wire = message.wire().to_vec();
        Some(Self {
            from: message.from,
            exchange: message.name.exchange,
            number: message.name.number,
            header: HeaderIdentity::read(&wire)?,
            wire,
            clear: (!message.is_opaque()).then(|| message.bytes()),
        })
    }

    /// The body of its only payload of a type.
    pub(super) fn body(&self, kind: u8) -> Option<&'a [u8]> {
        message::body(self.clear?, kind)
    }
}

/// The messages of one exchange by number.
#[derive(Debug)]
pub(super) struct ExchangeTape<'t, 'a>(Vec<&'t Sent<'a>>);

impl<'t, 'a> ExchangeTape<'t, 'a> {
    /// The message with this number, unless its sender sent several under it.
    pub(super) fn message(&self, number: u8) -> Option<&'t Sent<'a>> {
        let mut fitting = self.0.iter().filter(|sent| sent.number == number);
        let only = fitting.next()?;
        fitting.next().is_none().then_some(*only)
    }
}

/// A transcript.
#[derive(Debug)]
pub(super) struct Tape<'a> {
    sent: Vec<Sent<'a>>,
    /// Private exponents of the harness.
    exponents: BTreeMap<(Place, Label), BTreeSet<&'a str>>,
    /// Encrypted datagrams, of which the harness may have taken the last block.
    encrypted: BTreeMap<Place, Vec<Vec<u8>>>,
    /// Exchanges into which a step brought a datagram of its own, by CKY-I and M-ID.
    disturbed: BTreeSet<([u8; 8], u32)>,
}

impl<'a> Tape<'a> {
    pub(super) fn new(transcript: &'a [Record], messages: &'a Messages<'a>) -> Self {
        let mut tape = Self {
            sent: messages.iter().filter_map(Sent::new).collect(),
            exponents: BTreeMap::new(),
            encrypted: BTreeMap::new(),
            disturbed: BTreeSet::new(),
        };
        for record in transcript {
            match &record.event {
                Event::Value(value) if value.side == Side::Harness => {
                    let label = Label::from_name(&value.label);
                    let Some(label @ (Label::PrivateExponent | Label::QuickPrivateExponent)) = label else {
                        continue;
                    };
                    if let Some(place) = place(&value.cky_i, &value.cky_r, value.m_id) {
                        tape.exponents.entry((place, label)).or_default().insert(&value.hex);
                    }
                }
                Event::Datagram(datagram) if is_isakmp(datagram) => {
                    let own = matches!(datagram.fault, Some(Fault::Injected | Fault::EditedDatagram { .. }));
                    let sent = sent_hex(datagram);
                    for hex in BTreeSet::from([sent, &datagram.hex]) {
                        tape.passed(bare(datagram.nat_t, hex), own && datagram.from == Side::Peer);
                    }
                }
                _ => {}
            }
        }
        let whole = messages.iter().filter(|message| message.fragment_count() > 0);
        whole.for_each(|message| tape.passed(message.wire().to_vec(), false));
        tape
    }

    fn passed(&mut self, bytes: Vec<u8>, disturbs: bool) {
        let Some(header) = HeaderIdentity::read(&bytes) else { return };
        if disturbs {
            self.disturbed.insert((header.cky_i, header.m_id));
        }
        if message::is_encrypted(&bytes) {
            let place = ((header.cky_i, header.cky_r), header.m_id);
            self.encrypted.entry(place).or_default().push(bytes);
        }
    }

    /// Both cookies of every phase 1 that got an answer.
    pub(super) fn isakmp_sas(&self) -> BTreeSet<Cookies> {
        let phase1 = self.sent.iter().filter(|sent| is_phase1(sent.exchange) && sent.number == 2);
        phase1.map(|sent| (sent.header.cky_i, sent.header.cky_r)).collect()
    }

    /// M-IDs of the exchanges below an ISAKMP SA.
    pub(super) fn m_ids(&self, cookies: Cookies) -> BTreeSet<u32> {
        let below = self.sent.iter().filter(|sent| (sent.header.cky_i, sent.header.cky_r) == cookies);
        below.map(|sent| sent.header.m_id).filter(|m_id| *m_id != 0).collect()
    }

    /// The phase 1 of an ISAKMP SA; CKY-R is zero in its first message.
    pub(super) fn phase1(&self, (cky_i, cky_r): Cookies) -> Option<ExchangeTape<'_, 'a>> {
        let fits = |sent: &&Sent<'_>| {
            let of_sa = [[0; 8], cky_r].contains(&sent.header.cky_r);
            is_phase1(sent.exchange) && sent.header.cky_i == cky_i && of_sa
        };
        (!self.disturbed.contains(&(cky_i, 0))).then(|| ExchangeTape(self.sent.iter().filter(fits).collect()))
    }

    /// An exchange of a type below an ISAKMP SA.
    pub(super) fn below(&self, place: Place, exchange: Exchange) -> Option<ExchangeTape<'_, 'a>> {
        let ((cky_i, cky_r), m_id) = place;
        let fits = |sent: &&Sent<'_>| {
            let header = &sent.header;
            sent.exchange == exchange && ((header.cky_i, header.cky_r), header.m_id) == place
        };
        let undisturbed = cky_r != [0; 8] && !self.disturbed.contains(&(cky_i, m_id));
        undisturbed.then(|| ExchangeTape(self.sent.iter().filter(fits).collect()))
    }

    /// The private exponent of the harness, when it told one.
    pub(super) fn exponent(&self, place: Place, label: Label) -> Option<Vec<u8>> {
        let known = self.exponents.get(&(place, label)).filter(|known| known.len() == 1)?;
        hex::decode(known.first()?).ok()
    }

    /// The last blocks of the encrypted datagrams of an exchange.
    pub(super) fn last_blocks(&self, place: Place, block_len: usize) -> Vec<Vec<u8>> {
        let messages = self.encrypted.get(&place).into_iter().flatten();
        messages.filter_map(|message| last_block(message, block_len)).collect()
    }
}

/// The last block of an encrypted message.
pub(super) fn last_block(message: &[u8], block_len: usize) -> Option<Vec<u8>> {
    let ciphertext = message::ciphertext(message);
    ciphertext.get(ciphertext.len().checked_sub(block_len)?..).map(<[u8]>::to_vec)
}

fn is_phase1(exchange: Exchange) -> bool {
    matches!(exchange, Exchange::MainMode | Exchange::AggressiveMode)
}
