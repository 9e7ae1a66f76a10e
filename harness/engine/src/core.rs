//! What every exchange may use besides its own state: providers, outputs, timers, and the sending
//! and opening of messages.

use core::fmt;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::config::{PeerConfig, Phase1Transform};
use crate::crypto::{CryptoProvider, HashAlgorithm, RandomSource, Secret};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Event;
use crate::fragmentation;
use crate::hook::{AuthHash, OutgoingHook, OutgoingMessage};
use crate::io::{Datagram, IP_UDP, Output, Timestamp};
use crate::keep_alive::KeepAlives;
use crate::keylog::{Direction, KeyLog, Label};
use crate::keys::{self, Cookies, PhaseOneKeys};
use crate::limits::Limits;
use crate::pki::UnixTime;
use crate::retransmit::Sent;
use crate::timer::Timers;
use crate::wire::{
    self, Chain, Cookie, CookiePair, ExchangeType, Flags, Header, MessageId, Payload, PayloadType, Trailing,
    Undecoded, Version,
};

/// The surroundings of all exchanges of one endpoint.
pub(crate) struct Core {
    pub(crate) provider: &'static dyn CryptoProvider,
    pub(crate) random: Box<dyn RandomSource>,
    pub(crate) key_log: Box<dyn KeyLog>,
    pub(crate) hook: Option<Box<dyn OutgoingHook>>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) timers: Timers,
    pub(crate) limits: Limits,
    /// Key of the responder cookies; empty until the first one.
    pub(crate) cookie_secret: Secret,
    pub(crate) now: Timestamp,
    /// The calendar time at the start of the driver's time.
    pub(crate) clock_start: Option<UnixTime>,
    /// HASH_I or HASH_R of the message that is sent next, for the hook.
    pub(crate) auth_hash: Option<AuthHash>,
    /// Fragment ID of the last message that went out in fragments.
    pub(crate) fragment_id: u16,
    pub(crate) keep_alives: KeepAlives,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("provider", &self.provider)
            .field("now", &self.now)
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

/// The UDP ports and addresses that an ISAKMP SA speaks over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// On the NAT traversal ports, where a non-ESP marker stands before each message.
    pub(crate) nat_t: bool,
    /// The largest UDP payload that a message goes out in; a larger one goes out in fragments. `None`: however large.
    pub(crate) fragment_size: Option<u16>,
}

impl Path {
    /// The NAT traversal path to the same peer (RFC 3947 section 4). An exchange that began on these ports stays there.
    pub(crate) fn floated(&self, peer: &PeerConfig) -> Self {
        if self.nat_t || deviates(Deviation::StaysOnPort500) {
            return *self;
        }
        Self {
            local: peer.local_nat_t,
            remote: SocketAddr::new(self.remote.ip(), peer.remote_nat_t_port),
            nat_t: true,
            ..*self
        }
    }

    /// The path back to where a message came from.
    pub(crate) fn moved(&self, received: Self) -> Self {
        Self { fragment_size: self.fragment_size, ..received }
    }
}

/// Where the flags stand in the header of a message (RFC 2408 section 3.1).
const FLAGS_OFFSET: usize = 19;

/// The non-ESP marker (RFC 3948 section 2.2).
pub(crate) const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// The keys that protect HDR* messages of one ISAKMP SA.
#[derive(Debug, Clone)]
pub(crate) struct Protection {
    pub(crate) transform: Phase1Transform,
    pub(crate) keys: PhaseOneKeys,
    pub(crate) ka: Secret,
}

