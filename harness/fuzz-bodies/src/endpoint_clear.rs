//! An endpoint that gets datagrams from someone who has no key.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;
use ikev1::Endpoint;
use ikev1::config::{Config, NatTraversal, Phase1Mode};
use ikev1::crypto::Secret;
use ikev1::io::{Datagram, IP_AH, IP_ESP, IP_UDP, Output, Timestamp};
use ikev1::wire::Header;

use crate::common::cheap::CHEAP_GROUPS;
use crate::common::{ALICE, BOB, SeedRandom, peer_config};
use crate::input::Input;

/// Datagrams and waits in one input.
const STEPS_MAX: usize = 32;

/// The first octet says how the endpoint is configured. Each step is an octet: with its top bit set so many seconds
/// pass, else a datagram comes whose length and content follow.
///
/// Whatever comes, no SA stands, and in the end nothing is left.
///
/// # Panics
///
/// When that does not hold.
pub fn endpoint_clear(data: &[u8]) {
    let mut input = Input(data);
    let Some(setup) = input.byte() else { return };
    let mut victim = Victim::new(setup);
    for _ in 0..STEPS_MAX {
        let Some(op) = input.byte() else { break };
        if op & 0x80 == 0 {
            let Some(piece) = input.piece() else { break };
            victim.datagram(op, piece);
        } else {
            victim.now = victim.now + Duration::from_secs(u64::from(op & 0x7f));
            victim.endpoint.handle_timeout(victim.now);
        }
        victim.drain();
        assert!(victim.endpoint.isakmp_sas().all(|sa| !sa.established), "nobody has authenticated");
        assert_eq!(victim.endpoint.ipsec_sas().count(), 0);
    }
    victim.wind_down();
}

struct Victim {
    endpoint: Endpoint,
    now: Timestamp,
    timeout: Option<Timestamp>,
    /// Cookies of the message that it sent last.
    cookies: [u8; 16],
}

impl Victim {
    fn new(setup: u8) -> Self {
        let mut peer = peer_config(BOB, ALICE);
        // The corpus has messages of someone who knows the key that `peer_config` sets.
        peer.pre_shared_key = Secret::new(b"another secret".to_vec());
        peer.mode = if setup & 1 == 0 { Phase1Mode::Main } else { Phase1Mode::Aggressive };
        if setup & 2 != 0 {
            peer.nat_traversal = NatTraversal::Force;
        }
        if setup & 4 != 0 {
            peer.remote = None;
            peer.remote_id = None;
        }
        if setup & 8 != 0 {
            peer.remote = ALICE.parse().ok();
        }
        let mut config = Config { peers: vec![peer], ..Config::default() };
        if setup & 16 != 0 {
            config.limits.half_open_max = 3;
            config.limits.half_open_per_address_max = 2;
        }
        let mut endpoint = Endpoint::new(config, CHEAP_GROUPS, Box::new(SeedRandom(0x5555_6666_7777_8888)));
        if setup & 8 != 0 {
            let started = endpoint.initiate(Timestamp::ZERO, "peer", "net");
            assert!(started.is_ok());
        }
        let mut victim = Self { endpoint, now: Timestamp::ZERO, timeout: None, cookies: [0; 16] };
        victim.drain();
        victim
    }

    /// Delivers a datagram. The bits of `op` say where it comes from and what is put right in it.
    fn datagram(&mut self, op: u8, piece: &[u8]) {
        let port = if op & 1 == 0 { 500 } else { 4500 };
        let address = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), port);
        let mut bytes = piece.to_vec();
        if op & 2 != 0 && bytes.len() >= Header::LEN {
            bytes[..16].copy_from_slice(&self.cookies);
        }
        if op & 4 != 0 && bytes.len() >= Header::LEN {
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            bytes[24..28].copy_from_slice(&len.to_be_bytes());
        }
        if op & 8 != 0 {
            bytes.splice(..0, [0; 4]);
        }
        let ip_protocol = match op & 0x30 {
            0x10 => IP_ESP,
            0x20 => IP_AH,
            _ => IP_UDP,
        };
        let remote = if op & 0x40 == 0 { address(ALICE) } else { address("198.51.100.7") };
        let datagram = Datagram { ip_protocol, local: address(BOB), remote, payload: Bytes::from(bytes) };
        self.endpoint.handle_datagram(self.now, &datagram);
    }

    fn drain(&mut self) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(datagram) => {
                    let message = datagram.payload.strip_prefix(&[0; 4]).unwrap_or(&datagram.payload);
                    if let Some(cookies) = message.first_chunk() {
                        self.cookies = *cookies;
                    }
                    assert!(Header::decode(&Bytes::copy_from_slice(message)).is_ok());
                }
                Output::Event(_) => {}
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return;
                }
                Output::Idle => {
                    self.timeout = None;
                    return;
                }
            }
        }
    }

    /// Lets time pass until nothing waits.
    fn wind_down(&mut self) {
        for _ in 0..1_000 {
            let Some(at) = self.timeout else {
                assert_eq!(self.endpoint.isakmp_sas().count(), 0, "what was half open has ended");
                return;
            };
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        panic!("timers go on for ever");
    }
}
