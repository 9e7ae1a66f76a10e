//! Several SA payloads in one quick mode (RFC 2409 section 5.5):
//!
//! ```text
//!      HDR*, HASH(1), SA0, SA1, Ni [, KE ] [, IDci, IDcr ] -->
//!                       <-- HDR*, HASH(2), SA0, SA1, Nr [, KE ] [, IDci, IDcr ]
//!      HDR*, HASH(3)       -->
//! ```
//!
//! Each SA payload is an offer of its own and is answered in its place; clients, nonces and g(qm)^xy are shared. The RFC
//! has no way to take some of them and refuse the others, so an offer is taken as a whole or refused as a whole.

use std::collections::BTreeSet;

use super::negotiate::{self, Choice, ChosenIpsec, Verified, protocol_id};
use super::new_group::PrivateGroups;
use crate::config::IpsecPolicy;
use crate::error::ExchangeError;
use crate::natt::Nat;
use crate::wire::SaPayload;

/// What the responder chose: the index of its policy, and for each SA payload, in order, which of the policy's SAs it is
/// and the choice from it.
#[derive(Debug)]
pub(crate) struct Choices<'a> {
    pub(crate) policy: usize,
    pub(crate) sas: Vec<(usize, Choice<'a>)>,
}

/// Chooses from every SA payload. A single one may be any SA of any candidate, as [`negotiate::choose`] has it; several
/// are SAs of one candidate in its order, of which some may be left out.
///
/// # Errors
///
/// As for [`negotiate::choose`], or when no candidate has them all, or one SPI is offered for two SAs.
pub(crate) fn choose<'a>(
    candidates: &[(usize, &IpsecPolicy)],
    offered: &[&'a SaPayload],
    nat: Option<Nat>,
    groups: &PrivateGroups,
) -> Result<Choices<'a>, ExchangeError> {
    let policies: Vec<(usize, Vec<IpsecPolicy>)> =
        candidates.iter().map(|(index, policy)| (*index, policy.sas())).collect();
    let mut origins = Vec::new();
    let mut alternatives = Vec::new();
    for (index, sas) in &policies {
        for (place, sa) in sas.iter().enumerate() {
            alternatives.push((origins.len(), sa));
            origins.push((*index, place));
        }
    }
    let mut sas = Vec::new();
    let mut origin = None;
    for offered in offered {
        // Also where there are several, so that one that fits nowhere is refused for its own reason.
        let choice = negotiate::choose(&alternatives, offered, nat, groups)?;
        origin = origins.get(choice.policy).copied();
        sas.push((origin.map_or(0, |(_, place)| place), choice));
    }
    if let (Some((policy, _)), [_]) = (origin, offered) {
        return Ok(Choices { policy, sas });
    }
    let choices = policies.iter().find_map(|(policy, sas)| {
        Some(Choices { policy: *policy, sas: choose_in_order(sas, offered, nat, groups)? })
    });
    let count = offered.len();
    let choices = choices.ok_or_else(|| {
        ExchangeError::NoProposalChosen(format!("no policy has these {count} SAs, in this order"))
    })?;
    if !distinct_spis(choices.sas.iter().flat_map(|(_, choice)| &choice.chosen)) {
        return Err(ExchangeError::NoProposalChosen("one SPI is offered for two SAs".into()));
    }
    Ok(choices)
}

/// Each SA payload takes the next of a policy's SAs that it fits.
fn choose_in_order<'a>(
    sas: &[IpsecPolicy],
    offered: &[&'a SaPayload],
    nat: Option<Nat>,
    groups: &PrivateGroups,
) -> Option<Vec<(usize, Choice<'a>)>> {
    let mut left = sas.iter().enumerate();
    let mut choose = |offered| {
        left.find_map(|(place, sa)| {
            Some((place, negotiate::choose(&[(place, sa)], offered, nat, groups).ok()?))
        })
    };
    offered.iter().map(|offered| choose(offered)).collect()
}

/// Checks that each SA payload of a reply is a choice from the offer in its place.
///
/// # Errors
///
/// As for [`negotiate::verify_choice`], or when they are more or fewer than were offered, or one SPI comes for two SAs.
pub(crate) fn verify_choices(
    offered: &[&SaPayload],
    reply: &[&SaPayload],
    groups: &PrivateGroups,
) -> Result<Vec<Verified>, ExchangeError> {
    if reply.len() != offered.len() {
        let (got, wanted) = (reply.len(), offered.len());
        return Err(ExchangeError::ProposalAltered(format!("SA payloads: {got}, offered were {wanted}")));
    }
    let chosen =
        offered.iter().zip(reply).map(|(offered, reply)| negotiate::verify_choice(offered, reply, groups));
    let chosen: Vec<_> = chosen.collect::<Result<_, _>>()?;
    if !distinct_spis(chosen.iter().flat_map(|verified| &verified.chosen)) {
        return Err(ExchangeError::ProposalAltered("one SPI comes for two SAs".into()));
    }
    Ok(chosen)
}

/// Whether no two SAs of one protocol have the same SPI, which would give them the same KEYMAT.
fn distinct_spis<'a>(chosen: impl Iterator<Item = &'a ChosenIpsec>) -> bool {
    let mut seen = BTreeSet::new();
    chosen.into_iter().all(|chosen| seen.insert((protocol_id(chosen.protocol).0, chosen.peer_spi)))
}

#[cfg(test)]
mod tests;
