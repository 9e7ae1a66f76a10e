//! The lenient reader: names every field it can find in a message, however broken, and cannot fail.
//!
//! Transcripts, reports and [`super::edit`] use the paths it gives, so the paths are stable. A payload is named
//! by its kind and its index among the payloads of that kind, `nonce` or `vendor_id[2]`; index 0 need not be
//! written. Lookup ignores case and takes `-` for `_`.
//!
//! ```text
//! header.{cky_i cky_r next_payload version exchange_type flags m_id length}
//! PAYLOAD.{next_payload reserved length} and the fields of its kind:
//!   sa.{doi situation labels}  sa.proposal[i].{next_payload reserved length number protocol spi_size transform_count spi}
//!   sa.proposal[i].transform[j].{next_payload reserved length number id reserved2}
//!   sa.proposal[i].transform[j].attribute[k].{type length value}, the value also by class name, for example
//!   sa.proposal[i].transform[j].{encryption-algorithm life-duration[1] encapsulation-mode}
//!   ke.data  nonce.data  hash.data  sig.data  vendor_id.data  nat_d.hash  unknown.data
//!   id.{type protocol port data}  cert.{encoding data}  cert_request.{type authority}
//!   notification.{doi protocol spi_size type spi data}  delete.{doi protocol spi_size spi_count spi[i]}
//!   nat_oa.{type reserved2 reserved3 data}  attributes.{type reserved2 identifier attribute[k]...}
//!   fragment.{id number flags data}
//! padding: octets after the last payload     encrypted: octets after the header of an encrypted message
//! ```

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use super::walker::walk;
use super::{PayloadType, WireError};

/// Every field found in a message, in the order of the bytes, and everything wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissection {
    /// Fields, each structure (header, payload, proposal, transform, attribute) before the fields it is made of.
    pub fields: Vec<Field>,
    /// What is wrong, with the offset from the start of the message it was noticed at.
    pub errors: Vec<(usize, WireError)>,
    /// Payloads of the chain.
    pub(super) payloads: Vec<PayloadSpan>,
    message: Bytes,
}

/// Where a payload of the chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PayloadSpan {
    pub(super) payload_type: PayloadType,
    pub(super) path: String,
    pub(super) range: Range<usize>,
}

/// One field, or a structure made of the fields after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Stable name.
    pub path: String,
    /// Second name of an attribute value, by its class.
    pub alias: Option<String>,
    /// Offset from the start of the message in octets.
    pub offset: usize,
    /// Length in octets; shorter than it should be where the message is cut off.
    pub len: usize,
    /// Value.
    pub value: FieldValue,
    /// Nesting: 0 for the header and payloads, 1 for their fields, and so on.
    pub depth: usize,
}

/// Value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A number, exactly as the octets say (an attribute type includes its AF bit), and its assigned name.
    Number(u64, Option<&'static str>),
    /// Octets, as a range of the message.
    Bytes(Range<usize>),
    /// Description of a structure.
    Text(String),
}

impl Dissection {
    /// The field or structure with this path or alias.
    pub fn field(&self, path: &str) -> Option<&Field> {
        let wanted = normal_path(path);
        self.fields.iter().find(|field| {
            normal_path(&field.path) == wanted
                || field.alias.as_deref().is_some_and(|alias| normal_path(alias) == wanted)
        })
    }

    /// The value of the field with this path, if it is a number.
    pub fn number(&self, path: &str) -> Option<u64> {
        match self.field(path)?.value {
            FieldValue::Number(value, _) => Some(value),
            FieldValue::Bytes(_) | FieldValue::Text(_) => None,
        }
    }

    /// The octets of the field or structure with this path.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        let field = self.field(path)?;
        self.message.get(field.offset..field.offset.saturating_add(field.len))
    }

    /// Up to three existing paths that look most like `path`, best first.
    pub fn nearest(&self, path: &str) -> Vec<String> {
        let mut names: Vec<_> = self
            .fields
            .iter()
            .flat_map(|field| [Some(&field.path), field.alias.as_ref()])
            .flatten()
            .map(|name| (strsim::osa_distance(path, name), name))
            .collect();
        names.sort();
        names.into_iter().take(3).map(|(_, name)| name.clone()).collect()
    }
}

