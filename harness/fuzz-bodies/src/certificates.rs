//! CERT payloads from someone who is no certificate authority.

use std::sync::LazyLock;

use bytes::Bytes;
use ikev1::crypto::reference;
use ikev1::pki::{Certificate, CertificatePolicy, Crl, KeyPurpose, Received, TrustStore, UnixTime};
use ikev1::wire::{self, CertEncoding, Identification};

use crate::input::Input;

/// CERT payloads in one input; more than the limits allow, so that these are met too.
const PAYLOADS_MAX: usize = 30;
/// July 1 of 2026, when most of the fixtures are valid.
const PRESENT: UnixTime = UnixTime(1_782_864_000);

/// Certificates of the engine's fixtures, the only ones that an authority has signed. The first is the trust anchor.
const CERTIFICATES: &[&str] = &[
    include_str!("../../engine/tests/fixtures/pki/certificates/ca.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/bob.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/intermediate.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-of-intermediate.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/below-intermediate.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-of-below-intermediate.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/path-1.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/circle-a.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/circle-b.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-of-circle.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/impostor-ca.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-of-impostor.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-critical-unknown.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-md5.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/ecdsa-ca.pem"),
    include_str!("../../engine/tests/fixtures/pki/certificates/alice-of-ecdsa-ca.pem"),
];
/// Revocation lists of the fixtures.
const CRLS: &[&str] = &[
    include_str!("../../engine/tests/fixtures/pki/crls/alice.pem"),
    include_str!("../../engine/tests/fixtures/pki/crls/empty.pem"),
    include_str!("../../engine/tests/fixtures/pki/crls/delta.pem"),
    include_str!("../../engine/tests/fixtures/pki/crls/of-impostor.pem"),
    include_str!("../../engine/tests/fixtures/pki/crls/of-intermediate.pem"),
];

static FIXTURES: LazyLock<Vec<Certificate>> =
    LazyLock::new(|| CERTIFICATES.iter().filter_map(|pem| Certificate::from_pem(pem).ok()).collect());

/// The first octet says whom the certificates are to name and what the policy is. Each further CERT payload is an octet: below
/// 128 its Certificate Encoding, whose data follow, else a fixture by number, of which one octet is changed: where, in two
/// octets, and by which bits.
///
/// What is read says the same when it is read again. A key is believed only where it is that of a fixture which
/// names the identity: nothing else has a signature of an authority.
///
/// # Panics
///
/// When that does not hold.
pub fn certificates(data: &[u8]) {
    let mut input = Input(data);
    let Some(setup) = input.byte() else { return };
    let mut payloads = Vec::new();
    while payloads.len() < PAYLOADS_MAX {
        let Some(payload) = payload(&mut input) else { break };
        read_again(&payload.data);
        payloads.push(payload);
    }
    let Some(anchor) = FIXTURES.first() else { return };
    let policy = CertificatePolicy {
        require_crl: setup & 1 != 0,
        accept_md5: setup & 2 != 0,
        ..CertificatePolicy::default()
    };
    let id = match setup & 12 {
        0 => Identification::fqdn("alice.example"),
        4 => Identification::fqdn("bob.example"),
        8 => anchor.subject().to_id(),
        _ => Identification::ipv4([192, 0, 2, 1].into()),
    };
    let purpose = if setup & 16 == 0 { KeyPurpose::Signature } else { KeyPurpose::Encryption };
    let store = TrustStore { anchors: vec![anchor.clone()], policy, ..TrustStore::default() };
    let Ok(received) = Received::from_payloads(&payloads, &store.policy.limits) else { return };
    assert!(received.certificates.len() + received.crls.len() + received.discarded.len() <= payloads.len());
    let valid = store.validate(reference(), &received.certificates, &received.crls, &id, PRESENT, purpose);
    if let Ok(key) = valid {
        let signed = FIXTURES.iter().filter(|fixture| fixture.names(&id));
        let mut keys = signed.filter_map(|fixture| fixture.public_key().ok());
        assert!(keys.any(|signed| signed == key), "nobody has signed this key of {id}");
    }
}

fn payload(input: &mut Input<'_>) -> Option<wire::Certificate> {
    let op = input.byte()?;
    if op & 0x80 == 0 {
        return Some(wire::Certificate::new(CertEncoding(op), input.piece()?.to_vec()));
    }
    let (at, mask) = (input.number()?, input.byte()?);
    let number = usize::from(op & 0x7f) % (FIXTURES.len() + CRLS.len());
    let (encoding, der) = match FIXTURES.get(number) {
        Some(certificate) => (CertEncoding::X509_SIGNATURE, certificate.as_der().clone()),
        None => {
            let pem = CRLS.get(number.saturating_sub(FIXTURES.len()))?;
            (CertEncoding::CRL, Crl::from_pem(pem).ok()?.as_der().clone())
        }
    };
    let mut der = der.to_vec();
    let at = usize::from(at) % der.len();
    if let Some(octet) = der.get_mut(at) {
        *octet ^= mask;
    }
    Some(wire::Certificate::new(encoding, der))
}

/// Reads octets as a certificate and as a revocation list.
fn read_again(der: &Bytes) {
    if let Ok(certificate) = Certificate::from_der(der.clone()) {
        assert_eq!(certificate.as_der(), der);
        assert_eq!(Certificate::from_der(certificate.as_der().clone()), Ok(certificate.clone()));
        let _key = certificate.public_key();
        let own = certificate.identities();
        assert!(own.iter().all(|id| certificate.names(id)), "it names what it says that it names");
    }
    if let Ok(crl) = Crl::from_der(der.clone()) {
        assert_eq!(crl.as_der(), der);
        assert_eq!(crl.is_empty(), matches!(crl.len(), 0));
        assert_eq!(Crl::from_der(crl.as_der().clone()), Ok(crl));
    }
}
