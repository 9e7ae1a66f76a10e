//! Chains with public key encryption (RFC 2409 sections 5.2 and 5.3): both RSA keys, the messages that SKEYID_e does not
//! encrypt, and the check that opens the bodies in them.

use ikev1::crypto::{CipherAlgorithm, CryptoProvider, HashAlgorithm, PrivateKey, Secret};
use ikev1::keys::{Cookies, certificate_hash, ephemeral_key, last_block, ne};
use ikev1::pki::Certificate;
use num_bigint::BigUint;
use pkcs1::UintRef;
use pkcs1::der::Encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{ChainGroup, ChainTest, Exchange, PhaseOneInputs, Side};
use super::chain_check::carries;
use super::check::Comparison;
use super::values::Hex;
use crate::random::SeededRandom;

/// Length of the ISAKMP header in bytes.
const HEADER: usize = 28;
/// Length of the cookies, with which the header begins, in bytes.
const COOKIES: usize = 16;
/// Payload types (RFC 2408 section 3.1).
const SA: u8 = 1;
const KE: u8 = 4;
const ID: u8 = 5;
const HASH: u8 = 8;
const NONCE: u8 = 10;

/// Which of the two modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionMethod {
    /// Authentication method 4: ID and nonce under RSA (RFC 2409 section 5.2).
    RsaEncryption,
    /// Authentication method 5: the nonce under RSA, what follows it under Ke_i or Ke_r (RFC 2409 section 5.3).
    RevisedRsaEncryption,
}

/// An RSA key pair by its numbers, each without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsaKey {
    /// The modulus, p times q.
    pub n: Hex,
    /// The public exponent.
    pub e: Hex,
    /// The private exponent.
    pub d: Hex,
    /// The first prime.
    pub p: Hex,
    /// The second prime.
    pub q: Hex,
}

/// A message of phase 1 that SKEYID_e does not encrypt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearMessage {
    /// Who sent it.
    pub sender: Side,
    /// As sent, from the ISAKMP header on.
    pub message: Hex,
    /// The same with decrypted bodies and the lengths that they have; absent where no body is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Hex>,
}

/// What phase 1 with public key encryption starts from besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionInputs {
    /// Which of the two modes.
    pub method: EncryptionMethod,
    /// The initiator's key pair.
    pub key_i: RsaKey,
    /// The responder's key pair.
    pub key_r: RsaKey,
    /// The responder's certificate in DER, which HASH(1) names; absent where no HASH(1) was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Hex>,
    /// The messages that SKEYID_e does not encrypt, in the order of sending.
    pub clear_messages: Vec<ClearMessage>,
}

/// What only phase 1 with public key encryption derives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionValues {
    /// HASH(1), the hash of the responder's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_1: Option<Hex>,
    /// Ne_i; the revised mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ne_i: Option<Hex>,
    /// Ne_r; the revised mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ne_r: Option<Hex>,
    /// Ke_i; the revised mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ke_i: Option<Hex>,
    /// Ke_r; the revised mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ke_r: Option<Hex>,
}

impl EncryptionInputs {
    /// Derives every value from the inputs alone.
    pub(super) fn derive(
        &self,
        p: &dyn CryptoProvider,
        h: HashAlgorithm,
        cipher: CipherAlgorithm,
        inputs: &PhaseOneInputs,
        cookies: &Cookies,
    ) -> EncryptionValues {
        let hash_1 = self.certificate.as_ref().map(|der| certificate_hash(p, h, der.as_bytes()).into());
        let mut values = EncryptionValues { hash_1, ne_i: None, ne_r: None, ke_i: None, ke_r: None };
        if self.method == EncryptionMethod::RevisedRsaEncryption {
            let ne_i = ne(p, h, inputs.ni_b.as_bytes(), &cookies.cky_i);
            let ne_r = ne(p, h, inputs.nr_b.as_bytes(), &cookies.cky_r);
            let hex = |secret: &Secret| Some(Hex::from(secret.as_bytes()));
            values.ke_i = hex(&ephemeral_key(p, h, cipher, &ne_i));
            values.ke_r = hex(&ephemeral_key(p, h, cipher, &ne_r));
            (values.ne_i, values.ne_r) = (hex(&ne_i), hex(&ne_r));
        }
        values
    }
}