impl Protection {
    /// Derives SKEYID_d, SKEYID_a, SKEYID_e and Ka from SKEYID, and logs them.
    pub(crate) fn derive(
        core: &mut Core,
        cookies: CookiePair,
        transform: Phase1Transform,
        skeyid: keys::Skeyid,
        g_xy: &Secret,
    ) -> Self {
        let octets = Cookies { cky_i: cookies.initiator.0, cky_r: cookies.responder.0 };
        let keys = PhaseOneKeys::derive(core.provider, transform.hash, skeyid, g_xy, &octets);
        let ka = keys::encryption_key(core.provider, transform.hash, transform.cipher, &keys.skeyid_e);
        for (label, bytes) in [
            (Label::GXy, g_xy.as_bytes()),
            (Label::Skeyid, keys.skeyid.as_bytes()),
            (Label::SkeyidD, keys.skeyid_d.as_bytes()),
            (Label::SkeyidA, keys.skeyid_a.as_bytes()),
            (Label::SkeyidE, keys.skeyid_e.as_bytes()),
            (Label::Ka, ka.as_bytes()),
        ] {
            core.key_log.value(cookies, MessageId::PHASE_1, label, bytes);
        }
        Self { transform, keys, ka }
    }
}

/// A message whose body was decrypted.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) chain: Chain,
    /// Header and decrypted body, padding included.
    pub(crate) plain: Bytes,
    /// The last ciphertext block: the next IV, to be stored only once the message is authenticated.
    pub(crate) next_iv: Vec<u8>,
}

impl Opened {
    /// Every byte after the HASH payload that stands first, without the padding: what HASH(1) to HASH(3) cover.
    pub(crate) fn after_first_payload(&self) -> &[u8] {
        let start = self.chain.payloads.get(1).map(|second| second.offset);
        let end = self.plain.len().saturating_sub(self.chain.padding.len());
        start.and_then(|start| self.plain.get(start..end)).unwrap_or_default()
    }
}

/// How far a message of ours is when the hook sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of it will be encrypted.
    Clear,
    /// Its body, or bodies of its payloads, will be encrypted.
    BeforeEncryption,
    /// Bodies of its payloads are encrypted.
    Sealed,
}

/// What the hook wants besides its changes.
#[derive(Debug, Clone, Default)]
struct HookWishes {
    keep_length: bool,
    hash_covers_edit: bool,
    in_the_clear: bool,
    other_iv: Option<Vec<u8>>,
}

/// Header fields of a message of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) path: Path,
    pub(crate) cookies: CookiePair,
    pub(crate) exchange: ExchangeType,
    pub(crate) m_id: MessageId,
    /// Its number within the exchange, from 1.
    pub(crate) number: u8,
}

