//! Transforms of IPComp (RFC 2407 section 4.4.5, RFC 3173 section 4.1).

use super::{ChosenIpsec, spi_number};
use crate::config::{IpsecProtocol, IpsecTransform};
use crate::phase1::negotiate::LifeAttributes;
use crate::wire::{EncapsulationMode, IpcompTransform, IpsecAttribute, Proposal, Transform};

/// The CPIs that are negotiated (RFC 3173 section 3.3).
pub(crate) const NEGOTIATED_CPIS: core::ops::RangeInclusive<u32> = 256..=61_439;

/// The base 2 logarithm of DEFLATE's window, 32 KiB.
const WINDOW_BITS: u64 = 15;

/// Reads a transform. Of the attributes, lives and Encapsulation Mode count, which is transport mode when there is none; those
/// of the other protocols of the bundle are ignored (RFC 3173 section 4.1). A dictionary smaller than DEFLATE's is refused,
/// and so is a private algorithm.
///
/// # Errors
///
/// The reason in words.
pub(super) fn read_transform(proposal: &Proposal, transform: &Transform) -> Result<ChosenIpsec, String> {
    if IpcompTransform(transform.id.0) != IpcompTransform::DEFLATE {
        return Err(format!("{:?} is not supported", IpcompTransform(transform.id.0)));
    }
    let cpi = spi_number(proposal.protocol, &proposal.spi).ok_or("the CPI is not of 2 or 4 bytes")?;
    // A well-known CPI is the number of the only transform.
    let is_well_known = cpi == u32::from(transform.id.0) && proposal.transforms.len() == 1;
    if !is_well_known && !NEGOTIATED_CPIS.contains(&cpi) {
        return Err(format!("CPI {cpi} is not one to be negotiated"));
    }
    let mut mode = None;
    let mut life = LifeAttributes::default();
    for attribute in &transform.attributes {
        let class = IpsecAttribute(attribute.class);
        let value = attribute.as_u64().ok_or_else(|| format!("{class:?} is too long"))?;
        match class {
            IpsecAttribute::SA_LIFE_TYPE => life.life_type(value),
            IpsecAttribute::SA_LIFE_DURATION => life.duration(value),
            IpsecAttribute::ENCAPSULATION_MODE => {
                if mode.replace(value).is_some_and(|former| former != value) {
                    return Err(format!("{class:?} comes twice with different values"));
                }
            }
            IpsecAttribute::COMPRESS_DICTIONARY_SIZE if value >= WINDOW_BITS => {}
            IpsecAttribute::COMPRESS_DICTIONARY_SIZE | IpsecAttribute::COMPRESS_PRIVATE_ALGORITHM => {
                return Err(format!("{class:?} {value} is not supported"));
            }
            IpsecAttribute::GROUP_DESCRIPTION
            | IpsecAttribute::AUTHENTICATION_ALGORITHM
            | IpsecAttribute::KEY_LENGTH
            | IpsecAttribute::KEY_ROUNDS
            | IpsecAttribute::EXTENDED_SEQUENCE_NUMBER => {}
            other => return Err(format!("attribute {other:?} is not supported")),
        }
    }
    let mode = mode.map_or(Some(EncapsulationMode::TRANSPORT.0), |mode| u16::try_from(mode).ok());
    Ok(ChosenIpsec {
        protocol: IpsecProtocol::Ipcomp,
        transform: IpsecTransform::DEFLATE,
        mode: mode.map(EncapsulationMode).ok_or("the encapsulation mode is too long")?,
        group: None,
        lifetime: life.seconds(),
        kilobytes: life.kilobytes(),
        peer_spi: cpi,
    })
}
