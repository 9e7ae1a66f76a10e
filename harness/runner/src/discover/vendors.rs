//! What vendor IDs are known as.

use ikev1::crypto::{HashAlgorithm, default_provider};

/// Names whose MD5, or the beginning of it, is a vendor ID. Behind it some peers put a version.
const HASHED: &[&str] = &[
    "RFC 3947",
    "draft-ietf-ipsec-nat-t-ike-00",
    "draft-ietf-ipsec-nat-t-ike-01",
    "draft-ietf-ipsec-nat-t-ike-02",
    "draft-ietf-ipsec-nat-t-ike-02\n",
    "draft-ietf-ipsec-nat-t-ike-03",
    "draft-ietf-ipsec-nat-t-ike-04",
    "draft-ietf-ipsec-nat-t-ike-05",
    "draft-ietf-ipsec-nat-t-ike-06",
    "draft-ietf-ipsec-nat-t-ike-07",
    "draft-ietf-ipsec-nat-t-ike-08",
    "draft-stenberg-ipsec-nat-traversal-01",
    "draft-stenberg-ipsec-nat-traversal-02",
    "draft-huttunen-ipsec-esp-in-udp-00.txt",
    "ESPThruNAT",
    "FRAGMENTATION",
    "GSSAPI",
    "IKE CGA version 1",
    "KAME/racoon",
    "MS NT5 ISAKMPOAKLEY",
    "MS-MamieExists",
    "MS-Negotiation Discovery Capable",
    "Vid-Initial-Contact",
    "strongSwan",
];

/// Vendor IDs that are no MD5 of their name, in hex, by their beginnings.
const KNOWN: &[(&str, &str)] = &[
    ("afcad71368a1f1c96b8696fc7757", "DPD"),
    ("09002689dfd6b712", "XAUTH"),
    ("12f5f28c457168a9702d9fe274cc", "Cisco Unity"),
];

/// What a vendor ID is known as; its own text where it is one.
pub fn vendor_name(data: &[u8]) -> Option<String> {
    let hex = hex::encode(data);
    if let Some((_, name)) = KNOWN.iter().find(|(beginning, _)| hex.starts_with(beginning)) {
        return Some((*name).to_owned());
    }
    let provider = default_provider();
    let named = |name: &&&str| data.starts_with(&provider.hash(HashAlgorithm::Md5, &[name.as_bytes()]));
    if let Some(name) = HASHED.iter().find(named) {
        return Some(name.replace('\n', " and a line feed"));
    }
    let text = str::from_utf8(data).ok().filter(|text| !text.is_empty());
    text.filter(|text| text.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // The octets are those of RFC 3947 section 3.1, RFC 3706 section 5.1, and captures of the daemons.
    #[rstest]
    #[case::nat_t("4a131c81070358455c5728f20e95452f", Some("RFC 3947"))]
    #[case::nat_t_draft(
        "90cb80913ebb696e086381b5ec427b1f",
        Some("draft-ietf-ipsec-nat-t-ike-02 and a line feed")
    )]
    #[case::dpd("afcad71368a1f1c96b8696fc77570100", Some("DPD"))]
    #[case::with_capabilities("4048b7d56ebce88525e7de7f00d6c2d380000000", Some("FRAGMENTATION"))]
    #[case::strongswan("882fe56d6fd20dbc2251613b2ebe5beb", Some("strongSwan"))]
    #[case::text("4f452d4c696272657377616e2d342e3130", Some("OE-Libreswan-4.10"))]
    #[case::unknown("0102030405060708", None)]
    #[case::empty("", None)]
    fn a_vendor_id_has_the_name(#[case] hex: &str, #[case] name: Option<&str>) {
        assert_eq!(vendor_name(&hex::decode(hex).unwrap()).as_deref(), name);
    }
}
