//! Which assigned values this engine negotiates, and which it does not.

use crate::config::{IntegrityAlgorithm, IpsecProtocol, IpsecTransform, method_of_number};
use crate::crypto::{CipherAlgorithm, HashAlgorithm};
use crate::phase1::negotiate::{cipher_from_numbers, cipher_numbers, hash_from_number, hash_number};
use crate::phase2::negotiate::{auth_number, transform_id};
use crate::wire::{
    AhTransform, AuthAlgorithm, AuthMethod, EncryptionAlgorithm, EspTransform, HashAlgorithmId,
    IpcompTransform, TransformId,
};

/// The values of one attribute, by their names in the RFCs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// What the values are of.
    pub what: &'static str,
    /// Where they are assigned.
    pub source: &'static str,
    /// Each value's name, and whether this engine offers and takes it.
    pub values: Vec<(&'static str, bool)>,
}

/// The cipher of a phase 1 transform by its Encryption Algorithm and its Key Length in bits; `None` where the two make none.
#[must_use]
pub fn phase1_cipher(algorithm: EncryptionAlgorithm, key_bits: Option<u16>) -> Option<CipherAlgorithm> {
    cipher_from_numbers(algorithm.0.into(), key_bits.map(u64::from))
}

/// The hash of a phase 1 transform by its Hash Algorithm.
#[must_use]
pub fn phase1_hash(algorithm: HashAlgorithmId) -> Option<HashAlgorithm> {
    hash_from_number(algorithm.0.into())
}

/// Every registry that negotiation draws on. What is offered and taken decides, so nothing here can be out of date.
#[must_use]
pub fn registries() -> Vec<Registry> {
    let ciphers: Vec<_> = CipherAlgorithm::ALL.iter().map(|cipher| cipher_numbers(*cipher).0).collect();
    let hashes: Vec<_> = HashAlgorithm::ALL.iter().map(|hash| hash_number(*hash)).collect();
    let integrity: Vec<_> = IntegrityAlgorithm::ALL.iter().map(|(algorithm, _)| *algorithm).collect();
    let authentication: Vec<_> = integrity.iter().map(|algorithm| auth_number(*algorithm)).collect();
    let esp: Vec<_> = CipherAlgorithm::ALL
        .iter()
        .map(|cipher| Some(*cipher))
        .chain([None])
        .filter_map(|cipher| {
            let transform = IpsecTransform::new(cipher, integrity.first().copied());
            Some(transform_id(IpsecProtocol::Esp, transform)?.0)
        })
        .collect();
    let ah: Vec<_> = integrity
        .iter()
        .filter_map(|algorithm| {
            let transform = IpsecTransform::new(None, Some(*algorithm));
            Some(transform_id(IpsecProtocol::Ah, transform)?.0)
        })
        .collect();
    vec![
        registry("phase 1 ciphers", "RFC 2409 Appendix A", EncryptionAlgorithm::all(), |v| {
            ciphers.contains(&v)
        }),
        registry("phase 1 hashes", "RFC 2409 Appendix A", HashAlgorithmId::all(), |v| hashes.contains(&v)),
        registry("authentication methods", "RFC 2409 Appendix A", AuthMethod::all(), |v| {
            method_of_number(v.0.into()).is_some()
        }),
        registry("ESP transforms", "RFC 2407 section 4.4.4", EspTransform::all(), |v| {
            esp.contains(&TransformId::from(v))
        }),
        registry("AH transforms", "RFC 2407 section 4.4.3", AhTransform::all(), |v| {
            ah.contains(&TransformId::from(v))
        }),
        registry("IPCOMP transforms", "RFC 2407 section 4.4.5", IpcompTransform::all(), |v| {
            let deflate = transform_id(IpsecProtocol::Ipcomp, IpsecTransform::DEFLATE);
            deflate.is_some_and(|(id, _)| id == v.into())
        }),
        registry("AH and ESP authentication", "RFC 2407 section 4.5", AuthAlgorithm::all(), |v| {
            authentication.contains(&v)
        }),
    ]
}

fn registry<T: Copy>(
    what: &'static str,
    source: &'static str,
    all: &[(&'static str, T)],
    negotiated: impl Fn(T) -> bool,
) -> Registry {
    Registry { what, source, values: all.iter().map(|(name, value)| (*name, negotiated(*value))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_and_hash_of_rfc_2409_is_negotiated() {
        for registry in registries().iter().filter(|registry| registry.source == "RFC 2409 Appendix A") {
            if registry.what.starts_with("phase 1") {
                assert!(registry.values.iter().all(|(_, negotiated)| *negotiated), "{registry:?}");
            }
        }
    }

    #[test]
    fn what_the_rfcs_demand_is_negotiated() {
        let registries = registries();
        let negotiated = |what: &str| {
            let found = registries.iter().find(|registry| registry.what == what);
            let values = found.map(|registry| registry.values.clone()).unwrap_or_default();
            values.into_iter().filter(|(_, negotiated)| *negotiated).map(|(name, _)| name).collect::<Vec<_>>()
        };
        // RFC 2409 section 4 and RFC 2407 section 4.4.
        for (what, names) in [
            ("phase 1 ciphers", &["DES-CBC", "3DES-CBC"][..]),
            ("phase 1 hashes", &["MD5", "SHA"]),
            ("authentication methods", &["pre-shared key"]),
            ("ESP transforms", &["ESP_DES", "ESP_3DES", "ESP_NULL"]),
            ("AH transforms", &["AH_MD5", "AH_SHA"]),
            ("AH and ESP authentication", &["HMAC-MD5", "HMAC-SHA"]),
        ] {
            let negotiated = negotiated(what);
            assert!(names.iter().all(|name| negotiated.contains(name)), "{what}: {negotiated:?}");
        }
    }
}
