//! Every input of the committed corpora, on the stable compiler.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use ikev1_fuzz_bodies::TARGETS;
use rstest::rstest;

/// Where `cargo fuzz` keeps its corpora.
fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

#[rstest]
#[case::certificates("certificates")]
#[case::decode("decode")]
#[case::dissect("dissect")]
#[case::endpoint_clear("endpoint_clear")]
#[case::endpoint_keyed("endpoint_keyed")]
#[case::fragments("fragments")]
#[case::scenario_json("scenario_json")]
fn no_input_of_the_corpus_makes_the_target_panic(#[case] name: &str) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let mut inputs: Vec<PathBuf> =
        fs::read_dir(corpora().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "the corpus of {name} is empty");
    for input in inputs {
        // A panic shows this line before its own.
        println!("{}", input.display());
        target(&fs::read(&input).unwrap());
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus_that_is_run_here() {
    let manifest = fs::read_to_string(corpora().join("../Cargo.toml")).unwrap();
    let here = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus.rs")).unwrap();
    let mut folders: Vec<String> = fs::read_dir(corpora())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(folders, names);
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no program");
        assert!(here.contains(&format!("#[case::{name}(\"{name}\")]")), "{name} is not run here");
    }
}
