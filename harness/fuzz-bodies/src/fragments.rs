//! An endpoint that gets fragments of a message from someone who has no key.

use core::time::Duration;

use bytes::Bytes;
use ikev1::config::{Fragmentation, FragmentationMode};
use ikev1::io::Timestamp;
use ikev1::wire::{Fragment, Header, MessageId, Payload, PayloadType, encode_message};

use crate::common::cheap::CHEAP_GROUPS;
use crate::common::{From, Pair};
use crate::input::Input;

/// Fragments and waits in one input.
const STEPS_MAX: usize = 64;
/// How many datagrams bob may send in all: a notify or a retransmission for each that comes, or for each message that
/// these give. In the smallest fragments one message is several datagrams.
const SENT_MAX: usize = 16 * STEPS_MAX;

/// Bob is the responder of main mode and waits for message 3, which has been made and did not come. The first octet says
/// what he thinks of fragments. Each step is an octet: with its top bit set time passes, else a fragment comes, whose
/// number, flags and data follow. The bits of the octet say which message it is for, and whether its data are a piece of
/// message 3, by offset and length, or the fuzzer's own.
///
/// Whatever comes, no SA stands, and the true message 3 is still answered, unless the fragments gave another one that
/// was.
///
/// # Panics
///
/// When that does not hold.
pub fn fragments(data: &[u8]) {
    let mut input = Input(data);
    let Some(setup) = input.byte() else { return };
    let mode = match setup & 3 {
        0 => FragmentationMode::Accept,
        1 => FragmentationMode::On,
        2 => FragmentationMode::Force,
        _ => FragmentationMode::Off,
    };
    let mut pair = Pair::with(CHEAP_GROUPS, |who, peer| {
        let mode = if who == From::Alice { FragmentationMode::Accept } else { mode };
        peer.fragmentation = Fragmentation { mode, size: if setup & 4 == 0 { 1280 } else { 64 } };
    });
    // Of alice's messages only the first arrives.
    pair.link = Box::new(
        |from, number, datagram| {
            if from == From::Bob || number == 0 { vec![datagram] } else { Vec::new() }
        },
    );
    let started = pair.alice.endpoint.initiate(Timestamp::ZERO, "peer", "net");
    assert!(started.is_ok());
    pair.run(Timestamp::from_millis(10));
    let message_3 =
        pair.sent.iter().rfind(|(from, _)| *from == From::Alice).map(|(_, sent)| sent.payload.clone());
    let Some(message_3) = message_3 else { panic!("alice sent nothing") };
    let before = pair.sent.len();
    for _ in 0..STEPS_MAX {
        if step(&mut pair, &mut input, &message_3).is_none() {
            break;
        }
        pair.drain();
        assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (0, 0), "nobody has authenticated");
        assert!(pair.sent.len() <= SENT_MAX, "bob sends without end");
    }
    // Unless his patience is over.
    if pair.bob.endpoint.isakmp_sas().next().is_some() {
        pair.inject(From::Alice, message_3);
        pair.drain();
        assert!(has_answered(&pair, before), "fragments kept bob from message 3: {:?}", pair.bob.refusals());
    }
    pair.run(pair.now + Duration::from_secs(200));
    assert_eq!(pair.bob.endpoint.isakmp_sas().count(), 0, "what was half open has ended");
}

fn step(pair: &mut Pair, input: &mut Input<'_>, message_3: &Bytes) -> Option<()> {
    let op = input.byte()?;
    if op & 0x80 != 0 {
        pair.run(pair.now + Duration::from_millis(250) * u32::from(op & 0x7f));
        return Some(());
    }
    let (number, flags) = (input.byte()?, input.byte()?);
    let data = if op & 4 == 0 {
        let (offset, len) = (usize::from(input.number()?), usize::from(input.number()?));
        let offset = offset.min(message_3.len());
        message_3.slice(offset..offset.saturating_add(len).min(message_3.len()))
    } else {
        Bytes::copy_from_slice(input.piece()?)
    };
    let mut header = Header::decode(message_3).ok()?;
    if op & 8 != 0 {
        header.message_id = MessageId(u32::from(op));
    }
    let fragment = Fragment { id: u16::from(op & 3), number, flags, data };
    let mut datagram = encode_message(&header, &[Payload::Fragment(fragment)]);
    if op & 0x10 != 0 {
        // Another payload seems to follow, or the fragment is longer than its message.
        let at = if number & 1 == 0 { Header::LEN } else { Header::LEN + 2 };
        *datagram.get_mut(at)? ^= flags;
    }
    if op & 0x20 != 0 {
        datagram.splice(8..16, [number; 8]);
    }
    pair.inject(From::Alice, datagram);
    Some(())
}

/// Whether bob sent main mode message 4, whole or in fragments, after so many datagrams: it begins with a KE payload, and
/// what else he sends is a notification.
fn has_answered(pair: &Pair, before: usize) -> bool {
    let begins_so = |payload: &[u8]| {
        payload.get(16) == Some(&PayloadType::KE.0) || payload.get(16) == Some(&PayloadType::FRAGMENT.0)
    };
    pair.sent.iter().skip(before).any(|(from, sent)| *from == From::Bob && begins_so(&sent.payload))
}
