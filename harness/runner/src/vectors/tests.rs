//! The committed files, the errors, the report.

use std::fs;
use std::path::{Path, PathBuf};

use ikev1::crypto::{providers, reference};
use insta::assert_snapshot;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn committed(name: &str) -> PathBuf {
    default_root().join(name)
}

fn committed_text(name: &str) -> String {
    fs::read_to_string(committed(name)).unwrap()
}

/// A small sound file to spoil.
fn small() -> String {
    r#"{
  "schema": "hmac-v1.schema.json",
  "description": "two of RFC 2202",
  "source": "RFC 2202",
  "generator": "by hand",
  "numberOfTests": 2,
  "notes": {"Short": "a short key"},
  "testGroups": [
    {
      "hash": "md5",
      "tagBits": 128,
      "tests": [
        {"tcId":1,"comment":"1","flags":[],"key":"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b","msg":"4869205468657265","tag":"9294727a3638bb1c13f48ef8158bfc9d","result":"valid"},
        {"tcId":2,"comment":"2","flags":["Short"],"key":"4a656665","msg":"7768617420646f2079612077616e7420666f72206e6f7468696e673f","tag":"750c783e6ab0b503eaa86e310a5db738","result":"valid"}
      ]
    }
  ]
}
"#
    .to_owned()
}

fn load(text: &str) -> Result<LoadedFile, VectorError> {
    LoadedFile::from_json(Path::new("small.json"), text)
}

