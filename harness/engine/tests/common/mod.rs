//! Two endpoints on a link with virtual time, for the tests of this folder.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, missing_debug_implementations, reason = "only tests use it")]

pub mod cheap;
pub mod credentials;

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ikev1::Endpoint;
use ikev1::config::{
    AuthenticationMethod, ClientMatch, Config, Encapsulation, IntegrityAlgorithm, IpsecPolicy, IpsecProtocol,
    IpsecTransform, NatTraversal, PeerConfig, Phase1Transform,
};
use ikev1::crypto::{
    CipherAlgorithm, CryptoProvider, Group, HashAlgorithm, PrivateKey, RandomSource, Secret, reference,
};
use ikev1::event::Event;
use ikev1::hook::OutgoingMessage;
use ikev1::io::{Datagram, IP_UDP, Output, Timestamp};
use ikev1::keylog::{Direction, KeyLog, Label};
use ikev1::keys;
use ikev1::pki::{Credentials, TrustStore, UnixTime};
use ikev1::wire::edit::{self, Edit};
use ikev1::wire::{
    CookiePair, ExchangeType, Flags, Hash, Header, IdType, Identification, MessageId, Payload, dissect,
    encode_chain,
};

/// A seeded xorshift generator: the same seed gives the same bytes.
#[derive(Debug)]
pub struct SeedRandom(pub u64);

impl RandomSource for SeedRandom {
    fn fill(&mut self, dest: &mut [u8]) {
        for byte in dest {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            *byte = self.0.to_le_bytes()[3];
        }
    }
}

pub type Values = Arc<Mutex<Vec<(CookiePair, MessageId, Label, Vec<u8>)>>>;

/// Messages in the clear, in order.
pub type Plain = Arc<Mutex<Vec<Vec<u8>>>>;

struct SharedLog {
    values: Values,
    sent: Plain,
    received: Plain,
}

impl KeyLog for SharedLog {
    fn value(&mut self, cookies: CookiePair, m_id: MessageId, label: Label, bytes: &[u8]) {
        self.values.lock().unwrap().push((cookies, m_id, label, bytes.to_vec()));
    }

    fn plaintext(&mut self, direction: Direction, message: &[u8]) {
        let list = if direction == Direction::Outbound { &self.sent } else { &self.received };
        list.lock().unwrap().push(message.to_vec());
    }
}

pub const ALICE: &str = "192.0.2.1";
pub const BOB: &str = "192.0.2.2";

pub fn transform() -> Phase1Transform {
    Phase1Transform {
        authentication: AuthenticationMethod::PreSharedKey,
        cipher: CipherAlgorithm::AesCbc128,
        hash: HashAlgorithm::Sha1,
        group: Group::Modp1024,
    }
}

/// The configuration of one side that speaks with the other.
pub fn peer_config(own: &str, other: &str) -> PeerConfig {
    let net = |ip: &str| match ip {
        ALICE => Identification::ipv4_subnet([10, 11, 0, 0].into(), 24),
        _ => Identification::ipv4_subnet([10, 12, 0, 0].into(), 24),
    };
    PeerConfig {
        pre_shared_key: Secret::new(b"a shared secret".to_vec()),
        phase1: vec![transform()],
        phase1_lifetime: Duration::from_secs(3600),
        ipsec: vec![IpsecPolicy {
            name: "net".into(),
            protocol: IpsecProtocol::Esp,
            transforms: vec![IpsecTransform::new(
                Some(CipherAlgorithm::AesCbc128),
                Some(IntegrityAlgorithm::HmacSha1),
            )],
            encapsulation: Encapsulation::Tunnel,
            pfs: None,
            local_client: Some(net(own)),
            remote_client: Some(net(other)),
            client_match: ClientMatch::Same,
            bundle: Vec::new(),
            further_sas: Vec::new(),
            alternatives: Vec::new(),
            lifetime: Duration::from_secs(1200),
            lifetime_kilobytes: None,
        }],
        nat_traversal: NatTraversal::Auto,
        // As responder it would add a message to aggressive mode.
        initial_contact: own == ALICE,
        rekey: true,
        rekey_margin: Duration::from_secs(60),
        ..PeerConfig::new("peer", own.parse().unwrap(), Some(other.parse().unwrap()))
    }
}

