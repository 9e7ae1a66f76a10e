//! Writes first inputs for the fuzz targets into a folder for each: messages of handshakes between two endpoints, and
//! the scenario files. `cargo run -p ikev1-fuzz-bodies --example seeds -- FOLDER`, then `cargo fuzz cmin`.
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

/// The largest scenario file that becomes a seed, in bytes.
const SCENARIO_MAX: u64 = 1500;

fn main() {
    let out = std::env::args().nth(1).expect("the folder to write to");
    let out = Path::new(&out);
    for setup in 0..32_u8 {
        handshake(out, setup);
    }
    scenarios(Path::new("scenarios"), out);
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
        input.extend([1, 10, 5, 10, 4, 10, 7, 4, 0, 2, 1, 2, 8, 100, 3, 10, 2, 10]);
        write(out, "endpoint_keyed", &format!("{setup}-{commands}"), &input);
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