/// The message of the error that replacing `from` by `to` in the small file gives.
fn spoiled(from: &str, to: &str) -> String {
    let text = small();
    assert!(text.contains(from), "the small file has no {from}");
    load(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn every_committed_file_passes_on_every_provider() {
    for path in default_files(&default_root()).unwrap() {
        let file = LoadedFile::open(&path).unwrap();
        for p in providers() {
            let outcome = file.check(*p);
            assert_eq!(outcome.failures, [], "{} {}", path.display(), p.name());
            assert!(outcome.values >= outcome.number_of_tests());
        }
    }
}

#[test]
fn the_committed_files_have_the_stated_numbers_of_tests() {
    let names = [
        "cbc/block-ciphers.json",
        "hmac/rfc2202.json",
        "hmac/rfc4231.json",
        "nist-cavp/ikev1-dsa.json",
        "nist-cavp/ikev1-psk.json",
        "primes/modp.json",
    ];
    let lines: Vec<_> = names
        .iter()
        .map(|name| {
            let outcome = check_file(&committed(name), reference()).unwrap();
            let labels: Vec<_> =
                outcome.tests.iter().map(|(label, count)| format!("{label} {count}")).collect();
            let (tests, values) = (outcome.number_of_tests(), outcome.values);
            format!("{name}: {} tests, {values} values ({})", tests, labels.join(", "))
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    cbc/block-ciphers.json: 20 tests, 80 values (3des 3, aes128 1, aes192 1, aes256 1, blowfish128 1, blowfish192 1, blowfish40 1, blowfish64 1, camellia128 1, camellia192 1, camellia256 1, cast128 1, cast40 1, cast80 1, des 1, idea 1, rc5-128 1, rc5-64 1)
    hmac/rfc2202.json: 16 tests, 16 values (md5 8, sha1 8)
    hmac/rfc4231.json: 21 tests, 21 values (sha2-256 7, sha2-384 7, sha2-512 7)
    nist-cavp/ikev1-dsa.json: 850 tests, 3400 values (signature sha1 250, signature sha2-256 200, signature sha2-384 200, signature sha2-512 200)
    nist-cavp/ikev1-psk.json: 850 tests, 3400 values (psk sha1 250, psk sha2-256 200, psk sha2-384 200, psk sha2-512 200)
    primes/modp.json: 8 tests, 40 values (formula and engine 8)
    "#);
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let committed = committed_text(&format!("schema/{name}"));
        assert!(committed == schema, "vectors/schema/{name} is not what the types give: write it anew");
    }
}

#[test]
fn writing_a_committed_file_gives_the_same_text() {
    for path in default_files(&default_root()).unwrap() {
        let text = fs::read_to_string(&path).unwrap();
        let written = match LoadedFile::open(&path).unwrap().contents {
            load::Contents::PhaseOneKeys(file) => to_json(&file),
            load::Contents::Hmac(file) => to_json(&file),
            load::Contents::Cbc(file) => to_json(&file),
            load::Contents::ModpPrimes(file) => to_json(&file),
            load::Contents::Chain(file) => to_json(&file),
        };
        assert!(written.unwrap() == text, "{} is not in the form that to_json writes", path.display());
    }
}

/// Other digit, same length.
fn flip(digit: char) -> char {
    if digit == '0' { '1' } else { '0' }
}

#[rstest]
#[case::nist_psk("nist-cavp/ikev1-psk.json", &["cky_i", "cky_r", "ni_b", "nr_b", "g_xy", "psk", "skeyid", "skeyid_d", "skeyid_a", "skeyid_e"])]
#[case::nist_dsa("nist-cavp/ikev1-dsa.json", &["cky_i", "cky_r", "ni_b", "nr_b", "g_xy", "skeyid", "skeyid_d", "skeyid_a", "skeyid_e"])]
#[case::cbc("cbc/block-ciphers.json", &["key", "iv", "msg", "ct"])]
#[case::rfc2202("hmac/rfc2202.json", &["key", "msg", "tag"])]
#[case::rfc4231("hmac/rfc4231.json", &["key", "msg", "tag"])]
#[case::primes("primes/modp.json", &["prime"])]
fn a_wrong_digit_in_any_value_is_noticed(#[case] name: &str, #[case] fields: &[&str]) {
    let text = committed_text(name);
    for field in fields {
        let start = text.find(&format!("\"{field}\":\"")).unwrap() + field.len() + 4;
        let mut wrong = text.clone();
        let digit = wrong[start..].chars().next().unwrap();
        wrong.replace_range(start..=start, &flip(digit).to_string());
        for p in providers() {
            let outcome = LoadedFile::from_json(Path::new(name), &wrong).unwrap().check(*p);
            assert!(!outcome.is_ok(), "{name}: {} did not notice the wrong {field}", p.name());
            assert!(outcome.failures.iter().all(|failure| failure.tc_id == 1), "{field}");
        }
    }
}

#[rstest]
#[case::k("\"k\":149686", "\"k\":149687")]
#[case::n("\"n\":768", "\"n\":769")]
#[case::generator("\"generator\":2", "\"generator\":5")]
#[case::id("\"id\":1,", "\"id\":2,")]
#[case::name("\"name\":\"modp768\"", "\"name\":\"modp769\"")]
#[case::a_group_that_is_no_modp_group("\"id\":18,", "\"id\":19,")]
#[case::a_group_of_the_engine_flagged_as_foreign("\"flags\":[]", "\"flags\":[\"NotInEngine\"]")]
#[case::a_foreign_group_without_the_flag("\"id\":18,", "\"id\":99,")]
#[case::n_out_of_range("\"n\":768", "\"n\":4000000000")]
fn a_wrong_parameter_of_a_prime_is_noticed(#[case] from: &str, #[case] to: &str) {
    let text = committed_text("primes/modp.json");
    assert!(text.contains(from));
    let file = LoadedFile::from_json(Path::new("modp.json"), &text.replacen(from, to, 1)).unwrap();
    assert!(!file.check(reference()).is_ok());
}

#[rstest]
#[case::short_key("\"key\":\"0123456789abcdef\"", "\"key\":\"0123456789abcd\"")]
#[case::another_key_length("\"cipher\": \"rc5-64\"", "\"cipher\": \"rc5-72\"")]
#[case::short_iv("\"iv\":\"1234567890abcdef\"", "\"iv\":\"1234567890abcd\"")]
#[case::part_of_a_block("\"msg\":\"0123456789abcdef\"", "\"msg\":\"0123456789abcd\"")]
#[case::longer_ciphertext("\"ct\":\"a826fd8ce53b855f\"", "\"ct\":\"a826fd8ce53b855f0000000000000000\"")]
#[case::nothing("\"msg\":\"0000000100020003\",\"ct\":\"11fbed2b01986de5\"", "\"msg\":\"\",\"ct\":\"\"")]
fn lengths_that_a_cipher_does_not_take_are_refused(#[case] from: &str, #[case] to: &str) {
    let text = committed_text("cbc/block-ciphers.json");
    assert!(text.contains(from));
    let refused = LoadedFile::from_json(Path::new("cbc.json"), &text.replacen(from, to, 1));
    assert!(matches!(refused, Err(VectorError::Contradiction { .. })), "{refused:?}");
}

#[test]
fn the_small_file_is_sound_until_spoiled() {
    let outcome = load(&small()).unwrap().check(reference());
    assert!(outcome.is_ok());
    assert_eq!(outcome.number_of_tests(), 2);
}

#[test]
fn an_error_names_file_line_column_and_json_path() {
    let errors = [
        spoiled("\"comment\":\"2\"", "\"coment\":\"2\""),
        spoiled("\"tagBits\": 128", "\"tagBits\": 128, \"tagSize\": 128"),
        spoiled("\"source\": \"RFC 2202\",", ""),
        spoiled("\"result\":\"valid\"", "\"result\":\"acceptable\""),
        spoiled("\"md5\"", "\"md4\""),
        spoiled("\"4a656665\"", "\"4a65666\""),
        spoiled("\"4a656665\"", "\"4A656665\""),
        spoiled("\"tcId\":2", "\"tcId\":\"2\""),
        spoiled("  ]\n}\n", "  ]\n}\n{}"),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    small.json:14:26: at testGroups[0].tests[1].coment: unknown field `coment`, expected one of `tcId`, `comment`, `flags`, `key`, `msg`, `tag`, `result`
    small.json:11:31: at testGroups[0].tagSize: unknown field `tagSize`, expected one of `hash`, `tagBits`, `tests`
    small.json:18:1: at .: missing field `source`
    small.json:13:171: at testGroups[0].tests[0].result: unknown variant `acceptable`, expected `valid` or `invalid`
    small.json:10:19: at testGroups[0].hash: unknown hash "md4", expected one of md5, sha1, tiger, sha2-256, sha2-384, sha2-512
    small.json:14:65: at testGroups[0].tests[1].key: Odd number of digits, expected pairs of hexadecimal digits
    small.json:14:66: at testGroups[0].tests[1].key: upper-case hexadecimal digits, expected lower-case
    small.json:14:19: at testGroups[0].tests[1].tcId: invalid type: string "2", expected u32
    small.json:19:1: at the end: trailing characters
    "#);
}

#[test]
fn a_file_that_contradicts_itself_is_refused() {
    let errors = [
        spoiled("hmac-v1.schema.json", "hmac-v2.schema.json"),
        spoiled("\"tcId\":2", "\"tcId\":1"),
        spoiled("\"numberOfTests\": 2", "\"numberOfTests\": 3"),
        spoiled("[\"Short\"]", "[\"Long\"]"),
        spoiled("\"tagBits\": 128", "\"tagBits\": 96"),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    small.json: unknown schema "hmac-v2.schema.json", expected one of phase1-keys-v1.schema.json, hmac-v1.schema.json, cbc-v1.schema.json, modp-primes-v1.schema.json, chain-v1.schema.json
    small.json: tcId 1 is used twice
    small.json: numberOfTests says 3, found 2
    small.json: tcId 2 has the flag "Long", which notes does not explain
    small.json: tcId 1: tag of 128 bits, expected tagBits 96 of at most 128
    "#);
}

#[test]
fn a_tag_longer_than_the_hash_is_refused() {
    let long = spoiled("9294727a3638bb1c13f48ef8158bfc9d", "9294727a3638bb1c13f48ef8158bfc9d00");
    assert_snapshot!(long, @"small.json: tcId 1: tag of 136 bits, expected tagBits 128 of at most 128");
}

#[test]
fn an_empty_file_group_or_list_of_groups_is_refused() {
    let frame = small();
    let groups = frame.find("\"testGroups\"").unwrap();
    let head = frame[..groups].replace("\"numberOfTests\": 2", "\"numberOfTests\": 0");
    let errors = [
        load("").unwrap_err().to_string(),
        load("{}").unwrap_err().to_string(),
        load(&format!("{head}\"testGroups\": []}}")).unwrap_err().to_string(),
        load(&format!("{head}\"testGroups\": [{{\"hash\":\"md5\",\"tagBits\":128,\"tests\":[]}}]}}"))
            .unwrap_err()
            .to_string(),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    small.json:1:0: at .: EOF while parsing a value
    small.json:1:2: at .: missing field `schema`
    small.json: no tests in testGroups
    small.json: no tests in testGroups[0]
    "#);
}

#[rstest]
#[case::psk_without_psk("nist-cavp/ikev1-psk.json", "\"psk\":\"75\",", "")]
#[case::signature_with_psk("nist-cavp/ikev1-dsa.json", "\"skeyid\":", "\"psk\":\"75\",\"skeyid\":")]
#[case::short_cookie("nist-cavp/ikev1-psk.json", "\"cky_i\":\"83", "\"cky_i\":\"")]
#[case::length_of_nonce("nist-cavp/ikev1-psk.json", "\"niBits\": 64", "\"niBits\": 72")]
#[case::length_of_psk("nist-cavp/ikev1-psk.json", "\"pskBits\": 8", "\"pskBits\": 16")]
fn a_phase_1_test_must_fit_its_group(#[case] name: &str, #[case] from: &str, #[case] to: &str) {
    let text = committed_text(name);
    assert!(text.contains(from));
    let error = LoadedFile::from_json(Path::new(name), &text.replacen(from, to, 1)).unwrap_err();
    assert!(matches!(error, VectorError::Contradiction { tc_id: 1, .. }), "{error}");
}

#[test]
fn a_test_marked_invalid_must_not_come_out_valid() {
    let text = small().replace("\"result\":\"valid\"", "\"result\":\"invalid\"");
    let outcome = load(&text).unwrap().check(reference());
    assert_eq!(outcome.failures.len(), 2);
    assert_eq!(outcome.failures[0].value, "result");
    let outcome = load(&text.replace("9294727a", "00000000").replace("750c783e", "00000000"))
        .unwrap()
        .check(reference());
    assert!(outcome.is_ok());
}

#[test]
fn the_report_shows_a_wrong_value_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.json");
    fs::write(&path, small().replace("9294727a", "92947200")).unwrap();
    let mut out = Vec::new();
    assert!(!run(std::slice::from_ref(&path), false, &mut out).unwrap());
    let text = String::from_utf8(out).unwrap();
    for p in providers() {
        assert!(text.contains(&format!("{:<9}     2 tests     2 values", p.name())), "{text}");
    }
    assert!(text.starts_with("FAILED "), "{text}");
    assert!(text.contains("tcId 1: tag\n"), "{text}");
    assert!(text.contains("expected 929472003638bb1c13f48ef8158bfc9d\n"), "{text}");
    assert!(text.contains("got      9294727a3638bb1c13f48ef8158bfc9d\n"), "{text}");

    let mut out = Vec::new();
    assert!(!run(&[path], true, &mut out).unwrap());
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["files"].as_array().unwrap().len(), providers().len());
    assert_eq!(report["files"][0]["failures"][0]["tcId"], 1);
    assert_eq!(report["files"][0]["failures"][0]["value"], "tag");
}

#[test]
fn the_report_checks_the_other_files_before_it_gives_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, sound) = (folder.path().join("missing.json"), folder.path().join("sound.json"));
    fs::write(&sound, small()).unwrap();
    let mut out = Vec::new();
    let error = run(&[missing, sound], false, &mut out).unwrap_err();
    assert!(matches!(error, VectorError::Io { .. }), "{error}");
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("ok "), "{text}");
    assert!(text.contains("missing.json"), "{text}");
}

#[test]
fn the_report_of_no_named_file_covers_all_committed_ones() {
    let mut out = Vec::new();
    assert!(run(&[], true, &mut out).unwrap());
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let files = default_files(&default_root()).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), files.len() * providers().len());
    assert_eq!(report["ok"], true);
}