/// Makes a peer one of hybrid authentication, in which bob signs and alice knows his key.
pub fn hybrid(peer: &mut PeerConfig, is_host: bool) {
    let pem = include_str!("../fixtures/pki/keys/rsa-2048.pem");
    let key = PrivateKey::from_pem(pem).unwrap();
    peer.phase1[0].authentication = AuthenticationMethod::RsaSignature;
    if is_host {
        let raw_keys = vec![(peer.remote_id.clone().unwrap(), key.public().clone())];
        peer.trust = Arc::new(TrustStore { raw_keys, ..TrustStore::default() });
        peer.local_id = Identification::new(IdType(0), Bytes::new());
    } else {
        peer.credentials = Some(Credentials::raw(key));
        peer.remote_id = None;
    }
}

/// One side with what came out of it.
pub struct Side {
    pub endpoint: Endpoint,
    pub events: Vec<Event>,
    pub values: Values,
    /// Messages that it sent, before encryption.
    pub plain: Plain,
    /// Messages that it decrypted.
    pub opened: Plain,
    timeout: Option<Timestamp>,
}

/// Which side a datagram comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Alice,
    Bob,
}

/// Two endpoints, alice and bob, and the datagrams between them.
pub struct Pair {
    pub alice: Side,
    pub bob: Side,
    pub now: Timestamp,
    /// By arrival, then by order of sending.
    flying: BTreeMap<(Timestamp, u64), (From, Datagram)>,
    flown: u64,
    /// Every datagram that was sent, in order.
    pub sent: Vec<(From, Datagram)>,
    /// Sees each datagram; what it gives is delivered.
    pub link: Box<dyn FnMut(From, usize, Datagram) -> Vec<Datagram>>,
    /// How long the next datagram takes.
    pub delay: Box<dyn FnMut() -> Duration>,
}

impl Pair {
    pub fn new(adjust: impl Fn(&mut PeerConfig)) -> Self {
        Self::with(reference(), |_, config| adjust(config))
    }

    pub fn with(provider: &'static dyn CryptoProvider, adjust: impl Fn(From, &mut PeerConfig)) -> Self {
        Self::made(None, provider, adjust)
    }

    /// A pair that knows the calendar, and so what certificates are valid.
    pub fn at(
        clock_start: UnixTime,
        provider: &'static dyn CryptoProvider,
        adjust: impl Fn(From, &mut PeerConfig),
    ) -> Self {
        Self::made(Some(clock_start), provider, adjust)
    }

    fn made(
        clock_start: Option<UnixTime>,
        provider: &'static dyn CryptoProvider,
        adjust: impl Fn(From, &mut PeerConfig),
    ) -> Self {
        let peer = |who, own, other| {
            let mut peer = peer_config(own, other);
            adjust(who, &mut peer);
            peer
        };
        let (alice, bob) = (peer(From::Alice, ALICE, BOB), peer(From::Bob, BOB, ALICE));
        Self::of(clock_start, provider, alice, vec![bob])
    }

    /// A pair in which bob speaks with several.
    pub fn of(
        clock_start: Option<UnixTime>,
        provider: &'static dyn CryptoProvider,
        alice: PeerConfig,
        bob: Vec<PeerConfig>,
    ) -> Self {
        let side = |peers, seed| {
            let config = Config { peers, clock_start, ..Config::default() };
            let mut endpoint = Endpoint::new(config, provider, Box::new(SeedRandom(seed)));
            let values = Values::default();
            let (plain, opened) = (Plain::default(), Plain::default());
            let log = SharedLog { values: values.clone(), sent: plain.clone(), received: opened.clone() };
            endpoint.set_key_log(Box::new(log));
            Side { endpoint, events: Vec::new(), values, plain, opened, timeout: None }
        };
        Self {
            alice: side(vec![alice], 0x1111_2222_3333_4444),
            bob: side(bob, 0x5555_6666_7777_8888),
            now: Timestamp::ZERO,
            flying: BTreeMap::new(),
            flown: 0,
            sent: Vec::new(),
            link: Box::new(|_, _, datagram| vec![datagram]),
            delay: Box::new(|| Duration::from_millis(1)),
        }
    }

