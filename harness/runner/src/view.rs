//! An endpoint's SAs in the form in which both sides' SAs are recorded.

use ikev1::event::{IpsecSaId, IsakmpSaId, Role};
use ikev1::keylog::Label;
use ikev1::{Endpoint, IpsecSaInfo};
use ikev1_scenario::model::Which;

use crate::driver::{InfraError, InstalledSa, IpsecSaView, IsakmpSaView, PeerValue, SaView, ValueSource};

/// An established ISAKMP SA of an endpoint.
///
/// # Errors
/// When there is none.
pub fn isakmp_sa(endpoint: &Endpoint, which: Which) -> Result<IsakmpSaId, InfraError> {
    let ids = endpoint.isakmp_sas().filter(|sa| sa.established).map(|sa| sa.id);
    of_these(ids, which).ok_or(InfraError::NoSuchSa("ISAKMP SA"))
}

/// A pair of IPsec SAs of an endpoint.
///
/// # Errors
/// When there is none.
pub fn ipsec_sa(endpoint: &Endpoint, which: Which) -> Result<IpsecSaId, InfraError> {
    of_these(endpoint.ipsec_sas().map(|sa| sa.id), which).ok_or(InfraError::NoSuchSa("IPsec SA"))
}

/// IDs rise as SAs are set up.
fn of_these<T: Ord>(ids: impl Iterator<Item = T>, which: Which) -> Option<T> {
    match which {
        Which::Newest => ids.max(),
        Which::Oldest => ids.min(),
    }
}

/// The keys of an SA in the peer's kernel as values of the quick mode that made it; none where the endpoint does not have
/// that SA any more.
pub fn values_of(endpoint: &Endpoint, installed: &InstalledSa) -> Vec<PeerValue> {
    let same = |sa: &IpsecSaInfo| {
        sa.protocol == installed.protocol && (sa.spi_in == installed.spi || sa.spi_out == installed.spi)
    };
    let Some(sa) = endpoint.ipsec_sas().find(same) else { return Vec::new() };
    let initiator_sends = (sa.spi_out == installed.spi) == (sa.role == Role::Initiator);
    let [encryption, integrity] = if initiator_sends {
        [Label::EncryptionKeyInitiator, Label::IntegrityKeyInitiator]
    } else {
        [Label::EncryptionKeyResponder, Label::IntegrityKeyResponder]
    };
    [(encryption, &installed.encryption_key), (integrity, &installed.integrity_key)]
        .into_iter()
        .filter_map(|(label, key)| {
            let bytes = key.clone()?;
            Some(PeerValue {
                cookies: sa.made_under,
                m_id: sa.m_id,
                label,
                bytes,
                source: ValueSource::Kernel,
            })
        })
        .collect()
}

/// The SAs of an endpoint, oldest first.
pub fn of_endpoint(endpoint: &Endpoint) -> SaView {
    let mut isakmp: Vec<_> = endpoint.isakmp_sas().collect();
    isakmp.sort_by_key(|sa| sa.id);
    let mut ipsec: Vec<_> = endpoint.ipsec_sas().collect();
    ipsec.sort_by_key(|sa| sa.id);
    SaView {
        reports: Vec::new(),
        isakmp_sas: isakmp
            .iter()
            .map(|sa| IsakmpSaView { cookies: sa.cookies, role: sa.role, established: sa.established })
            .collect(),
        ipsec_sas: ipsec
            .iter()
            .map(|sa| IpsecSaView {
                protocol: sa.protocol,
                spi_in: sa.spi_in,
                spi_out: sa.spi_out,
                packets_in: Some(sa.packets_in),
                packets_out: Some(sa.packets_out),
            })
            .collect(),
    }
}
