//! Writes first inputs for the fuzz targets into a folder for each: messages of handshakes between two endpoints, and
//! the scenario files. `cargo run -p ikev1-fuzz-bodies --example seeds -- FOLDER`, then `cargo fuzz cmin`, as the README of
//! `harness/fuzz` says.
#![allow(clippy::unwrap_used, reason = "it runs by hand, and ends when something is wrong")]

#[path = "../../engine/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::cheap::CHEAP_GROUPS;
use common::{From, Pair};
use ikev1::config::{NatTraversal, Phase1Mode};
use ikev1::crypto::Group;
use ikev1::pki::{Certificate, Crl};

/// The largest scenario file that becomes a seed, in bytes.
const SCENARIO_MAX: u64 = 1500;

fn main() {
    let out = std::env::args().nth(1).expect("the folder to write to");
    let out = Path::new(&out);
    for setup in 0..32_u8 {
        handshake(out, setup);
    }
    scenarios(Path::new("scenarios"), out);
    certificates(out);
    fragments(out);
}

fn write(out: &Path, target: &str, name: &str, bytes: &[u8]) {
    let folder = out.join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

/// A piece as the endpoint targets read it.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    [&len.to_be_bytes()[..], bytes].concat()
}

/// The messages of one handshake, by the bits of `setup` that both endpoint targets share.
fn handshake(out: &Path, setup: u8) {
    let bob_initiates = setup & 4 != 0;
    let mut pair = Pair::with(CHEAP_GROUPS, |_, peer| {
        peer.mode = if setup & 1 == 0 { Phase1Mode::Main } else { Phase1Mode::Aggressive };
        if setup & 2 != 0 {
            peer.nat_traversal = NatTraversal::Force;
        }
        if setup & 8 != 0 {
            peer.ipsec[0].pfs = Some(Group::Modp768);
        }
    });
    let side = if bob_initiates { &mut pair.bob } else { &mut pair.alice };
    side.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    let ipsec = pair.alice.endpoint.ipsec_sas().next().unwrap().id;
    pair.alice.endpoint.send_packet(pair.now, ipsec, 4, b"a packet").unwrap();
    pair.alice.endpoint.delete_ipsec_sa(pair.now, ipsec).unwrap();
    pair.alice.endpoint.delete_isakmp_sa(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(1));

    let plain = pair.alice.plain.lock().unwrap().clone();
    let clear = pair.sent.iter().map(|(_, datagram)| datagram.payload.to_vec());
    for (number, message) in clear.chain(plain).enumerate() {
        let name = format!("{setup}-{number}");
        write(out, "decode", &name, &message);
        if let (Some(first), Some(body)) = (message.get(16), message.get(28..)) {
            write(out, "decode", &format!("{name}-body"), &[&[*first], body].concat());
        }
        let edit = u8::try_from(number % 11).unwrap();
        write(out, "dissect", &name, &[&[edit, setup], &message[..]].concat());
    }
    clear_inputs(out, setup, &pair);
    for commands in 0..4_u8 {
        let change = [[0, 0, 0], [3, 0, 5], [6, 1, 0], [5, 2, 0]][usize::from(commands)];
        let mut input = vec![setup, if commands == 3 { 0x90 } else { 0 }];
        input.extend([0; 3]);
        input.extend(change);
        input.push(0xff);
        input.extend([1, 11, 5, 11, 4, 11, 7, 4, 0, 2, 1, 2, 8, 100, 3, 11, 2, 11]);
        write(out, "endpoint_keyed", &format!("{setup}-{commands}"), &input);
    }
    // New Group mode by each side, then a quick mode that may use the group.
    for command in [0x0a, 0x8a] {
        let input = [setup | 0x80, 0, 0xff, command, 0x80, 1, 11, 1, 11];
        write(out, "endpoint_keyed", &format!("{setup}-group-{command}"), &input);
    }
}

/// What alice sent, as bob would get it from someone else.
fn clear_inputs(out: &Path, setup: u8, pair: &Pair) {
    let role = if setup & 4 == 0 { 4 } else { 8 };
    let mut input = vec![(setup & 3) | role];
    for (_, datagram) in pair.sent.iter().filter(|(from, _)| *from == From::Alice) {
        input.push(u8::from(datagram.remote.port() == 4500));
        input.extend(piece(&datagram.payload));
        if input.len() < 1200 {
            write(out, "endpoint_clear", &format!("{setup}-{}", input.len()), &input);
        }
    }
}