    pub fn drain(&mut self) {
        for from in [From::Alice, From::Bob] {
            loop {
                let side = if from == From::Alice { &mut self.alice } else { &mut self.bob };
                match side.endpoint.poll_output() {
                    Output::Transmit(datagram) => {
                        let number = self.sent.len();
                        self.sent.push((from, datagram.clone()));
                        for delivered in (self.link)(from, number, datagram) {
                            self.flown += 1;
                            let at = self.now + (self.delay)();
                            self.flying.insert((at, self.flown), (from, delivered));
                        }
                    }
                    Output::Event(event) => side.events.push(event),
                    Output::Timeout(at) => {
                        side.timeout = Some(at);
                        break;
                    }
                    Output::Idle => {
                        side.timeout = None;
                        break;
                    }
                }
            }
        }
    }

    /// Runs until `until`, or for at most 10,000 steps.
    pub fn run(&mut self, until: Timestamp) {
        for _ in 0..10_000 {
            self.drain();
            let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
            let next = [arrival, self.alice.timeout, self.bob.timeout];
            let Some(next) = next.into_iter().flatten().min().filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                let (_, (from, datagram)) = self.flying.pop_first().unwrap();
                self.deliver(from, datagram);
            } else {
                self.alice.endpoint.handle_timeout(self.now);
                self.bob.endpoint.handle_timeout(self.now);
            }
        }
        panic!("the pair did not settle by {until:?}");
    }

    /// Hands a datagram of `from` to the other side.
    pub fn deliver(&mut self, from: From, datagram: Datagram) {
        let arrived = Datagram { local: datagram.remote, remote: datagram.local, ..datagram };
        let now = self.now;
        self.to(from).endpoint.handle_datagram(now, &arrived);
    }

    /// The side that datagrams of `from` go to.
    pub fn to(&mut self, from: From) -> &mut Side {
        if from == From::Alice { &mut self.bob } else { &mut self.alice }
    }

    /// Hands bytes to the other side, as if `from` had sent them from its ISAKMP port.
    pub fn inject(&mut self, from: From, payload: impl Into<Bytes>) {
        let (own, other) = if from == From::Alice { (ALICE, BOB) } else { (BOB, ALICE) };
        let address = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 500);
        let (local, remote) = (address(own), address(other));
        self.deliver(from, Datagram { ip_protocol: IP_UDP, local, remote, payload: payload.into() });
    }

    /// An informational message under alice's first ISAKMP SA, made by whoever has its keys. For main mode with AES.
    pub fn informational(&self, m_id: u32, payloads: &[Payload]) -> Vec<u8> {
        self.protected(ExchangeType::INFORMATIONAL, m_id, payloads)
    }

    /// The first message of a transaction exchange, likewise.
    pub fn transaction(&self, m_id: u32, payloads: &[Payload]) -> Vec<u8> {
        self.protected(ExchangeType::TRANSACTION, m_id, payloads)
    }

    fn protected(&self, exchange: ExchangeType, m_id: u32, payloads: &[Payload]) -> Vec<u8> {
        let sa = self.alice.endpoint.isakmp_sas().next().unwrap();
        let value = |label| {
            let values = self.alice.values.lock().unwrap();
            let found = values.iter().find(|(cookies, _, l, _)| *cookies == sa.cookies && *l == label);
            found.map(|(_, _, _, bytes)| bytes.clone()).unwrap()
        };
        let transform = sa.transform.unwrap_or_else(transform);
        let phase1 = self.sent.iter().rfind(|(_, datagram)| {
            let header = Header::decode(&datagram.payload).unwrap();
            header.cookies == sa.cookies
                && header.message_id == MessageId::PHASE_1
                && header.flags.contains(Flags::ENCRYPTION)
        });
        let last_block = phase1.unwrap().1.payload.iter().rev().take(16).rev().copied().collect::<Vec<_>>();
        let provider = reference();
        let iv = keys::phase2_iv(provider, transform.hash, transform.cipher, &last_block, m_id);
        let (_, after_hash) = encode_chain(payloads);
        let hash_1 =
            provider.prf(transform.hash, &value(Label::SkeyidA), &[&m_id.to_be_bytes(), &after_hash]);
        let mut all = vec![Payload::Hash(Hash::new(hash_1.as_bytes().to_vec()))];
        all.extend_from_slice(payloads);
        let (next_payload, mut body) = encode_chain(&all);
        body.resize(body.len().next_multiple_of(16), 0);
        provider.cbc_encrypt(transform.cipher, &value(Label::Ka), &iv, &mut body).unwrap();
        let header = Header::new(sa.cookies, exchange, MessageId(m_id));
        let length = u32::try_from(Header::LEN + body.len()).unwrap();
        let mut message = Vec::new();
        Header { next_payload, length, ..header.with_flags(Flags::ENCRYPTION) }.encode(&mut message);
        message.extend_from_slice(&body);
        message
    }

    /// Alice sets up phase 1 and the IPsec SAs.
    pub fn establish(&mut self) {
        self.alice.endpoint.initiate(self.now, "peer", "net").unwrap();
        self.run(self.now + Duration::from_secs(1));
    }

    /// Sends a packet each way through the IPsec SAs, and sees that it arrives as it was.
    pub fn exchange_packets(&mut self) {
        let (to_bob, to_alice) = (&b"a packet to bob"[..], &b"a packet to alice"[..]);
        for (side, packet) in [(&mut self.alice, to_bob), (&mut self.bob, to_alice)] {
            let sa = side.endpoint.ipsec_sas().next().unwrap();
            side.endpoint.send_packet(self.now, sa.id, 4, packet).unwrap();
        }
        self.run(self.now + Duration::from_secs(1));
        for (side, packet) in [(&self.bob, to_bob), (&self.alice, to_alice)] {
            let received = side.events.iter().find_map(|event| match event {
                Event::PacketReceived { packet, .. } => Some(packet.to_vec()),
                _ => None,
            });
            assert_eq!(received.as_deref(), Some(packet));
        }
    }
}

