//! Certificates made by the openssl command, each refused for its own reason.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::crypto::{KeyType, PrivateKey, PublicKey, providers, reference};
use crate::limits::PkiLimits;
use crate::wire::{self, CertEncoding, CertificateRequest, IdType, Identification, NotifyType};

/// A certificate of `tests/fixtures/pki/certificates`.
macro_rules! certificate {
    ($name:literal) => {
        Certificate::from_pem(include_str!(concat!("../../tests/fixtures/pki/certificates/", $name, ".pem")))
            .unwrap()
    };
}

/// A CRL of `tests/fixtures/pki/crls`.
macro_rules! crl {
    ($name:literal) => {
        Crl::from_pem(include_str!(concat!("../../tests/fixtures/pki/crls/", $name, ".pem"))).unwrap()
    };
}

/// A private key of `tests/fixtures/pki/keys`.
macro_rules! key {
    ($name:literal) => {
        PrivateKey::from_pem(include_str!(concat!("../../tests/fixtures/pki/keys/", $name, ".pem"))).unwrap()
    };
}

/// 2024-02-29 12:00:00 UTC.
const NOW: UnixTime = UnixTime(1_709_208_000);

fn name(text: &str) -> DistinguishedName {
    text.parse().unwrap()
}

fn alice() -> DistinguishedName {
    name("CN=alice,O=Example,C=CH")
}

fn authority(common_name: &str) -> DistinguishedName {
    name(&format!("CN={common_name},O=Example,C=CH"))
}

fn store() -> TrustStore {
    TrustStore { anchors: vec![certificate!("ca")], ..TrustStore::default() }
}

fn strict_store(crls: Vec<Crl>) -> TrustStore {
    let policy = CertificatePolicy { require_crl: true, ..CertificatePolicy::default() };
    TrustStore { policy, crls, ..store() }
}

/// Validates on every provider, which must agree, for alice's DN and for signatures.
fn validate(store: &TrustStore, received: &[Certificate]) -> Result<PublicKey, PkiError> {
    validate_for(store, received, &alice().to_id(), KeyPurpose::Signature)
}

fn validate_for(
    store: &TrustStore,
    received: &[Certificate],
    id: &Identification,
    purpose: KeyPurpose,
) -> Result<PublicKey, PkiError> {
    let result = store.validate(reference(), received, &[], id, NOW, purpose);
    for p in providers() {
        assert_eq!(store.validate(*p, received, &[], id, NOW, purpose), result, "{}", p.name());
    }
    result
}

