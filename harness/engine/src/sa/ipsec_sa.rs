//! Pairs of IPsec SAs: one unidirectional SA each way, set up by one quick mode.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::config::{IpsecProtocol, IpsecTransform};
use crate::core::{Core, Path};
use crate::crypto::Secret;
use crate::esp::{AhSa, EspError, EspSa, Opened, ReplayWindow, SequenceCounter, ipcomp};
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::io::{Datagram, IP_AH, IP_COMP, IP_ESP, IP_UDP, Timestamp};
use crate::natt::Nat;
use crate::phase2::negotiate::ChosenIpsec;
use crate::phase2::negotiate::ipcomp::NEGOTIATED_CPIS;
use crate::wire::{CookiePair, Identification, MessageId};

/// How packets of one unidirectional SA are protected.
#[derive(Debug)]
pub(crate) enum PacketProtection {
    Esp(EspSa),
    Ah(AhSa),
    /// The CPI of IPComp, which protects nothing and has no keys.
    Ipcomp(u16),
}

impl PacketProtection {
    /// Cuts KEYMAT into the keys of the negotiated transform.
    pub(crate) fn new(spi: u32, chosen: &ChosenIpsec, keymat: &Secret) -> Result<Self, EspError> {
        let IpsecTransform { cipher, integrity, extended_sequence_numbers: extended } = chosen.transform;
        match (chosen.protocol, integrity) {
            (IpsecProtocol::Ah, Some(integrity)) => {
                Ok(Self::Ah(AhSa { extended, ..AhSa::from_keymat(spi, integrity, keymat)? }))
            }
            (IpsecProtocol::Ah, None) => Err(EspError::NoService),
            (IpsecProtocol::Ipcomp, _) => {
                Ok(Self::Ipcomp(u16::try_from(spi).map_err(|_| EspError::UnknownSpi { got: spi })?))
            }
            (IpsecProtocol::Esp, integrity) => {
                Ok(Self::Esp(EspSa { extended, ..EspSa::from_keymat(spi, cipher, integrity, keymat)? }))
            }
        }
    }
}

/// Both SAs of one quick mode.
#[derive(Debug)]
pub(crate) struct IpsecSaPair {
    pub(crate) id: IpsecSaId,
    /// The ISAKMP SA that manages it now.
    pub(crate) isakmp_sa: IsakmpSaId,
    /// Index into the configured peers.
    pub(crate) peer: usize,
    /// Index into the peer's policies.
    pub(crate) policy: usize,
    /// Which of the policy's SAs it is.
    pub(crate) place: usize,
    pub(crate) role: Role,
    /// CKY-I and CKY-R of the ISAKMP SA under which its quick mode ran.
    pub(crate) made_under: CookiePair,
    /// The M-ID of its quick mode.
    pub(crate) m_id: MessageId,
    /// All pairs of its bundle, itself included, in the order in which they are applied to outgoing packets: IPComp, ESP, AH.
    pub(crate) bundle: Vec<IpsecSaId>,
    pub(crate) chosen: ChosenIpsec,
    /// The clients on our side and on the peer's; without them the SAs are between the ISAKMP peers.
    pub(crate) clients: Option<(Identification, Identification)>,
    pub(crate) spi_in: u32,
    pub(crate) inbound: PacketProtection,
    pub(crate) outbound: PacketProtection,
    pub(crate) window: ReplayWindow,
    pub(crate) counter: SequenceCounter,
    pub(crate) path: Path,
    /// The NAT that phase 1 found.
    pub(crate) nat: Option<Nat>,
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    /// Bytes that the inbound SA has protected, and the outbound one.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// How many of them end the pair, in either direction.
    pub(crate) bytes_max: Option<u64>,
    pub(crate) expires: Timestamp,
    /// A newer pair took over, or a quick mode that makes one runs.
    pub(crate) being_replaced: bool,
    /// The identity that the peer authenticated in phase 1.
    pub(crate) remote_id: Identification,
    /// The endpoint's count of SAs when this pair was made.
    pub(crate) made: u64,
}