impl Side {
    /// Notes keys and plain messages from now on.
    pub fn listen(&mut self) {
        let (values, sent, received) = (self.values.clone(), self.plain.clone(), self.opened.clone());
        let log = SharedLog { values, sent, received };
        self.endpoint.set_key_log(Box::new(log));
    }

    /// Why datagrams were refused, in order.
    pub fn refusals(&self) -> Vec<String> {
        let error = |event: &Event| match event {
            Event::DatagramRejected { error } => Some(error.to_string()),
            _ => None,
        };
        self.events.iter().filter_map(error).collect()
    }

    pub fn isakmp_count(&self) -> usize {
        self.endpoint.isakmp_sas().filter(|sa| sa.established).count()
    }

    pub fn ipsec_count(&self) -> usize {
        self.endpoint.ipsec_sas().count()
    }

    pub fn value(&self, label: Label) -> Option<Vec<u8>> {
        let values = self.values.lock().unwrap();
        values.iter().rev().find(|(_, _, l, _)| *l == label).map(|(_, _, _, bytes)| bytes.clone())
    }
}

/// The body of a payload, without its generic header.
pub fn body(message: &[u8], path: &str) -> Vec<u8> {
    let field = dissect(message, false).field(path).unwrap().clone();
    message[field.offset + 4..field.offset + field.len].to_vec()
}

/// Recomputes HASH(1), HASH(2) or the hash of an informational message after an edit, with SHA. HASH(2) covers the nonce
/// of quick mode 1 too.
pub fn rehash(message: &mut OutgoingMessage<'_>, quick_mode_1: Option<&[u8]>) {
    let hash = dissect(message.bytes, false).field("hash").unwrap().clone();
    let after = &message.bytes[hash.offset + hash.len..];
    let ni_b = quick_mode_1.map(|quick_mode_1| body(quick_mode_1, "nonce")).unwrap_or_default();
    let covered = [&message.m_id.0.to_be_bytes()[..], &ni_b, after];
    let bytes = reference().prf(HashAlgorithm::Sha1, message.skeyid_a.unwrap(), &covered).as_bytes().to_vec();
    edit::apply(message.bytes, &Edit::Set { path: "hash.data".into(), bytes }).unwrap();
}

/// A link that loses, doubles and reorders datagrams, as often as `percent` says each, by a seed.
pub fn unreliable(pair: &mut Pair, seed: u64, percent: u8) {
    let mut random = SeedRandom(seed);
    let mut chance = move || {
        let mut byte = [0; 2];
        random.fill(&mut byte);
        u16::from_le_bytes(byte) % 100 < u16::from(percent)
    };
    pair.link = Box::new(move |_, _, datagram| match (chance(), chance()) {
        (true, _) => Vec::new(),
        (false, true) => vec![datagram.clone(), datagram],
        (false, false) => vec![datagram],
    });
    let mut random = SeedRandom(seed.rotate_left(32) | 1);
    pair.delay = Box::new(move || {
        let mut byte = [0; 1];
        random.fill(&mut byte);
        Duration::from_millis(u64::from(byte[0]) * 20)
    });
}
