//! Transforms of IPComp (RFC 2407 section 4.4.5, RFC 3173 section 4.1).

use super::ChosenIpsec;
use crate::config::{IpsecProtocol, IpsecTransform};
use crate::error::ExchangeError;
use crate::phase1::negotiate::LifeAttributes;
use crate::wire::{EncapsulationMode, IpsecAttribute, Proposal, Transform};

/// The CPIs that are negotiated (RFC 3173 section 3.3).
pub(crate) const NEGOTIATED_CPIS: core::ops::RangeInclusive<u32> = 256..=61_439;

/// The base 2 logarithm of DEFLATE's window, 32 KiB.
const WINDOW_BITS: u64 = 15;

/// Reads a DEFLATE transform. Of the attributes, lives and Encapsulation Mode count, which is transport mode when there is
/// none; those of the other protocols of the bundle are ignored (RFC 3173 section 4.1). A dictionary smaller than DEFLATE's
/// is refused, and so is a private algorithm.
///
/// # Errors
///
/// A CPI that is not one to be negotiated, or an attribute that is not supported.
pub(super) fn read_transform(
    proposal: &Proposal,
    transform: &Transform,
    cpi: u32,
) -> Result<ChosenIpsec, ExchangeError> {
    // A well-known CPI is the number of the only transform.
    let is_well_known = cpi == u32::from(transform.id.0) && proposal.transforms.len() == 1;
    if !is_well_known && !NEGOTIATED_CPIS.contains(&cpi) {
        return Err(ExchangeError::ReservedSpi(cpi));
    }
    let refused = |reason| Err(ExchangeError::AttributesNotSupported(reason));
    let mut mode = None;
    let mut life = LifeAttributes::default();
    for attribute in &transform.attributes {
        let class = IpsecAttribute(attribute.class);
        let Some(value) = attribute.as_u64() else { return refused(format!("{class:?} is too long")) };
        match class {
            IpsecAttribute::SA_LIFE_TYPE => life.life_type(value),
            IpsecAttribute::SA_LIFE_DURATION => {
                life.duration(value).map_err(ExchangeError::AttributesNotSupported)?;
            }
            IpsecAttribute::ENCAPSULATION_MODE => {
                if mode.replace(value).is_some_and(|former| former != value) {
                    return refused(format!("{class:?} comes twice with different values"));
                }
            }
            IpsecAttribute::COMPRESS_DICTIONARY_SIZE if value >= WINDOW_BITS => {}
            IpsecAttribute::COMPRESS_DICTIONARY_SIZE | IpsecAttribute::COMPRESS_PRIVATE_ALGORITHM => {
                return refused(format!("{class:?} {value} is not supported"));
            }
            IpsecAttribute::GROUP_DESCRIPTION
            | IpsecAttribute::AUTHENTICATION_ALGORITHM
            | IpsecAttribute::KEY_LENGTH
            | IpsecAttribute::KEY_ROUNDS
            | IpsecAttribute::EXTENDED_SEQUENCE_NUMBER => {}
            other => return refused(format!("attribute {other:?} is not supported")),
        }
    }
    let Ok(mode) = mode.map_or(Ok(EncapsulationMode::TRANSPORT.0), u16::try_from) else {
        return refused("the encapsulation mode is too long".into());
    };
    Ok(ChosenIpsec {
        protocol: IpsecProtocol::Ipcomp,
        transform: IpsecTransform::DEFLATE,
        mode: EncapsulationMode(mode),
        group: None,
        lifetime: life.seconds(),
        kilobytes: life.kilobytes(),
        peer_spi: cpi,
    })
}