impl IpsecSaPair {
    /// Protects a packet: ESP in UDP on the NAT traversal path, else ESP or AH as IP protocols of their own.
    ///
    /// # Errors
    ///
    /// As for [`EspSa::seal`], or when the sequence numbers are used up.
    pub(crate) fn seal(
        &mut self,
        core: &mut Core,
        next_header: u8,
        payload: &[u8],
    ) -> Result<Datagram, EspError> {
        let (ip_protocol, packet) = match &self.outbound {
            PacketProtection::Ipcomp(cpi) => {
                let compressed = ipcomp::compress(*cpi, next_header, payload);
                return Ok(self.compressed(next_header, payload, compressed));
            }
            PacketProtection::Esp(sa) => {
                let seq = self.counter.next_seq()?;
                let packet = sa.seal(core.provider, core.random.as_mut(), seq, next_header, payload)?;
                (if self.path.nat_t { IP_UDP } else { IP_ESP }, packet)
            }
            PacketProtection::Ah(sa) => {
                let seq = self.counter.next_seq()?;
                let outer =
                    outer_header(self.path.local.ip(), self.path.remote.ip(), sa_overhead(sa, payload));
                (IP_AH, sa.seal(core.provider, &outer, seq, next_header, payload)?)
            }
        };
        self.packets_out = self.packets_out.saturating_add(1);
        self.bytes_out = self.bytes_out.saturating_add(payload.len().try_into().unwrap_or(u64::MAX));
        let (local, remote) = if ip_protocol == IP_UDP {
            (self.path.local, self.path.remote)
        } else {
            (SocketAddr::new(self.path.local.ip(), 0), SocketAddr::new(self.path.remote.ip(), 0))
        };
        Ok(Datagram { ip_protocol, local, remote, payload: Bytes::from(packet) })
    }

    /// What the next protocol of the bundle is to protect: the compressed packet, or the payload as it is. Only the former
    /// counts as a packet of this pair.
    fn compressed(&mut self, next_header: u8, payload: &[u8], compressed: Option<Vec<u8>>) -> Datagram {
        let (ip_protocol, packet) = match compressed {
            Some(packet) => {
                self.packets_out = self.packets_out.saturating_add(1);
                self.bytes_out = self.bytes_out.saturating_add(payload.len().try_into().unwrap_or(u64::MAX));
                (IP_COMP, Bytes::from(packet))
            }
            None => (next_header, Bytes::copy_from_slice(payload)),
        };
        let (local, remote) = (self.path.local, self.path.remote);
        Datagram { ip_protocol, local, remote, payload: packet }
    }

    /// The next header and the payload of a compressed packet that came out of the next protocol of the bundle.
    ///
    /// # Errors
    ///
    /// As for [`ipcomp::decompress`], or when this is no pair of IPComp.
    pub(crate) fn decompress(&mut self, packet: &[u8]) -> Result<(u8, Vec<u8>), EspError> {
        let PacketProtection::Ipcomp(cpi) = self.inbound else { return Err(EspError::NotOfBundle) };
        let (next_header, payload) = ipcomp::decompress(cpi, packet)?;
        self.packets_in = self.packets_in.saturating_add(1);
        self.bytes_in = self.bytes_in.saturating_add(payload.len().try_into().unwrap_or(u64::MAX));
        Ok((next_header, payload))
    }

    /// The pair whose packets those of this pair must come in: the AH pair of its bundle.
    pub(crate) fn expected_outer(&self) -> Option<IpsecSaId> {
        let at = self.bundle.iter().position(|id| *id == self.id)?;
        self.bundle.get(at.checked_add(1)?).copied()
    }

    /// The pair of its bundle whose packets its packets hold.
    pub(crate) fn inner(&self) -> Option<IpsecSaId> {
        let at = self.bundle.iter().position(|id| *id == self.id)?;
        self.bundle.get(at.checked_sub(1)?).copied()
    }

    /// Checks and opens a packet of the inbound SA.
    ///
    /// # Errors
    ///
    /// As for [`EspSa::open_fresh`] and [`AhSa::open_fresh`].
    pub(crate) fn open(&mut self, core: &Core, datagram: &Datagram) -> Result<Opened, EspError> {
        let packet = &datagram.payload;
        let opened = match &self.inbound {
            PacketProtection::Ipcomp(_) => return Err(EspError::UnknownSpi { got: self.spi_in }),
            PacketProtection::Esp(sa) => sa.open_fresh(core.provider, &mut self.window, packet)?,
            PacketProtection::Ah(sa) => {
                let outer = outer_header(datagram.remote.ip(), datagram.local.ip(), packet.len());
                sa.open_fresh(core.provider, &mut self.window, &outer, packet)?
            }
        };
        self.packets_in = self.packets_in.saturating_add(1);
        let len = opened.payload.len().try_into().unwrap_or(u64::MAX);
        self.bytes_in = self.bytes_in.saturating_add(len);
        Ok(opened)
    }
}

/// Length of an AH packet.
fn sa_overhead(sa: &AhSa, payload: &[u8]) -> usize {
    payload.len().saturating_add(12).saturating_add(sa.integrity.icv_len())
}

/// The IPv4 header before AH with its mutable fields zero, as the ICV covers it: identification 0, no options.
/// For IPv6 nothing is covered.
fn outer_header(source: IpAddr, destination: IpAddr, packet_len: usize) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) else { return Vec::new() };
    let total = u16::try_from(packet_len.saturating_add(20)).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0, 0, 0, IP_AH, 0, 0];
    header.extend_from_slice(&source.octets());
    header.extend_from_slice(&destination.octets());
    header
}

