//! Two endpoints, one of which says what the fuzzer wants under the right keys and hashes.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use ikev1::config::{NatTraversal, Phase1Mode};
use ikev1::crypto::{Group, HashAlgorithm, PrivateGroup, reference};
use ikev1::hook::{OutgoingHook, OutgoingMessage};
use ikev1::io::Timestamp;
use ikev1::wire::edit::{self, Edit};
use ikev1::wire::{ExchangeType, Header, MessageId, Notification, NotifyType, PayloadType, dissect};

use crate::common::cheap::CHEAP_GROUPS;
use crate::common::{From, Pair, Plain, unreliable};
use crate::input::Input;

/// Commands in one input.
const COMMANDS_MAX: usize = 12;
/// Changes of messages in one input.
const CHANGES_MAX: usize = 16;
/// The hash that both sides use.
const HASH: HashAlgorithm = HashAlgorithm::Sha1;

/// The first octet says how the two are configured and who initiates, the second whether the link is bad. Then come
/// changes to alice's messages, one for each that she sends, up to an octet 0xff, then commands.
///
/// Bob may refuse what he likes, but in the end nothing is half done.
///
/// # Panics
///
/// When that does not hold.
pub fn endpoint_keyed(data: &[u8]) {
    let mut input = Input(data);
    let (Some(setup), Some(link)) = (input.byte(), input.byte()) else { return };
    let mut pair = pair(setup);
    if link & 0x80 != 0 {
        unreliable(&mut pair, u64::from(link) + 1, link & 0x1f);
    }
    let changes = changes(&mut input);
    let hook = Hook { changes, opened: pair.alice.opened.clone() };
    pair.alice.endpoint.set_outgoing_hook(Box::new(hook));
    let initiator = if setup & 4 == 0 { &mut pair.alice } else { &mut pair.bob };
    let started = initiator.endpoint.initiate(Timestamp::ZERO, "peer", "net");
    assert!(started.is_ok());
    pair.run(Timestamp::from_secs(1));
    for _ in 0..COMMANDS_MAX {
        let Some(()) = command(&mut pair, &mut input) else { break };
        pair.drain();
    }
    pair.link = Box::new(|_, _, datagram| vec![datagram]);
    pair.run(pair.now + Duration::from_secs(200));
    let half_done = |pair: &Pair| {
        let sides = [&pair.alice, &pair.bob].into_iter().enumerate();
        let sas = sides.flat_map(|(side, s)| s.endpoint.isakmp_sas().map(move |sa| (side, sa)));
        sas.filter(|(_, sa)| !sa.established).map(|(side, sa)| (side, sa.id)).collect::<Vec<_>>()
    };
    // Short lives bring new exchanges all the time, but none of them stays.
    let waiting = half_done(&pair);
    pair.run(pair.now + Duration::from_secs(200));
    assert!(!half_done(&pair).iter().any(|sa| waiting.contains(sa)), "nothing stays half done");
    for side in [&pair.alice, &pair.bob] {
        let mut spis: Vec<u32> = side.endpoint.ipsec_sas().map(|pair| pair.spi_in).collect();
        spis.sort_unstable();
        assert!(spis.windows(2).all(|two| two[0] != two[1]), "no inbound SPI is there twice");
    }
    // What comes in the clear changes nothing that stands.
    let before = (pair.bob.isakmp_count(), pair.bob.ipsec_count());
    pair.inject(From::Alice, input.0.to_vec());
    pair.drain();
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), before);
}

fn pair(setup: u8) -> Pair {
    Pair::with(CHEAP_GROUPS, |_, peer| {
        peer.mode = if setup & 1 == 0 { Phase1Mode::Main } else { Phase1Mode::Aggressive };
        if setup & 2 != 0 {
            peer.nat_traversal = NatTraversal::Force;
        }
        if setup & 8 != 0 {
            peer.ipsec[0].pfs = Some(Group::Modp768);
        }
        if setup & 16 != 0 {
            peer.ipsec[0].local_client = None;
            peer.ipsec[0].remote_client = None;
            peer.ipsec[0].encapsulation = ikev1::config::Encapsulation::Transport;
        }
        if setup & 32 != 0 {
            peer.phase1_lifetime = Duration::from_secs(90);
            peer.ipsec[0].lifetime = Duration::from_secs(70);
        }
        if setup & 64 != 0 {
            peer.remote_id = None;
        }
        if setup & 128 != 0 {
            peer.new_groups = true;
            if setup & 8 != 0 {
                peer.ipsec[0].pfs = Some(Group::Private(private_group()));
            }
        }
    })
}

