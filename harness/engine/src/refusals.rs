//! Why an offer is not taken, part by part, and what its sender is told of all of it (RFC 2408 sections 5.4 to 5.6).

use core::fmt::Display;

use crate::error::ExchangeError;
use crate::wire::NotifyType;

/// The reasons against the proposals and transforms of an SA payload.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<(String, ExchangeError)>);

impl Refusals {
    /// Notes why the part at `place`, a proposal or one of its transforms, is not taken.
    pub(crate) fn add(&mut self, place: impl Display, error: ExchangeError) {
        self.0.push((place.to_string(), error));
    }

    /// What refuses the whole: where all parts fail for one kind of reason that has a notify of its own, that one; else no
    /// proposal was chosen.
    pub(crate) fn into_error(self) -> ExchangeError {
        let Self(refusals) = self;
        let all = refusals
            .iter()
            .map(|(place, error)| format!("{place}: {}", error.reason()))
            .collect::<Vec<_>>()
            .join("; ");
        let mut types = refusals.iter().map(|(_, error)| error.notify_type());
        let first = types.next().flatten();
        let alike = types.all(|other| other == first);
        match (first, refusals.into_iter().next()) {
            (Some(NotifyType::ATTRIBUTES_NOT_SUPPORTED), _) if alike => {
                ExchangeError::AttributesNotSupported(all)
            }
            (Some(NotifyType::NO_PROPOSAL_CHOSEN) | None, _) | (_, None) => {
                ExchangeError::NoProposalChosen(all)
            }
            (_, Some((_, error))) if alike => error,
            _ => ExchangeError::NoProposalChosen(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::{ProtocolId, TransformId};

    const ESP: ExchangeError = ExchangeError::InvalidProtocolId(ProtocolId::IPSEC_ESP);
    const AH: ExchangeError = ExchangeError::InvalidProtocolId(ProtocolId::IPSEC_AH);
    const RESERVED: ExchangeError = ExchangeError::InvalidTransformId(TransformId(0));

    fn attributes(why: &str) -> ExchangeError {
        ExchangeError::AttributesNotSupported(why.into())
    }

    fn none(why: &str) -> ExchangeError {
        ExchangeError::NoProposalChosen(why.into())
    }

    #[rstest]
    #[case::nothing_offered(vec![], none(""))]
    #[case::one_reason(vec![ESP], ESP)]
    #[case::one_kind_of_reason(vec![ESP, AH], ESP)]
    #[case::reserved_identifiers(vec![RESERVED, RESERVED], RESERVED)]
    #[case::attributes(vec![attributes("a"), attributes("b")], attributes("1: a; 2: b"))]
    #[case::not_in_the_policy(vec![none("a"), none("b")], none("1: a; 2: b"))]
    #[case::several_kinds(vec![attributes("a"), none("b")], none("1: a; 2: b"))]
    #[case::several_kinds_the_other_way(vec![none("a"), attributes("b")], none("1: a; 2: b"))]
    #[case::two_kinds_of_their_own(vec![RESERVED, attributes("b")], none("1: transform ID 0 is reserved; 2: b"))]
    fn only_a_reason_that_all_parts_share_is_told(
        #[case] parts: Vec<ExchangeError>,
        #[case] expected: ExchangeError,
    ) {
        let mut refusals = Refusals::default();
        for (place, error) in (1..).zip(parts) {
            refusals.add(place, error);
        }
        assert_eq!(refusals.into_error(), expected);
    }
}
