//! IP payload compression with DEFLATE (RFC 3173, RFC 2394).
//!
//! ```text
//! next header (1) | flags (1) | CPI (2) | raw DEFLATE of the payload
//! ```

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::EspError;

/// Next header, flags and CPI.
const HEADER_LEN: usize = 4;
/// Shorter payloads go out as they are: they seldom get smaller (RFC 3173 section 2.2, RFC 2394 section 2.2).
const THRESHOLD: usize = 90;
/// The usual balance of size and time, of 0 to 10.
const LEVEL: u8 = 6;
/// The longest payload that an IP packet has, and so the most that one may become.
const PAYLOAD_LEN_MAX: usize = 65_535;

/// `next header | 0 | CPI | DEFLATE(payload)`; `None` when that is not smaller than the payload, which then goes out as it is
/// and without this header (RFC 3173 section 2.2).
pub(crate) fn compress(cpi: u16, next_header: u8, payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < THRESHOLD {
        return None;
    }
    let [high, low] = cpi.to_be_bytes();
    let packet = [&[next_header, 0, high, low], compress_to_vec(payload, LEVEL).as_slice()].concat();
    (packet.len() < payload.len()).then_some(packet)
}

/// The next header and the payload of a packet under this CPI. The flags are ignored (RFC 3173 section 3.3).
///
/// # Errors
/// [`EspError::TooShort`] without a whole header, [`EspError::UnknownCpi`] under another CPI, and
/// [`EspError::Decompression`] for what is no DEFLATE stream or becomes longer than 65,535 bytes.
pub(crate) fn decompress(cpi: u16, packet: &[u8]) -> Result<(u8, Vec<u8>), EspError> {
    let Some((&[next_header, _flags, high, low], data)) = packet.split_first_chunk::<HEADER_LEN>() else {
        return Err(EspError::TooShort { got: packet.len(), expected: HEADER_LEN });
    };
    let got = u16::from_be_bytes([high, low]);
    if got != cpi {
        return Err(EspError::UnknownCpi { got });
    }
    let payload = decompress_to_vec_with_limit(data, PAYLOAD_LEN_MAX).map_err(|_| EspError::Decompression)?;
    Ok((next_header, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Made with Python's `zlib`, window bits -15: 100 bytes `a`, in a block with fixed codes and in a stored one.
    #[rstest]
    #[case::fixed_codes("4b4ca43d0000", 100)]
    #[case::stored(&format!("0164009bff{}", "61".repeat(100)), 100)]
    #[case::an_empty_stream("0300", 0)]
    fn opens_what_another_library_compressed(#[case] stream: &str, #[case] len: usize) {
        let packet = [&[4, 0xff, 0x12, 0x34][..], &hex::decode(stream).unwrap()].concat();
        assert_eq!(decompress(0x1234, &packet), Ok((4, vec![b'a'; len])));
    }

    #[test]
    fn a_packet_begins_with_next_header_flags_and_cpi() {
        let packet = compress(0x1234, 50, &[b'a'; 100]).unwrap();
        assert_eq!(packet[..4], [50, 0, 0x12, 0x34]);
        assert!(packet.len() < 25, "{} bytes", packet.len());
        assert_eq!(decompress(0x1234, &packet), Ok((50, vec![b'a'; 100])));
        assert_eq!(decompress(0x1235, &packet), Err(EspError::UnknownCpi { got: 0x1234 }));
    }

    #[test]
    fn what_does_not_get_smaller_goes_out_as_it_is() {
        assert_eq!(compress(256, 4, &[b'a'; THRESHOLD - 1]), None);
        // A generator of Knuth's, whose high bytes do not repeat.
        let next = |x: &u32| Some(x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let noise: Vec<u8> =
            core::iter::successors(Some(7), next).map(|x| x.to_be_bytes()[0]).take(200).collect();
        assert_eq!(compress(256, 4, &noise), None);
    }

    #[test]
    fn every_prefix_is_refused() {
        let packet = compress(256, 4, &[b'a'; 300]).unwrap();
        for len in 0..packet.len() {
            let error = decompress(256, &packet[..len]).unwrap_err();
            assert!(matches!(error, EspError::TooShort { .. } | EspError::Decompression), "{len}: {error}");
        }
    }

    #[rstest]
    #[case::the_longest_payload(PAYLOAD_LEN_MAX, true)]
    #[case::one_byte_more(PAYLOAD_LEN_MAX + 1, false)]
    #[case::a_bomb(100_000_000, false)]
    fn what_becomes_too_long_is_refused(#[case] len: usize, #[case] good: bool) {
        let packet = compress(256, 4, &vec![0; len]).unwrap();
        let opened = decompress(256, &packet);
        assert_eq!(opened.as_ref().map(|(_, payload)| payload.len()).ok(), good.then_some(len));
        assert!(good || opened == Err(EspError::Decompression));
    }

    proptest! {
        #[test]
        fn opens_what_it_compressed(
            cpi: u16,
            next_header: u8,
            payload in prop::collection::vec(0..4_u8, 0..2000),
        ) {
            if let Some(packet) = compress(cpi, next_header, &payload) {
                prop_assert_eq!(decompress(cpi, &packet), Ok((next_header, payload)));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(packet in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decompress(0x1234, &packet);
            let _ = decompress(0x1234, &[&[4, 0, 0x12, 0x34], packet.as_slice()].concat());
        }
    }
}