/// A group for New Group mode: the greatest prime below 2^768, which is quick to test.
fn private_group() -> PrivateGroup {
    let mut prime = [0xff; 96];
    prime[94..].copy_from_slice(&[0xfc, 0xc7]);
    PrivateGroup::modp(&prime, &[2]).expect("a prime of 768 bits")
}

/// Does what the next octets say; `None` at their end.
fn command(pair: &mut Pair, input: &mut Input<'_>) -> Option<()> {
    let op = input.byte()?;
    let now = pair.now;
    let side = if op & 0x80 == 0 { &mut pair.alice } else { &mut pair.bob };
    let isakmp = side.endpoint.isakmp_sas().filter(|sa| sa.established).last().map(|sa| sa.id);
    let ipsec = side.endpoint.ipsec_sas().last().map(|pair| pair.id);
    // A command that comes at the wrong moment is refused, which is fine.
    match (op & 0x0f, isakmp, ipsec) {
        (0, Some(sa), _) => {
            let notify_type = NotifyType(input.number()?);
            let data = Bytes::copy_from_slice(input.piece()?);
            let notification = Notification { data, ..Notification::isakmp(notify_type) };
            drop(side.endpoint.send_notify(now, sa, notification));
        }
        (1, Some(sa), _) => drop(side.endpoint.initiate_quick_mode(now, sa, "net")),
        (2, Some(sa), _) => drop(side.endpoint.delete_isakmp_sa(now, sa)),
        (3, _, Some(sa)) => drop(side.endpoint.delete_ipsec_sa(now, sa)),
        (4, Some(sa), _) => drop(side.endpoint.rekey_isakmp_sa(now, sa)),
        (5, _, Some(sa)) => drop(side.endpoint.rekey_ipsec_sa(now, sa)),
        (6, ..) => drop(side.endpoint.initiate(now, "peer", "net")),
        (7, _, Some(sa)) => {
            let next_header = input.byte()?;
            drop(side.endpoint.send_packet(now, sa, next_header, input.piece()?));
        }
        (8, ..) => {
            let seconds = u64::from(input.byte()?);
            pair.run(now + Duration::from_secs(seconds));
        }
        (9, ..) => {
            // One of the datagrams that passed, once more, with an octet changed.
            let (number, at, mask) = (input.byte()?, input.number()?, input.byte()?);
            let sent = pair.sent.get(usize::from(number).checked_rem(pair.sent.len())?).cloned();
            let (from, mut datagram) = sent?;
            let mut bytes = datagram.payload.to_vec();
            let at = usize::from(at).checked_rem(bytes.len())?;
            bytes[at] ^= mask;
            datagram.payload = bytes.into();
            pair.deliver(from, datagram);
        }
        (10, Some(sa), _) => {
            let description = input.number()?;
            drop(side.endpoint.define_group(now, sa, description, &private_group()));
        }
        _ => pair.run(now + Duration::from_millis(100)),
    }
    Some(())
}

/// What happens to one message of alice.
#[derive(Debug)]
enum Change {
    None,
    /// These payloads come behind the HASH payload.
    BehindHash(PayloadType, Vec<u8>),
    /// These octets come behind the header.
    Body(PayloadType, Vec<u8>),
    /// These bits are flipped in an octet behind the header.
    Flip(u16, u8),
    Insert(u8, PayloadType, Vec<u8>),
    Remove(u8),
    Duplicate(u8),
    /// A field gets these octets.
    Replace(u8, Vec<u8>),
}

fn changes(input: &mut Input<'_>) -> VecDeque<Change> {
    let mut changes = VecDeque::new();
    while changes.len() < CHANGES_MAX
        && let Some(change) = change(input)
    {
        changes.push_back(change);
    }
    changes
}

fn change(input: &mut Input<'_>) -> Option<Change> {
    let op = input.byte().filter(|op| *op != 0xff)?;
    Some(match op & 7 {
        0 => Change::None,
        1 => Change::BehindHash(PayloadType(input.byte()?), input.piece()?.to_vec()),
        2 => Change::Body(PayloadType(input.byte()?), input.piece()?.to_vec()),
        3 => Change::Flip(input.number()?, input.byte()?),
        4 => Change::Insert(input.byte()?, PayloadType(input.byte()?), input.piece()?.to_vec()),
        5 => Change::Remove(input.byte()?),
        6 => Change::Duplicate(input.byte()?),
        _ => Change::Replace(input.byte()?, input.piece()?.to_vec()),
    })
}

