//! What both sides of quick mode have in common.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;

use super::initiator::ExpectReply;
use super::responder::ExpectHash3;
use super::status::ExpectConnected;
use crate::config::{Encapsulation, IpsecPolicy, IpsecProtocol, ModeConfig, PeerConfig};
use crate::core::{Core, Envelope, Opened, Path};
use crate::crypto::{DhKeyPair, Group, Secret};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::esp::{keymat_len, split_keymat};
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::keylog::Label;
use crate::keys::{self, KeymatInput};
use crate::payloads;
use crate::phase1::{Established, Received};
use crate::phase2::negotiate::{ChosenIpsec, protocol_id};
use crate::phase2::new_group::PrivateGroups;
use crate::retransmit::Sent;
use crate::sa::{IpsecTable, PacketProtection};
use crate::wire::{
    Chain, CookiePair, ExchangeType, Flags, Identification, MessageId, NatOriginalAddress, Payload,
    PayloadType,
};

/// The surroundings of one quick mode.
#[derive(Debug)]
pub(crate) struct QmCx<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) peer: &'a PeerConfig,
    pub(crate) ipsec: &'a mut IpsecTable,
    /// The ISAKMP SA that protects it.
    pub(crate) sa: IsakmpSaId,
    /// What its phase 1 gave.
    pub(crate) established: &'a Established,
    pub(crate) cookies: CookiePair,
    pub(crate) path: Path,
    pub(crate) m_id: MessageId,
    /// The address that Mode-Config assigned to the host, whichever side that is.
    pub(crate) assigned: Option<Ipv4Addr>,
    /// The groups that New Group mode has given the ISAKMP SA.
    pub(crate) groups: &'a PrivateGroups,
}

/// Where a quick mode stands.
#[derive(Debug)]
pub(crate) enum QuickMode {
    InitiatorExpectsReply(ExpectReply),
    ResponderExpectsHash3(ExpectHash3),
    /// The other side set the Commit bit.
    ExpectsConnected(ExpectConnected),
    /// The SAs stand; the exchange stays to answer repeated messages.
    Done,
}

/// What a message leads to.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) state: QuickMode,
    pub(crate) sent: Option<Sent>,
    pub(crate) retransmit: bool,
    pub(crate) outcome: Option<Outcome>,
}

/// The SAs that a completed quick mode gives.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) m_id: MessageId,
    pub(crate) policy: usize,
    pub(crate) role: Role,
    /// The clients on our side and on the peer's, when they were named.
    pub(crate) clients: Option<(Identification, Identification)>,
    /// What each SA payload gives.
    pub(crate) sas: Vec<OutcomeSa>,
    pub(crate) replaces: Option<IpsecSaId>,
}

/// What one SA payload gives.
#[derive(Debug)]
pub(crate) struct OutcomeSa {
    /// Which of the policy's SAs it is.
    pub(crate) place: usize,
    /// A pair for each protocol.
    pub(crate) pairs: Vec<OutcomePair>,
}

/// Both SAs of one protocol.
#[derive(Debug)]
pub(crate) struct OutcomePair {
    pub(crate) chosen: ChosenIpsec,
    pub(crate) spi_in: u32,
    pub(crate) inbound: PacketProtection,
    pub(crate) outbound: PacketProtection,
}

impl QuickMode {
    /// Handles the awaited message.
    ///
    /// # Errors
    ///
    /// Why it is refused; the state stays as it is.
    pub(crate) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        match self {
            Self::InitiatorExpectsReply(state) => state.handle(cx, received),
            Self::ResponderExpectsHash3(state) => state.handle(cx, received),
            Self::ExpectsConnected(state) => state.handle(cx, received),
            Self::Done => Err(ExchangeError::Replayed(received.header.message_id)),
        }
    }

    /// The inbound SPIs that the exchange holds while it runs.
    pub(crate) fn reserved_spis(&self) -> Vec<u32> {
        match self {
            Self::InitiatorExpectsReply(state) => state.spis_in(),
            Self::ResponderExpectsHash3(state) => state.agreed.spis_in(),
            Self::ExpectsConnected(state) => state.agreed.spis_in(),
            Self::Done => Vec::new(),
        }
    }

    /// Whether the exchange may still give SAs.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self, Self::Done)
    }

    /// Whether our first message has no answer yet.
    pub(crate) fn awaits_reply(&self) -> bool {
        matches!(self, Self::InitiatorExpectsReply(_))
    }

    /// Whether the exchange waits for the other side's CONNECTED, which has its M-ID.
    pub(crate) fn awaits_connected(&self) -> bool {
        matches!(self, Self::ExpectsConnected(_))
    }

    /// The SA pair that the exchange is to replace.
    pub(crate) fn replaces(&self) -> Option<IpsecSaId> {
        match self {
            Self::InitiatorExpectsReply(state) => state.replaces,
            Self::ExpectsConnected(state) => state.replaces,
            _ => None,
        }
    }
}