#[test]
fn a_folder_without_vectors_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(default_files(folder.path()), Err(VectorError::NoFiles { .. })));
    assert!(matches!(default_files(&folder.path().join("absent")), Err(VectorError::Io { .. })));
    let other = folder.path().join("notes.txt");
    fs::write(&other, "").unwrap();
    assert!(matches!(check_file(&other, reference()), Err(VectorError::UnknownKind { .. })));
}

/// The first test of NIST's file with pre-shared keys, and a second group with its next one.
const FAX: &str = "\
# CAVS 17.3
# 'IKE v1 Pre-shared Key Authentication' information for a

[g^xy length = 256]
[SHA-1]
[Ni length = 64]
[Nr length = 64]
[pre-shared-key length = 8]

COUNT = 0
CKY_I = 83d374c30b3b5082
CKY_R = 5afc0da06c728029
Ni = b9a2d0e922dc66dd
Nr = 2130166863b5ddef
g^xy = 739003ba2c11c982946c65e26acf661fbf8ebb78011a9fead79efa12fe3e71cc
pre-shared-key = 75
SKEYID = 62b04d112877e442fc3282fc37c076997718a0b9
SKEYID_d = 369e5aad1bdb5faf6a3d929d500cdc236710a9ab
SKEYID_a = 588e957d8d790d093b3a39f121473473af78e9bb
SKEYID_e = cd74b0c048219db81384d3fda8f6cda51e398a2b
[SHA-1]
COUNT = 2
CKY_I = 00850dcd01dfbb65
CKY_R = 9d1b436d5225ceee
Ni = 8ab715a3d645c432
Nr = 4f28a80cbf88491a
g^xy = a66ac68310eede0f1881ef40573cd5d57d6efc0e1863643813701c01efe68584
pre-shared-key = af
SKEYID = 9780a9162549b7cc992630c1c10d26eaa3b2a2df
SKEYID_d = 4bf7be14152f52c8d30dea920527b5d5b18ea5e1
SKEYID_a = 3acf3336180d9df5cb2aa2cccccfa170536aeb93
SKEYID_e = 68e4d56abe94777c755f8c05452bbf5a7a63c096
";

