//! What a gateway with many peers pays: memory for each peer, and time to find the SA that a datagram belongs to.
//!
//! It prints the memory first, as bytes of the allocator for each peer with an ISAKMP SA and a pair of IPsec SAs, and
//! compares few SAs with many in the same run. Diffie-Hellman is left out: it would take minutes and changes nothing.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::alloc::System;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cap::Cap;
use common::cheap::CHEAP_GROUPS;
use common::{BOB, SeedRandom, peer_config};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ikev1::Endpoint;
use ikev1::config::{Config, DeadPeerDetection, DpdTrigger, PeerConfig};
use ikev1::event::{Event, IpsecSaId, IsakmpSaId};
use ikev1::io::{Datagram, Output, Timestamp};
use ikev1::limits::Limits;

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

const NOW: Timestamp = Timestamp::ZERO;
const FEW: u32 = 100;
const MANY: u32 = 100_000;
/// Peers that go on speaking; of the others only the gateway's half is kept.
const SPEAKERS: u32 = 64;

/// A host that set up its SAs.
struct Peer {
    endpoint: Endpoint,
    isakmp_sa: IsakmpSaId,
    ipsec_sa: IpsecSaId,
}

/// An endpoint with the SAs of many hosts, and some of these hosts.
struct Gateway {
    endpoint: Endpoint,
    speakers: Vec<Peer>,
    bytes_per_peer: usize,
}

fn config(own: IpAddr, other: Option<IpAddr>) -> Config {
    let mut peer = PeerConfig { remote: other, remote_id: None, ..peer_config(BOB, BOB) };
    let ends = PeerConfig::new("peer", own, other);
    (peer.local, peer.local_nat_t, peer.local_id) = (ends.local, ends.local_nat_t, ends.local_id);
    // Each host is its own client.
    (peer.ipsec[0].local_client, peer.ipsec[0].remote_client) = (None, None);
    peer.dead_peer_detection = Some(DeadPeerDetection {
        trigger: DpdTrigger::OnCommand,
        timeout: Duration::from_secs(5),
        retries: 1,
    });
    let sas = usize::try_from(MANY).unwrap() + 1;
    let limits = Limits { isakmp_sas_max: sas, ipsec_sas_max: sas, ..Limits::default() };
    Config { peers: vec![peer], limits, clock_start: None }
}

/// Everything that an endpoint has to say.
fn drain(endpoint: &mut Endpoint, mut event: impl FnMut(Event)) -> Vec<Datagram> {
    let mut datagrams = Vec::new();
    loop {
        match endpoint.poll_output() {
            Output::Transmit(datagram) => datagrams.push(datagram),
            Output::Event(it) => event(it),
            Output::Timeout(_) | Output::Idle => return datagrams,
        }
    }
}

fn arrived(datagram: Datagram) -> Datagram {
    Datagram { local: datagram.remote, remote: datagram.local, ..datagram }
}

impl Gateway {
    fn with_peers(count: u32) -> Self {
        let own: IpAddr = BOB.parse().unwrap();
        let endpoint = Endpoint::new(config(own, None), CHEAP_GROUPS, Box::new(SeedRandom(1)));
        let mut gateway = Self { endpoint, speakers: Vec::new(), bytes_per_peer: 0 };
        let before = ALLOCATED.allocated();
        for number in 0..count - SPEAKERS {
            drop(gateway.establish(number));
        }
        let quiet = usize::try_from(count - SPEAKERS).unwrap();
        gateway.bytes_per_peer = (ALLOCATED.allocated() - before) / quiet;
        gateway.speakers = (count - SPEAKERS..count).map(|number| gateway.establish(number)).collect();
        gateway
    }

    /// Main mode and quick mode with one more host.
    fn establish(&mut self, number: u32) -> Peer {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + number));
        let config = config(address, Some(BOB.parse().unwrap()));
        let mut peer = Endpoint::new(config, CHEAP_GROUPS, Box::new(SeedRandom(u64::from(number) + 2)));
        peer.initiate(NOW, "peer", "net").unwrap();
        let (mut isakmp_sa, mut ipsec_sa) = (None, None);
        loop {
            let sent = drain(&mut peer, |event| match event {
                Event::IsakmpSaEstablished { sa, .. } => isakmp_sa = Some(sa),
                Event::IpsecSaEstablished { sa, .. } => ipsec_sa = Some(sa),
                _ => {}
            });
            if sent.is_empty() {
                break;
            }
            for datagram in sent {
                self.endpoint.handle_datagram(NOW, &arrived(datagram));
            }
            for datagram in drain(&mut self.endpoint, drop) {
                peer.handle_datagram(NOW, &arrived(datagram));
            }
        }
        Peer { endpoint: peer, isakmp_sa: isakmp_sa.unwrap(), ipsec_sa: ipsec_sa.unwrap() }
    }

    /// Takes in a datagram, and says how many answers it got.
    fn takes(&mut self, datagram: &Datagram) -> usize {
        self.endpoint.handle_datagram(NOW, datagram);
        drain(&mut self.endpoint, |event| {
            assert!(!matches!(event, Event::DatagramRejected { .. } | Event::PacketRejected { .. }));
        })
        .len()
    }
}

impl Peer {
    fn esp_packet(&mut self) -> Datagram {
        self.endpoint.send_packet(NOW, self.ipsec_sa, 4, &[0x45; 64]).unwrap();
        arrived(drain(&mut self.endpoint, drop).pop().unwrap())
    }

    fn probe(&mut self) -> Datagram {
        self.endpoint.probe_peer(NOW, self.isakmp_sa).unwrap();
        arrived(drain(&mut self.endpoint, drop).pop().unwrap())
    }
}

fn datagrams(c: &mut Criterion) {
    let mut gateways = [FEW, MANY].map(|count| (count, Gateway::with_peers(count)));
    for (count, gateway) in &gateways {
        println!(
            "{count} peers: {} bytes each for an ISAKMP SA and a pair of IPsec SAs",
            gateway.bytes_per_peer
        );
    }
    for (what, make, answers) in [
        ("an ESP packet", Peer::esp_packet as fn(&mut Peer) -> Datagram, 0),
        ("an R-U-THERE with its answer", Peer::probe, 1),
    ] {
        let mut group = c.benchmark_group(what);
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(1))
            .warm_up_time(Duration::from_millis(200));
        for (count, gateway) in &mut gateways {
            let mut speakers = std::mem::take(&mut gateway.speakers);
            let mut turn = 0;
            group.bench_function(format!("with {count} peers"), |b| {
                b.iter_batched(
                    || {
                        turn = (turn + 1) % speakers.len();
                        make(&mut speakers[turn])
                    },
                    |datagram| assert_eq!(black_box(gateway.takes(&datagram)), answers),
                    BatchSize::PerIteration,
                );
            });
            gateway.speakers = speakers;
        }
        group.finish();
    }
}

criterion_group!(benches, datagrams);
criterion_main!(benches);
