//! A sans-IO engine for IKE as RFC 2409 defines it, with RFC 2407, 2408, 3947 and 3948. New to the protocol? Read the
//! [guide].
//!
//! ```text
//!  datagram ──▶ Endpoint::handle_datagram ──▶ wire: Header, Chain
//!                                                    │ CKY-I | CKY-R, M-ID
//!  time ──────▶ Endpoint::handle_timeout             ▼
//!                                             retransmit: new, repeated or stale?
//!  wish ──────▶ Endpoint::initiate, ...              │ new
//!                                                    ▼
//!                              phase 1 (main, aggressive mode) ──▶ ISAKMP SA: SKEYID_d, SKEYID_a, SKEYID_e
//!                              phase 2 (quick mode)            ──▶ pair of IPsec SAs: KEYMAT, SPIs
//!                              transaction                     ──▶ user authenticated, host configured
//!                              informational                   ──▶ notifies, deletes
//!                                                    │
//!  driver ◀─── Endpoint::poll_output ◀───────────────┘  Transmit, Event, Timeout, Idle
//! ```
//!
//! # The contract with the driver
//!
//! The engine opens no socket, reads no clock, file or environment, and asks no operating system for random bytes. The
//! driver does, and hands in what it gets:
//!
//! - [`Endpoint::handle_datagram`] for each datagram, [`Endpoint::handle_timeout`] when the time that
//!   [`Output::Timeout`](io::Output::Timeout) named has come, commands such as [`Endpoint::initiate`] at any time. Each
//!   takes the present as a [`Timestamp`](io::Timestamp), which never goes back.
//! - **After each of them the driver drains [`Endpoint::poll_output`] until it gives
//!   [`Output::Timeout`](io::Output::Timeout) or [`Output::Idle`](io::Output::Idle).** An endpoint whose outputs nobody
//!   drains drops datagrams beyond [`Limits::outputs_max`](limits::Limits::outputs_max).
//! - Random bytes come from the [`RandomSource`](crypto::RandomSource) given to [`Endpoint::new`], cryptography from the
//!   [`CryptoProvider`](crypto::CryptoProvider).
//!
//! So the same seed, the same datagrams and the same times give the same bytes, and a lifetime of eight hours passes in a
//! microsecond. Secrets leave only by a [`KeyLog`](keylog::KeyLog).
//!
//! # What holds whatever a peer sends
//!
//! - Nothing panics, and [`Limits`](limits::Limits) bounds whatever a peer can make an endpoint hold.
//! - A message that is refused leaves its exchange as it was: states are borrowed while a message is handled, and the
//!   next IV is kept only once the message is authenticated.
//! - What no HASH covers ends nothing. A notify or delete in the clear is reported as an
//!   [`Event`](event::Event) and has no other effect.
//!
//! # A handshake in memory
//!
//! ```
//! use std::time::Duration;
//!
//! use ikev1::Endpoint;
//! use ikev1::config::{
//!     AuthenticationMethod, ClientMatch, Config, Encapsulation, IntegrityAlgorithm, IpsecPolicy, IpsecProtocol, IpsecTransform,
//!     PeerConfig, Phase1Transform,
//! };
//! use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm, RandomSource, Secret, default_provider};
//! use ikev1::event::Event;
//! use ikev1::io::{Datagram, Output, Timestamp};
//!
//! /// Not random at all; a driver takes bytes from its operating system.
//! struct Counter(u8);
//!
//! impl RandomSource for Counter {
//!     fn fill(&mut self, dest: &mut [u8]) {
//!         for byte in dest {
//!             self.0 = self.0.wrapping_mul(5).wrapping_add(1);
//!             *byte = self.0;
//!         }
//!     }
//! }
//!
//! fn endpoint(own: &str, other: &str, seed: u8) -> Result<Endpoint, std::net::AddrParseError> {
//!     let peer = PeerConfig {
//!         pre_shared_key: Secret::new(b"correct horse battery staple".to_vec()),
//!         phase1: vec![Phase1Transform {
//!             authentication: AuthenticationMethod::PreSharedKey,
//!             cipher: CipherAlgorithm::AesCbc256,
//!             hash: HashAlgorithm::Sha2_256,
//!             group: Group::Modp1024,
//!         }],
//!         ipsec: vec![IpsecPolicy {
//!             name: "host to host".into(),
//!             protocol: IpsecProtocol::Esp,
//!             transforms: vec![IpsecTransform::new(
//!                 Some(CipherAlgorithm::AesCbc256),
//!                 Some(IntegrityAlgorithm::HmacSha2_256),
//!             )],
//!             encapsulation: Encapsulation::Transport,
//!             pfs: None,
//!             local_client: None,
//!             remote_client: None,
//!             client_match: ClientMatch::Same,
//!             bundle: Vec::new(),
//!             alternatives: Vec::new(),
//!             lifetime: Duration::from_secs(3_600),
//!             lifetime_kilobytes: None,
//!             further_sas: Vec::new(),
//!         }],
//!         ..PeerConfig::new("peer", own.parse()?, Some(other.parse()?))
//!     };
//!     let config = Config { peers: vec![peer], ..Config::default() };
//!     Ok(Endpoint::new(config, default_provider(), Box::new(Counter(seed))))
//! }
//!
//! let (mut alice, mut bob) = (endpoint("192.0.2.1", "192.0.2.2", 1)?, endpoint("192.0.2.2", "192.0.2.1", 2)?);
//! let now = Timestamp::ZERO;
//! alice.initiate(now, "peer", "host to host")?;
//!
//! let mut established = 0;
//! loop {
//!     let mut idle = true;
//!     for alice_sends in [true, false] {
//!         let (from, to) = if alice_sends { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
//!         loop {
//!             match from.poll_output() {
//!                 Output::Transmit(datagram) => {
//!                     // What one side calls remote is local for the other.
//!                     let arrived = Datagram { local: datagram.remote, remote: datagram.local, ..datagram };
//!                     to.handle_datagram(now, &arrived);
//!                     idle = false;
//!                 }
//!                 Output::Event(Event::IpsecSaEstablished { .. }) => established += 1,
//!                 Output::Event(_) => {}
//!                 Output::Timeout(_) | Output::Idle => break,
//!             }
//!         }
//!     }
//!     if idle {
//!         break;
//!     }
//! }
//! assert_eq!(established, 2, "main mode and quick mode are complete on both sides");
//!
//! // Both sides know the same pair of SAs, each from its end.
//! let (a, b) = (alice.ipsec_sas().next().ok_or("no SA")?, bob.ipsec_sas().next().ok_or("no SA")?);
//! assert_eq!((a.spi_in, a.spi_out), (b.spi_out, b.spi_in));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
pub mod crypto;
pub mod error;
pub mod esp;
pub mod event;
pub mod guide;
pub mod hook;
pub mod io;
pub mod keylog;
pub mod keys;
pub mod limits;
pub mod pki;
pub mod support;
pub mod wire;

// The tests of `tests/` share their helpers with unit tests.
#[cfg(test)]
extern crate self as ikev1;

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

mod core;
#[cfg(feature = "deviations")]
pub mod deviation;
#[cfg(not(feature = "deviations"))]
#[expect(unreachable_pub, reason = "it is public where it can be used")]
mod deviation;
mod dpd;
mod endpoint;
mod fragmentation;
mod keep_alive;
mod natt;
mod payloads;
mod peers;
mod pem;
mod phase1;
mod phase2;
mod refusals;
mod retransmit;
mod sa;
mod timer;
mod vendor;

pub use endpoint::Endpoint;
pub use sa::{IpsecSaInfo, IsakmpSaInfo};
pub use vendor::{VENDOR_ID_DPD, VENDOR_ID_FRAGMENTATION, VENDOR_ID_RFC_3947, VENDOR_ID_XAUTH};