#[test]
fn a_nist_file_is_checked_as_it_comes_and_converts_to_the_committed_tests() {
    let folder = tempfile::tempdir().unwrap();
    let (fax, json) = (folder.path().join("ikev1_psk.fax"), folder.path().join("ikev1-psk.json"));
    // NIST's own files end their lines with CR LF.
    fs::write(&fax, FAX.replace('\n', "\r\n")).unwrap();
    assert_eq!(convert_file(&fax, &json).unwrap(), 2);
    let mut out = Vec::new();
    assert_eq!(convert(&fax, &mut out).unwrap(), 2);
    assert_eq!(String::from_utf8(out).unwrap(), fs::read_to_string(&json).unwrap());
    for p in providers() {
        for path in [&fax, &json] {
            let outcome = check_file(path, *p).unwrap();
            assert_eq!((outcome.number_of_tests(), outcome.values), (2, 8));
            assert_eq!(outcome.failures, []);
        }
    }
    let (converted, committed) =
        (fs::read_to_string(&json).unwrap(), committed_text("nist-cavp/ikev1-psk.json"));
    let tests: Vec<_> = converted.lines().filter(|line| line.contains("tcId")).collect();
    assert_eq!(tests.len(), 2);
    for (line, number) in tests.iter().zip(1..) {
        let line = line.trim_end_matches(',');
        assert!(committed.contains(line), "test {number} is not in the committed file");
    }
    for head in ["\"description\"", "\"source\"", "\"generator\""] {
        let line = |text: &str| text.lines().find(|line| line.contains(head)).map(str::to_owned);
        assert_eq!(line(&converted), line(&committed));
    }
}

