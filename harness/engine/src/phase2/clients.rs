//! The clients of quick mode, IDci and IDcr (RFC 2409 section 5.5, RFC 2407 section 4.6.2): which named clients a policy
//! takes.
//!
//! An address, a subnet and a range are all a set of addresses, so the same set may be named by any of them. A name, a
//! distinguished or general name and a key identifier stand for themselves. Protocol and port narrow either; zero leaves
//! them open.

use core::net::IpAddr;

use crate::config::ClientMatch;
use crate::wire::{IdType, Identification};

/// Whether a policy takes the client that the initiator named: `configured`, or where the policy has none, the ISAKMP
/// peer's address `peer` itself.
pub(crate) fn takes(
    how: ClientMatch,
    configured: Option<&Identification>,
    named: &Identification,
    peer: IpAddr,
) -> bool {
    let of_peer = Identification::ip(peer);
    let configured = configured.unwrap_or(&of_peer);
    let selectors = match how {
        ClientMatch::Same => (configured.protocol, configured.port) == (named.protocol, named.port),
        ClientMatch::Within => {
            let within = |configured: u16, named: u16| configured == 0 || configured == named;
            within(configured.protocol.into(), named.protocol.into()) && within(configured.port, named.port)
        }
    };
    selectors && takes_name(how, configured, named)
}

/// The same without protocol and port.
fn takes_name(how: ClientMatch, configured: &Identification, named: &Identification) -> bool {
    if is_address(configured.id_type) && is_address(named.id_type) {
        let (Some((first, last)), Some((named_first, named_last))) =
            (configured.address_range(), named.address_range())
        else {
            return false;
        };
        return first.is_ipv4() == named_first.is_ipv4()
            && match how {
                ClientMatch::Same => (first, last) == (named_first, named_last),
                ClientMatch::Within => first <= named_first && named_last <= last,
            };
    }
    if configured.id_type != named.id_type {
        return false;
    }
    match configured.id_type {
        // Domain names do not know the case of letters; of a user's name only the domain does not.
        IdType::FQDN => configured.data.eq_ignore_ascii_case(&named.data),
        IdType::USER_FQDN => same_user(&configured.data, &named.data),
        _ => configured.data == named.data,
    }
}

fn same_user(a: &[u8], b: &[u8]) -> bool {
    fn parts(name: &[u8]) -> (&[u8], &[u8]) {
        let at = name.iter().rposition(|byte| *byte == b'@').unwrap_or(name.len());
        name.split_at_checked(at).unwrap_or((name, &[]))
    }
    let ((user_a, domain_a), (user_b, domain_b)) = (parts(a), parts(b));
    user_a == user_b && domain_a.eq_ignore_ascii_case(domain_b)
}