#[rstest]
#[case::root(store(), vec![certificate!("alice")])]
#[case::intermediate(store(), vec![certificate!("alice-of-intermediate"), certificate!("intermediate")])]
#[case::any_order(store(), vec![certificate!("intermediate"), certificate!("alice-of-intermediate")])]
#[case::root_sent_along(store(), vec![certificate!("ca"), certificate!("alice")])]
#[case::irrelevant_certificates(
    store(),
    vec![certificate!("bob"), certificate!("other-ca"), certificate!("circle-a"), certificate!("alice")]
)]
#[case::bad_certificate_of_the_same_name_first(
    store(), vec![certificate!("alice-of-other-ca"), certificate!("alice")]
)]
#[case::two_authorities_of_one_name(
    TrustStore { anchors: vec![certificate!("impostor-ca"), certificate!("ca")], ..TrustStore::default() },
    vec![certificate!("alice")]
)]
#[case::intermediate_known_beforehand(
    TrustStore { certificates: vec![certificate!("intermediate")], ..store() },
    vec![certificate!("alice-of-intermediate")]
)]
#[case::certificate_known_beforehand(
    TrustStore { certificates: vec![certificate!("alice")], ..store() }, vec![]
)]
#[case::intermediate_as_anchor(
    TrustStore { anchors: vec![certificate!("intermediate")], ..TrustStore::default() },
    vec![certificate!("alice-of-intermediate")]
)]
#[case::own_certificate_as_anchor(
    TrustStore { anchors: vec![certificate!("alice-self-signed")], ..TrustStore::default() },
    vec![certificate!("alice-self-signed")]
)]
#[case::longest_chain(
    store(),
    vec![
        certificate!("alice-of-long-7"), certificate!("long-1"), certificate!("long-2"), certificate!("long-3"),
        certificate!("long-4"), certificate!("long-5"), certificate!("long-6"), certificate!("long-7")
    ]
)]
#[case::sha1(store(), vec![certificate!("alice-sha1")])]
#[case::sha2_384(store(), vec![certificate!("alice-sha384")])]
#[case::sha2_512(store(), vec![certificate!("alice-sha512")])]
#[case::md5_if_the_policy_says_so(
    TrustStore { policy: CertificatePolicy { accept_md5: true, ..CertificatePolicy::default() }, ..store() },
    vec![certificate!("alice-md5")]
)]
#[case::no_extensions(store(), vec![certificate!("alice-without-extensions")])]
#[case::usage_digital_signature(store(), vec![certificate!("alice-usage-signature")])]
#[case::usage_non_repudiation(store(), vec![certificate!("alice-usage-non-repudiation")])]
#[case::extended_usage_ike(store(), vec![certificate!("alice-extended-ike")])]
#[case::extended_usage_any(store(), vec![certificate!("alice-extended-any")])]
#[case::unknown_extension(store(), vec![certificate!("alice-not-critical-unknown")])]
#[case::path_length_kept(
    store(),
    vec![certificate!("alice-of-below-path-1"), certificate!("below-path-1"), certificate!("path-1")]
)]
#[case::crl_is_there(strict_store(vec![crl!("empty")]), vec![certificate!("alice")])]
#[case::crl_of_each_authority(
    strict_store(vec![crl!("of-intermediate"), crl!("empty")]),
    vec![certificate!("alice-of-intermediate"), certificate!("intermediate")]
)]
#[case::stale_crl_if_none_is_required(TrustStore { crls: vec![crl!("stale")], ..store() }, vec![certificate!("alice")])]
#[case::foreign_crl_if_none_is_required(
    TrustStore { crls: vec![crl!("of-impostor")], ..store() }, vec![certificate!("alice")]
)]
fn a_good_chain_gives_the_key(#[case] store: TrustStore, #[case] received: Vec<Certificate>) {
    assert_eq!(validate(&store, &received).as_ref(), Ok(key!("rsa-2048").public()));
}

#[rstest]
#[case::ecdsa(certificate!("ecdsa-ca"), certificate!("alice-of-ecdsa-ca"), KeyType::EcdsaP256)]
#[case::dsa(certificate!("dsa-ca"), certificate!("alice-of-dsa-ca"), KeyType::Dsa)]
fn authorities_sign_with_other_algorithms_too(
    #[case] anchor: Certificate,
    #[case] leaf: Certificate,
    #[case] key_type: KeyType,
) {
    let store = TrustStore { anchors: vec![anchor], ..TrustStore::default() };
    assert_eq!(validate(&store, &[leaf]).unwrap().key_type(), key_type);
}

