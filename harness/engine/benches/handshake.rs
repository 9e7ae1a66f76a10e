//! What a handshake costs, how much of that is modular exponentiation, and what reading and writing messages costs.
//!
//! `cargo bench -p ikev1 --features openssl` compares the providers. Before the benchmarks it prints, for each provider,
//! the time of main mode with quick mode and PFS over the time of the eight exponentiations in it, both measured in the
//! same run.
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
use common::{Pair, SeedRandom};
use criterion::{Criterion, criterion_group, criterion_main};
use ikev1::crypto::{CryptoProvider, Group, providers};
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

/// The exponentiations in it: on each side, in each phase, the public value and the shared secret.
fn exponentiations(provider: &dyn CryptoProvider) {
    for _ in 0..2 {
        let alice = provider.dh_generate(&GROUP, &mut SeedRandom(1)).unwrap();
        let bob = provider.dh_generate(&GROUP, &mut SeedRandom(2)).unwrap();
        black_box(provider.dh_shared(&GROUP, &alice.private, &bob.public).unwrap());
        black_box(provider.dh_shared(&GROUP, &bob.private, &alice.public).unwrap());
    }
}

/// The shortest of several runs, which other load on the machine disturbs least.
fn shortest(mut run: impl FnMut()) -> Duration {
    let once = |()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    std::iter::repeat_n((), 20).map(once).min().unwrap()
}

fn ratio() {
    for provider in providers() {
        let whole = shortest(|| drop(black_box(handshake(*provider))));
        let powers = shortest(|| exponentiations(*provider));
        let ratio = whole.as_secs_f64() / powers.as_secs_f64();
        println!(
            "{}: handshake {whole:.2?}, its 8 exponentiations in {} {powers:.2?}, ratio {ratio:.3}",
            provider.name(),
            GROUP.name(),
        );
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

criterion_group!(benches, handshakes, wire);
criterion_main!(benches);
