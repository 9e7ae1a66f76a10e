//! Chain vectors made of cases of the engine against itself.

use std::path::Path;

use ikev1::crypto::providers;
use ikev1_runner::execute::{CaseLimits, execute_case};
use ikev1_runner::target::loopback::Loopback;
use ikev1_runner::vectors::{
    Authentication, ChainFile, ChainGroup, LoadedFile, RecordError, record_chain, to_json,
};
use ikev1_scenario::{Case, DEFAULT_GROUP, Library, expand_all};
use rstest::rstest;

/// The case of a scenario that has this ID, as initiator.
fn case(id: &str) -> Case {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let library = Library::load(&root).unwrap();
    expand_all(&library.scenarios, DEFAULT_GROUP)
        .into_iter()
        .find(|case| case.id == id && case.role.name() == "initiator")
        .unwrap()
}

async fn recorded(id: &str) -> Result<ChainGroup, RecordError> {
    let case = case(id);
    let artefacts = execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await;
    record_chain(&case, &artefacts.transcript, 1)
}

#[rstest]
#[case::pre_shared_key("rfc2409/5.5-quick-mode/messages-of-the-responder", Authentication::Psk, 0)]
#[case::rsa_signatures(
    "rfc2409/5.1-signatures/algorithms/main-mode-rsa-signature-sha2-256",
    Authentication::Signature,
    0
)]
#[case::rsa_signatures_in_aggressive_mode(
    "rfc2409/5.1-signatures/algorithms/aggressive-mode-rsa-signature-md5",
    Authentication::Signature,
    0
)]
#[case::xauth(
    "draft-beaulieu-ike-xauth-02/5.1-simple-authentication/name-and-password/main-mode",
    Authentication::Psk,
    2
)]
#[tokio::test]
async fn a_recorded_chain_passes_its_own_check(
    #[case] id: &str,
    #[case] authentication: Authentication,
    #[case] transactions: usize,
) {
    let group = recorded(id).await.unwrap();
    assert_eq!(group.authentication, authentication);
    let test = &group.tests[0];
    assert_eq!((test.transactions.len(), test.quick_modes.len()), (transactions, 1));
    assert_eq!(test.phase1.signature.is_some(), authentication == Authentication::Signature);
    assert_eq!(test.phase1.psk.is_some(), authentication == Authentication::Psk);
    let text = to_json(&ChainFile::recorded("a test", "a test", "a test", vec![group])).unwrap();
    let file = LoadedFile::from_json(Path::new("chain.json"), &text).unwrap();
    for provider in providers() {
        assert_eq!(file.check(*provider).failures, [], "{}", provider.name());
    }
}

#[rstest]
#[case::public_key_encryption(
    "rfc2409/5.2-public-key-encryption/algorithms/main-mode-aes128-sha1",
    RecordError::Authentication("rsa-encryption")
)]
#[case::hybrid(
    "draft-ietf-ipsec-isakmp-hybrid-auth-05/4.2-unidirectional/negotiated-hash/rsa-signature-md5",
    RecordError::Authentication("hybrid")
)]
#[case::fragments("fragmentation/reassembly/main-mode-initiator-in-order", RecordError::Fragments)]
#[tokio::test]
async fn what_the_form_of_a_chain_does_not_hold_is_left_out(#[case] id: &str, #[case] expected: RecordError) {
    assert_eq!(recorded(id).await.unwrap_err(), expected);
}
