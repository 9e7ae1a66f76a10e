//! Whether two sides list the same SAs.

use std::collections::BTreeSet;

use ikev1::event::Role;
use ikev1::wire::CookiePair;

use crate::driver::SaView;

/// SAs on which both sides agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The cookies of the ISAKMP SAs.
    pub(super) isakmp: BTreeSet<CookiePair>,
    /// SPIs of the IPsec SAs: those on which the initiator receives and sends.
    pub(super) ipsec: BTreeSet<(u32, u32)>,
}

/// What both sides agree on, or how they differ.
///
/// Cookies must be the same with opposite roles, and what one side receives on the other must send on. ISAKMP SAs under
/// negotiation count for nothing, and neither do `replaced` ones that one side has deleted and the other not yet.
pub(super) fn agree(initiator: &SaView, responder: &SaView, replaced: &Agreed) -> Result<Agreed, String> {
    let established = |view: &SaView, swap: bool| -> BTreeSet<(CookiePair, bool)> {
        let sas = view.isakmp_sas.iter().filter(|sa| sa.established);
        sas.map(|sa| (sa.cookies, (sa.role == Role::Initiator) != swap)).collect()
    };
    let (ours, theirs) = (established(initiator, false), established(responder, true));
    let differ = ours.symmetric_difference(&theirs).any(|(cookies, _)| !replaced.isakmp.contains(cookies));
    if differ {
        return Err(format!(
            "the initiator lists the ISAKMP SAs {}, the responder {}",
            isakmp_text(initiator),
            isakmp_text(responder)
        ));
    }
    let ipsec: BTreeSet<_> = initiator.ipsec_sas.iter().map(|sa| (sa.spi_in, sa.spi_out)).collect();
    let crosswise: BTreeSet<_> = responder.ipsec_sas.iter().map(|sa| (sa.spi_out, sa.spi_in)).collect();
    if ipsec.symmetric_difference(&crosswise).any(|pair| !replaced.ipsec.contains(pair)) {
        return Err(format!(
            "the initiator lists the IPsec SAs {}, the responder {}",
            ipsec_text(initiator),
            ipsec_text(responder)
        ));
    }
    Ok(Agreed {
        isakmp: ours.intersection(&theirs).map(|(cookies, _)| *cookies).collect(),
        ipsec: ipsec.intersection(&crosswise).copied().collect(),
    })
}

fn isakmp_text(view: &SaView) -> String {
    let sas = view.isakmp_sas.iter().map(|sa| {
        let role = if sa.role == Role::Initiator { "initiator" } else { "responder" };
        let state = if sa.established { "" } else { ", negotiating" };
        let (cky_i, cky_r) = (hex::encode(sa.cookies.initiator.0), hex::encode(sa.cookies.responder.0));
        format!("{cky_i} {cky_r} as {role}{state}")
    });
    none_or(sas.collect())
}

fn ipsec_text(view: &SaView) -> String {
    none_or(view.ipsec_sas.iter().map(|sa| format!("in {:08x} out {:08x}", sa.spi_in, sa.spi_out)).collect())
}

fn none_or(sas: Vec<String>) -> String {
    if sas.is_empty() { "(none)".to_owned() } else { format!("({})", sas.join("; ")) }
}

#[cfg(test)]
mod tests {
    use ikev1::wire::{Cookie, ProtocolId};
    use rstest::rstest;

    use super::*;
    use crate::driver::{IpsecSaView, IsakmpSaView};

    fn view(role: Role, spi_in: u32, spi_out: u32) -> SaView {
        let cookies = CookiePair { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
        let (packets_in, packets_out) = (None, None);
        SaView {
            reports: Vec::new(),
            isakmp_sas: vec![IsakmpSaView { cookies, role, established: true }],
            ipsec_sas: vec![IpsecSaView {
                protocol: ProtocolId::IPSEC_ESP,
                spi_in,
                spi_out,
                packets_in,
                packets_out,
            }],
        }
    }

    #[test]
    fn sides_agree_on_the_same_cookies_and_crossed_spis() {
        let agreed =
            agree(&view(Role::Initiator, 5, 6), &view(Role::Responder, 6, 5), &Agreed::default()).unwrap();
        assert_eq!(agreed.ipsec, BTreeSet::from([(5, 6)]));
        assert_eq!(agreed.isakmp.len(), 1);
    }

    #[rstest]
    #[case::uncrossed_spis(view(Role::Responder, 5, 6), "the IPsec SAs (in 00000005 out 00000006)")]
    #[case::another_spi(view(Role::Responder, 6, 7), "the responder (in 00000006 out 00000007)")]
    #[case::both_initiators(view(Role::Initiator, 6, 5), "as initiator), the responder (0101")]
    #[case::nothing(SaView::default(), "the responder (none)")]
    fn sides_differ_with(#[case] responder: SaView, #[case] said: &str) {
        let problem = agree(&view(Role::Initiator, 5, 6), &responder, &Agreed::default()).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }

    #[test]
    fn an_isakmp_sa_under_negotiation_on_one_side_is_no_difference() {
        let mut responder = view(Role::Responder, 6, 5);
        let mut half_open = responder.isakmp_sas[0];
        half_open.established = false;
        half_open.cookies.initiator = Cookie([9; 8]);
        responder.isakmp_sas.push(half_open);
        assert!(agree(&view(Role::Initiator, 5, 6), &responder, &Agreed::default()).is_ok());
    }

    #[test]
    fn a_replaced_sa_may_be_gone_on_one_side_and_is_then_on_none() {
        let replaced = agree(&view(Role::Initiator, 5, 6), &view(Role::Responder, 6, 5), &Agreed::default());
        let agreed = agree(&SaView::default(), &view(Role::Responder, 6, 5), &replaced.unwrap());
        assert_eq!(agreed, Ok(Agreed::default()));
    }
}