/// The form in which paths are compared: lower case, `-` for `_`, index 0 left out.
fn normal_path(path: &str) -> String {
    path.replace("[0]", "").replace('_', "-").to_ascii_lowercase()
}

/// Dissects a message: header, then the chain in the clear or decrypted. With `encrypted_body` all octets
/// after the header are one field. A chain whose header has the Encryption bit set is taken to be decrypted,
/// so that octets after its last payload are padding and no error.
pub fn dissect(message: &[u8], encrypted_body: bool) -> Dissection {
    let mut dissection = walk(message, encrypted_body);
    dissection.message = Bytes::copy_from_slice(message);
    dissection
}

impl fmt::Display for Dissection {
    /// One line per field (an attribute's fields share one): offset, indented name, value; then the errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = self.fields.iter().peekable();
        while let Some(field) = fields.next() {
            let name = field.path.rsplit('.').next().unwrap_or_default();
            write!(f, "{:>5}  {:indent$}{name}", field.offset, "", indent = field.depth.saturating_mul(2))?;
            let mut shown = field;
            if name.starts_with("attribute[") {
                while let Some(part) = fields.next_if(|part| part.depth > field.depth) {
                    shown = part;
                }
            }
            if let Some(class) = shown.alias.as_deref().and_then(|alias| alias.rsplit('.').next()) {
                write!(f, " {class}")?;
            }
            f.write_str(": ")?;
            match &shown.value {
                FieldValue::Number(value, None) if name == "m_id" => write!(f, "{value:08x}")?,
                FieldValue::Number(value, None) => write!(f, "{value}")?,
                FieldValue::Number(value, Some(name)) => write!(f, "{value} {name}")?,
                FieldValue::Bytes(range) => {
                    let bytes = self.message.get(range.clone()).unwrap_or_default();
                    bytes.iter().take(HEX_MAX).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                    let ellipsis = if bytes.len() > HEX_MAX { "..." } else { "" };
                    write!(f, "{ellipsis}[{}]", bytes.len())?;
                }
                FieldValue::Text(text) => write!(f, "{text}, {} bytes", field.len)?,
            }
            writeln!(f)?;
        }
        self.errors.iter().try_for_each(|(offset, error)| writeln!(f, "{offset:>5}  error: {error}"))
    }
}