impl Core {
    /// The present by the calendar, where the configuration says when the driver's time began.
    pub(crate) fn calendar(&self) -> Option<UnixTime> {
        self.clock_start.map(|start| start.plus(self.now.0))
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn transmit(&mut self, datagram: Datagram) {
        self.keep_alives.sent(datagram.remote, self.now);
        self.outputs.push_back(Output::Transmit(datagram));
    }

    pub(crate) fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// CKY-R for an exchange that a peer begins, as RFC 2408 section 2.5.3 recommends: a prf under a secret of this
    /// endpoint over both ends, CKY-I and a count of exchanges, cut to 8 octets. It costs no state, nobody else can
    /// make one, and it is another one for each exchange, for which the RFC has the time in place of a count.
    pub(crate) fn responder_cookie(&mut self, path: &Path, initiator: Cookie, count: u64) -> Cookie {
        let end = |end: SocketAddr| match end.ip() {
            IpAddr::V4(ip) => [&ip.octets()[..], &end.port().to_be_bytes()].concat(),
            IpAddr::V6(ip) => [&ip.octets()[..], &end.port().to_be_bytes()].concat(),
        };
        if self.cookie_secret.is_empty() {
            self.cookie_secret = Secret::new(self.random_bytes::<32>().to_vec());
        }
        let count = count.to_be_bytes();
        let parts: [&[u8]; 4] = [&end(path.remote), &end(path.local), &initiator.0, &count];
        let tag = self.provider.prf(HashAlgorithm::Sha2_256, self.cookie_secret.as_bytes(), &parts);
        let cookie = tag.as_bytes().first_chunk().map_or(Cookie::ZERO, |cookie| Cookie(*cookie));
        // Zero would say that there is no responder cookie yet.
        let same = deviates(Deviation::SameCookieForEveryone);
        if cookie.is_zero() || same { Cookie([1; 8]) } else { cookie }
    }

    /// CKY-I: random and never zero, so that an answer with it comes from someone who saw our message.
    pub(crate) fn new_cookie(&mut self) -> Cookie {
        let cookie = Cookie(self.random_bytes());
        if cookie.is_zero() { Cookie([0xff; 8]) } else { cookie }
    }

    /// A nonce body of 32 bytes, within the 8 to 256 that RFC 2409 section 5 allows.
    pub(crate) fn new_nonce(&mut self) -> Bytes {
        Bytes::copy_from_slice(&self.random_bytes::<32>())
    }

    /// Sends a message in the clear.
    pub(crate) fn send_clear(&mut self, envelope: &Envelope, payloads: &[Payload]) -> Sent {
        let (message, wishes) = self.clear_message(envelope, payloads, Stage::Clear);
        let message_bytes = Bytes::from(message.clone());
        let sent = self.send_bytes(envelope.path, message);
        if sent.datagrams.len() > 1 {
            // Nobody sees it whole on the wire.
            self.key_log.plaintext(Direction::Outbound, &message_bytes);
        }
        Sent { covered: wishes.hash_covers_edit.then_some(message_bytes), ..sent }
    }

    /// Sends a message whose header is in the clear and whose payloads' bodies `seal` encrypts (RFC 2409 sections 5.2
    /// and 5.3).
    ///
    /// # Errors
    ///
    /// Those of `seal`.
    pub(crate) fn send_sealed(
        &mut self,
        envelope: &Envelope,
        payloads: &[Payload],
        seal: impl FnOnce(&mut Self, &[u8]) -> Result<Vec<u8>, ExchangeError>,
    ) -> Result<Sent, ExchangeError> {
        let (message, wishes) = self.clear_message(envelope, payloads, Stage::BeforeEncryption);
        self.key_log.plaintext(Direction::Outbound, &message);
        let mut sealed = seal(self, &message)?;
        if !wishes.keep_length {
            set_length(&mut sealed);
        }
        let later = self.run_hook(envelope, None, Stage::Sealed, &mut sealed);
        if !wishes.keep_length && !later.keep_length {
            set_length(&mut sealed);
        }
        let covered = wishes.hash_covers_edit.then(|| message.into());
        Ok(Sent { covered, ..self.send_bytes(envelope.path, sealed) })
    }

    /// A message in the clear as the hook leaves it.
    fn clear_message(
        &mut self,
        envelope: &Envelope,
        payloads: &[Payload],
        stage: Stage,
    ) -> (Vec<u8>, HookWishes) {
        let (first, body) = wire::encode_chain(payloads);
        let mut message = header(envelope, first, Flags::NONE, body.len());
        message.extend_from_slice(&body);
        set_length(&mut message);
        let wishes = self.run_hook(envelope, None, stage, &mut message);
        if !wishes.keep_length {
            set_length(&mut message);
        }
        (message, wishes)
    }

    /// Sends a message as HDR*: pads, encrypts from `iv`; the returned [`Sent`] has the next IV.
    ///
    /// # Errors
    ///
    /// When the provider refuses the cipher's input.
    pub(crate) fn send_encrypted(
        &mut self,
        envelope: &Envelope,
        protection: &Protection,
        iv: &[u8],
        payloads: &[Payload],
    ) -> Result<Sent, ExchangeError> {
        self.send_encrypted_with(Flags::ENCRYPTION, envelope, protection, iv, payloads)
    }

    /// The same with other flags, of which ENCRYPTION is one.
    ///
    /// # Errors
    ///
    /// As for [`Self::send_encrypted`].
    pub(crate) fn send_encrypted_with(
        &mut self,
        flags: Flags,
        envelope: &Envelope,
        protection: &Protection,
        iv: &[u8],
        payloads: &[Payload],
    ) -> Result<Sent, ExchangeError> {
        let (first, body) = wire::encode_chain(payloads);
        let mut message = header(envelope, first, flags, body.len());
        message.extend_from_slice(&body);
        set_length(&mut message);
        let HookWishes { keep_length, in_the_clear, other_iv, .. } =
            self.run_hook(envelope, Some((protection, iv)), Stage::BeforeEncryption, &mut message);
        if in_the_clear {
            return Ok(self.send_unprotected(envelope, iv, message, keep_length));
        }
        let cipher = protection.transform.cipher;
        let body_len = message.len().saturating_sub(Header::LEN);
        let padded = body_len.next_multiple_of(cipher.block_len()).max(cipher.block_len());
        message.resize(Header::LEN.saturating_add(padded), 0);
        if !keep_length {
            set_length(&mut message);
        }
        self.key_log.plaintext(Direction::Outbound, &message);
        let body = message.get_mut(Header::LEN..).unwrap_or_default();
        let iv = other_iv.as_deref().unwrap_or(iv);
        self.provider.cbc_encrypt(cipher, protection.ka.as_bytes(), iv, body)?;
        let next_iv = keys::last_block(cipher, body).unwrap_or_default().to_vec();
        self.key_log.value(envelope.cookies, envelope.m_id, Label::NextIv, &next_iv);
        let mut sent = self.send_bytes(envelope.path, message);
        sent.next_iv = next_iv;
        Ok(sent)
    }

    /// Sends a message that should be HDR* without its encryption, because the hook wants it so. The IV stays what it
    /// was, as nothing was encrypted.
    fn send_unprotected(
        &mut self,
        envelope: &Envelope,
        iv: &[u8],
        mut message: Vec<u8>,
        keep_length: bool,
    ) -> Sent {
        if let Some(flags) = message.get_mut(FLAGS_OFFSET) {
            *flags &= !Flags::ENCRYPTION.0;
        }
        if !keep_length {
            set_length(&mut message);
        }
        self.key_log.plaintext(Direction::Outbound, &message);
        Sent { next_iv: iv.to_vec(), ..self.send_bytes(envelope.path, message) }
    }

    /// Gives the message to the hook.
    fn run_hook(
        &mut self,
        envelope: &Envelope,
        protection: Option<(&Protection, &[u8])>,
        stage: Stage,
        message: &mut Vec<u8>,
    ) -> HookWishes {
        let auth_hash = self.auth_hash.take();
        let Some(hook) = &mut self.hook else { return HookWishes::default() };
        let mut outgoing = OutgoingMessage {
            cookies: envelope.cookies,
            exchange: envelope.exchange,
            m_id: envelope.m_id,
            number: envelope.number,
            encrypted: stage == Stage::BeforeEncryption,
            bytes: message,
            keep_length: false,
            skeyid_a: protection.map(|(p, _)| p.keys.skeyid_a.as_bytes()),
            auth_hash: auth_hash.as_ref(),
            hash_covers_edit: false,
            in_the_clear: false,
            iv: protection.map_or(&[], |(_, iv)| iv),
            other_iv: None,
        };
        match stage {
            Stage::Clear | Stage::BeforeEncryption => hook.outgoing(&mut outgoing),
            Stage::Sealed => hook.sealed(&mut outgoing),
        }
        let OutgoingMessage { keep_length, hash_covers_edit, in_the_clear, other_iv, .. } = outgoing;
        HookWishes { keep_length, hash_covers_edit, in_the_clear, other_iv }
    }

    /// Sends a finished message, in fragments where it is too large for its path.
    fn send_bytes(&mut self, path: Path, message: Vec<u8>) -> Sent {
        let marker = if path.nat_t { NON_ESP_MARKER.as_slice() } else { &[] };
        let largest = path.fragment_size.map(|size| usize::from(size).saturating_sub(marker.len()));
        let parts = match largest {
            Some(largest) if message.len() > largest => {
                self.fragment_id = self.fragment_id.wrapping_add(1);
                fragmentation::split(&message, largest, self.fragment_id)
            }
            _ => vec![message],
        };
        let datagram = |part: Vec<u8>| Datagram {
            ip_protocol: IP_UDP,
            local: path.local,
            remote: path.remote,
            payload: if marker.is_empty() { part } else { [marker, &part].concat() }.into(),
        };
        let datagrams: Vec<_> = parts.into_iter().map(datagram).collect();
        for datagram in &datagrams {
            self.transmit(datagram.clone());
        }
        Sent { datagrams, next_iv: Vec::new(), covered: None }
    }

    /// Decrypts a message's body from `iv` and reads its chain. Nothing is stored: the caller keeps
    /// [`Opened::next_iv`] once the message is authenticated.
    ///
    /// # Errors
    ///
    /// When the body is not a positive multiple of the block, or does not read as a payload chain,
    /// as it does under a wrong key.
    pub(crate) fn open(
        &mut self,
        header: &Header,
        message: &Bytes,
        protection: &Protection,
        iv: &[u8],
    ) -> Result<Opened, ExchangeError> {
        let (plain, next_iv) =
            if deviates(Deviation::ReadsTheUnencrypted) && !header.flags.contains(Flags::ENCRYPTION) {
                (message.to_vec(), iv.to_vec())
            } else {
                self.decrypt(message, protection, iv)?
            };
        self.key_log.plaintext(Direction::Inbound, &plain);
        let plain = Bytes::from(plain);
        let chain =
            read_chain(header.next_payload, &plain.slice(Header::LEN..), Trailing::Padding, &self.limits)?;
        self.key_log.value(header.cookies, header.message_id, Label::NextIv, &next_iv);
        Ok(Opened { chain, plain, next_iv })
    }

    /// A message with its body decrypted from `iv`, and the IV that follows.
    ///
    /// # Errors
    ///
    /// When the body is not a positive multiple of the block.
    pub(crate) fn decrypt(
        &self,
        message: &[u8],
        protection: &Protection,
        iv: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), ExchangeError> {
        let cipher = protection.transform.cipher;
        let mut plain = message.to_vec();
        let body = plain.get_mut(Header::LEN..).unwrap_or_default();
        if body.is_empty() || !body.len().is_multiple_of(cipher.block_len()) {
            return Err(ExchangeError::NotBlockAligned { got: body.len(), block: cipher.block_len() });
        }
        let next_iv = keys::last_block(cipher, body).unwrap_or_default().to_vec();
        self.provider.cbc_decrypt(cipher, protection.ka.as_bytes(), iv, body)?;
        Ok((plain, next_iv))
    }
}

/// Reads a payload chain and makes the checks of RFC 2408 section 5.3 that need no state.
pub(crate) fn read_chain(
    first: PayloadType,
    body: &Bytes,
    trailing: Trailing,
    limits: &Limits,
) -> Result<Chain, ExchangeError> {
    let chain = wire::decode_chain(first, body, trailing, &limits.wire)?;
    check_chain(&chain, &[])?;
    Ok(chain)
}

/// The checks of RFC 2408 section 5.3 that need no state; `undecoded` payloads may have encrypted bodies.
pub(crate) fn check_chain(chain: &Chain, undecoded: &[Undecoded]) -> Result<(), ExchangeError> {
    for (index, payload) in chain.payloads.iter().enumerate() {
        let may_be_encrypted = || undecoded.iter().any(|undecoded| undecoded.index == index);
        if !deviates(Deviation::IgnoresUnknownPayloads)
            && matches!(payload.payload, Payload::Unknown(_))
            && payload.payload_type.0 < 128
            && !may_be_encrypted()
        {
            return Err(ExchangeError::UnknownPayload(payload.payload_type));
        }
    }
    match chain.reserved_violation().filter(|_| !deviates(Deviation::IgnoresReservedFields)) {
        Some(violation) => Err(ExchangeError::ReservedNotZero(violation.payload_type)),
        None => Ok(()),
    }
}

fn header(envelope: &Envelope, first: PayloadType, flags: Flags, body_len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(Header::LEN.saturating_add(body_len).saturating_add(32));
    Header {
        cookies: envelope.cookies,
        next_payload: first,
        version: Version::V1_0,
        exchange_type: envelope.exchange,
        flags,
        message_id: envelope.m_id,
        length: 0,
    }
    .encode(&mut out);
    out
}

/// Writes the message's length into its header.
pub(crate) fn set_length(message: &mut [u8]) {
    let len = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = message.get_mut(24..28) {
        field.copy_from_slice(&len);
    }
}