#[test]
fn a_wrong_value_in_a_nist_file_is_noticed() {
    let file = FAX.replace("SKEYID_a = 588e", "SKEYID_a = 598e");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.rsp");
    fs::write(&path, file).unwrap();
    let outcome = check_file(&path, reference()).unwrap();
    assert_eq!(outcome.failures.len(), 1);
    assert_eq!((outcome.failures[0].tc_id, outcome.failures[0].value.as_str()), (1, "skeyid_a"));
}

#[test]
fn an_error_in_a_nist_file_names_its_line() {
    let spoiled = |from: &str, to: &str| {
        assert!(FAX.contains(from));
        parse_fax(Path::new("x.fax"), &FAX.replacen(from, to, 1)).unwrap_err().to_string()
    };
    let errors = [
        spoiled("Nr = 2130", "Nz = 2130"),
        spoiled("Nr = 2130", "Nr = 213"),
        spoiled("Nr = 2130166863b5ddef\n", ""),
        spoiled("Nr = 2130166863b5ddef\n", "Nr = 2130166863b5ddef\nNr = 2130166863b5ddef\n"),
        spoiled("Nr = 2130166863b5ddef", "Nr = 2130166863b5ddef00"),
        spoiled("[SHA-1]", "[SHA-224]"),
        spoiled("[SHA-1]\n", ""),
        spoiled("[Ni length = 64]", "[Nx length = 64]"),
        spoiled("[Ni length = 64]\n", ""),
        spoiled("[Ni length = 64]", "[Ni length = many]"),
        spoiled("# 'IKE v1 Pre-shared Key Authentication'", "# 'something'"),
        spoiled("Pre-shared Key Authentication", "Public Key Encryption Authentication"),
        spoiled("COUNT = 0\n", ""),
        spoiled("COUNT = 0", "what"),
        parse_fax(Path::new("x.fax"), "").unwrap_err().to_string(),
        parse_fax(Path::new("x.fax"), "# 'IKE v1 Pre-shared Key Authentication'").unwrap_err().to_string(),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    x.fax:14: unknown value "Nz", expected one of CKY_I, CKY_R, Ni, Nr, g^xy, pre-shared-key, SKEYID, SKEYID_d, SKEYID_a, SKEYID_e
    x.fax:14: Nr: Odd number of digits
    x.fax:20: the test COUNT = 0 above has no Nr
    x.fax:15: Nr twice in one test
    x.fax: tcId 1: nr_b: 72 bits, expected 64 bits
    x.fax:5: unknown hash "SHA-224", expected SHA-1, SHA-256, SHA-384 or SHA-512
    x.fax:9: group without a hash
    x.fax:6: unknown length "Nx", expected one of g^xy, Ni, Nr, pre-shared-key
    x.fax:9: group without [Ni length = ...]
    x.fax:6: Ni length "many": invalid digit found in string
    x.fax:10: COUNT before the title that names the authentication method
    x.fax:2: the engine has no SKEYID of public key encryption
    x.fax:10: CKY_I before the first COUNT
    x.fax:10: "what", expected NAME = VALUE
    x.fax:1: no title that names the authentication method
    x.fax: no tests in testGroups
    "#);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        let _ = load(&text);
        let _ = parse_fax(Path::new("x.fax"), &text);
    }

    #[test]
    fn arbitrary_lines_of_a_nist_file_never_panic(
        lines in proptest::collection::vec(proptest::sample::select(FAX.lines().collect::<Vec<_>>()), 0..40),
    ) {
        let text = lines.join("\n");
        if let Ok(file) = parse_fax(Path::new("x.fax"), &text) {
            prop_assert_eq!(file.number_of_tests, lines.iter().filter(|line| line.starts_with("COUNT")).count());
        }
    }

    #[test]
    fn hexadecimal_survives_a_round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let hex = Hex(bytes);
        let text = serde_json::to_string(&hex).unwrap();
        prop_assert_eq!(serde_json::from_str::<Hex>(&text).unwrap(), hex);
    }
}
