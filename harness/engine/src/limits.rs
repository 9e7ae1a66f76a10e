//! Every bound on what a peer can make an endpoint hold, in one place.

use crate::wire::WireLimits;

/// Bounds that hold for one endpoint.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bounds on one message.
    pub wire: WireLimits,
    /// Phase 1 exchanges as responder that are not authenticated yet.
    pub half_open_max: usize,
    /// Phase 2 exchanges that run at once under one ISAKMP SA.
    pub phase2_exchanges_max: usize,
    /// Messages remembered for duplicate detection in one exchange.
    pub duplicates_max: usize,
    /// Finished M-IDs remembered under one ISAKMP SA, against replays.
    pub finished_m_ids_max: usize,
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
            phase2_exchanges_max: 16,
            duplicates_max: 16,
            finished_m_ids_max: 256,
            ipsec_sas_max: 4096,
            outputs_max: 1024,
        }
    }
}
