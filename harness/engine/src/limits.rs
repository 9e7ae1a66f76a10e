//! Every bound on what a peer can make an endpoint hold, in one place.

use core::time::Duration;

use crate::wire::WireLimits;

/// Bytes of the longest certificate that is parsed.
pub const CERTIFICATE_LEN_MAX: usize = 16 * 1024;

/// Bytes of the longest CRL that is parsed. A CERT payload has room for less than 64 KiB; configured ones are longer.
pub const CRL_LEN_MAX: usize = 4 * 1024 * 1024;

/// Bounds on the work that the certificates of one message can cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkiLimits {
    /// Certificates of one message.
    pub certificates_max: usize,
    /// CRLs of one message.
    pub crls_max: usize,
    /// Certificates of a chain, the trust anchor not counted.
    pub chain_max: usize,
    /// Signatures of certificates and CRLs that are verified for one message. It also bounds the search for a chain
    /// among authorities of the same name.
    pub signatures_max: usize,
}

impl Default for PkiLimits {
    fn default() -> Self {
        Self { certificates_max: 16, crls_max: 8, chain_max: 8, signatures_max: 48 }
    }
}

/// Bounds that hold for one endpoint.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bounds on one message.
    pub wire: WireLimits,
    /// Phase 1 exchanges as responder that are not authenticated yet.
    pub half_open_max: usize,
    /// Those of them that come from one IP address, so that one source cannot use up all.
    pub half_open_per_address_max: usize,
    /// How long a responder keeps a phase 1 exchange that does not come to its end.
    pub half_open_lifetime: Duration,
    /// Bytes of phase 2 messages that one ISAKMP SA keeps because they overtook the last message of phase 1.
    pub early_bytes_max: usize,
    /// ISAKMP SAs in all; the peers' first messages are dropped beyond it.
    pub isakmp_sas_max: usize,
    /// Complete ISAKMP SAs with one peer; one more ends the oldest.
    pub isakmp_sas_per_peer_max: usize,
    /// Protected notifies that answer refused messages of one ISAKMP SA before the next one that is not refused.
    /// A message that was refused can be replayed, and each answer uses up an M-ID.
    pub refusals_answered_max: usize,
    /// Phase 2 exchanges that run at once under one ISAKMP SA.
    pub phase2_exchanges_max: usize,
    /// SA payloads of one quick mode.
    pub sa_payloads_max: usize,
    /// Groups that the peer may offer by New Group mode under one ISAKMP SA. Each offer costs a test of its numbers.
    pub new_groups_max: usize,
    /// Requests to the user in one transaction of extended authentication that a host answers.
    pub xauth_requests_max: usize,
    /// Requests for certificates that one phase 1 exchange remembers, and sends at most.
    pub certificate_requests_max: usize,
    /// Messages remembered for duplicate detection in one exchange.
    pub duplicates_max: usize,
    /// Used M-IDs remembered under one ISAKMP SA, against replays.
    pub finished_m_ids_max: usize,
    /// Fragments of one message.
    pub fragments_max: usize,
    /// Bytes of one message that comes in fragments.
    pub fragment_bytes_max: usize,
    /// Messages of one ISAKMP SA that have come in part; one more takes the place of the oldest.
    pub reassemblies_max: usize,
    /// How long a message that has come in part is kept.
    pub reassembly_lifetime: Duration,
    /// IPsec SA pairs in all.
    pub ipsec_sas_max: usize,
    /// Outputs that wait to be drained; further datagrams are dropped until the driver drains.
    pub outputs_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wire: WireLimits::default(),
            half_open_max: 1024,
            half_open_per_address_max: 128,
            half_open_lifetime: Duration::from_secs(60),
            early_bytes_max: 8192,
            isakmp_sas_max: 4096,
            isakmp_sas_per_peer_max: 8,
            refusals_answered_max: 64,
            phase2_exchanges_max: 16,
            sa_payloads_max: 8,
            new_groups_max: 16,
            xauth_requests_max: 16,
            certificate_requests_max: 16,
            duplicates_max: 16,
            finished_m_ids_max: 256,
            fragments_max: 64,
            fragment_bytes_max: 16_384,
            reassemblies_max: 2,
            reassembly_lifetime: Duration::from_secs(30),
            ipsec_sas_max: 4096,
            outputs_max: 1024,
        }
    }
}