#[rstest]
#[case::nothing_sent(vec![], PkiError::NoKey(alice().to_id().to_string()))]
#[case::other_identity(vec![certificate!("bob")], PkiError::Identity(alice().to_id().to_string()))]
#[case::expired(
    vec![certificate!("alice-until-2000")],
    PkiError::Expired { subject: alice(), until: UnixTime(978_307_199), at: NOW }
)]
#[case::not_yet_valid(
    vec![certificate!("alice-from-2090")],
    PkiError::NotYetValid { subject: alice(), from: UnixTime(3_786_912_000), at: NOW }
)]
#[case::unknown_authority(
    vec![certificate!("alice-of-other-ca"), certificate!("other-ca")],
    PkiError::UnknownAuthority(authority("Other CA"))
)]
#[case::unknown_authority_not_sent(
    vec![certificate!("alice-of-other-ca")], PkiError::UnknownAuthority(authority("Other CA"))
)]
#[case::self_signed(vec![certificate!("alice-self-signed")], PkiError::UnknownAuthority(alice()))]
#[case::missing_intermediate(
    vec![certificate!("alice-of-intermediate")], PkiError::UnknownAuthority(authority("Intermediate CA"))
)]
#[case::authority_of_the_same_name(
    vec![certificate!("alice-of-impostor"), certificate!("impostor-ca")],
    PkiError::Signature { subject: alice(), issuer: authority("Test CA") }
)]
#[case::issued_by_a_peer(
    vec![certificate!("alice-of-bob"), certificate!("bob")], PkiError::NotAnAuthority(authority("bob"))
)]
#[case::authority_without_basic_constraints(
    vec![certificate!("alice-of-without-constraints"), certificate!("without-constraints")],
    PkiError::NotAnAuthority(authority("CA without constraints"))
)]
#[case::authority_that_may_not_sign_certificates(
    vec![certificate!("alice-of-crl-only"), certificate!("crl-only")],
    PkiError::KeyUsage { subject: authority("CA for CRLs only"), purpose: KeyPurpose::Certificates }
)]
#[case::path_length(
    vec![
        certificate!("alice-of-below-intermediate"), certificate!("below-intermediate"), certificate!("intermediate")
    ],
    PkiError::PathLength { authority: authority("Intermediate CA"), limit: 0, got: 1 }
)]
#[case::circle(
    vec![certificate!("alice-of-circle"), certificate!("circle-a"), certificate!("circle-b")],
    PkiError::Circle(authority("Circle B"))
)]
#[case::chain_too_long(
    vec![
        certificate!("alice-of-long-8"), certificate!("long-1"), certificate!("long-2"), certificate!("long-3"),
        certificate!("long-4"), certificate!("long-5"), certificate!("long-6"), certificate!("long-7"),
        certificate!("long-8")
    ],
    PkiError::ChainTooLong(8)
)]
#[case::key_usage(
    vec![certificate!("alice-usage-none")],
    PkiError::KeyUsage { subject: alice(), purpose: KeyPurpose::Signature }
)]
#[case::extended_key_usage(vec![certificate!("alice-extended-server")], PkiError::ExtendedKeyUsage(alice()))]
#[case::critical_extension(
    vec![certificate!("alice-critical-unknown")],
    PkiError::CriticalExtension { subject: alice(), oid: "1.3.6.1.4.1.32473.1".into() }
)]
#[case::md5(
    vec![certificate!("alice-md5")],
    PkiError::SignatureAlgorithm { subject: alice(), algorithm: "1.2.840.113549.1.1.4".into() }
)]
#[case::weak_key(
    vec![certificate!("alice-weak-key")],
    PkiError::Key {
        subject: alice(),
        source: crate::crypto::KeyError::Size { algorithm: "RSA", bits: 512, expected: "1024 to 8192" }
    }
)]
#[case::unknown_key(
    vec![certificate!("alice-unknown-key")],
    PkiError::Key { subject: alice(), source: crate::crypto::KeyError::Algorithm("1.3.101.112".into()) }
)]
fn a_bad_chain_is_refused(#[case] received: Vec<Certificate>, #[case] expected: PkiError) {
    assert_eq!(validate(&store(), &received), Err(expected));
}

#[test]
fn an_anchor_has_to_be_valid_itself() {
    let store = TrustStore { anchors: vec![certificate!("expired-ca")], ..TrustStore::default() };
    let until = UnixTime(946_684_799);
    let expected = PkiError::Expired { subject: authority("Expired CA"), until, at: NOW };
    assert_eq!(validate(&store, &[certificate!("alice-of-expired-ca")]), Err(expected));
}

#[rstest]
#[case::none(vec![], CrlProblem::Missing(authority("Test CA")))]
#[case::of_another_authority(vec![crl!("of-intermediate")], CrlProblem::Missing(authority("Test CA")))]
#[case::signed_by_somebody_else(vec![crl!("of-impostor")], CrlProblem::Signature(authority("Test CA")))]
#[case::stale(vec![crl!("stale")], CrlProblem::Stale)]
#[case::of_the_future(vec![crl!("future")], CrlProblem::NotYetValid)]
#[case::delta(vec![crl!("delta")], CrlProblem::CriticalExtension("2.5.29.27".into()))]
fn a_bad_crl_is_none(#[case] crls: Vec<Crl>, #[case] problem: CrlProblem) {
    let expected = PkiError::RevocationUnknown { subject: alice(), problem };
    assert_eq!(validate(&strict_store(crls.clone()), &[certificate!("alice")]), Err(expected));
    assert!(validate(&TrustStore { crls, ..store() }, &[certificate!("alice")]).is_ok());
}