/// Compares what was derived with what the file says.
pub(super) fn values_equal(
    c: &mut Comparison,
    expected: Option<&EncryptionValues>,
    got: Option<&EncryptionValues>,
) {
    let there = |there: bool| if there { "values" } else { "none" };
    let (Some(expected), Some(got)) = (expected, got) else {
        let same = expected.is_some() == got.is_some();
        return c.holds("encryption", same, there(expected.is_some()), there(got.is_some()));
    };
    for (name, expected, got) in [
        ("encryption.hash_1", &expected.hash_1, &got.hash_1),
        ("encryption.ne_i", &expected.ne_i, &got.ne_i),
        ("encryption.ne_r", &expected.ne_r, &got.ne_r),
        ("encryption.ke_i", &expected.ke_i, &got.ke_i),
        ("encryption.ke_r", &expected.ke_r, &got.ke_r),
    ] {
        match (expected, got) {
            (Some(expected), Some(got)) => c.equal(name, expected, got.as_bytes()),
            (expected, got) => {
                c.holds(
                    name,
                    expected.is_some() == got.is_some(),
                    there(expected.is_some()),
                    there(got.is_some()),
                );
            }
        }
    }
}

/// Opens every body with the private keys, and looks for each input in the message where it belongs.
pub(super) fn check(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    test: &ChainTest,
    encryption: &EncryptionInputs,
) {
    let inputs = &test.phase1;
    let main = group.exchange == Exchange::Main;
    let (key_i, key_r) = match (encryption.key_i.private_key(), encryption.key_r.private_key()) {
        (Ok(key_i), Ok(key_r)) => (key_i, key_r),
        (Err(error), _) => return c.fail("key_i", "an RSA key".to_owned(), error),
        (_, Err(error)) => return c.fail("key_r", "an RSA key".to_owned(), error),
    };
    check_certificate(c, encryption, &key_r);
    // Both messages with keys, and the SA before them or in them.
    let (first_key_message, fewest) = if main { (2, 4) } else { (0, 2) };
    let clear = &encryption.clear_messages;
    // Aggressive mode message 3 is among them when it is not encrypted.
    let expected = if !main && inputs.messages.is_empty() { 3 } else { fewest };
    if clear.len() != expected {
        return c.fail("clear_messages", format!("{expected} messages"), clear.len().to_string());
    }
    for (index, message) in clear.iter().enumerate() {
        let name = format!("clear_messages[{index}]");
        let sender = if index % 2 == 0 { Side::Initiator } else { Side::Responder };
        c.holds(
            &format!("{name}.sender"),
            message.sender == sender,
            format!("{sender:?}"),
            format!("{:?}", message.sender),
        );
        check_header(c, &name, message, inputs, index == 0, main);
        let (own, nonce, cookie) = match sender {
            Side::Initiator => (&key_r, &inputs.ni_b, &inputs.cky_i),
            Side::Responder => (&key_i, &inputs.nr_b, &inputs.cky_r),
        };
        let Some(opened) = &message.opened else { continue };
        let reader = Reader { p, group, method: encryption.method, key: own, nonce, cookie };
        match reader.open(message.message.as_bytes()) {
            Ok(got) => c.equal(&format!("{name}.opened"), opened, &got),
            Err(error) => c.fail(&format!("{name}.opened"), hex::encode(opened.as_bytes()), error),
        }
    }
    let hash_1 = test.phase1_values.encryption.as_ref().and_then(|values| values.hash_1.as_ref());
    let sai_b = Some(&inputs.sai_b);
    bodies(c, clear, 0, &[(SA, sai_b)]);
    // There is one transform, so the answer repeats it.
    bodies(c, clear, 1, &[(SA, sai_b)]);
    let of_initiator =
        [(HASH, hash_1), (KE, Some(&inputs.g_xi)), (ID, Some(&inputs.idii_b)), (NONCE, Some(&inputs.ni_b))];
    bodies(c, clear, first_key_message, &of_initiator);
    let hash_r = (!main).then_some(&test.phase1_values.hash_r);
    let of_responder =
        [(HASH, hash_r), (KE, Some(&inputs.g_xr)), (ID, Some(&inputs.idir_b)), (NONCE, Some(&inputs.nr_b))];
    bodies(c, clear, first_key_message + 1, &of_responder);
    if clear.len() > fewest {
        bodies(c, clear, fewest, &[(HASH, Some(&test.phase1_values.hash_i))]);
    }
    // The attribute Authentication Method of the offer.
    let number = if encryption.method == EncryptionMethod::RsaEncryption { 4 } else { 5 };
    carries(c, "sai_b offers the method", inputs.sai_b.as_bytes(), &Hex(vec![0x80, 3, 0, number]));
}

