//! The blocks of a PEM text (RFC 7468).

/// Each block's label and bytes, in their order; text between the blocks is skipped.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Result<(&str, Vec<u8>), der::pem::Error>> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let block = rest.get(start..)?;
        // The end of the END line; without one the decoder gets the rest and says what is wrong.
        let end = block
            .find("-----END ")
            .and_then(|end| Some(end.saturating_add(block.get(end..)?.find('\n')?)))
            .unwrap_or(block.len());
        let (block, after) = block.split_at_checked(end)?;
        rest = after;
        Some(der::pem::decode_vec(block.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const ONE: &str = "-----BEGIN ONE-----\nAQID\n-----END ONE-----\n";
    const TWO: &str = "-----BEGIN TWO-----\r\nBAUG\r\n-----END TWO-----\r\n";

    #[rstest]
    #[case::nothing("", &[])]
    #[case::text_alone("no block here\n", &[])]
    #[case::one(ONE, &[("ONE", [1, 2, 3])])]
    #[case::no_newline_at_the_end(ONE.trim_end(), &[("ONE", [1, 2, 3])])]
    #[case::two_with_text_around(
        &format!("Subject: a\n{ONE}\nSubject: b\n{TWO}bye"), &[("ONE", [1, 2, 3]), ("TWO", [4, 5, 6])]
    )]
    fn blocks_come_in_their_order(#[case] text: &str, #[case] expected: &[(&str, [u8; 3])]) {
        let found: Vec<_> = blocks(text).map(Result::unwrap).collect();
        let expected: Vec<_> = expected.iter().map(|(label, bytes)| (*label, bytes.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::no_end("-----BEGIN ONE-----\nAQID\n")]
    #[case::other_label_at_the_end("-----BEGIN ONE-----\nAQID\n-----END TWO-----\n")]
    #[case::no_base64("-----BEGIN ONE-----\n????\n-----END ONE-----\n")]
    fn a_broken_block_is_an_error(#[case] text: &str) {
        assert!(blocks(text).all(|block| block.is_err()));
        assert_eq!(blocks(text).count(), 1);
    }

    proptest! {
        #[test]
        fn any_text_comes_to_an_end(text in "(-----BEGIN |-----END |ONE|-----|\n|AQID|é|.){0,40}") {
            prop_assert!(blocks(&text).count() <= text.len());
        }
    }
}