#[test]
fn an_authority_may_be_barred_from_crls() {
    let store = strict_store(vec![crl!("empty"), crl!("of-certificates-only")]);
    let issuer = authority("CA for certificates only");
    let problem = CrlProblem::KeyUsage(issuer);
    let received = [certificate!("alice-of-certificates-only"), certificate!("certificates-only")];
    assert_eq!(validate(&store, &received), Err(PkiError::RevocationUnknown { subject: alice(), problem }));
}

#[rstest]
#[case::up_to_date(vec![crl!("alice")])]
#[case::beside_a_crl_that_does_not_list_it(vec![crl!("empty"), crl!("alice")])]
#[case::out_of_date(vec![crl!("empty"), crl!("alice-stale")])]
fn a_certificate_that_a_crl_lists_is_revoked(#[case] crls: Vec<Crl>) {
    let received = [certificate!("alice")];
    let revoked = Err(PkiError::Revoked(alice()));
    assert_eq!(validate(&strict_store(crls.clone()), &received), revoked);
    assert_eq!(validate(&TrustStore { crls: crls.clone(), ..store() }, &received), revoked);
    for p in providers() {
        let result = store().validate(*p, &received, &crls, &alice().to_id(), NOW, KeyPurpose::Signature);
        assert_eq!(result, revoked, "received in the message, {}", p.name());
    }
    assert!(
        validate(&TrustStore { crls, ..store() }, &[certificate!("alice-sha1")]).is_ok(),
        "another one is not"
    );
}

#[test]
fn an_authority_can_be_revoked() {
    let store = TrustStore { crls: vec![crl!("alice-and-intermediate")], ..store() };
    let received = [certificate!("alice-of-intermediate"), certificate!("intermediate")];
    assert_eq!(validate(&store, &received), Err(PkiError::Revoked(authority("Intermediate CA"))));
}

const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// The GeneralName `[2] "alice.example"`.
const GENERAL_NAME: &[u8] = b"\x82\x0dalice.example";

#[rstest]
#[case::dn(alice().to_id(), true)]
#[case::another_dn(name("CN=bob,O=Example,C=CH").to_id(), false)]
#[case::part_of_the_dn(name("O=Example,C=CH").to_id(), false)]
#[case::dn_in_another_order(name("C=CH,O=Example,CN=alice").to_id(), false)]
#[case::dn_in_another_case(name("CN=Alice,O=Example,C=CH").to_id(), false)]
#[case::no_dn(Identification::der(vec![0xff]), false)]
#[case::ipv4(Identification::ipv4(V4), true)]
#[case::ipv4_with_port(Identification::ipv4(V4).with_protocol_and_port(17, 500), true)]
#[case::another_ipv4(Identification::ipv4(Ipv4Addr::new(192, 0, 2, 2)), false)]
#[case::ipv6(Identification::ipv6(V6), true)]
#[case::another_ipv6(Identification::ipv6(Ipv6Addr::LOCALHOST), false)]
#[case::ipv4_mapped(Identification::ipv6(V4.to_ipv6_mapped()), false)]
#[case::fqdn(Identification::fqdn("alice.example"), true)]
#[case::fqdn_in_another_case(Identification::fqdn("ALICE.Example"), true)]
#[case::another_fqdn(Identification::fqdn("bob.example"), false)]
#[case::longer_fqdn(Identification::fqdn("alice.example.org"), false)]
#[case::common_name_as_fqdn(Identification::fqdn("alice"), false)]
#[case::empty_fqdn(Identification::fqdn(""), false)]
#[case::user_fqdn(Identification::user_fqdn("Alice@example.org"), true)]
#[case::user_fqdn_in_another_case(Identification::user_fqdn("alice@EXAMPLE.org"), true)]
#[case::another_user(Identification::user_fqdn("bob@example.org"), false)]
#[case::user_fqdn_as_fqdn(Identification::fqdn("alice@example.org"), false)]
#[case::general_name(Identification::new(IdType::DER_ASN1_GN, GENERAL_NAME), true)]
#[case::another_general_name(Identification::new(IdType::DER_ASN1_GN, &b"\x82\x0bbob.example"[..]), false)]
#[case::subnet(Identification::ipv4_subnet(V4, 32), false)]
#[case::range(Identification::ipv4_range(V4, V4), false)]
#[case::key_id(Identification::key_id(&b"alice"[..]), false)]
fn a_certificate_names_what_it_contains(#[case] id: Identification, #[case] named: bool) {
    assert_eq!(certificate!("alice").names(&id), named);
    let result = validate_for(&store(), &[certificate!("alice")], &id, KeyPurpose::Signature);
    if named {
        assert!(result.is_ok());
    } else {
        assert_eq!(result, Err(PkiError::Identity(id.to_string())));
    }
}