fn remote_key(pair: &IpsecSaPair) -> (usize, Identification, u32, IpsecSaId) {
    (pair.peer, pair.remote_id.clone(), pair.chosen.peer_spi, pair.id)
}

/// All pairs of IPsec SAs, found by identifier or by inbound SPI.
#[derive(Debug, Default)]
pub(crate) struct IpsecTable {
    pairs: BTreeMap<IpsecSaId, IpsecSaPair>,
    by_spi_in: BTreeMap<u32, IpsecSaId>,
    /// By whom they are with: index of the peer, identity, outbound SPI.
    by_remote: BTreeSet<(usize, Identification, u32, IpsecSaId)>,
    /// Inbound SPIs that unfinished quick modes hold.
    reserved: BTreeSet<u32>,
}

impl IpsecTable {
    pub(crate) fn insert(&mut self, pair: IpsecSaPair) {
        self.by_spi_in.insert(pair.spi_in, pair.id);
        self.by_remote.insert(remote_key(&pair));
        self.pairs.insert(pair.id, pair);
    }

    pub(crate) fn remove(&mut self, id: IpsecSaId) -> Option<IpsecSaPair> {
        let pair = self.pairs.remove(&id)?;
        self.by_spi_in.remove(&pair.spi_in);
        self.by_remote.remove(&remote_key(&pair));
        Some(pair)
    }

    pub(crate) fn get(&self, id: IpsecSaId) -> Option<&IpsecSaPair> {
        self.pairs.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: IpsecSaId) -> Option<&mut IpsecSaPair> {
        self.pairs.get_mut(&id)
    }

    pub(crate) fn by_spi_in_mut(&mut self, spi: u32) -> Option<&mut IpsecSaPair> {
        self.pairs.get_mut(self.by_spi_in.get(&spi)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &IpsecSaPair> {
        self.pairs.values()
    }

    /// The pairs with one identity of a peer.
    pub(crate) fn with_remote(
        &self,
        (peer, remote_id): (usize, &Identification),
    ) -> impl Iterator<Item = IpsecSaId> {
        let first = (peer, remote_id.clone(), 0, IpsecSaId(0));
        let last = (peer, remote_id.clone(), u32::MAX, IpsecSaId(u32::MAX));
        self.by_remote.range(first..=last).map(|entry| entry.3)
    }

    /// Those of them that have this outbound SPI; it is the peer's choice, so there may be several.
    pub(crate) fn with_spi_out(
        &self,
        (peer, remote_id): (usize, &Identification),
        spi: u32,
    ) -> impl Iterator<Item = IpsecSaId> {
        let first = (peer, remote_id.clone(), spi, IpsecSaId(0));
        let last = (peer, remote_id.clone(), spi, IpsecSaId(u32::MAX));
        self.by_remote.range(first..=last).map(|entry| entry.3)
    }

    /// Whether there is a pair with any identity of a peer.
    pub(crate) fn any_with_peer(&self, peer: usize) -> bool {
        let first = (peer, Identification::LEAST, 0, IpsecSaId(0));
        self.by_remote.range(first..).next().is_some_and(|entry| entry.0 == peer)
    }

    /// How many entries the index by remote has.
    #[cfg(test)]
    pub(crate) fn indexed(&self) -> usize {
        self.by_remote.len()
    }

    /// Pairs that stand, and quick modes that may add one.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len().saturating_add(self.reserved.len())
    }

    /// A random inbound SPI that no pair and no running quick mode has, above the 255 that are reserved.
    pub(crate) fn reserve_spi(&mut self, core: &mut Core) -> u32 {
        let mut spi = u32::from_be_bytes(core.random_bytes());
        // Counting on, not drawing again: this ends whatever the random source gives.
        while spi < 256 || self.by_spi_in.contains_key(&spi) || self.reserved.contains(&spi) {
            spi = spi.wrapping_add(1).max(256);
        }
        self.reserved.insert(spi);
        spi
    }

    /// A random CPI of those that are negotiated, which nothing has as a CPI or SPI; `None` when there is none left.
    pub(crate) fn reserve_cpi(&mut self, core: &mut Core) -> Option<u32> {
        let (first, last) = NEGOTIATED_CPIS.into_inner();
        let start = u32::from(u16::from_be_bytes(core.random_bytes())).clamp(first, last);
        let free = |cpi: &u32| !self.by_spi_in.contains_key(cpi) && !self.reserved.contains(cpi);
        let cpi = (start..=last).chain(first..start).find(free)?;
        self.reserved.insert(cpi);
        Some(cpi)
    }

    /// The SPIs that unfinished quick modes hold.
    #[cfg(test)]
    pub(crate) fn reserved(&self) -> BTreeSet<u32> {
        self.reserved.clone()
    }

    /// Ends a reservation.
    pub(crate) fn release_spi(&mut self, spi: u32) {
        self.reserved.remove(&spi);
    }
}
