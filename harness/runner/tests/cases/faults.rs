//! What each fault operator does to the bytes, or to the delivery, of a message of the engine.

use std::fmt::Write as _;

use ikev1_runner::execute::{CaseLimits, execute_case};
use ikev1_runner::target::loopback::Loopback;
use ikev1_scenario::Fault;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{
    Exchange, Fragmentation, FragmentationMode, Phase1Exchange, Role, Selector, Settle, Step,
};
use ikev1_scenario::transcript::{DatagramRecord, Event, Fault as Made, Record};

use crate::common::{case, start};

/// Length of the ISAKMP header, and where its flags and its length field are (RFC 2408 section 3.1).
const HEADER: usize = 28;
const FLAGS: usize = 19;
const LENGTH: usize = 24;
/// Block length of the cipher, AES.
const BLOCK: usize = 16;

/// Messages in the order in which an operator looks for one that it applies to.
const MESSAGES: [(Exchange, u8); 12] = [
    (Exchange::MainMode, 1),
    (Exchange::MainMode, 2),
    (Exchange::MainMode, 3),
    (Exchange::MainMode, 4),
    (Exchange::MainMode, 5),
    (Exchange::MainMode, 6),
    (Exchange::QuickMode, 1),
    (Exchange::QuickMode, 2),
    (Exchange::QuickMode, 3),
    (Exchange::AggressiveMode, 1),
    (Exchange::AggressiveMode, 2),
    (Exchange::AggressiveMode, 3),
];

/// A handshake with a fault in the first message that it applies to; of fragments, in the first of aggressive mode message 3.
fn with_fault(fault: Fault) -> (Selector, Case) {
    let config = case("faults", Role::Initiator, Vec::new()).config.harness;
    let whole = MESSAGES.iter().map(|&(exchange, number)| selector(exchange, number, None));
    let mut all = whole.chain([selector(Exchange::AggressiveMode, 3, Some(1))]);
    let found = all.find(|message| fault.place().holds(message, &config));
    let message = found.unwrap_or_else(|| panic!("{fault} applies to no message"));
    let role = if message.number % 2 == 1 { Role::Initiator } else { Role::Responder };
    let settle = Step::Settle(Settle { ms: 500, within_ms: 5_000 });
    let mut case = case("faults", role, vec![fault.step(&message), start(), settle]);
    let on = |size| Fragmentation { mode: FragmentationMode::On, size };
    for (side, size) in [(&mut case.config.harness, 64), (&mut case.config.peer, 1280)] {
        if message.exchange == Exchange::AggressiveMode {
            side.exchange = Phase1Exchange::AggressiveMode;
        }
        if message.fragment.is_some() {
            side.fragmentation = on(size);
        }
    }
    (message, case)
}

fn selector(exchange: Exchange, number: u8, fragment: Option<u8>) -> Selector {
    Selector { exchange, number, occurrence: 1, fragment, contains: None }
}

/// The first octets of some, and how many they are.
fn short(bytes: &[u8]) -> String {
    if bytes.len() <= 8 {
        hex::encode(bytes)
    } else {
        format!("{}.. ({})", hex::encode(&bytes[..4]), bytes.len())
    }
}

/// The part in which two messages differ. One that would have been encrypted is compared as it would have been padded.
fn difference(before: &str, after: &str) -> String {
    let (mut before, after) = (hex::decode(before).unwrap(), hex::decode(after).unwrap());
    let encrypted = before.len() > HEADER && before[FLAGS] & 1 == 1;
    if encrypted && after.len() > HEADER && (after.len() - HEADER).is_multiple_of(BLOCK) {
        let length = HEADER + (before.len() - HEADER).next_multiple_of(BLOCK);
        before.resize(length, 0);
        before[LENGTH..HEADER].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    }
    let start = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (a, b) = (&before[start..], &after[start..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    format!("{start}: {} -> {}", short(&a[..a.len() - same]), short(&b[..b.len() - same]))
}

/// What the transcript shows of a fault; `None` where nothing came of it.
fn shown(transcript: &[Record]) -> Option<String> {
    let applied: Vec<u64> = transcript
        .iter()
        .filter_map(|record| match record.event {
            Event::RuleApplied { step: 0, datagram } => datagram,
            _ => None,
        })
        .collect();
    let first = *applied.first()?;
    let edited = transcript.iter().find_map(|record| match &record.event {
        Event::Plaintext { datagram, hex, unaltered_hex: Some(unaltered), .. } if *datagram == first => {
            Some((unaltered, hex))
        }
        _ => None,
    });
    match edited {
        Some((unaltered, hex)) if unaltered == hex => return Some("the ciphertext alone".to_owned()),
        Some((unaltered, hex)) => return Some(difference(unaltered, hex)),
        None => {}
    }
    let made = transcript.iter().find_map(|record| match &record.event {
        Event::Datagram(DatagramRecord { n, hex, fault: Some(made), .. }) if *n == first => Some((hex, made)),
        _ => None,
    });
    match made {
        Some((hex, Made::EditedDatagram { unaltered_hex })) => {
            return Some(format!("datagram {}", difference(unaltered_hex, hex)));
        }
        Some((_, other)) => return Some(format!("{other:?}, {} times", applied.len())),
        None => {}
    }
    let copies = transcript.iter().filter(|record| {
        matches!(
            &record.event,
            Event::Datagram(DatagramRecord { fault: Some(Made::Injected | Made::Duplicate { .. }), .. })
        )
    });
    Some(format!("{} datagrams more", copies.count()))
}

#[tokio::test]
async fn each_operator_changes_what_it_says() {
    let mut table = String::new();
    for fault in Fault::ALL {
        let (message, case) = with_fault(*fault);
        let artefacts = execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await;
        let infra = artefacts.transcript.iter().find_map(|record| match &record.event {
            Event::Infrastructure { error } => Some(error.clone()),
            _ => None,
        });
        assert_eq!(infra, None, "{fault}");
        let shown = shown(&artefacts.transcript).unwrap_or_else(|| panic!("{fault} was not applied"));
        writeln!(table, "{fault} ({} {}): {shown}", message.exchange, message.number).unwrap();
    }
    insta::assert_snapshot!("fault_operators", table);
}