#[test]
fn a_wildcard_names_nobody_else() {
    let certificate = certificate!("bob-wildcard");
    assert!(!certificate.names(&Identification::fqdn("bob.example")));
    assert!(certificate.names(&Identification::fqdn("*.example")), "a plain comparison");
}

#[test]
fn an_empty_subject_names_nobody() {
    let certificate = certificate!("bob-without-name");
    assert!(!certificate.names(&certificate.subject().to_id()));
    assert!(certificate.names(&Identification::fqdn("bob.example")));
    assert_eq!(certificate.identities(), [Identification::fqdn("bob.example")]);
    assert_eq!(certificate.subject().to_string(), "(empty name)");
}

#[test]
fn a_certificate_lists_its_identities() {
    let expected = [
        alice().to_id(),
        Identification::fqdn("alice.example"),
        Identification::ip(IpAddr::V4(V4)),
        Identification::ip(IpAddr::V6(V6)),
        Identification::user_fqdn("Alice@example.org"),
    ];
    assert_eq!(certificate!("alice").identities(), expected);
}

#[rstest]
#[case::both("alice", true)]
#[case::encryption("alice-usage-encryption", true)]
#[case::signature_alone("alice-usage-signature", false)]
fn encryption_needs_its_own_key_usage(#[case] which: &str, #[case] allowed: bool) {
    let certificate = match which {
        "alice" => certificate!("alice"),
        "alice-usage-encryption" => certificate!("alice-usage-encryption"),
        _ => certificate!("alice-usage-signature"),
    };
    let result = validate_for(&store(), &[certificate], &alice().to_id(), KeyPurpose::Encryption);
    let refused = PkiError::KeyUsage { subject: alice(), purpose: KeyPurpose::Encryption };
    assert_eq!(result.err(), (!allowed).then_some(refused));
}

#[test]
fn a_raw_key_belongs_to_exactly_its_identity() {
    let key_id = Identification::key_id(&b"alice"[..]);
    let key = key!("ecdsa-p256").public().clone();
    let store = TrustStore { raw_keys: vec![(key_id.clone(), key.clone())], ..TrustStore::default() };
    let with_port = key_id.with_protocol_and_port(17, 500);
    assert_eq!(validate_for(&store, &[], &with_port, KeyPurpose::Signature), Ok(key));
    let other = Identification::key_id(&b"bob"[..]);
    let expected = PkiError::NoKey(other.to_string());
    assert_eq!(validate_for(&store, &[], &other, KeyPurpose::Signature), Err(expected));
}

#[test]
fn a_message_holds_a_bounded_number_of_certificates() {
    let many = vec![certificate!("bob"); 17];
    assert_eq!(validate(&store(), &many), Err(PkiError::TooMany { what: "certificates", limit: 16 }));
    let crls = vec![crl!("empty"); 9];
    let result = store().validate(reference(), &[], &crls, &alice().to_id(), NOW, KeyPurpose::Signature);
    assert_eq!(result, Err(PkiError::TooMany { what: "CRLs", limit: 8 }));
}

