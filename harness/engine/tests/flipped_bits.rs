//! Which octets of a handshake may be changed on the way without anyone noticing, and that no other may.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use common::{From, Pair, credentials};
use ikev1::config::{AuthenticationMethod, Phase1Mode};
use ikev1::crypto::{Group, reference};
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::pki::UnixTime;
use ikev1::wire::{ExchangeType, PayloadType};
use proptest::prelude::*;

const KEYS: [Label; 7] = [
    Label::GXy,
    Label::SkeyidD,
    Label::SkeyidA,
    Label::Ka,
    Label::Phase1Iv,
    Label::KeymatInitiator,
    Label::KeymatResponder,
];

fn pair(mode: Phase1Mode, method: AuthenticationMethod) -> Pair {
    // A day on which the certificates are valid.
    let mut pair = Pair::at(UnixTime(1_782_864_000), reference(), |who, peer| {
        match method {
            AuthenticationMethod::RsaSignature => credentials::certificates(who, peer, method),
            _ => credentials::raw_keys(who, peer, method),
        }
        peer.mode = mode;
        peer.phase1[0].group = Group::Modp768;
        // After aggressive mode it has an exchange of its own, which is not what is looked at here.
        peer.initial_contact &= mode == Phase1Mode::Main;
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair
}

/// Whether both sides end with SAs although one bit of message `number` is flipped whenever it is sent.
fn completes(mode: Phase1Mode, method: AuthenticationMethod, number: usize, octet: usize, bit: u8) -> bool {
    let mut pair = pair(mode, method);
    let flipped: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    pair.link = Box::new(move |_, count, mut datagram| {
        let mut flipped = flipped.lock().unwrap();
        if count == number {
            *flipped = Some(datagram.payload.to_vec());
        }
        if flipped.as_deref() == Some(&datagram.payload[..]) {
            let mut bytes = datagram.payload.to_vec();
            bytes[octet] ^= 1 << bit;
            datagram.payload = bytes.into();
        }
        vec![datagram]
    });
    pair.run(Timestamp::from_secs(100));
    let (alice, bob): (Vec<_>, Vec<_>) =
        (pair.alice.endpoint.ipsec_sas().collect(), pair.bob.endpoint.ipsec_sas().collect());
    let ([alice], [bob]) = (&alice[..], &bob[..]) else { return false };
    let what = format!("octet {octet}, bit {bit} of message {}", number + 1);
    for label in KEYS {
        assert_eq!(pair.alice.value(label), pair.bob.value(label), "{label} after {what}");
    }
    assert_eq!((alice.spi_in, alice.spi_out), (bob.spi_out, bob.spi_in), "{what}");
    assert_eq!((alice.mode, alice.protocol), (bob.mode, bob.protocol), "{what}");
    let (alice, bob): (Vec<_>, Vec<_>) =
        (pair.alice.endpoint.isakmp_sas().collect(), pair.bob.endpoint.isakmp_sas().collect());
    assert_eq!((alice.len(), bob.len()), (1, 1), "{what}");
    assert_eq!(alice[0].cookies, bob[0].cookies, "{what}");
    assert_eq!(alice[0].transform, bob[0].transform, "{what}");
    assert_eq!(alice[0].nat_traversal, bob[0].nat_traversal, "{what}");
    true
}

/// What stands at an octet of a message before encryption.
fn place(plain: &[u8], octet: usize) -> String {
    let field = match octet {
        0..8 => "CKY-I",
        8..16 => "CKY-R",
        16 => "next payload",
        17 => "version",
        18 => "exchange type",
        19 => "flags",
        20..24 => "M-ID",
        24..28 => "length",
        _ => "",
    };
    if octet < 28 {
        return format!("header {field}");
    }
    let (mut payload, mut start) = (plain[16], 28);
    while payload != 0 && start + 4 <= plain.len() {
        let end = start + usize::from(u16::from_be_bytes([plain[start + 2], plain[start + 3]]));
        if octet < end {
            return match octet - start {
                0 => format!("{} next payload", PayloadType(payload)),
                1 => format!("{} reserved", PayloadType(payload)),
                2 | 3 => format!("{} length", PayloadType(payload)),
                at if payload == PayloadType::SA.0 => sa_place(at),
                _ => format!("{} body", PayloadType(payload)),
            };
        }
        (payload, start) = (plain[start], end);
    }
    "padding".into()
}

/// Places within an SA payload of one proposal without SPI and one transform.
fn sa_place(at: usize) -> String {
    match at {
        16 => "P number".into(),
        24 => "T number".into(),
        _ => "SA body".into(),
    }
}

/// A run on which nobody interferes, and its messages before encryption under SKEYID_e.
fn undisturbed(mode: Phase1Mode, method: AuthenticationMethod) -> (Pair, Vec<Vec<u8>>) {
    let mut clean = pair(mode, method);
    clean.run(Timestamp::from_secs(1));
    let mut plain: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for side in [&clean.alice, &clean.bob] {
        for message in side.plain.lock().unwrap().iter() {
            plain.insert(message[..28].to_vec(), message.clone());
        }
    }
    let shown = clean.sent.iter().map(|(_, datagram)| match &datagram.payload[..] {
        // The two encrypted messages of one exchange that a side sends differ in length.
        bytes if bytes[19] & 1 == 1 => plain[&bytes[..28]].clone(),
        bytes => bytes.to_vec(),
    });
    let shown = shown.collect();
    (clean, shown)
}

/// Which octets of each message nothing covers: any change of them leaves the handshake, and its keys, as they are.
///
/// No hash covers the header's flags. A Commit bit set on the way is heeded where it asks to wait for CONNECTED.
fn uncovered(mode: Phase1Mode) -> String {
    let method = AuthenticationMethod::PreSharedKey;
    let (clean, shown) = undisturbed(mode, method);
    let mut lines = Vec::new();
    let mut numbers = BTreeMap::new();
    for (number, ((from, datagram), shown)) in clean.sent.iter().zip(shown).enumerate() {
        let bytes = &datagram.payload;
        let mut open: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for octet in 0..bytes.len() {
            for bit in 0..8 {
                if completes(mode, method, number, octet, bit) {
                    open.entry(place(&shown, octet)).or_default().insert(octet);
                }
            }
        }
        let exchange = ExchangeType(bytes[18]);
        let count = numbers.entry(exchange).or_insert(0);
        *count += 1;
        let open: Vec<_> =
            open.iter().map(|(place, octets)| format!("{place} ({} octets)", octets.len())).collect();
        let open = if open.is_empty() { "-".into() } else { open.join(", ") };
        lines.push(format!("{exchange} {count}, {from:?}: {open}"));
        assert_eq!(*from, if *count % 2 == 1 { From::Alice } else { From::Bob });
    }
    lines.join("\n")
}

#[test]
fn only_these_octets_of_main_mode_may_change_unnoticed() {
    insta::assert_snapshot!(uncovered(Phase1Mode::Main), @r"
    Identity Protection 1, Alice: SA next payload (1 octets), VID body (16 octets), header flags (1 octets)
    Identity Protection 2, Bob: P number (1 octets), SA next payload (1 octets), T number (1 octets), VID body (16 octets), header flags (1 octets)
    Identity Protection 3, Alice: header flags (1 octets)
    Identity Protection 4, Bob: header flags (1 octets)
    Identity Protection 5, Alice: header flags (1 octets)
    Identity Protection 6, Bob: header flags (1 octets)
    Quick Mode 1, Alice: -
    Quick Mode 2, Bob: -
    Quick Mode 3, Alice: -
    ");
}

#[test]
fn only_these_octets_of_aggressive_mode_may_change_unnoticed() {
    insta::assert_snapshot!(uncovered(Phase1Mode::Aggressive), @r"
    Aggressive 1, Alice: ID next payload (1 octets), VID body (16 octets), header flags (1 octets)
    Aggressive 2, Bob: HASH next payload (1 octets), P number (1 octets), T number (1 octets), VID body (16 octets), header flags (1 octets)
    Aggressive 3, Alice: header flags (1 octets)
    Quick Mode 1, Alice: -
    Quick Mode 2, Bob: -
    Quick Mode 3, Alice: -
    ");
}

/// What no hash, signature or key covers, whatever the method; the snapshots above have it octet by octet.
const UNCOVERED: [&str; 5] = ["header flags", "VID body", "P number", "T number", "N body"];

/// Whether the octet is the next payload of one that stands before a vendor ID or a notification.
fn announces_what_may_be_left_out(plain: &[u8], octet: usize) -> bool {
    let announced = plain.get(octet).copied().map(PayloadType);
    place(plain, octet).ends_with("next payload")
        && announced.is_some_and(|next| [PayloadType::VENDOR_ID, PayloadType::NOTIFICATION].contains(&next))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Header, generic headers, HASH(1), encrypted bodies, signatures, certificates: of every method.
    #[test]
    fn a_flipped_bit_of_what_is_covered_is_refused_with_every_method(
        mode in prop::sample::select(vec![Phase1Mode::Main, Phase1Mode::Aggressive]),
        method in prop::sample::select(AuthenticationMethod::ALL),
        number: prop::sample::Index,
        octet: prop::sample::Index,
        // Headers are few octets, and bodies many.
        in_headers in any::<bool>(),
        bit in 0_u8..8,
    ) {
        let (clean, shown) = undisturbed(mode, method);
        let number = number.index(clean.sent.len());
        let (sent, shown) = (&clean.sent[number].1.payload, &shown[number]);
        let is_body = |octet: &usize| {
            let place = place(shown, *octet);
            place.ends_with("body") || place == "padding"
        };
        let (bodies, headers): (Vec<_>, Vec<_>) = (0..sent.len()).partition(is_body);
        let octets = if in_headers { headers } else { bodies };
        let octet = octets[octet.index(octets.len())];
        if completes(mode, method, number, octet, bit) {
            let place = place(shown, octet);
            let allowed = UNCOVERED.contains(&&*place) || announces_what_may_be_left_out(shown, octet);
            prop_assert!(allowed, "{place} of message {}", number + 1);
        }
    }
}
