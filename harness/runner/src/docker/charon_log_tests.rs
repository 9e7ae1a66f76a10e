//! Tests of the log reader on what two charons of strongSwan 5.9.8 logged of exchanges with each other.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const MAIN_INITIATOR: &str = include_str!("../../tests/fixtures/charon/main-mode-initiator.log");
const MAIN_RESPONDER: &str = include_str!("../../tests/fixtures/charon/main-mode-responder.log");
const AGGRESSIVE_INITIATOR: &str =
    include_str!("../../tests/fixtures/charon/aggressive-mode-pfs-initiator.log");
const AGGRESSIVE_RESPONDER: &str =
    include_str!("../../tests/fixtures/charon/aggressive-mode-pfs-responder.log");

fn table(log: &str) -> String {
    let rows = parse_charon_log(log).into_iter().map(|value| {
        let PeerValue { ike_sa, label, m_id, bytes, line } = value;
        let m_id = m_id.map_or("-".to_owned(), |m_id| format!("{m_id:08x}"));
        let head = hex::encode(bytes.get(..4).unwrap_or(&bytes));
        format!("{line:>3} {ike_sa} {m_id:>8} {label:?} {} {head}", bytes.len())
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn reads_every_value_of_main_mode_as_initiator() {
    insta::assert_snapshot!(table(MAIN_INITIATOR), @r"
     12 1        - NatDData 22 89ccbf21
     15 1        - NatD 20 dda813ca
     20 1        - GXy 256 d5c5d7a0
     37 1        - Skeyid 20 f93ba811
     40 1        - SkeyidD 20 e47157e8
     43 1        - SkeyidA 20 70775b08
     46 1        - SkeyidE 20 825610f0
     49 1        - Ka 16 825610f0
     51 1        - InitialIv 16 156d2d07
     53 1        - NatDData 22 89ccbf21
     56 1        - NatD 20 576255f9
     59 1        - NatDData 22 89ccbf21
     62 1        - NatD 20 dda813ca
     71 1        - NatDReceivedDestination 20 576255f9
     74 1        - NatDReceivedSource 20 e7789aa7
     78 1        - HashIData 588 3f074c08
    116 1        - HashI 20 f47be3ac
    120 1 00000000 NextIv 16 4ffba994
    123 1 00000000 NextIv 16 eae6d213
    125 1        - HashRData 588 42a28ca8
    163 1        - HashR 20 87a24641
    170 1 66b92850 Hash1 20 046ee95e
    174 1 66b92850 NextIv 16 98c48bc6
    176 1 66b92850 NextIv 16 9f32fa23
    179 1 66b92850 Hash2 20 2b2aaf23
    182 1 66b92850 NextIv 16 74543713
    187 1 66b92850 KeymatInitiatorData 69 038e12cb
    193 1 66b92850 KeymatResponderData 69 03b1f3a1
    199 1 66b92850 EncryptionKeyInitiator 16 76f77127
    201 1 66b92850 EncryptionKeyResponder 16 89bc624f
    203 1 66b92850 IntegrityKeyInitiator 20 e2c66795
    206 1 66b92850 IntegrityKeyResponder 20 38a6ae3d
    215 1 66b92850 Hash3 20 cc28804b
    219 1 66b92850 NextIv 16 0b7ae406
    222 1 597271ef NextIv 16 3a1c6444
    225 1 597271ef HashInformational 20 54df4b29
    ");
}

#[test]
fn reads_every_value_of_main_mode_as_responder() {
    insta::assert_snapshot!(table(MAIN_RESPONDER), @r"
     15 1        - NatDData 22 89ccbf21
     18 1        - NatD 20 dda813ca
     21 1        - NatDData 22 89ccbf21
     24 1        - NatD 20 576255f9
     33 1        - NatDReceivedDestination 20 dda813ca
     36 1        - NatDReceivedSource 20 2ecfff3a
     40 1        - GXy 256 d5c5d7a0
     57 1        - Skeyid 20 f93ba811
     60 1        - SkeyidD 20 e47157e8
     63 1        - SkeyidA 20 70775b08
     66 1        - SkeyidE 20 825610f0
     69 1        - Ka 16 825610f0
     71 1        - InitialIv 16 156d2d07
     73 1        - NatDData 22 89ccbf21
     76 1        - NatD 20 576255f9
     81 1 00000000 NextIv 16 4ffba994
     85 1        - HashIData 588 3f074c08
    123 1        - HashI 20 f47be3ac
    126 1        - HashRData 588 42a28ca8
    164 1        - HashR 20 87a24641
    172 1 00000000 NextIv 16 eae6d213
    174 1 66b92850 NextIv 16 98c48bc6
    177 1 66b92850 Hash1 20 046ee95e
    180 1 66b92850 NextIv 16 9f32fa23
    182 1 66b92850 Hash2 20 2b2aaf23
    186 1 66b92850 NextIv 16 74543713
    189 1 66b92850 Hash3 20 cc28804b
    192 1 66b92850 NextIv 16 0b7ae406
    197 1 66b92850 KeymatInitiatorData 69 038e12cb
    203 1 66b92850 KeymatResponderData 69 03b1f3a1
    209 1 66b92850 EncryptionKeyInitiator 16 76f77127
    211 1 66b92850 EncryptionKeyResponder 16 89bc624f
    213 1 66b92850 IntegrityKeyInitiator 20 e2c66795
    216 1 66b92850 IntegrityKeyResponder 20 38a6ae3d
    227 1 597271ef HashInformational 20 54df4b29
    231 1 597271ef NextIv 16 3a1c6444
    ");
}

#[test]
fn reads_every_value_of_aggressive_mode_with_pfs_as_initiator() {
    insta::assert_snapshot!(table(AGGRESSIVE_INITIATOR), @r"
     12 5        - GXy 128 2eed1bb8
     21 5        - Skeyid 16 e9af2c31
     23 5        - SkeyidD 16 75f239c8
     25 5        - SkeyidA 16 f49b563b
     27 5        - SkeyidE 16 9e757a91
     29 5        - Ka 24 667103fc
     32 5        - InitialIv 8 320b8c23
     34 5        - HashRData 328 ba63f888
     56 5        - HashR 16 c4203f4f
     58 5        - NatDData 22 16a59326
     61 5        - NatD 16 1f6c7fbd
     63 5        - NatDData 22 16a59326
     66 5        - NatD 16 67bdbb61
     72 5        - NatDReceivedDestination 16 1f6c7fbd
     74 5        - NatDReceivedSource 16 3b0dd594
     77 5        - HashIData 328 529519c8
     99 5        - HashI 16 843cc58e
    105 5        - NatDData 22 16a59326
    108 5        - NatD 16 6af338ca
    111 5 00000000 NextIv 8 a710feea
    113 5 4dd6631d Hash1 16 4f658450
    116 5 4dd6631d NextIv 8 a82a78ce
    118 5 4dd6631d NextIv 8 a6cc68f6
    121 5 4dd6631d Hash2 16 87da45fb
    123 5 4dd6631d NextIv 8 32401cf3
    128 5 4dd6631d QuickModeGXy 128 9d7905e2
    137 5 4dd6631d KeymatInitiatorData 197 9d7905e2
    151 5 4dd6631d KeymatResponderData 197 9d7905e2
    165 5 4dd6631d EncryptionKeyInitiator 24 cc69d3c9
    168 5 4dd6631d EncryptionKeyResponder 24 b8569e0d
    171 5 4dd6631d IntegrityKeyInitiator 16 82c59703
    173 5 4dd6631d IntegrityKeyResponder 16 b8f3e9ae
    181 5 4dd6631d Hash3 16 390f0021
    184 5 4dd6631d NextIv 8 1b622edb
    ");
}

#[test]
fn reads_every_value_of_aggressive_mode_with_pfs_as_responder() {
    insta::assert_snapshot!(table(AGGRESSIVE_RESPONDER), @r"
     13 5        - GXy 128 2eed1bb8
     22 5        - Skeyid 16 e9af2c31
     24 5        - SkeyidD 16 75f239c8
     26 5        - SkeyidA 16 f49b563b
     28 5        - SkeyidE 16 9e757a91
     30 5        - Ka 24 667103fc
     33 5        - InitialIv 8 320b8c23
     35 5        - HashRData 328 ba63f888
     57 5        - HashR 16 c4203f4f
     59 5        - NatDData 22 16a59326
     62 5        - NatD 16 1f6c7fbd
     66 5 00000000 NextIv 8 a710feea
     70 5        - HashIData 328 529519c8
     92 5        - HashI 16 843cc58e
     98 5        - NatDData 22 16a59326
    101 5        - NatD 16 6af338ca
    103 5        - NatDData 22 16a59326
    106 5        - NatD 16 9bfd1f8b
    112 5        - NatDReceivedDestination 16 6af338ca
    114 5        - NatDReceivedSource 16 5758d86f
    117 5 4dd6631d NextIv 8 a82a78ce
    120 5 4dd6631d Hash1 16 4f658450
    122 5 4dd6631d NextIv 8 a6cc68f6
    124 5 4dd6631d Hash2 16 87da45fb
    127 5 4dd6631d NextIv 8 32401cf3
    130 5 4dd6631d Hash3 16 390f0021
    132 5 4dd6631d NextIv 8 1b622edb
    137 5 4dd6631d QuickModeGXy 128 9d7905e2
    146 5 4dd6631d KeymatInitiatorData 197 9d7905e2
    160 5 4dd6631d KeymatResponderData 197 9d7905e2
    174 5 4dd6631d EncryptionKeyInitiator 24 cc69d3c9
    177 5 4dd6631d EncryptionKeyResponder 24 b8569e0d
    180 5 4dd6631d IntegrityKeyInitiator 16 82c59703
    182 5 4dd6631d IntegrityKeyResponder 16 b8f3e9ae
    ");
}

#[rstest]
#[case::main_mode(MAIN_INITIATOR, MAIN_RESPONDER, 28)]
#[case::aggressive_mode_with_pfs(AGGRESSIVE_INITIATOR, AGGRESSIVE_RESPONDER, 26)]
fn both_roles_log_the_same_values(#[case] initiator: &str, #[case] responder: &str, #[case] shared: usize) {
    // NAT-D is about the addresses that each side believes in; everything else is common.
    let common = |log| -> BTreeSet<(ValueLabel, Option<u32>, Vec<u8>)> {
        let values = parse_charon_log(log).into_iter();
        let values = values.filter(|value| !format!("{:?}", value.label).starts_with("NatD"));
        values.map(|value| (value.label, value.m_id, value.bytes)).collect()
    };
    let (initiator, responder) = (common(initiator), common(responder));
    assert_eq!(initiator, responder);
    assert_eq!(initiator.len(), shared);
}

#[test]
fn the_notes_tell_the_course_of_main_mode() {
    let notes = parse_charon_notes(MAIN_INITIATOR);
    insta::assert_snapshot!(notes.iter().map(|note| format!("{note:?}")).collect::<Vec<_>>().join("\n"), @r#"
    PeerLogNote { ike_sa: Some(1), event: IsakmpSaState("CONNECTING"), line: 6 }
    PeerLogNote { ike_sa: Some(1), event: Sent(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["SA", "V", "V", "V", "V"] }), line: 7 }
    PeerLogNote { ike_sa: Some(1), event: Received(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["SA", "V", "V", "V"] }), line: 8 }
    PeerLogNote { ike_sa: Some(1), event: Sent(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["KE", "No", "NAT-D", "NAT-D"] }), line: 18 }
    PeerLogNote { ike_sa: Some(1), event: Received(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["KE", "No", "NAT-D", "NAT-D"] }), line: 19 }
    PeerLogNote { ike_sa: Some(1), event: Sent(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["ID", "HASH", "N(INITIAL_CONTACT)"] }), line: 119 }
    PeerLogNote { ike_sa: Some(1), event: Received(LoggedMessage { exchange: "ID_PROT", m_id: 0, payloads: ["ID", "HASH"] }), line: 122 }
    PeerLogNote { ike_sa: Some(1), event: IsakmpSaState("ESTABLISHED"), line: 167 }
    PeerLogNote { ike_sa: Some(1), event: Sent(LoggedMessage { exchange: "QUICK_MODE", m_id: 1723410512, payloads: ["HASH", "SA", "No", "ID", "ID"] }), line: 173 }
    PeerLogNote { ike_sa: Some(1), event: Received(LoggedMessage { exchange: "QUICK_MODE", m_id: 1723410512, payloads: ["HASH", "SA", "No", "ID", "ID"] }), line: 178 }
    PeerLogNote { ike_sa: Some(1), event: IpsecSaState { unique_id: 1, state: "INSTALLING" }, line: 184 }
    PeerLogNote { ike_sa: Some(1), event: IpsecSaState { unique_id: 1, state: "INSTALLED" }, line: 214 }
    PeerLogNote { ike_sa: Some(1), event: Sent(LoggedMessage { exchange: "QUICK_MODE", m_id: 1723410512, payloads: ["HASH"] }), line: 218 }
    PeerLogNote { ike_sa: Some(1), event: Received(LoggedMessage { exchange: "INFORMATIONAL_V1", m_id: 1500672495, payloads: ["HASH", "D"] }), line: 224 }
    PeerLogNote { ike_sa: Some(1), event: IpsecSaState { unique_id: 1, state: "DELETING" }, line: 229 }
    PeerLogNote { ike_sa: Some(1), event: IpsecSaState { unique_id: 1, state: "DELETED" }, line: 231 }
    PeerLogNote { ike_sa: Some(1), event: IpsecSaState { unique_id: 1, state: "DESTROYING" }, line: 232 }
    "#);
}

#[test]
fn the_notes_name_what_failed() {
    let notes = parse_charon_notes(MAIN_RESPONDER);
    let complaints = notes.iter().filter_map(|note| match &note.event {
        LogEvent::Complaint(text) => Some(text.as_str()),
        _ => None,
    });
    insta::assert_snapshot!(complaints.collect::<Vec<_>>().join("\n"), @r"
    error installing route with policy 10.11.0.0/24 === 10.12.0.0/24 out
    unable to install IPsec policies (SPD) in kernel
    ");
}

#[test]
fn dumps_of_two_threads_may_interleave() {
    let log = "\
01[IKE] <a|1> SKEYID_d => 20 bytes @ 0x1
02[IKE] <b|2> SKEYID_e => 3 bytes @ 0x2
01[IKE] <a|1>    0: 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F  ................
02[IKE] <b|2>    0: FF FE FD                                         ...
01[IKE] <a|1>   16: 10 11 12 13                                      ....
";
    let values = parse_charon_log(log);
    assert_eq!(values.len(), 2);
    assert_eq!((values[0].ike_sa, &values[0].bytes), (1, &(0..20).collect::<Vec<u8>>()));
    assert_eq!((values[1].ike_sa, &values[1].bytes), (2, &vec![0xff, 0xfe, 0xfd]));
}

#[test]
fn an_informational_message_about_a_quick_mode_keeps_its_own_m_id() {
    let log = "\
01[ENC] <a|1> parsed QUICK_MODE request 7 [ HASH SA No ID ID ]
01[IKE] <a|1> Hash(1) => 1 bytes @ 0x1
01[IKE] <a|1>    0: 01 .
01[IKE] <a|1> no acceptable traffic selectors found
01[IKE] <a|1> Hash => 1 bytes @ 0x1
01[IKE] <a|1>    0: 02 .
01[ENC] <a|1> generating INFORMATIONAL_V1 request 9 [ HASH N(INVAL_ID) ]
";
    let m_ids: Vec<_> = parse_charon_log(log).into_iter().map(|value| (value.label, value.m_id)).collect();
    assert_eq!(m_ids, [(ValueLabel::Hash1, Some(7)), (ValueLabel::HashInformational, Some(9))]);
}

#[rstest]
#[case::cut_short("01[IKE] <a|1> SKEYID => 20 bytes @ 0x1\n01[IKE] <a|1>    0: 00 01 02  ...\n")]
#[case::interrupted(
    "01[IKE] <a|1> SKEYID => 2 bytes @ 0x1\n01[IKE] <a|1> other\n01[IKE] <a|1>    0: 00 01  ..\n"
)]
#[case::of_another_sa("01[IKE] <a|1> SKEYID => 2 bytes @ 0x1\n01[IKE] <b|2>    0: 00 01  ..\n")]
#[case::not_hexadecimal("01[IKE] <a|1> SKEYID => 2 bytes @ 0x1\n01[IKE] <a|1>    0: 0x 01  ..\n")]
#[case::unknown_label("01[IKE] <a|1> secret sauce => 2 bytes @ 0x1\n01[IKE] <a|1>    0: 00 01  ..\n")]
#[case::absurd_length("01[IKE] <a|1> SKEYID => 99999999999999999999999 bytes @ 0x1\n")]
#[case::no_isakmp_sa("01[IKE] SKEYID => 2 bytes @ 0x1\n01[IKE]    0: 00 01  ..\n")]
fn yields_no_value_for_a_dump_that_is(#[case] log: &str) {
    assert_eq!(parse_charon_log(log), []);
}

#[test]
fn a_responder_without_a_configuration_yet_and_odd_names_have_numbers() {
    let sa = |line| Line::parse(line).and_then(|line| line.ike_sa);
    assert_eq!(sa("12[IKE] <5> text"), Some(5));
    assert_eq!(sa("12[IKE] <a|b 3|6> text"), Some(6));
    assert_eq!(sa("12[CFG] vici client 3 connected"), None);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "([0-9]{2}\\[IKE\\] <a\\|1> )?.*\n?.*") {
        let _ = parse_charon_log(&text);
        let _ = parse_charon_notes(&text);
    }

    #[test]
    fn a_damaged_log_never_panics(at in 0..AGGRESSIVE_INITIATOR.len(), octet in any::<u8>()) {
        let mut bytes = AGGRESSIVE_INITIATOR.as_bytes().to_vec();
        bytes[at] = octet;
        let log = String::from_utf8_lossy(&bytes);
        let values = parse_charon_log(&log);
        let whole = parse_charon_log(AGGRESSIVE_INITIATOR).len();
        // One damaged octet spoils at most the value it is in and the one before it.
        prop_assert!(values.len() + 2 >= whole, "{} of {whole}", values.len());
        let _ = parse_charon_notes(&log);
    }
}