#[test]
fn the_search_for_a_chain_is_bounded() {
    let policy = CertificatePolicy {
        limits: PkiLimits { signatures_max: 3, ..PkiLimits::default() },
        ..CertificatePolicy::default()
    };
    let anchors = vec![certificate!("impostor-ca"); 4];
    let store = TrustStore { anchors, policy, ..TrustStore::default() };
    assert_eq!(validate(&store, &[certificate!("alice")]), Err(PkiError::TooManySignatures(3)));
}

fn payload(certificate: &Certificate) -> wire::Certificate {
    wire::Certificate::new(CertEncoding::X509_SIGNATURE, certificate.as_der().clone())
}

#[test]
fn payloads_are_sorted_by_what_they_hold() {
    let (alice, empty) = (certificate!("alice"), crl!("empty"));
    let payloads = [
        payload(&alice),
        wire::Certificate::new(CertEncoding::CRL, empty.as_der().clone()),
        wire::Certificate::new(CertEncoding::PKCS7, alice.as_der().clone()),
        payload(&alice),
        wire::Certificate::new(CertEncoding::X509_SIGNATURE, &b"\x30\x00"[..]),
    ];
    let received = Received::from_payloads(&payloads, &PkiLimits::default()).unwrap();
    assert_eq!(received.certificates, [alice]);
    assert_eq!(received.crls, [empty]);
    let notifies: Vec<_> = received.discarded.iter().map(PkiError::notify_type).collect();
    assert_eq!(notifies, [NotifyType::INVALID_CERT_ENCODING, NotifyType::INVALID_CERTIFICATE]);
    let many = vec![payloads[0].clone(); 25];
    assert!(matches!(Received::from_payloads(&many, &PkiLimits::default()), Err(PkiError::TooMany { .. })));
}

#[rstest]
#[case::root("CN=Test CA,O=Example,C=CH", None)]
#[case::intermediate("CN=Intermediate CA,O=Example,C=CH", None)]
#[case::other("CN=Other CA,O=Example,C=CH", Some(NotifyType::CERTIFICATE_UNAVAILABLE))]
fn a_request_is_answered_if_the_chain_leads_there(
    #[case] authority: &str,
    #[case] notify: Option<NotifyType>,
) {
    let (alice, intermediate) = (certificate!("alice-of-intermediate"), certificate!("intermediate"));
    let chain = vec![alice.clone(), intermediate.clone(), certificate!("ca")];
    let credentials = Credentials::new(key!("rsa-2048"), chain).unwrap();
    let authority = name(authority);
    let request = CertificateRequest::new(CertEncoding::X509_SIGNATURE, authority.as_der().clone());
    let answer = credentials.answer(&request);
    assert_eq!(answer.as_ref().err().map(PkiError::notify_type), notify);
    assert_eq!(credentials.names_requested(authority.as_der()), notify.is_none());
    if notify.is_none() {
        assert_eq!(
            answer.unwrap(),
            [payload(&alice), payload(&intermediate)],
            "our own first, without the root"
        );
    }
}

#[rstest]
#[case::any_authority(CertEncoding::X509_SIGNATURE, &[], None)]
#[case::no_name(CertEncoding::X509_SIGNATURE, &[1, 2, 3], Some(NotifyType::INVALID_CERT_AUTHORITY))]
#[case::pgp(CertEncoding::PGP, &[], Some(NotifyType::CERT_TYPE_UNSUPPORTED))]
fn odd_requests_are_told_apart(
    #[case] cert_type: CertEncoding,
    #[case] authority: &'static [u8],
    #[case] notify: Option<NotifyType>,
) {
    let credentials = Credentials::new(key!("rsa-2048"), vec![certificate!("alice")]).unwrap();
    let answer = credentials.answer(&CertificateRequest::new(cert_type, authority));
    assert_eq!(answer.err().map(|error| error.notify_type()), notify);
}

