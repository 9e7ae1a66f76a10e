//! The formulas of section 5.3 with fixed bytes, and the padding.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::empty("", "0000000000000007")]
#[case::one_short_of_a_block("01020304050607", "0102030405060700")]
#[case::a_whole_block("0102030405060708", "01020304050607080000000000000007")]
#[case::five_octets("aabbccddee", "aabbccddee000002")]
fn padding_counts_its_zeros(#[case] body: &str, #[case] expected: &str) {
    let body = hex::decode(body).unwrap();
    assert_eq!(hex::encode(padded(&body, 8)), expected);
    assert_eq!(unpadded_len(&hex::decode(expected).unwrap(), 8), Some(body.len()));
}

#[rstest]
#[case::nothing("")]
#[case::a_count_of_more_than_a_block("00000000000000000000000000000008")]
#[case::a_count_of_more_than_there_is("00000000000000ff")]
#[case::padding_that_is_not_zero("aabbccddee010002")]
fn what_is_no_padding_is_not_taken_for_one(#[case] bytes: &str) {
    assert_eq!(unpadded_len(&hex::decode(bytes).unwrap(), 8), None);
}

proptest! {
    #[test]
    fn padding_comes_off_again(body: Vec<u8>, block in prop::sample::select(vec![8_usize, 16])) {
        let bytes = padded(&body, block);
        prop_assert!(bytes.len().is_multiple_of(block) && bytes.len() > body.len());
        prop_assert_eq!(unpadded_len(&bytes, block), Some(body.len()));
    }
}