/// Octets of a field that `Display` prints.
const HEX_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::test_support::*;
    use super::super::{
        Attribute, AttributesPayload, AuthAlgorithm, ConfigAttribute, ConfigType, Delete, EncapsulationMode,
        EspTransform, ExchangeType, Flags, Fragment, Hash, Header, Identification, IpsecAttribute, Message,
        MessageId, NatOriginalAddress, Notification, NotifyType, Proposal, ProtocolId, SaPayload, Transform,
        UnknownPayload, WireLimits, encode_message,
    };
    use super::*;

    fn quick_mode_1() -> Vec<u8> {
        let transform = Transform {
            number: 1,
            id: EspTransform::AES_CBC.into(),
            attributes: vec![
                Attribute::short(IpsecAttribute::KEY_LENGTH, 128_u16),
                Attribute::short(IpsecAttribute::AUTHENTICATION_ALGORITHM, AuthAlgorithm::HMAC_SHA1),
                Attribute::short(IpsecAttribute::ENCAPSULATION_MODE, EncapsulationMode::TUNNEL),
                Attribute::short(IpsecAttribute::SA_LIFE_TYPE, 1_u16),
                Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, 3600),
                Attribute::short(IpsecAttribute::SA_LIFE_TYPE, 2_u16),
                Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, 1_000_000),
            ],
        };
        let proposal = Proposal {
            number: 1,
            protocol: ProtocolId::IPSEC_ESP,
            spi: hex("c0ffee01"),
            transforms: vec![transform],
        };
        let header = Header::new(Default::default(), ExchangeType::QUICK_MODE, MessageId(0xdead_beef))
            .with_flags(Flags::ENCRYPTION);
        let subnet = |third| Identification::ipv4_subnet([10, 1, third, 0].into(), 24);
        let payloads = [
            Hash::new(hex("00112233")).into(),
            SaPayload::ipsec_doi(vec![proposal]).into(),
            subnet(1).into(),
            subnet(2).into(),
        ];
        let mut message = encode_message(&header, &payloads);
        message.extend([0; 3]);
        let length = u32::try_from(message.len()).unwrap();
        message[24..28].copy_from_slice(&length.to_be_bytes());
        message
    }

    fn other_payloads() -> Vec<u8> {
        let header = Header::new(Default::default(), ExchangeType::INFORMATIONAL, MessageId(1));
        let spis = vec![hex("00000101"), hex("00000102")];
        let attributes = AttributesPayload {
            message_type: ConfigType::REPLY,
            identifier: 7,
            attributes: vec![Attribute::variable(ConfigAttribute::INTERNAL_IP4_ADDRESS, hex("0a000001"))],
        };
        let fragment = Fragment { id: 1, number: 2, flags: Fragment::LAST, data: hex("aabb") };
        let unknown = UnknownPayload { payload_type: PayloadType(200), body: hex("0102") };
        let payloads = [
            Notification { spi: hex("0102"), data: hex("03"), ..Notification::isakmp(NotifyType::CONNECTED) }
                .into(),
            Delete::new(ProtocolId::IPSEC_AH, spis).into(),
            NatOriginalAddress::new("192.0.2.1".parse().unwrap(), true).into(),
            attributes.into(),
            fragment.into(),
            unknown.into(),
        ];
        encode_message(&header, &payloads)
    }

    #[test]
    fn prints_a_main_mode_message_as_a_tree() {
        assert_snapshot!(dissect(&main_mode_1(), false), @r"
          0  header: ISAKMP header, 28 bytes
          0    cky_i: 434b5949636b7931[8]
          8    cky_r: 0000000000000000[8]
         16    next_payload: 1 SA
         17    version: 16 1.0
         18    exchange_type: 2 Identity Protection
         19    flags: 0 none
         20    m_id: 00000000
         24    length: 138
         28  sa: SA payload, 100 bytes
         28    next_payload: 13 VID
         29    reserved: 0
         30    length: 100
         32    doi: 1 IPSEC
         36    situation: 1 SIT_IDENTITY_ONLY
         40    proposal[0]: P payload, 88 bytes
         40      next_payload: 0 NONE
         41      reserved: 0
         42      length: 88
         44      number: 1
         45      protocol: 1 ISAKMP
         46      spi_size: 0
         47      transform_count: 2
         48      spi: [0]
         48      transform[0]: T payload, 40 bytes
         48        next_payload: 3 T
         49        reserved: 0
         50        length: 40
         52        number: 1
         53        id: 1 KEY_IKE
         54        reserved2: 0
         56        attribute[0] encryption-algorithm: 7 AES-CBC
         60        attribute[1] key-length: 256
         64        attribute[2] hash-algorithm: 2 SHA
         68        attribute[3] authentication-method: 1 pre-shared key
         72        attribute[4] group-description: 14 2048-bit MODP
         76        attribute[5] life-type: 1 seconds
         80        attribute[6] life-duration: 86400
         88      transform[1]: T payload, 40 bytes
         88        next_payload: 0 NONE
         89        reserved: 0
         90        length: 40
         92        number: 2
         93        id: 1 KEY_IKE
         94        reserved2: 0
         96        attribute[0] encryption-algorithm: 7 AES-CBC
        100        attribute[1] key-length: 128
        104        attribute[2] hash-algorithm: 2 SHA
        108        attribute[3] authentication-method: 1 pre-shared key
        112        attribute[4] group-description: 14 2048-bit MODP
        116        attribute[5] life-type: 1 seconds
        120        attribute[6] life-duration: 86400
        128  vendor_id: VID payload, 10 bytes
        128    next_payload: 0 NONE
        129    reserved: 0
        130    length: 10
        132    data: 76656e646f72[6]
        ");
    }

    #[test]
    fn prints_a_decrypted_quick_mode_message_as_a_tree() {
        assert_snapshot!(dissect(&quick_mode_1(), false), @r"
          0  header: ISAKMP header, 28 bytes
          0    cky_i: 0000000000000000[8]
          8    cky_r: 0000000000000000[8]
         16    next_payload: 8 HASH
         17    version: 16 1.0
         18    exchange_type: 32 Quick Mode
         19    flags: 1 E
         20    m_id: deadbeef
         24    length: 135
         28  hash: HASH payload, 8 bytes
         28    next_payload: 1 SA
         29    reserved: 0
         30    length: 8
         32    data: 00112233[4]
         36  sa: SA payload, 64 bytes
         36    next_payload: 5 ID
         37    reserved: 0
         38    length: 64
         40    doi: 1 IPSEC
         44    situation: 1 SIT_IDENTITY_ONLY
         48    proposal[0]: P payload, 52 bytes
         48      next_payload: 0 NONE
         49      reserved: 0
         50      length: 52
         52      number: 1
         53      protocol: 3 IPSEC_ESP
         54      spi_size: 4
         55      transform_count: 1
         56      spi: c0ffee01[4]
         60      transform[0]: T payload, 40 bytes
         60        next_payload: 0 NONE
         61        reserved: 0
         62        length: 40
         64        number: 1
         65        id: 12 ESP_AES-CBC
         66        reserved2: 0
         68        attribute[0] key-length: 128
         72        attribute[1] authentication-algorithm: 2 HMAC-SHA
         76        attribute[2] encapsulation-mode: 1 Tunnel
         80        attribute[3] sa-life-type: 1 seconds
         84        attribute[4] sa-life-duration: 3600
         88        attribute[5] sa-life-type[1]: 2 kilobytes
         92        attribute[6] sa-life-duration[1]: 1000000
        100  id: ID payload, ipv4_subnet 10.1.1.0/24 proto 0 port 0, 16 bytes
        100    next_payload: 5 ID
        101    reserved: 0
        102    length: 16
        104    type: 4 ID_IPV4_ADDR_SUBNET
        105    protocol: 0
        106    port: 0
        108    data: 0a010100ffffff00[8]
        116  id[1]: ID payload, ipv4_subnet 10.1.2.0/24 proto 0 port 0, 16 bytes
        116    next_payload: 0 NONE
        117    reserved: 0
        118    length: 16
        120    type: 4 ID_IPV4_ADDR_SUBNET
        121    protocol: 0
        122    port: 0
        124    data: 0a010200ffffff00[8]
        132  padding: 000000[3]
        ");
    }

    #[test]
    fn prints_the_other_payloads_as_a_tree() {
        assert_snapshot!(dissect(&other_payloads(), false), @r"
          0  header: ISAKMP header, 28 bytes
          0    cky_i: 0000000000000000[8]
          8    cky_r: 0000000000000000[8]
         16    next_payload: 11 N
         17    version: 16 1.0
         18    exchange_type: 5 Informational
         19    flags: 0 none
         20    m_id: 00000001
         24    length: 107
         28  notification: N payload, 15 bytes
         28    next_payload: 12 D
         29    reserved: 0
         30    length: 15
         32    doi: 1 IPSEC
         36    protocol: 1 ISAKMP
         37    spi_size: 2
         38    type: 16384 CONNECTED
         40    spi: 0102[2]
         42    data: 03[1]
         43  delete: D payload, 20 bytes
         43    next_payload: 131 NAT-OA-DRAFT
         44    reserved: 0
         45    length: 20
         47    doi: 1 IPSEC
         51    protocol: 2 IPSEC_AH
         52    spi_size: 4
         53    spi_count: 2
         55    spi[0]: 00000101[4]
         59    spi[1]: 00000102[4]
         63  nat_oa: NAT-OA-DRAFT payload, 12 bytes
         63    next_payload: 14 ATTR
         64    reserved: 0
         65    length: 12
         67    type: 1 ID_IPV4_ADDR
         68    reserved2: 0
         69    reserved3: 0
         71    data: c0000201[4]
         75  attributes: ATTR payload, 16 bytes
         75    next_payload: 132 FRAGMENT
         76    reserved: 0
         77    length: 16
         79    type: 2 ISAKMP_CFG_REPLY
         80    reserved2: 0
         81    identifier: 7
         83    attribute[0] internal_ip4_address: 0a000001[4]
         91  fragment: FRAGMENT payload, 10 bytes
         91    next_payload: 200
         92    reserved: 0
         93    length: 10
         95    id: 1
         97    number: 2
         98    flags: 1
         99    data: aabb[2]
        101  unknown: Unknown(0xc8) payload, 6 bytes
        101    next_payload: 0 NONE
        102    reserved: 0
        103    length: 6
        105    data: 0102[2]
        ");
    }

    #[test]
    fn shows_an_encrypted_body_as_one_field() {
        let message = quick_mode_1();
        let dissection = dissect(&message, true);
        assert_eq!(dissection.bytes("encrypted"), message.get(Header::LEN..));
        assert_eq!(dissection.field("hash"), None);
        assert_eq!(dissection.errors, []);
    }

    #[test]
    fn prints_what_is_left_of_a_broken_message_and_what_is_wrong() {
        let mut message = main_mode_1();
        // Proposal length past the end of the SA payload, then a cut within the second transform.
        message[42..44].copy_from_slice(&[0x02, 0x00]);
        message.truncate(100);
        assert_snapshot!(dissect(&message, false), @r"
         0  header: ISAKMP header, 28 bytes
         0    cky_i: 434b5949636b7931[8]
         8    cky_r: 0000000000000000[8]
        16    next_payload: 1 SA
        17    version: 16 1.0
        18    exchange_type: 2 Identity Protection
        19    flags: 0 none
        20    m_id: 00000000
        24    length: 138
        28  sa: SA payload, 72 bytes
        28    next_payload: 13 VID
        29    reserved: 0
        30    length: 100
        32    doi: 1 IPSEC
        36    situation: 1 SIT_IDENTITY_ONLY
        40    proposal[0]: P payload, 60 bytes
        40      next_payload: 0 NONE
        41      reserved: 0
        42      length: 512
        44      number: 1
        45      protocol: 1 ISAKMP
        46      spi_size: 0
        47      transform_count: 2
        48      spi: [0]
        48      transform[0]: T payload, 40 bytes
        48        next_payload: 3 T
        49        reserved: 0
        50        length: 40
        52        number: 1
        53        id: 1 KEY_IKE
        54        reserved2: 0
        56        attribute[0] encryption-algorithm: 7 AES-CBC
        60        attribute[1] key-length: 256
        64        attribute[2] hash-algorithm: 2 SHA
        68        attribute[3] authentication-method: 1 pre-shared key
        72        attribute[4] group-description: 14 2048-bit MODP
        76        attribute[5] life-type: 1 seconds
        80        attribute[6] life-duration: 86400
        88      transform[1]: T payload, 12 bytes
        88        next_payload: 0 NONE
        89        reserved: 0
        90        length: 40
        92        number: 2
        93        id: 1 KEY_IKE
        94        reserved2: 0
        96        attribute[0] encryption-algorithm: 7 AES-CBC
         0  error: header length is 138, expected the 100 bytes of the datagram
        30  error: payload length is 100, expected 4..=72
        42  error: proposal length is 512, expected 4..=60
        90  error: transform length is 40, expected 4..=12
        ");
    }

    #[rstest]
    #[case::header("header.m_id", "deadbeef")]
    #[case::first_of_its_kind("id.data", "0a010100ffffff00")]
    #[case::index_zero("id[0].data", "0a010100ffffff00")]
    #[case::second_of_its_kind("id[1].data", "0a010200ffffff00")]
    #[case::nested("sa.proposal[0].spi", "c0ffee01")]
    #[case::nested_without_indices("sa.proposal.transform.id", "0c")]
    #[case::attribute_by_place("sa.proposal[0].transform[0].attribute[1].value", "0002")]
    #[case::attribute_by_class("sa.proposal[0].transform[0].authentication-algorithm", "0002")]
    #[case::second_of_a_class("sa.proposal[0].transform[0].sa-life-duration[1]", "000f4240")]
    #[case::other_case_and_separator("SA.proposal.transform.Encapsulation_Mode", "0001")]
    #[case::structure("hash", "0100000800112233")]
    #[case::padding("padding", "000000")]
    fn finds_a_field_by_its_path(#[case] path: &str, #[case] bytes: &str) {
        let message = quick_mode_1();
        assert_eq!(dissect(&message, false).bytes(path).map(hex::encode).as_deref(), Some(bytes));
    }

    #[test]
    fn gives_numbers_and_near_names() {
        let dissection = dissect(&main_mode_1(), false);
        assert_eq!(dissection.number("sa.proposal[0].transform[0].life-duration"), Some(86_400));
        assert_eq!(dissection.number("header.cky_i"), None);
        assert_eq!(dissection.number("no.such.field"), None);
        assert_eq!(dissection.nearest("header.mid")[0], "header.m_id");
    }

    /// Whether the strict readers accept the message, decrypted if its Encryption bit is set.
    fn strict(bytes: &[u8]) -> bool {
        let limits = WireLimits {
            payloads_max: usize::MAX,
            proposals_max: usize::MAX,
            transforms_max: usize::MAX,
            attributes_max: usize::MAX,
            spis_max: usize::MAX,
        };
        let bytes = Bytes::copy_from_slice(bytes);
        let Ok(header) = Header::decode(&bytes) else { return false };
        if !header.flags.contains(Flags::ENCRYPTION) {
            return Message::decode(&bytes, &limits).is_ok();
        }
        let body = bytes.slice(Header::LEN..);
        let chain =
            super::super::decode_chain(header.next_payload, &body, super::super::Trailing::Padding, &limits);
        header.check(bytes.len()).is_ok() && chain.is_ok()
    }

    #[rstest]
    #[case::main_mode(main_mode_1())]
    #[case::quick_mode(quick_mode_1())]
    #[case::other_payloads(other_payloads())]
    fn agrees_with_the_strict_reader_whatever_one_octet_is(#[case] message: Vec<u8>) {
        for at in 0..message.len() {
            for value in [0, 1, 2, 3, 4, 5, 8, 12, 16, 40, 41, 127, 128, 200, 255] {
                let mut changed = message.clone();
                changed[at] = value;
                let dissection = dissect(&changed, false);
                assert_eq!(dissection.errors.is_empty(), strict(&changed), "{value} at {at}:\n{dissection}");
            }
        }
    }

    /// Each octet of the message belongs to exactly one field that is not a structure.
    fn covers_each_octet_once(dissection: &Dissection, len: usize) -> bool {
        let mut next = 0;
        for field in dissection.fields.iter().filter(|field| !matches!(field.value, FieldValue::Text(_))) {
            if field.offset != next {
                return false;
            }
            next += field.len;
        }
        next == len
    }

    proptest! {
        #[test]
        fn agrees_with_the_strict_reader_on_what_is_well_formed(bytes in any_damaged_message()) {
            let dissection = dissect(&bytes, false);
            prop_assert_eq!(dissection.errors.is_empty(), strict(&bytes), "{}", dissection);
        }

        #[test]
        fn names_each_octet_of_a_damaged_message_once(bytes in any_damaged_message()) {
            let dissection = dissect(&bytes, false);
            prop_assert!(covers_each_octet_once(&dissection, bytes.len()), "{}", dissection);
        }

        #[test]
        fn finds_every_field_by_its_own_path(bytes in any_message()) {
            let dissection = dissect(&bytes, false);
            for field in &dissection.fields {
                prop_assert_eq!(dissection.field(&field.path), Some(field));
                if let Some(alias) = &field.alias {
                    prop_assert_eq!(dissection.field(alias), Some(field));
                }
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), first in 0_u8..=255, encrypted: bool) {
            let mut bytes = bytes;
            if let Some(next_payload) = bytes.get_mut(16) {
                *next_payload = first;
            }
            let dissection = dissect(&bytes, encrypted);
            prop_assert!(covers_each_octet_once(&dissection, bytes.len()), "{}", dissection);
            prop_assert!(dissection.to_string().lines().count() >= dissection.errors.len());
        }
    }
}
