//! What a handshake costs, how much of that is modular exponentiation, and what reading and writing messages costs.
//!
//! `cargo bench -p ikev1 --features openssl` compares the providers. Before the benchmarks it prints, for each provider
//! and side, the CPU time of a handshake over that of the exponentiations in it, both measured in the same run.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and prints it"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Pair, SeedRandom, credentials};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ikev1::config::AuthenticationMethod;
use ikev1::crypto::{CryptoProvider, Group, providers};
use ikev1::io::{Datagram, Output};
use ikev1::wire::{Message, Payload, WireLimits, encode_message};

const GROUP: Group = Group::Modp2048;

/// Both sides of main mode and of quick mode with PFS.
fn handshake(provider: &'static dyn CryptoProvider) -> Pair {
    let mut pair = Pair::with(provider, |_, peer| {
        peer.phase1[0].group = GROUP;
        peer.ipsec[0].pfs = Some(GROUP);
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    pair
}

/// What one side's exponentiations cost: in each Diffie-Hellman exchange the public value and the shared secret.
fn exponentiations(provider: &dyn CryptoProvider, exchanges: usize, peer_public: &[u8]) -> Duration {
    let start = Instant::now();
    for _ in 0..exchanges {
        let pair = provider.dh_generate(&GROUP, &mut SeedRandom(1)).unwrap();
        black_box(provider.dh_shared(&GROUP, &pair.private, peer_public).unwrap());
    }
    start.elapsed()
}

/// The time that each side spends on main mode and quick mode.
fn time_of_each_side(provider: &'static dyn CryptoProvider, pfs: bool) -> [Duration; 2] {
    let mut pair = Pair::with(provider, |_, peer| {
        peer.phase1[0].group = GROUP;
        peer.ipsec[0].pfs = pfs.then_some(GROUP);
    });
    let endpoints = [&mut pair.alice.endpoint, &mut pair.bob.endpoint];
    let (mut spent, now) = ([Duration::ZERO; 2], pair.now);
    let mut whose = 0;
    let start = Instant::now();
    endpoints[0].initiate(now, "peer", "net").unwrap();
    spent[0] += start.elapsed();
    loop {
        let mut datagrams = Vec::new();
        let start = Instant::now();
        loop {
            match endpoints[whose].poll_output() {
                Output::Transmit(datagram) => datagrams.push(datagram),
                Output::Event(_) => {}
                Output::Timeout(_) | Output::Idle => break,
            }
        }
        spent[whose] += start.elapsed();
        if datagrams.is_empty() {
            break;
        }
        whose = 1 - whose;
        for datagram in datagrams {
            let arrived = Datagram { local: datagram.remote, remote: datagram.local, ..datagram };
            let start = Instant::now();
            endpoints[whose].handle_datagram(now, &arrived);
            spent[whose] += start.elapsed();
        }
    }
    assert!(endpoints.iter().all(|endpoint| endpoint.ipsec_sas().count() == 1));
    spent
}

/// Of many runs the shortest, which other load on the machine disturbs least.
fn ratio() {
    const RUNS: usize = 60;
    for (provider, pfs) in providers().iter().flat_map(|provider| [(*provider, false), (*provider, true)]) {
        let exchanges = 1 + usize::from(pfs);
        let other = provider.dh_generate(&GROUP, &mut SeedRandom(2)).unwrap().public;
        let (mut sides, mut powers) = ([Duration::MAX; 2], Duration::MAX);
        for _ in 0..RUNS {
            // One after the other, so that a machine that gets slower gets slower for both.
            let times = time_of_each_side(provider, pfs);
            sides = [0, 1].map(|side| sides[side].min(times[side]));
            powers = powers.min(exponentiations(provider, exchanges, &other));
        }
        for (side, spent) in ["initiator", "responder"].into_iter().zip(sides) {
            println!(
                "{}, {side}: main mode and quick mode{} {spent:.2?}, its {} exponentiations in {} {powers:.2?}, ratio {:.3}",
                provider.name(),
                if pfs { " with PFS" } else { "" },
                2 * exchanges,
                GROUP.name(),
                spent.as_secs_f64() / powers.as_secs_f64(),
            );
        }
    }
}

fn handshakes(c: &mut Criterion) {
    ratio();
    let mut group = c.benchmark_group("main mode and quick mode with PFS");
    group.sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    for provider in providers() {
        group.bench_function(provider.name(), |b| b.iter(|| handshake(*provider)));
    }
    group.finish();
}

/// The whole of phase 1, both sides, by authentication method; keys are known beforehand.
fn authentication(c: &mut Criterion) {
    let mut group = c.benchmark_group("main mode");
    group.sample_size(10).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
    for provider in providers() {
        for method in AuthenticationMethod::ALL {
            group.bench_function(format!("{}/{}", method.name(), provider.name()), |b| {
                b.iter_batched(
                    || {
                        Pair::with(*provider, |who, peer| {
                            peer.phase1[0].group = GROUP;
                            credentials::raw_keys(who, peer, *method);
                        })
                    },
                    |mut pair| {
                        pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
                        pair.run(pair.now + Duration::from_secs(1));
                        assert_eq!(pair.bob.isakmp_count(), 1);
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// Quick mode under an ISAKMP SA that stands, both sides.
fn quick_mode(c: &mut Criterion) {
    let mut group = c.benchmark_group("quick mode");
    group.sample_size(10).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
    for (provider, pfs) in providers().iter().flat_map(|provider| [(*provider, false), (*provider, true)]) {
        let name = format!("{}/{}", if pfs { "with PFS" } else { "without PFS" }, provider.name());
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    let mut pair = Pair::with(provider, |_, peer| peer.ipsec[0].pfs = pfs.then_some(GROUP));
                    let sa = pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
                    pair.run(pair.now + Duration::from_secs(1));
                    (pair, sa)
                },
                |(mut pair, sa)| {
                    pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
                    pair.run(pair.now + Duration::from_secs(1));
                    assert_eq!(pair.bob.ipsec_count(), 1);
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn wire(c: &mut Criterion) {
    let pair = handshake(ikev1::crypto::default_provider());
    let main_mode_1 = pair.sent[0].1.payload.clone();
    let limits = WireLimits::default();
    let message = Message::decode(&main_mode_1, &limits).unwrap();
    let payloads: Vec<Payload> = message.chain.iter().cloned().collect();
    let mut group = c.benchmark_group("main mode 1");
    group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    group.bench_function("decode", |b| b.iter(|| Message::decode(black_box(&main_mode_1), &limits).unwrap()));
    group.bench_function("encode", |b| {
        b.iter(|| Bytes::from(encode_message(&message.header, black_box(&payloads))));
    });
    group.finish();
}

criterion_group!(benches, handshakes, authentication, quick_mode, wire);
criterion_main!(benches);