/// HASH(1) is that of a certificate with the responder's key.
fn check_certificate(c: &mut Comparison, encryption: &EncryptionInputs, key_r: &PrivateKey) {
    let Some(der) = &encryption.certificate else { return };
    let spki = |key: Option<&ikev1::crypto::PublicKey>| key.and_then(|key| key.to_spki_der().ok());
    let certificate = Certificate::from_der(der.as_bytes().to_vec());
    let of_certificate = certificate.ok().and_then(|certificate| certificate.public_key().ok());
    let wanted = spki(Some(key_r.public())).unwrap_or_default();
    c.equal(
        "certificate has the key of key_r",
        &wanted.into(),
        &spki(of_certificate.as_ref()).unwrap_or_default(),
    );
}

/// Cookies, version, exchange type, flags, M-ID and length (RFC 2408 section 3.1).
fn check_header(
    c: &mut Comparison,
    name: &str,
    message: &ClearMessage,
    inputs: &PhaseOneInputs,
    first: bool,
    main: bool,
) {
    let bytes = message.message.as_bytes();
    let nobody = Hex(vec![0; 8]);
    let cky_r = if first { &nobody } else { &inputs.cky_r };
    let exchange_type = if main { 2 } else { 4 };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let fixed = [0x10, exchange_type, 0, 0, 0, 0, 0];
    let after = [&fixed[..], &length].concat();
    let cookies = [inputs.cky_i.as_bytes(), cky_r.as_bytes()].concat();
    c.equal(&format!("{name} cookies"), &cookies.into(), bytes.get(..COOKIES).unwrap_or_default());
    c.equal(&format!("{name} header"), &after.into(), bytes.get(COOKIES + 1..HEADER).unwrap_or_default());
}

/// A message has one payload of each of these types with that body, or none of the type.
fn bodies(c: &mut Comparison, clear: &[ClearMessage], index: usize, wanted: &[(u8, Option<&Hex>)]) {
    let Some(message) = clear.get(index) else { return };
    let opened = message.opened.as_ref().unwrap_or(&message.message);
    let payloads = match payloads(opened.as_bytes()) {
        Ok(payloads) => payloads,
        Err(error) => return c.fail(&format!("clear_messages[{index}]"), "payloads".to_owned(), error),
    };
    for (kind, body) in wanted {
        let got: Vec<_> = payloads.iter().filter(|payload| payload.kind == *kind).collect();
        let expected: Vec<_> = body.iter().map(|body| hex::encode(body.as_bytes())).collect();
        let got: Vec<_> = got.iter().map(|payload| hex::encode(payload.body)).collect();
        c.holds(
            &format!("clear_messages[{index}] payload {kind}"),
            expected == got,
            expected.join(", "),
            got.join(", "),
        );
    }
}

/// A payload of a message.
struct Payload<'a> {
    kind: u8,
    /// Next Payload and RESERVED.
    head: [u8; 2],
    body: &'a [u8],
}

/// The payloads of a message, which they fill.
fn payloads(message: &[u8]) -> Result<Vec<Payload<'_>>, String> {
    let (header, mut rest) = message.split_at_checked(HEADER).ok_or("shorter than its header")?;
    let mut kind = *header.get(COOKIES).ok_or("shorter than its header")?;
    let mut found = Vec::new();
    while kind != 0 {
        let ([next, reserved, high, low], behind) = rest.split_first_chunk().ok_or("a cut payload")?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body = length.checked_sub(4).and_then(|length| behind.split_at_checked(length));
        let (body, behind) = body.ok_or("a payload longer than the message")?;
        found.push(Payload { kind, head: [*next, *reserved], body });
        (kind, rest) = (*next, behind);
    }
    if rest.is_empty() { Ok(found) } else { Err(format!("{} bytes behind the payloads", rest.len())) }
}

/// Opens the bodies of one side's message.
struct Reader<'a> {
    p: &'a dyn CryptoProvider,
    group: &'a ChainGroup,
    method: EncryptionMethod,
    key: &'a PrivateKey,
    /// The sender's nonce, which must come out.
    nonce: &'a Hex,
    cookie: &'a Hex,
}

