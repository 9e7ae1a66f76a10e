//! The table of fault operators, by what they change.

use super::place::{ANY, CLEAR, ENCRYPTED, FIRST, FRAGMENT, LATER, PHASE_1, PHASE_2, with};
use super::recipe::{
    Recipe, add, all, append_payload, bytes, copy, cut, fill, grow, number, random, remove, repeat, replace,
    set_bytes, swap, whole, xor, xor_byte,
};
use super::row::faults;
use crate::model::IvTreatment;
use Recipe::{After, Before, Broken, Clear, Datagram, Delay, Drop, Duplicate, Iv, Length, Plain, Proper};

faults! {
    // --- Header (RFC 2408 section 3.1) ---
    CkyIChanged: "cky-i-changed", "flips a bit of the initiator cookie", "RFC2408-5.2-01", LATER,
        Plain(|| vec![xor("header.cky_i", 1)]);
    CkyIZero: "cky-i-zero", "sets the initiator cookie to zero", "RFC2408-2.5.3-01", ANY,
        Plain(|| vec![all("header.cky_i", 0)]);
    CkyRChanged: "cky-r-changed", "flips a bit of the responder cookie", "RFC2408-5.2-01", LATER,
        Plain(|| vec![xor("header.cky_r", 1)]);
    CkyRZero: "cky-r-zero", "sets the responder cookie to zero", "RFC2408-5.2-01", LATER,
        Plain(|| vec![all("header.cky_r", 0)]);
    CkyRSet: "cky-r-set", "sets the responder cookie that nobody has chosen yet", "RFC2408-5.2-01", FIRST,
        Plain(|| vec![all("header.cky_r", 0x5a)]);
    NextPayloadNone: "next-payload-none", "lets the header name no payload", "RFC2408-5.2-02", ANY,
        Plain(|| vec![number("header.next_payload", 0)]);
    NextPayloadReserved: "next-payload-reserved", "lets the header name the reserved payload type 99", "RFC2408-5.2-02", ANY,
        Plain(|| vec![number("header.next_payload", 99)]);
    NextPayloadPrivate: "next-payload-private", "lets the header name the private payload type 200", "RFC2408-5.2-02", ANY,
        Plain(|| vec![number("header.next_payload", 200)]);
    NextPayloadVendorId: "next-payload-vendor-id", "lets the header name a Vendor ID payload in place of the first one", "RFC2408-5.2-02", ANY,
        Plain(|| vec![number("header.next_payload", 13)]);
    MajorVersionGreater: "major-version-greater", "sets the version to 2.0", "RFC2408-5.2-03", ANY,
        Plain(|| vec![number("header.version", 0x20)]);
    MajorVersionZero: "major-version-zero", "sets the version to 0.0", "RFC2408-5.2-03", ANY,
        Plain(|| vec![number("header.version", 0)]);
    MinorVersionGreater: "minor-version-greater", "sets the version to 1.1", "RFC2408-3.1-04", ANY,
        Plain(|| vec![number("header.version", 0x11)]);
    MinorVersionGreatest: "minor-version-greatest", "sets the version to 1.15", "RFC2408-3.1-04", ANY,
        Plain(|| vec![number("header.version", 0x1f)]);
    ExchangeTypeZero: "exchange-type-zero", "sets the exchange type to 0, none", "RFC2408-5.2-04", ANY,
        Plain(|| vec![number("header.exchange_type", 0)]);
    ExchangeTypeBase: "exchange-type-base", "sets the exchange type to 1, Base", "RFC2409-5-18", ANY,
        Plain(|| vec![number("header.exchange_type", 1)]);
    ExchangeTypeAuthenticationOnly: "exchange-type-authentication-only", "sets the exchange type to 3, Authentication Only", "RFC2409-5-18", ANY,
        Plain(|| vec![number("header.exchange_type", 3)]);
    ExchangeTypeInformational: "exchange-type-informational", "sets the exchange type to 5, Informational", "RFC2409-5-18", ANY,
        Plain(|| vec![number("header.exchange_type", 5)]);
    ExchangeTypeReserved: "exchange-type-reserved", "sets the exchange type to 17, which is reserved", "RFC2408-5.2-04", ANY,
        Plain(|| vec![number("header.exchange_type", 17)]);
    ExchangeTypeQuickMode: "exchange-type-quick-mode", "sets the exchange type to 32, Quick Mode", "RFC2409-5-18", PHASE_1,
        Plain(|| vec![number("header.exchange_type", 32)]);
    ExchangeTypeNewGroupMode: "exchange-type-new-group-mode", "sets the exchange type to 33, New Group Mode", "RFC2409-5-18", ANY,
        Plain(|| vec![number("header.exchange_type", 33)]);
    ExchangeTypePrivate: "exchange-type-private", "sets the exchange type to 250, which is private", "RFC2408-5.2-04", ANY,
        Plain(|| vec![number("header.exchange_type", 250)]);
    EncryptionFlagSet: "encryption-flag-set", "sets the Encryption bit of a message in the clear", "RFC2408-5.2-05", CLEAR,
        Plain(|| vec![xor("header.flags", 1)]);
    EncryptionFlagCleared: "encryption-flag-cleared", "clears the Encryption bit of an encrypted message", "RFC2408-5.2-05", ENCRYPTED,
        Plain(|| vec![xor("header.flags", 1)]);
    CommitFlagSet: "commit-flag-set", "sets the Commit bit in phase 1", "RFC2408-5.2-05", PHASE_1,
        Plain(|| vec![xor("header.flags", 2)]);
    AuthenticationOnlyFlagSet: "authentication-only-flag-set", "sets the Authentication Only bit", "RFC2408-5.2-05", ANY,
        Plain(|| vec![xor("header.flags", 4)]);
    ReservedFlagSet: "reserved-flag-set", "sets the lowest undefined bit of the flags", "RFC2408-3.1-05", ANY,
        Plain(|| vec![xor("header.flags", 8)]);
    ReservedFlagsAllSet: "reserved-flags-all-set", "sets all five undefined bits of the flags", "RFC2408-3.1-05", ANY,
        Plain(|| vec![xor("header.flags", 0xf8)]);
    MIdSet: "m-id-set", "gives a phase 1 message an M-ID", "RFC2408-5.2-06", PHASE_1,
        Plain(|| vec![number("header.m_id", 0x0102_0304)]);
    MIdZero: "m-id-zero", "sets the M-ID of a phase 2 message to zero", "RFC2408-5.2-06", PHASE_2,
        Plain(|| vec![number("header.m_id", 0)]);
    MIdChanged: "m-id-changed", "flips a bit of the M-ID of a phase 2 message; its HASH and its IV are those of the right one", "RFC2408-5.2-06", PHASE_2,
        Plain(|| vec![xor("header.m_id", 1)]);
    LengthOneMore: "length-one-more", "lets the header's length be one octet more than the message has", "RFC2408-5.1-01", CLEAR,
        Length(|| vec![add("header.length", 1)]);
    LengthOneLess: "length-one-less", "lets the header's length be one octet less than the message has", "RFC2408-5.1-01", CLEAR,
        Length(|| vec![add("header.length", -1)]);
    LengthOfTheHeader: "length-of-the-header", "lets the header's length count the header alone", "RFC2408-5.1-01", ANY,
        Length(|| vec![number("header.length", 28)]);
    LengthBelowTheHeader: "length-below-the-header", "lets the header's length be 27", "RFC2408-5.1-01", ANY,
        Length(|| vec![number("header.length", 27)]);
    LengthZero: "length-zero", "sets the header's length to zero", "RFC2408-5.1-01", ANY,
        Length(|| vec![number("header.length", 0)]);
    LengthGreatest: "length-greatest", "sets the header's length to 4294967295", "RFC2408-5.1-01", ANY,
        Length(|| vec![number("header.length", 0xffff_ffff)]);

    // --- The datagram, after encryption ---
    OctetBehindTheMessage: "octet-behind-the-message", "adds one octet behind the message", "RFC2408-5.1-01", ANY,
        Datagram(|| vec![bytes("00")]);
    OctetsBehindTheMessage: "octets-behind-the-message", "adds sixteen octets behind the message", "RFC2408-5.1-01", ANY,
        Datagram(|| vec![bytes("00112233445566778899aabbccddeeff")]);
    LastOctetMissing: "last-octet-missing", "cuts the last octet of the datagram", "RFC2408-5.1-01", ANY,
        Datagram(|| vec![cut(1)]);
    LastBlockMissing: "last-block-missing", "cuts the last sixteen octets of the ciphertext", "RFC2408-5.1-01", ENCRYPTED,
        Datagram(|| vec![cut(16)]);
    HeaderAlone: "header-alone", "cuts the datagram behind the header", "RFC2408-5.1-01", ANY,
        Datagram(|| vec![whole(28)]);
    HeaderCut: "header-cut", "cuts the datagram within the header", "RFC2408-5.1-05", ANY,
        Datagram(|| vec![whole(20)]);
    OneOctetAlone: "one-octet-alone", "cuts the datagram to its first octet", "RFC2408-5.1-05", ANY,
        Datagram(|| vec![whole(1)]);
    FirstBlockChanged: "first-block-changed", "flips a bit in the first block of the ciphertext", "RFC2408-5.11-01", ENCRYPTED,
        Datagram(|| vec![xor_byte(28, 1)]);
    LastBlockChanged: "last-block-changed", "flips a bit in the last octet of the ciphertext", "RFC2408-5.11-01", ENCRYPTED,
        Datagram(|| vec![xor_byte(-1, 1)]);

    // --- Delivery: loss, order, replay, forgery ---
    Lost: "lost", "loses the first copy", "RFC2408-5.1-02", ANY, Drop(1);
    LostTwice: "lost-twice", "loses the first two copies", "RFC2408-5.1-02", ANY, Drop(2);
    Repeated: "repeated", "delivers the message twice", "RFC2408-5.1-02", ANY, Duplicate(1);
    RepeatedTenTimes: "repeated-ten-times", "delivers ten more copies of the message", "RFC2408-5.1-02", ANY, Duplicate(10);
    Late: "late", "delivers the first copy three seconds late, behind later ones", "RFC2408-5.1-02", ANY, Delay(3_000);
    AfterAChangedCopy: "after-a-changed-copy", "delivers a copy with a changed last octet in front of the message", "RFC2408-5.1-05", ANY,
        Before(|| copy(vec![xor_byte(-1, 0xff)]));
    AfterATruncatedCopy: "after-a-truncated-copy", "delivers the first 40 octets in front of the message", "RFC2408-5.1-05", ANY,
        Before(|| copy(vec![whole(40)]));
    AfterALongerCopy: "after-a-longer-copy", "delivers a copy with four more octets in front of the message", "RFC2408-5.1-05", ANY,
        Before(|| copy(vec![bytes("00000000")]));
    AfterRandomOctets: "after-random-octets", "delivers 200 random octets in front of the message", "RFC2408-5.1-05", ANY,
        Before(|| random(200));
    AfterAnEmptyDatagram: "after-an-empty-datagram", "delivers an empty datagram in front of the message", "RFC2408-5.1-05", ANY,
        Before(|| crate::model::InjectBytes::Hex(String::new()));
    BeforeAChangedCopy: "before-a-changed-copy", "delivers a copy with a changed last octet behind the message", "RFC2408-5.1-05", ANY,
        After(|| copy(vec![xor_byte(-1, 0xff)]));
    BeforeItsHeader: "before-its-header", "delivers the header alone behind the message", "RFC2408-5.1-05", ANY,
        After(|| copy(vec![whole(28)]));
    BeforeAForeignCookie: "before-a-foreign-cookie", "delivers a copy under another initiator cookie behind the message", "RFC2408-5.2-01", LATER,
        After(|| copy(vec![xor_byte(0, 0xff)]));

    // --- Encryption (RFC 2409 appendix B) ---
    InTheClear: "in-the-clear", "sends without encryption what is to be encrypted", "RFC2409-3.2-04", ENCRYPTED, Clear;
    IvZero: "iv-zero", "encrypts from an IV of zero", "RFC2409-B-13", ENCRYPTED, Iv(IvTreatment::Zero);
    IvStale: "iv-stale", "encrypts from the IV of the harness's encrypted message before", "RFC2409-B-13", PHASE_2, Iv(IvTreatment::Stale);
    PaddingOfOneBlock: "padding-of-one-block", "adds sixteen zero octets of padding", "RFC2409-B-01", ENCRYPTED,
        Plain(|| vec![fill(16)]);
    PaddingOfManyBlocks: "padding-of-many-blocks", "adds 256 zero octets of padding", "RFC2409-B-01", ENCRYPTED,
        Plain(|| vec![fill(256)]);
    PaddingNotZero: "padding-not-zero", "begins the padding with octets that are not zero", "RFC2409-B-01", ENCRYPTED,
        Plain(|| vec![crate::model::EditOp::Append { hex: "a5a5a5a5".into() }]);

    // --- SA payload (RFC 2408 section 3.4, RFC 2407 section 4.6.1) ---
    SaMissing: "sa-missing", "leaves the SA payload out", "RFC2408-5.4-03", with("sa"),
        Broken(|| vec![remove("sa")]);
    SaRepeated: "sa-repeated", "repeats the SA payload", "RFC2409-5-16", with("sa"),
        Broken(|| vec![repeat("sa")]);
    SaReservedSet: "sa-reserved-set", "sets the RESERVED octet of the SA payload", "RFC2408-5.3-02", with("sa"),
        Proper(|| vec![number("sa.reserved", 1)]);
    SaNextPayloadReserved: "sa-next-payload-reserved", "lets the SA payload name the reserved payload type 99", "RFC2408-5.3-01", with("sa"),
        Broken(|| vec![number("sa.next_payload", 99)]);
    SaLengthZero: "sa-length-zero", "sets the length of the SA payload to zero", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.length", 0)]);
    SaLengthThree: "sa-length-three", "sets the length of the SA payload to three", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.length", 3)]);
    SaLengthOneLess: "sa-length-one-less", "sets the length of the SA payload to one less", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![add("sa.length", -1)]);
    SaLengthGreatest: "sa-length-greatest", "sets the length of the SA payload to 65535", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.length", 65535)]);
    DoiZero: "doi-zero", "sets the DOI of the SA payload to 0", "RFC2408-5.4-01", with("sa"),
        Proper(|| vec![number("sa.doi", 0)]);
    DoiUnknown: "doi-unknown", "sets the DOI of the SA payload to one that nobody has", "RFC2408-5.4-01", with("sa"),
        Proper(|| vec![number("sa.doi", 0x7fff_fff7)]);
    SituationZero: "situation-zero", "sets the situation to none", "RFC2408-5.4-02", with("sa"),
        Proper(|| vec![number("sa.situation", 0)]);
    SituationSecrecy: "situation-secrecy", "sets the situation to SIT_SECRECY without labels", "RFC2408-5.4-02", with("sa"),
        Broken(|| vec![number("sa.situation", 2)]);
    SituationUnknown: "situation-unknown", "sets an undefined bit of the situation", "RFC2408-5.4-02", with("sa"),
        Proper(|| vec![number("sa.situation", 0x8000_0001)]);

    // --- Proposal payload (RFC 2408 section 3.5) ---
    ProposalMissing: "proposal-missing", "leaves the proposal out, so that the SA payload is empty", "RFC2408-5.4-03", with("sa"),
        Broken(|| vec![remove("sa.proposal[0]")]);
    ProposalRepeated: "proposal-repeated", "repeats the proposal under its number", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![repeat("sa.proposal[0]")]);
    ProposalReservedSet: "proposal-reserved-set", "sets the RESERVED octet of the proposal", "RFC2408-5.3-02", with("sa"),
        Proper(|| vec![number("sa.proposal[0].reserved", 1)]);
    ProposalNextPayloadTransform: "proposal-next-payload-transform", "lets the proposal name a transform as what follows it", "RFC2408-5.3-01", with("sa"),
        Broken(|| vec![number("sa.proposal[0].next_payload", 3)]);
    ProposalLengthZero: "proposal-length-zero", "sets the length of the proposal to zero", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.proposal[0].length", 0)]);
    ProposalLengthSeven: "proposal-length-seven", "sets the length of the proposal to seven", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.proposal[0].length", 7)]);
    ProposalLengthGreatest: "proposal-length-greatest", "sets the length of the proposal to 65535", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.proposal[0].length", 65535)]);
    ProposalNumberZero: "proposal-number-zero", "gives the proposal the number 0", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![number("sa.proposal[0].number", 0)]);
    ProposalNumberGreatest: "proposal-number-greatest", "gives the proposal the number 255", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![number("sa.proposal[0].number", 255)]);
    ProtocolZero: "protocol-zero", "sets the Protocol-ID of the proposal to 0", "RFC2408-5.5-01", with("sa"),
        Proper(|| vec![number("sa.proposal[0].protocol", 0)]);
    ProtocolUnknown: "protocol-unknown", "sets the Protocol-ID of the proposal to 77", "RFC2408-5.5-01", with("sa"),
        Proper(|| vec![number("sa.proposal[0].protocol", 77)]);
    SpiSizeGreatest: "spi-size-greatest", "sets the SPI Size of the proposal to 255", "RFC2408-5.5-02", with("sa"),
        Broken(|| vec![number("sa.proposal[0].spi_size", 255)]);
    SpiOfEightOctets: "spi-of-eight-octets", "gives the proposal an SPI of eight octets", "RFC2408-5.5-02", with("sa"),
        Proper(|| vec![replace("sa.proposal[0].spi", "0011223344556677")]);
    SpiOfSeventeenOctets: "spi-of-seventeen-octets", "gives the proposal an SPI of seventeen octets", "RFC2408-5.5-02", with("sa"),
        Proper(|| vec![replace("sa.proposal[0].spi", "00112233445566778899aabbccddeeff00")]);
    SpiMissing: "spi-missing", "leaves the SPI of the proposal out", "RFC2408-5.5-02", with("sa").in_phase_2(),
        Proper(|| vec![replace("sa.proposal[0].spi", "")]);
    SpiZero: "spi-zero", "sets the SPI of the proposal to zero", "RFC2408-5.5-02", with("sa").in_phase_2(),
        Proper(|| vec![all("sa.proposal[0].spi", 0)]);
    TransformCountZero: "transform-count-zero", "sets the number of transforms to zero", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform_count", 0)]);
    TransformCountOneMore: "transform-count-one-more", "sets the number of transforms to one more than there are", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![add("sa.proposal[0].transform_count", 1)]);
    TransformCountGreatest: "transform-count-greatest", "sets the number of transforms to 255", "RFC2408-5.5-12", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform_count", 255)]);

    // --- Transform payload and attributes (RFC 2408 sections 3.6 and 3.3) ---
    TransformMissing: "transform-missing", "leaves the first transform out", "RFC2408-4.2-04", with("sa"),
        Proper(|| vec![remove("sa.proposal[0].transform[0]")]);
    TransformRepeated: "transform-repeated", "repeats the first transform under its number", "RFC2408-5.6-11", with("sa"),
        Proper(|| vec![repeat("sa.proposal[0].transform[0]")]);
    TransformReservedSet: "transform-reserved-set", "sets the RESERVED octet of the first transform", "RFC2408-5.3-02", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].reserved", 1)]);
    TransformReserved2Set: "transform-reserved2-set", "sets the RESERVED2 field of the first transform", "RFC2408-2.5.2-01", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].reserved2", 1)]);
    TransformNextPayloadProposal: "transform-next-payload-proposal", "lets the first transform name a proposal as what follows it", "RFC2408-5.3-01", with("sa"),
        Broken(|| vec![number("sa.proposal[0].transform[0].next_payload", 2)]);
    TransformLengthZero: "transform-length-zero", "sets the length of the first transform to zero", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.proposal[0].transform[0].length", 0)]);
    TransformLengthGreatest: "transform-length-greatest", "sets the length of the first transform to 65535", "RFC2408-5.3-03", with("sa"),
        Broken(|| vec![number("sa.proposal[0].transform[0].length", 65535)]);
    TransformIdZero: "transform-id-zero", "sets the Transform-ID of the first transform to 0", "RFC2408-5.6-08", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].id", 0)]);
    TransformIdUnknown: "transform-id-unknown", "sets the Transform-ID of the first transform to 247", "RFC2408-5.6-08", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].id", 247)]);
    AttributeMissing: "attribute-missing", "leaves the first attribute of the first transform out", "RFC2408-5.6-11", with("sa"),
        Proper(|| vec![remove("sa.proposal[0].transform[0].attribute[0]")]);
    AttributeRepeated: "attribute-repeated", "repeats the first attribute of the first transform", "RFC2407-4.5.2-01", with("sa"),
        Proper(|| vec![repeat("sa.proposal[0].transform[0].attribute[0]")]);
    AttributeVariable: "attribute-variable", "encodes the first attribute, which is basic, as variable", "RFC2409-A-06", with("sa"),
        Proper(|| vec![replace("sa.proposal[0].transform[0].attribute[0].value", "00000001")]);
    AttributeClassUnknown: "attribute-class-unknown", "gives the first attribute a class that nobody knows", "RFC2408-5.6-11", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].attribute[0].type", 0x8000 | 0x3f01)]);
    AttributeValueZero: "attribute-value-zero", "sets the value of the first attribute to zero", "RFC2408-5.6-11", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].attribute[0].value", 0)]);
    AttributeValueUnknown: "attribute-value-unknown", "sets the value of the first attribute to one that nobody knows", "RFC2408-5.6-11", with("sa"),
        Proper(|| vec![number("sa.proposal[0].transform[0].attribute[0].value", 0xfdfd)]);

    // --- KE payload (RFC 2408 section 3.7) ---
    KeMissing: "ke-missing", "leaves the KE payload out", "RFC2408-5.7-01", with("ke"),
        Broken(|| vec![remove("ke")]);
    KeRepeated: "ke-repeated", "repeats the KE payload", "RFC2408-5.7-01", with("ke"),
        Broken(|| vec![repeat("ke")]);
    KeEmpty: "ke-empty", "leaves the KE payload without data", "RFC2408-5.7-01", with("ke"),
        Broken(|| vec![replace("ke.data", "")]);
    KeOneOctetShort: "ke-one-octet-short", "cuts the last octet of the public value", "RFC2409-5-06", with("ke"),
        Broken(|| vec![grow("ke.data", -1)]);
    KeOneOctetLong: "ke-one-octet-long", "adds an octet to the public value", "RFC2409-5-06", with("ke"),
        Broken(|| vec![grow("ke.data", 1)]);
    KeZero: "ke-zero", "sets the public value to zero", "RFC2408-5.7-01", with("ke"),
        Broken(|| vec![all("ke.data", 0)]);
    KeAllOnes: "ke-all-ones", "sets every bit of the public value, so that it is greater than the prime", "RFC2408-5.7-01", with("ke"),
        Broken(|| vec![all("ke.data", 0xff)]);
    KeReservedSet: "ke-reserved-set", "sets the RESERVED octet of the KE payload", "RFC2408-5.3-02", with("ke"),
        Proper(|| vec![number("ke.reserved", 1)]);
    KeNextPayloadReserved: "ke-next-payload-reserved", "lets the KE payload name the reserved payload type 99", "RFC2408-5.3-01", with("ke"),
        Broken(|| vec![number("ke.next_payload", 99)]);
    KeLengthZero: "ke-length-zero", "sets the length of the KE payload to zero", "RFC2408-5.3-03", with("ke"),
        Broken(|| vec![number("ke.length", 0)]);
    KeLengthThree: "ke-length-three", "sets the length of the KE payload to three", "RFC2408-5.3-03", with("ke"),
        Broken(|| vec![number("ke.length", 3)]);
    KeLengthGreatest: "ke-length-greatest", "sets the length of the KE payload to 65535", "RFC2408-5.3-03", with("ke"),
        Broken(|| vec![number("ke.length", 65535)]);

    // --- NONCE payload (RFC 2408 section 3.13) ---
    NonceMissing: "nonce-missing", "leaves the NONCE payload out", "RFC2408-5.13-01", with("nonce"),
        Broken(|| vec![remove("nonce")]);
    NonceRepeated: "nonce-repeated", "repeats the NONCE payload", "RFC2408-5.13-01", with("nonce"),
        Broken(|| vec![repeat("nonce")]);
    NonceEmpty: "nonce-empty", "leaves the nonce without octets", "RFC2409-5-07", with("nonce"),
        Broken(|| vec![replace("nonce.data", "")]);
    NonceOfSevenOctets: "nonce-of-seven-octets", "sends a nonce of seven octets, one too few", "RFC2409-5-07", with("nonce"),
        Proper(|| vec![replace("nonce.data", "a1b2c3d4e5f607")]);
    NonceOf257Octets: "nonce-of-257-octets", "sends a nonce of 257 octets, one too many", "RFC2409-5-07", with("nonce"),
        Proper(|| vec![crate::model::EditOp::Fill { field: "nonce.data".into(), length: 257, byte: 0xa5 }]);
    NonceReservedSet: "nonce-reserved-set", "sets the RESERVED octet of the NONCE payload", "RFC2408-5.3-02", with("nonce"),
        Proper(|| vec![number("nonce.reserved", 1)]);
    NonceNextPayloadReserved: "nonce-next-payload-reserved", "lets the NONCE payload name the reserved payload type 99", "RFC2408-5.3-01", with("nonce"),
        Broken(|| vec![number("nonce.next_payload", 99)]);
    NonceLengthZero: "nonce-length-zero", "sets the length of the NONCE payload to zero", "RFC2408-5.3-03", with("nonce"),
        Broken(|| vec![number("nonce.length", 0)]);
    NonceLengthGreatest: "nonce-length-greatest", "sets the length of the NONCE payload to 65535", "RFC2408-5.3-03", with("nonce"),
        Broken(|| vec![number("nonce.length", 65535)]);

    // --- ID payload (RFC 2407 section 4.6.2) ---
    IdMissing: "id-missing", "leaves the first ID payload out", "RFC2408-5.8-01", with("id"),
        Broken(|| vec![remove("id")]);
    IdRepeated: "id-repeated", "repeats the first ID payload", "RFC2408-5.8-01", with("id"),
        Broken(|| vec![repeat("id")]);
    IdEmpty: "id-empty", "leaves the identity without data", "RFC2408-5.8-01", with("id"),
        Proper(|| vec![replace("id.data", "")]);
    IdOneOctetShort: "id-one-octet-short", "cuts the last octet of the identity", "RFC2408-5.8-01", with("id"),
        Proper(|| vec![grow("id.data", -1)]);
    IdOneOctetLong: "id-one-octet-long", "adds an octet to the identity", "RFC2408-5.8-01", with("id"),
        Proper(|| vec![grow("id.data", 1)]);
    IdTypeZero: "id-type-zero", "sets the type of the identity to 0, which is reserved", "RFC2408-5.8-01", with("id"),
        Proper(|| vec![number("id.type", 0)]);
    IdTypeUnknown: "id-type-unknown", "sets the type of the identity to 250", "RFC2408-5.8-01", with("id"),
        Proper(|| vec![number("id.type", 250)]);
    IdProtocolOther: "id-protocol-other", "sets the protocol of a phase 1 identity to TCP", "RFC2407-4.6.2-05", with("id").in_phase_1(),
        Proper(|| vec![number("id.protocol", 6)]);
    IdPortOther: "id-port-other", "sets the port of a phase 1 identity to 501", "RFC2407-4.6.2-05", with("id").in_phase_1(),
        Proper(|| vec![number("id.port", 501)]);
    IdReservedSet: "id-reserved-set", "sets the RESERVED octet of the first ID payload", "RFC2408-5.3-02", with("id"),
        Proper(|| vec![number("id.reserved", 1)]);
    IdNextPayloadReserved: "id-next-payload-reserved", "lets the first ID payload name the reserved payload type 99", "RFC2408-5.3-01", with("id"),
        Broken(|| vec![number("id.next_payload", 99)]);
    IdLengthZero: "id-length-zero", "sets the length of the first ID payload to zero", "RFC2408-5.3-03", with("id"),
        Broken(|| vec![number("id.length", 0)]);
    IdLengthSeven: "id-length-seven", "sets the length of the first ID payload to seven, less than its own fields", "RFC2408-5.3-03", with("id"),
        Broken(|| vec![number("id.length", 7)]);
    IdLengthGreatest: "id-length-greatest", "sets the length of the first ID payload to 65535", "RFC2408-5.3-03", with("id"),
        Broken(|| vec![number("id.length", 65535)]);

    // --- HASH payload (RFC 2408 section 3.11) ---
    HashMissing: "hash-missing", "leaves the HASH payload out", "RFC2408-5.11-01", with("hash"),
        Plain(|| vec![remove("hash")]);
    HashRepeated: "hash-repeated", "repeats the HASH payload", "RFC2408-5.11-01", with("hash"),
        Plain(|| vec![repeat("hash")]);
    HashEmpty: "hash-empty", "leaves the HASH payload without data", "RFC2408-5.11-06", with("hash"),
        Plain(|| vec![replace("hash.data", "")]);
    HashOneOctetShort: "hash-one-octet-short", "cuts the last octet of the hash", "RFC2408-5.11-06", with("hash"),
        Plain(|| vec![grow("hash.data", -1)]);
    HashOneOctetLong: "hash-one-octet-long", "adds an octet to the hash", "RFC2408-5.11-06", with("hash"),
        Plain(|| vec![grow("hash.data", 1)]);
    HashOfOneOctet: "hash-of-one-octet", "cuts the hash to its first octet", "RFC2408-5.11-06", with("hash"),
        Plain(|| vec![crate::model::EditOp::Resize { field: "hash.data".into(), length: 1 }]);
    HashChanged: "hash-changed", "flips a bit of the hash", "RFC2408-5.11-01", with("hash"),
        Plain(|| vec![xor("hash.data", 1)]);
    HashZero: "hash-zero", "sets the hash to zero", "RFC2408-5.11-01", with("hash"),
        Plain(|| vec![all("hash.data", 0)]);
    HashReservedSet: "hash-reserved-set", "sets the RESERVED octet of the HASH payload", "RFC2408-5.3-02", with("hash"),
        Plain(|| vec![number("hash.reserved", 1)]);
    HashNextPayloadReserved: "hash-next-payload-reserved", "lets the HASH payload name the reserved payload type 99", "RFC2408-5.3-01", with("hash"),
        Plain(|| vec![number("hash.next_payload", 99)]);
    HashLengthZero: "hash-length-zero", "sets the length of the HASH payload to zero", "RFC2408-5.3-03", with("hash"),
        Plain(|| vec![number("hash.length", 0)]);
    HashLengthGreatest: "hash-length-greatest", "sets the length of the HASH payload to 65535", "RFC2408-5.3-03", with("hash"),
        Plain(|| vec![number("hash.length", 65535)]);

    // --- The chain of payloads ---
    ReservedPayloadAdded: "reserved-payload-added", "adds a payload of the reserved type 99 at the end", "RFC2408-5.3-01", ANY,
        Proper(|| vec![append_payload(99, "00112233")]);
    PrivatePayloadAdded: "private-payload-added", "adds a payload of the private type 200 at the end", "RFC2408-5.3-01", ANY,
        Proper(|| vec![append_payload(200, "00112233")]);
    VendorIdAdded: "vendor-id-added", "adds a Vendor ID that nobody knows at the end", "RFC2408-3.16-01", PHASE_1,
        Proper(|| vec![append_payload(13, "8f9cc94e01248ecdf147594c284b213b")]);
    EmptyVendorIdAdded: "empty-vendor-id-added", "adds a Vendor ID without data at the end", "RFC2408-3.16-01", PHASE_1,
        Proper(|| vec![append_payload(13, "")]);
    NotificationAdded: "notification-added", "adds a notification of an error, NO-PROPOSAL-CHOSEN, at the end", "RFC2409-5-05", ANY,
        Proper(|| vec![append_payload(11, "000000010100000e")]);
    ShortNotificationAdded: "short-notification-added", "adds a Notification payload of four octets in all at the end", "RFC2408-5.3-03", ANY,
        Broken(|| vec![append_payload(11, "")]);
    DeleteAdded: "delete-added", "adds a Delete payload for an SPI that nobody has at the end", "RFC2409-5-05", ANY,
        Proper(|| vec![append_payload(12, "000000010304000100000001")]);
    DeleteOfManySpisAdded: "delete-of-many-spis-added", "adds a Delete payload that counts 65535 SPIs and has one at the end", "RFC2408-5.3-03", ANY,
        Broken(|| vec![append_payload(12, "000000010304ffff00000001")]);
    CertificateAdded: "certificate-added", "adds a CERT payload whose data are no certificate at the end", "RFC2408-5.9-02", PHASE_1,
        Proper(|| vec![append_payload(6, "0400112233")]);
    EmptyCertificateAdded: "empty-certificate-added", "adds a CERT payload without encoding at the end", "RFC2408-5.3-03", PHASE_1,
        Broken(|| vec![append_payload(6, "")]);
    KeAndNonceSwapped: "ke-and-nonce-swapped", "puts the nonce in front of the KE payload, and the other way round", "RFC2409-5-05", with("ke"),
        Proper(|| vec![swap("ke", "nonce")]);
    IdAndHashSwapped: "id-and-hash-swapped", "puts the HASH payload in front of the ID payload", "RFC2409-5-05", with("id").in_main_mode(),
        Proper(|| vec![swap("id", "hash")]);
    HashNotFirst: "hash-not-first", "puts the SA payload of quick mode in front of the HASH", "RFC2409-5.5-02", with("sa").in_phase_2(),
        Plain(|| vec![swap("hash", "sa")]);
    SaNotFirst: "sa-not-first", "puts the nonce in front of the SA payload", "RFC2409-5-04", with("nonce").in_aggressive_mode(),
        Proper(|| vec![swap("sa", "nonce")]);

    // --- Fragments (payload 132) of a message that goes out in several ---
    FragmentLost: "fragment-lost", "loses the fragment once", "MSIKEE-2-02", FRAGMENT, Drop(1);
    FragmentRepeated: "fragment-repeated", "delivers the fragment twice", "MSIKEE-2-02", FRAGMENT, Duplicate(1);
    FragmentLate: "fragment-late", "delivers the fragment behind those that follow it", "MSIKEE-2-02", FRAGMENT, Delay(100);
    FragmentIdChanged: "fragment-id-changed", "gives the fragment the ID of another message", "MSIKEE-2-01", FRAGMENT,
        Datagram(|| vec![xor_byte(33, 0xff)]);
    FragmentNumberZero: "fragment-number-zero", "gives the fragment the number 0", "MSIKEE-2-01", FRAGMENT,
        Datagram(|| vec![set_bytes(34, "00")]);
    FragmentNumberGreatest: "fragment-number-greatest", "gives the fragment the number 255", "MSIKEE-2-01", FRAGMENT,
        Datagram(|| vec![set_bytes(34, "ff")]);
    FragmentMarkedLast: "fragment-marked-last", "inverts the flag of the last fragment", "MSIKEE-2-01", FRAGMENT,
        Datagram(|| vec![xor_byte(35, 1)]);
    FragmentChanged: "fragment-changed", "flips a bit of what the fragment carries", "MSIKEE-2-03", FRAGMENT,
        Datagram(|| vec![xor_byte(-1, 1)]);
    FragmentCut: "fragment-cut", "cuts the last octet of the fragment", "MSIKEE-2-03", FRAGMENT,
        Datagram(|| vec![cut(1)]);
    AfterAForgedFragment: "after-a-forged-fragment", "delivers the fragment with other contents in front of the right one", "MSIKEE-2-03", FRAGMENT,
        Before(|| copy(vec![xor_byte(-1, 0xff)]));
}