fn is_address(id_type: IdType) -> bool {
    matches!(
        id_type,
        IdType::IPV4_ADDR
            | IdType::IPV4_ADDR_SUBNET
            | IdType::IPV4_ADDR_RANGE
            | IdType::IPV6_ADDR
            | IdType::IPV6_ADDR_SUBNET
            | IdType::IPV6_ADDR_RANGE
    )
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// An identity from the bytes of its payload's body.
    fn id(body: &str) -> Identification {
        let bytes = hex::decode(body.replace(' ', "")).unwrap();
        Identification {
            id_type: IdType(bytes[0]),
            protocol: bytes[1],
            port: u16::from_be_bytes([bytes[2], bytes[3]]),
            data: Bytes::copy_from_slice(&bytes[4..]),
        }
    }

    /// A.B.C.0/24 of 10.1.2.0 as subnet.
    const NET: &str = "04 00 0000 0a010200 ffffff00";

    #[rstest]
    #[case::the_same(NET, NET, true, true)]
    #[case::host_bits_in_the_subnet(NET, "04 00 0000 0a010209 ffffff00", true, true)]
    #[case::as_a_range(NET, "07 00 0000 0a010200 0a0102ff", true, true)]
    #[case::a_part_of_it(NET, "07 00 0000 0a010201 0a010209", false, true)]
    #[case::an_address_in_it(NET, "01 00 0000 0a010203", false, true)]
    #[case::an_address_beside_it(NET, "01 00 0000 0a010303", false, false)]
    #[case::more_than_it(NET, "04 00 0000 0a010000 ffff0000", false, false)]
    #[case::overlapping_it(NET, "07 00 0000 0a0102f0 0a010310", false, false)]
    #[case::a_range_from_back_to_front(NET, "07 00 0000 0a010209 0a010201", false, false)]
    #[case::a_mask_with_a_hole(NET, "04 00 0000 0a010200 ff00ff00", false, false)]
    #[case::one_port_of_it(NET, "04 06 0050 0a010200 ffffff00", false, true)]
    #[case::one_protocol_of_it(NET, "04 11 0000 0a010200 ffffff00", false, true)]
    #[case::the_same_port("04 06 0050 0a010200 ffffff00", "04 06 0050 0a010200 ffffff00", true, true)]
    #[case::another_port("04 06 0050 0a010200 ffffff00", "04 06 0051 0a010200 ffffff00", false, false)]
    #[case::another_protocol("04 06 0050 0a010200 ffffff00", "04 11 0050 0a010200 ffffff00", false, false)]
    #[case::any_port("04 06 0050 0a010200 ffffff00", "04 06 0000 0a010200 ffffff00", false, false)]
    #[case::a_name_of_no_set(NET, "02 00 0000 612e62", false, false)]
    #[case::an_ipv6_subnet(
        "06 00 0000 20010db8000000000000000000000000 ffffffff000000000000000000000000",
        "08 00 0000 20010db8000000000000000000000000 20010db8ffffffffffffffffffffffff",
        true,
        true
    )]
    #[case::an_ipv6_address(
        "06 00 0000 20010db8000000000000000000000000 ffffffff000000000000000000000000",
        "05 00 0000 20010db8000000000000000000000001",
        false,
        true
    )]
    #[case::another_family(
        "08 00 0000 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff",
        "01 00 0000 0a010203",
        false,
        false
    )]
    #[case::a_domain_name("02 00 0000 612e62", "02 00 0000 412e62", true, true)]
    #[case::another_domain_name("02 00 0000 612e62", "02 00 0000 622e62", false, false)]
    #[case::the_same_bytes_of_another_type("02 00 0000 612e62", "0b 00 0000 612e62", false, false)]
    #[case::the_domain_of_a_user("03 00 0000 7540612e62", "03 00 0000 7540412e42", true, true)]
    #[case::another_user("03 00 0000 7540612e62", "03 00 0000 5540612e62", false, false)]
    #[case::a_distinguished_name("09 00 0000 3000", "09 00 0000 3000", true, true)]
    #[case::another_general_name("0a 00 0000 820161", "0a 00 0000 820162", false, false)]
    #[case::a_key_id("0b 00 0000 00ff", "0b 00 0000 00ff", true, true)]
    #[case::a_port_for_a_name("0b 00 0000 00ff", "0b 11 01f4 00ff", false, true)]
    #[case::an_unknown_type("c8 00 0000 01", "c8 00 0000 01", true, true)]
    fn a_policy_takes_clients(
        #[case] configured: &str,
        #[case] named: &str,
        #[case] same: bool,
        #[case] within: bool,
    ) {
        let (configured, named) = (id(configured), id(named));
        assert_eq!(takes(ClientMatch::Same, Some(&configured), &named, PEER), same);
        assert_eq!(takes(ClientMatch::Within, Some(&configured), &named, PEER), within);
    }

    #[test]
    fn without_a_configured_client_the_peer_itself_is_meant() {
        for how in [ClientMatch::Same, ClientMatch::Within] {
            assert!(takes(how, None, &id("01 00 0000 c0000202"), PEER));
            assert!(takes(how, None, &id("04 00 0000 c0000202 ffffffff"), PEER));
            assert!(!takes(how, None, &id("01 00 0000 c0000203"), PEER));
        }
    }
}