impl Reader<'_> {
    /// The message with decrypted bodies.
    fn open(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = message.get(..HEADER).unwrap_or_default().to_vec();
        let mut under_ke = None;
        for payload in payloads(message)? {
            let opened = match (payload.kind, &mut under_ke) {
                (NONCE, None) => {
                    let nonce = self.rsa(payload.body)?;
                    if nonce != self.nonce.as_bytes() {
                        return Err(format!("nonce {}", hex::encode(nonce)));
                    }
                    if self.method == EncryptionMethod::RevisedRsaEncryption {
                        under_ke = Some(self.body_cipher(&nonce)?);
                    }
                    nonce
                }
                (ID, None) if self.method == EncryptionMethod::RsaEncryption => self.rsa(payload.body)?,
                (HASH, _) | (_, None) => payload.body.to_vec(),
                (_, Some((key, iv))) => self.under_ke(key, iv, payload.body)?,
            };
            let length = u16::try_from(opened.len().saturating_add(4)).map_err(|error| error.to_string())?;
            out.extend(payload.head);
            out.extend(length.to_be_bytes());
            out.extend(opened);
        }
        let length = u32::try_from(out.len()).map_err(|error| error.to_string())?;
        if let Some(place) = out.get_mut(HEADER - 4..HEADER) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(out)
    }

    fn rsa(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        // Only the blinding takes random bytes, and it changes no result.
        let mut random = SeededRandom::new(0, "vectors", "blinding");
        let opened = self.p.rsa_decrypt(self.key, body, &mut random);
        Ok(opened.map_err(|error| error.to_string())?.as_bytes().to_vec())
    }

    /// Ke and the IV of zeros.
    fn body_cipher(&self, nonce: &[u8]) -> Result<(Secret, Vec<u8>), String> {
        let (h, cipher) = (self.group.hash.0, self.group.cipher.0);
        let cookie = self.cookie.to_array().ok_or("a cookie has not 8 bytes")?;
        let key = ephemeral_key(self.p, h, cipher, &ne(self.p, h, nonce, &cookie));
        Ok((key, vec![0; cipher.block_len()]))
    }

    /// The body without its padding of zeros and their count; moves the IV on.
    fn under_ke(&self, key: &Secret, iv: &mut Vec<u8>, body: &[u8]) -> Result<Vec<u8>, String> {
        let cipher = self.group.cipher.0;
        let mut opened = body.to_vec();
        self.p.cbc_decrypt(cipher, key.as_bytes(), iv, &mut opened).map_err(|error| error.to_string())?;
        *iv = last_block(cipher, body).ok_or("an empty body")?.to_vec();
        let zeros = usize::from(opened.pop().unwrap_or_default());
        let length = opened.len().checked_sub(zeros).filter(|_| zeros < cipher.block_len());
        let padding = length.and_then(|length| opened.get(length..));
        if padding.is_none_or(|padding| padding.iter().any(|byte| *byte != 0)) {
            return Err("a body without the padding of section 5.3".to_owned());
        }
        opened.truncate(length.unwrap_or_default());
        Ok(opened)
    }
}

impl RsaKey {
    /// The key pair, once its numbers fit each other.
    fn private_key(&self) -> Result<PrivateKey, String> {
        let [n, e, d, p, q] =
            [&self.n, &self.e, &self.d, &self.p, &self.q].map(|hex| BigUint::from_bytes_be(hex.as_bytes()));
        let one = BigUint::from(1_u8);
        if p <= one || q <= one || &p * &q != n {
            return Err("n is not p times q".to_owned());
        }
        let (p_1, q_1) = (&p - &one, &q - &one);
        if &e * &d % &p_1 != one || &e * &d % &q_1 != one {
            return Err("d does not belong to e".to_owned());
        }
        let coefficient = q.modinv(&p).ok_or("p and q are not prime to each other")?;
        let numbers = [&(&d % &p_1), &(&d % &q_1), &coefficient].map(BigUint::to_bytes_be);
        let [exponent1, exponent2, coefficient] = &numbers;
        let key = pkcs1::RsaPrivateKey {
            modulus: uint(self.n.as_bytes())?,
            public_exponent: uint(self.e.as_bytes())?,
            private_exponent: uint(self.d.as_bytes())?,
            prime1: uint(self.p.as_bytes())?,
            prime2: uint(self.q.as_bytes())?,
            exponent1: uint(exponent1)?,
            exponent2: uint(exponent2)?,
            coefficient: uint(coefficient)?,
            other_prime_infos: None,
        };
        let der = key.to_der().map_err(|error| error.to_string())?;
        PrivateKey::from_der(&der).map_err(|error| error.to_string())
    }
}

fn uint(bytes: &[u8]) -> Result<UintRef<'_>, String> {
    UintRef::new(bytes).map_err(|error| error.to_string())
}
