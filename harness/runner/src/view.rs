//! An endpoint's SAs in the form in which both sides' SAs are recorded.

use ikev1::Endpoint;

use crate::driver::{IpsecSaView, IsakmpSaView, SaView};

/// The SAs of an endpoint, oldest first.
pub fn of_endpoint(endpoint: &Endpoint) -> SaView {
    let mut isakmp: Vec<_> = endpoint.isakmp_sas().collect();
    isakmp.sort_by_key(|sa| sa.id);
    let mut ipsec: Vec<_> = endpoint.ipsec_sas().collect();
    ipsec.sort_by_key(|sa| sa.id);
    SaView {
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