/// What both sides know once the responder has chosen.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) policy: usize,
    /// What was agreed for each SA payload.
    pub(crate) sas: Vec<AgreedSa>,
    /// IDci and IDcr, when they were sent.
    pub(crate) ids: Option<(Identification, Identification)>,
    pub(crate) ni_b: Bytes,
    pub(crate) nr_b: Bytes,
    /// g(qm)^xy with PFS.
    pub(crate) g_xy: Option<Secret>,
}

/// What both sides know of the SAs of one SA payload.
#[derive(Debug, Clone)]
pub(crate) struct AgreedSa {
    /// Which of the policy's SAs it is.
    pub(crate) place: usize,
    /// The terms of each protocol with the SPI of our inbound SA.
    pub(crate) protocols: Vec<(ChosenIpsec, u32)>,
}

impl Agreed {
    /// The terms of every protocol of every SA payload with the SPI of our inbound SA.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = &(ChosenIpsec, u32)> {
        self.sas.iter().flat_map(|sa| &sa.protocols)
    }

    /// The SPIs of our inbound SAs.
    fn spis_in(&self) -> Vec<u32> {
        self.protocols().map(|(_, spi_in)| *spi_in).collect()
    }
}

impl QmCx<'_> {
    pub(crate) fn envelope(&self, number: u8) -> Envelope {
        Envelope {
            path: self.path,
            cookies: self.cookies,
            exchange: ExchangeType::QUICK_MODE,
            m_id: self.m_id,
            number,
        }
    }

    pub(crate) fn log(&mut self, label: Label, bytes: &[u8]) {
        self.core.key_log.value(self.cookies, self.m_id, label, bytes);
    }

    /// The IV of the exchange's first message.
    pub(crate) fn first_iv(&mut self) -> Vec<u8> {
        let transform = &self.established.protection.transform;
        let iv = keys::phase2_iv(
            self.core.provider,
            transform.hash,
            transform.cipher,
            &self.established.last_block,
            self.m_id.0,
        );
        self.log(Label::Phase2Iv, &iv);
        iv
    }

    /// Decrypts a message and takes the HASH payload that must come first.
    pub(crate) fn open(&mut self, received: &Received, iv: &[u8]) -> Result<(Opened, Bytes), ExchangeError> {
        if !received.header.flags.contains(Flags::ENCRYPTION) && !deviates(Deviation::ReadsTheUnencrypted) {
            let got = received.header.flags.0;
            return Err(ExchangeError::InvalidFlags { got, problem: "quick mode must be encrypted" });
        }
        let protection = &self.established.protection;
        let opened = self.core.open(&received.header, &received.message, protection, iv)?;
        payloads::at(&opened.chain, 0, PayloadType::HASH)?;
        let hash = payloads::hash(&opened.chain)?;
        Ok((opened, hash))
    }

    /// Sends payloads behind a hash over them that `hash` computes.
    pub(crate) fn send_hashed(
        &mut self,
        number: u8,
        iv: &[u8],
        payloads: Vec<Payload>,
        flags: Flags,
        hash: impl FnOnce(&Self, &[u8]) -> (Label, Vec<u8>),
    ) -> Result<Sent, ExchangeError> {
        let (_, after_hash) = crate::wire::encode_chain(&payloads);
        let (label, value) = hash(self, &after_hash);
        self.log(label, &value);
        let mut all = vec![payloads::hash_payload(&value)];
        all.extend(payloads);
        let envelope = self.envelope(number);
        self.core.send_encrypted_with(flags, &envelope, &self.established.protection, iv, &all)
    }

    /// IDci and IDcr of a quick mode that we start; a client that is not configured is the ISAKMP peer itself.
    pub(crate) fn clients(&self, policy: &IpsecPolicy) -> Option<(Identification, Identification)> {
        let (local, remote) = self.configured_clients(policy);
        if local.is_none() && remote.is_none() {
            return None;
        }
        let or_peer = |client: &Option<Identification>, peer: SocketAddr| {
            client.clone().unwrap_or_else(|| Identification::ip(peer.ip()))
        };
        Some((or_peer(&local, self.path.local), or_peer(&remote, self.path.remote)))
    }

    /// The clients of a policy on our side and the peer's, with the address that Mode-Config assigned in the host's
    /// place where the configuration wants it so.
    pub(crate) fn configured_clients(
        &self,
        policy: &IpsecPolicy,
    ) -> (Option<Identification>, Option<Identification>) {
        let (local, remote) = (policy.local_client.clone(), policy.remote_client.clone());
        let assigned = self.assigned.map(Identification::ipv4);
        match &self.peer.mode_config {
            Some(ModeConfig::Host(host)) if host.assigned_client => (assigned.or(local), remote),
            Some(ModeConfig::EdgeDevice(server)) if server.assigned_client => (local, assigned.or(remote)),
            _ => (local, remote),
        }
    }

    /// Inbound SPIs for several SAs, one for each of their protocols, which is a CPI for IPComp.
    ///
    /// # Errors
    ///
    /// When all CPIs are in use; then none is reserved.
    pub(crate) fn reserve_spis(
        &mut self,
        sas: impl Iterator<Item = Vec<IpsecProtocol>>,
    ) -> Result<Vec<Vec<u32>>, ExchangeError> {
        let mut spis: Vec<Vec<u32>> = Vec::new();
        for protocols in sas {
            let mut of_sa = Vec::new();
            for protocol in protocols {
                let spi = match protocol {
                    IpsecProtocol::Ipcomp => self.ipsec.reserve_cpi(self.core),
                    IpsecProtocol::Ah | IpsecProtocol::Esp => Some(self.ipsec.reserve_spi(self.core)),
                };
                let Some(spi) = spi else {
                    self.release_spis(&[spis.concat(), of_sa].concat());
                    return Err(ExchangeError::LimitReached("CPIs"));
                };
                of_sa.push(spi);
            }
            spis.push(of_sa);
        }
        Ok(spis)
    }

    pub(crate) fn release_spis(&mut self, spis: &[u32]) {
        for spi in spis {
            self.ipsec.release_spi(*spi);
        }
    }

    /// A key pair for PFS, when the terms have a group.
    pub(crate) fn pfs_key_pair(&mut self, group: Option<&Group>) -> Result<Option<DhKeyPair>, ExchangeError> {
        let Some(group) = group else { return Ok(None) };
        let pair = self.core.provider.dh_generate(group, self.core.random.as_mut())?;
        self.log(Label::QuickPrivateExponent, pair.private.as_bytes());
        Ok(Some(pair))
    }

    /// g(qm)^xy, when the terms have a group; the KE payload must be there then, and only then.
    pub(crate) fn pfs_secret(
        &mut self,
        group: Option<&Group>,
        ours: Option<&DhKeyPair>,
        chain: &Chain,
    ) -> Result<Option<Secret>, ExchangeError> {
        let theirs = payloads::optional(chain, PayloadType::KE)?;
        match (group, ours, theirs) {
            (Some(group), Some(ours), Some(theirs)) => {
                let secret = self.core.provider.dh_shared(group, &ours.private, &theirs.body)?;
                self.log(Label::QuickGXy, secret.as_bytes());
                Ok(Some(secret))
            }
            (None, _, None) => Ok(None),
            (Some(_), _, None) if deviates(Deviation::TakesNoKeForPfs) => Ok(None),
            (None, _, Some(_)) => Err(ExchangeError::UnexpectedPayload(PayloadType::KE)),
            (Some(_), _, _) => Err(ExchangeError::MissingPayload(PayloadType::KE)),
        }
    }

    /// The original addresses that transport mode behind a NAT sends (RFC 3947 section 5.2): initiator's, responder's.
    pub(crate) fn original_addresses(&self, policy: &IpsecPolicy, role: Role) -> Vec<Payload> {
        let Some(nat) = self.established.nat.filter(|_| policy.encapsulation == Encapsulation::Transport)
        else {
            return Vec::new();
        };
        let (ours, theirs) = (self.path.local.ip(), self.path.remote.ip());
        let ordered = if role == Role::Initiator { [ours, theirs] } else { [theirs, ours] };
        ordered
            .map(|address| {
                Payload::NatOriginalAddress(NatOriginalAddress::new(address, nat.version.is_draft()))
            })
            .into()
    }

    /// Derives KEYMAT for both directions of each protocol of each SA payload and makes the SAs.
    pub(crate) fn outcome(
        &mut self,
        agreed: &Agreed,
        role: Role,
        replaces: Option<IpsecSaId>,
    ) -> Result<Outcome, ExchangeError> {
        let mut sas = Vec::new();
        for sa in &agreed.sas {
            let pairs = sa.protocols.iter();
            let pairs = pairs.map(|(chosen, spi_in)| self.outcome_pair(agreed, chosen, *spi_in, role));
            sas.push(OutcomeSa { place: sa.place, pairs: pairs.collect::<Result<_, _>>()? });
        }
        let clients = agreed.ids.clone().map(|(id_ci, id_cr)| match role {
            Role::Initiator => (id_ci, id_cr),
            Role::Responder => (id_cr, id_ci),
        });
        Ok(Outcome { m_id: self.m_id, policy: agreed.policy, role, clients, sas, replaces })
    }

    fn outcome_pair(
        &mut self,
        agreed: &Agreed,
        chosen: &ChosenIpsec,
        spi_in: u32,
        role: Role,
    ) -> Result<OutcomePair, ExchangeError> {
        // A weak key, as nothing else of an agreed transform can be wrong.
        let unusable =
            |error| ExchangeError::NoProposalChosen(format!("the agreed transform cannot be used: {error}"));
        // Compression has no keys.
        if chosen.protocol == IpsecProtocol::Ipcomp {
            let none = Secret::new(Vec::new());
            let made = |cpi| PacketProtection::new(cpi, chosen, &none).map_err(unusable);
            let (inbound, outbound) = (made(spi_in)?, made(chosen.peer_spi)?);
            return Ok(OutcomePair { chosen: chosen.clone(), spi_in, inbound, outbound });
        }
        // KEYMAT of an SA is made with the SPI that its receiver chose.
        let mut inbound = self.keymat(agreed, chosen, spi_in);
        let mut outbound = self.keymat(agreed, chosen, chosen.peer_spi);
        if deviates(Deviation::KeymatWithTheOtherSpi) {
            core::mem::swap(&mut inbound, &mut outbound);
        }
        let (initiator, responder) = match role {
            Role::Initiator => (&outbound, &inbound),
            Role::Responder => (&inbound, &outbound),
        };
        self.log_keys(chosen, initiator, Role::Initiator);
        self.log_keys(chosen, responder, Role::Responder);
        Ok(OutcomePair {
            chosen: chosen.clone(),
            spi_in,
            inbound: PacketProtection::new(spi_in, chosen, &inbound).map_err(unusable)?,
            outbound: PacketProtection::new(chosen.peer_spi, chosen, &outbound).map_err(unusable)?,
        })
    }

    fn keymat(&self, agreed: &Agreed, chosen: &ChosenIpsec, spi: u32) -> Secret {
        let protection = &self.established.protection;
        let transform = chosen.transform;
        let input = KeymatInput {
            g_xy: agreed.g_xy.as_ref(),
            protocol: protocol_id(chosen.protocol).0,
            spi: &spi.to_be_bytes(),
            ni_b: &agreed.ni_b,
            nr_b: &agreed.nr_b,
        };
        let len = keymat_len(transform.cipher, transform.integrity);
        keys::keymat(self.core.provider, protection.transform.hash, &protection.keys.skeyid_d, &input, len)
    }

    /// Logs KEYMAT of the SA whose traffic `sender` sends, and the keys in it.
    fn log_keys(&mut self, chosen: &ChosenIpsec, keymat: &Secret, sender: Role) {
        let [whole, encryption, integrity] = match sender {
            Role::Initiator => {
                [Label::KeymatInitiator, Label::EncryptionKeyInitiator, Label::IntegrityKeyInitiator]
            }
            Role::Responder => {
                [Label::KeymatResponder, Label::EncryptionKeyResponder, Label::IntegrityKeyResponder]
            }
        };
        self.log(whole, keymat.as_bytes());
        if let Ok((cipher_key, integrity_key)) =
            split_keymat(keymat, chosen.transform.cipher, chosen.transform.integrity)
        {
            self.log(encryption, cipher_key.as_bytes());
            self.log(integrity, integrity_key.as_bytes());
        }
    }
}

/// IDci and IDcr: both or none (RFC 2409 section 5.5).
pub(crate) fn client_ids(chain: &Chain) -> Result<Option<(Identification, Identification)>, ExchangeError> {
    let mut ids = chain.payloads.iter().filter_map(|p| match &p.payload {
        Payload::Identification(id) => Some(id.clone()),
        _ => None,
    });
    match (ids.next(), ids.next(), ids.next()) {
        (None, ..) => Ok(None),
        (Some(id_ci), Some(id_cr), None) => Ok(Some((id_ci, id_cr))),
        (Some(id), None, _) if deviates(Deviation::AcceptsOneClientId) => Ok(Some((id.clone(), id))),
        (Some(_), None, _) => Err(ExchangeError::MissingPayload(PayloadType::ID)),
        (Some(_), Some(_), Some(_)) => Err(ExchangeError::RepeatedPayload(PayloadType::ID)),
    }
}