#[test]
fn credentials_must_fit_together() {
    let foreign = Credentials::new(key!("rsa-2048-other"), vec![certificate!("alice")]).unwrap_err();
    assert_eq!(foreign, PkiError::ForeignPrivateKey(alice()));
    let chain = vec![certificate!("alice"), certificate!("other-ca")];
    assert!(matches!(Credentials::new(key!("rsa-2048"), chain), Err(PkiError::BrokenChain(_))));
    assert!(matches!(Credentials::new(key!("rsa-2048"), vec![]), Err(PkiError::BrokenChain(_))));
    let raw = Credentials::raw(key!("rsa-2048"));
    assert_eq!(raw.public_key(), key!("rsa-2048").public());
    assert!(!raw.names_requested(&[]), "there is no certificate to send");
}

#[test]
fn a_store_asks_for_its_anchors() {
    let requests = store().requests();
    let expected =
        CertificateRequest::new(CertEncoding::X509_SIGNATURE, authority("Test CA").as_der().clone());
    assert_eq!(requests, [expected]);
}

#[rstest]
#[case::plain("CN=alice,O=Example,C=CH")]
#[case::escaped_comma("CN=Smith\\, Alice,O=Example")]
#[case::two_values("CN=alice,OU=One,OU=Two,C=CH")]
fn a_name_reads_as_it_prints(#[case] text: &str) {
    assert_eq!(name(text).to_string(), text);
}

#[test]
fn times_print_as_dates() {
    assert_eq!(NOW.to_string(), "2024-02-29T12:00:00Z");
    assert_eq!(UnixTime(u64::MAX).to_string(), format!("{} s after 1970", u64::MAX));
}

#[test]
fn a_bundle_gives_its_certificates_in_order() {
    let text = [
        include_str!("../../tests/fixtures/pki/keys/rsa-2048.pem"),
        include_str!("../../tests/fixtures/pki/certificates/alice.pem"),
        include_str!("../../tests/fixtures/pki/certificates/ca.pem"),
    ]
    .concat();
    assert_eq!(Certificate::bundle_from_pem(&text).unwrap(), [certificate!("alice"), certificate!("ca")]);
    assert!(Certificate::from_pem(include_str!("../../tests/fixtures/pki/crls/empty.pem")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_certificate_with_a_flipped_bit_is_refused(position in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut der = certificate!("alice").as_der().to_vec();
        let position = position.index(der.len());
        der[position] ^= 1_u8 << bit;
        if let Ok(certificate) = Certificate::from_der(der) {
            let id = certificate.subject().to_id();
            prop_assert!(store().validate(reference(), &[certificate], &[], &id, NOW, KeyPurpose::Signature).is_err());
        }
    }

    #[test]
    fn a_crl_with_a_flipped_bit_is_none(position in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut der = crl!("empty").as_der().to_vec();
        let position = position.index(der.len());
        der[position] ^= 1_u8 << bit;
        if let Ok(crl) = Crl::from_der(der) {
            let result = strict_store(vec![crl]).validate(
                reference(), &[certificate!("alice")], &[], &alice().to_id(), NOW, KeyPurpose::Signature
            );
            prop_assert!(matches!(result, Err(PkiError::RevocationUnknown { .. })), "{result:?}");
        }
    }

    #[test]
    fn no_bytes_make_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Certificate::from_der(bytes.clone());
        let _ = Crl::from_der(bytes.clone());
        let _ = PublicKey::from_spki_der(&bytes);
        let _ = PrivateKey::from_der(&bytes);
        if let Ok(name) = DistinguishedName::from_der(bytes) {
            let _ = name.to_string();
        }
    }

    #[test]
    fn no_change_of_a_certificate_makes_parsers_panic(
        which in 0..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let certificate = [certificate!("alice-of-dsa-ca"), certificate!("alice-of-ecdsa-ca"), certificate!("alice")]
            [usize::try_from(which).unwrap()].clone();
        let mut der = certificate.as_der().to_vec();
        for (position, byte) in changes {
            let position = position.index(der.len());
            der[position] = byte;
        }
        if let Ok(certificate) = Certificate::from_der(der) {
            let _ = (certificate.public_key(), certificate.identities(), format!("{certificate:?}"));
        }
    }
}