struct Hook {
    changes: VecDeque<Change>,
    /// What alice decrypted, for the nonces of bob.
    opened: Plain,
}

impl OutgoingHook for Hook {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        let Some(change) = self.changes.pop_front() else { return };
        if matches!(change, Change::None) {
            return;
        }
        apply(message.bytes, change);
        message.hash_covers_edit = true;
        self.hash_again(message);
    }
}

fn apply(bytes: &mut Vec<u8>, change: Change) {
    let dissection = dissect(bytes, false);
    let field = |number: u8| {
        let at = usize::from(number).checked_rem(dissection.fields.len())?;
        Some(dissection.fields.get(at)?.path.clone())
    };
    let edit = match change {
        Change::None => return,
        Change::BehindHash(first, chain) => {
            let end = dissection.field("hash").map_or(Header::LEN, |hash| hash.offset + hash.len);
            bytes.truncate(end);
            let next_payload = if end == Header::LEN { 16 } else { Header::LEN };
            bytes[next_payload] = first.0;
            bytes.extend_from_slice(&chain);
            return;
        }
        Change::Body(first, chain) => {
            bytes.truncate(Header::LEN);
            bytes[16] = first.0;
            bytes.extend_from_slice(&chain);
            return;
        }
        Change::Flip(at, mask) => {
            let at = Header::LEN + usize::from(at).checked_rem(bytes.len() - Header::LEN).unwrap_or(0);
            if let Some(octet) = bytes.get_mut(at) {
                *octet ^= mask;
            }
            return;
        }
        Change::Insert(at, payload_type, body) => {
            Some(Edit::InsertPayload { at: usize::from(at), payload_type, body })
        }
        Change::Remove(number) => field(number).map(|path| Edit::RemovePayload { path }),
        Change::Duplicate(number) => field(number).map(|path| Edit::DuplicatePayload { path }),
        Change::Replace(number, bytes) => field(number).map(|path| Edit::Replace { path, bytes }),
    };
    if let Some(edit) = edit {
        // One that does not fit the message changes nothing.
        drop(edit::apply(bytes, &edit));
    }
}

impl Hook {
    /// Writes the hash that the changed message needs, where we can compute it.
    fn hash_again(&self, message: &mut OutgoingMessage<'_>) {
        let dissection = dissect(message.bytes, false);
        let Some(hash) = dissection.field("hash") else { return };
        let (start, end) = (hash.offset + 4, hash.offset + hash.len);
        let value = if let Some(auth_hash) = message.auth_hash {
            let Some(id) = dissection.bytes("id").and_then(|id| id.get(4..)) else { return };
            auth_hash.over(id)
        } else {
            let Some(skeyid_a) = message.skeyid_a else { return };
            let m_id = message.m_id.0.to_be_bytes();
            let after_hash = message.bytes.get(end..).unwrap_or_default();
            let ni_b = match (message.exchange, message.number) {
                (ExchangeType::QUICK_MODE, 2) => self.nonce(message.m_id),
                (ExchangeType::QUICK_MODE, 1)
                | (ExchangeType::INFORMATIONAL | ExchangeType::NEW_GROUP_MODE, _) => Vec::new(),
                _ => return,
            };
            reference().prf(HASH, skeyid_a, &[&m_id, &ni_b, after_hash]).as_bytes().to_vec()
        };
        if let Some(place) = message.bytes.get_mut(start..end).filter(|place| place.len() == value.len()) {
            place.copy_from_slice(&value);
        }
    }

    /// The nonce of the message that bob sent last under this M-ID.
    fn nonce(&self, m_id: MessageId) -> Vec<u8> {
        let opened = self.opened.lock().expect("nobody panicked");
        let theirs =
            opened.iter().rev().find(|message| message.get(20..24) == Some(&m_id.0.to_be_bytes()[..]));
        let nonce =
            theirs.and_then(|message| Some(dissect(message, false).bytes("nonce")?.get(4..)?.to_vec()));
        nonce.unwrap_or_default()
    }
}