/// Fixtures by number, each alone and in chains, as they are and with an octet changed; and one in full.
fn certificates(out: &Path) {
    const CHAINS: &[&[u8]] = &[
        &[1],
        &[0, 1],
        &[2],
        &[4, 3],
        &[6, 5, 3],
        &[10, 8, 9],
        &[12, 11],
        &[13],
        &[14],
        &[16, 15],
        &[7, 6],
        &[1, 17],
        &[1, 18],
        &[1, 19],
        &[1, 20],
        &[4, 3, 18, 21],
        &[1; 30],
    ];
    for (number, chain) in CHAINS.iter().enumerate() {
        for setup in [0, 1, 2, 4, 8, 12, 16] {
            for (at, mask) in [(0_u16, 0_u8), (4, 1), (60, 4), (200, 16), (700, 1)] {
                let mut input = vec![setup];
                for fixture in *chain {
                    input.push(0x80 | fixture);
                    input.extend(at.to_be_bytes());
                    input.push(mask);
                }
                write(out, "certificates", &format!("{number}-{setup}-{at}"), &input);
            }
        }
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/fixtures/pki");
    let read = |name: &str| fs::read_to_string(fixtures.join(name)).unwrap();
    let alice = Certificate::from_pem(&read("certificates/alice.pem")).unwrap();
    let crl = Crl::from_pem(&read("crls/alice.pem")).unwrap();
    for (encoding, der) in [(4, alice.as_der()), (5, alice.as_der()), (7, crl.as_der()), (1, alice.as_der())]
    {
        let input = [&[0, encoding][..], &piece(der)].concat();
        write(out, "certificates", &format!("whole-{encoding}"), &input);
    }
}

/// Message 3 of main mode in pieces: in order, backwards, twice, without an end, with other ends and other data.
fn fragments(out: &Path) {
    let pieces = |size: u16, op: u8, last: u8| {
        (1..=last).map(move |number| {
            let mut step = vec![op, number, u8::from(number == last)];
            step.extend((u16::from(number - 1) * size).to_be_bytes());
            step.extend((if number == last { 4096 } else { size }).to_be_bytes());
            step
        })
    };
    let own =
        |op: u8, number: u8, flags: u8, data: &[u8]| [&[op | 4, number, flags][..], &piece(data)].concat();
    let wait = |quarters: u8| vec![0x80 | quarters];
    for setup in 0..8_u8 {
        let write = |name: &str, steps: Vec<Vec<u8>>| {
            write(out, "fragments", &format!("{setup}-{name}"), &[&[setup][..], &steps.concat()].concat());
        };
        let good: Vec<_> = pieces(60, 0, 4).collect();
        write("in-order", good.clone());
        write("backwards", good.iter().rev().cloned().collect());
        write("twice", good.iter().flat_map(|step| [step.clone(), step.clone()]).collect());
        write("without-end", good[..3].to_vec());
        write("one", pieces(0, 0, 1).collect());
        write("tiny", pieces(5, 1, 60).collect());
        write("two-messages", pieces(60, 0, 4).zip(pieces(40, 1, 4)).flat_map(|(a, b)| [a, b]).collect());
        write("late", good.iter().flat_map(|step| [step.clone(), wait(100)]).collect());
        write(
            "junk-in-between",
            vec![good[0].clone(), own(0, 2, 0, b"junk"), good[1].clone(), good[2].clone(), good[3].clone()],
        );
        write(
            "end-too-early",
            vec![good[0].clone(), own(0, 2, 1, b"end"), good[1].clone(), good[2].clone(), good[3].clone()],
        );
        write(
            "numbers",
            vec![own(0, 0, 0, b"zero"), own(0, 255, 1, b"last"), own(0, 64, 0, &[7; 900]), own(0, 1, 1, b"")],
        );
        write(
            "headers",
            vec![
                own(0x10, 2, 0xff, b"other"),
                own(0x10, 3, 0x40, b"longer"),
                own(0x20, 9, 0, b"cookie"),
                own(8, 1, 1, b"m-id"),
            ],
        );
        write("large", (1..=20).map(|number| own(2, number, 0, &[number; 1000])).collect());
    }
}

fn scenarios(folder: &Path, out: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scenarios(&path, out);
        } else if path.extension().is_some_and(|e| e == "json")
            && path.metadata().unwrap().len() < SCENARIO_MAX
        {
            let name = path.to_string_lossy().replace('/', "-");
            write(out, "scenario_json", &name, &fs::read(&path).unwrap());
        }
    }
}
