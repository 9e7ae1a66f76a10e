//! A recorded message, and what a chain vector takes of it.

use ikev1::pki::Certificate;
use ikev1::wire::dissect::{Dissection, dissect};
use ikev1_scenario::model;

use super::chain::{EncryptedMessage, Side};
use super::record::RecordError;
use super::signature::SignatureInputs;
use super::values::Hex;

/// Length of the ISAKMP header in bytes.
const HEADER: usize = 28;
/// Length of a payload's generic header in bytes.
const GENERIC_HEADER: usize = 4;
/// A message as it was sent for the first time, undisturbed.
pub(super) struct Sent {
    pub(super) exchange: model::Exchange,
    pub(super) occurrence: u32,
    pub(super) number: u8,
    pub(super) by_harness: bool,
    /// As sent, from the ISAKMP header on.
    pub(super) bytes: Vec<u8>,
    /// Decrypted, from the ISAKMP header on.
    pub(super) plaintext: Option<Vec<u8>>,
}

impl Sent {
    pub(super) fn dissection(&self) -> Dissection {
        dissect(self.plaintext.as_deref().unwrap_or(&self.bytes), false)
    }

    /// The octets of a field.
    pub(super) fn field(&self, path: &str) -> Result<Hex, RecordError> {
        let dissection = self.dissection();
        dissection.bytes(path).map(Hex::from).ok_or_else(|| RecordError::Field(path.to_owned()))
    }

    /// The body of a payload, without its generic header.
    pub(super) fn body(&self, payload: &str) -> Result<Hex, RecordError> {
        let whole = self.field(payload)?;
        Ok(Hex::from(whole.as_bytes().get(GENERIC_HEADER..).unwrap_or_default()))
    }

    /// M-ID, as octets and as a number.
    pub(super) fn m_id(&self) -> Result<(Hex, u32), RecordError> {
        let bytes = self.field("header.m_id")?;
        let number = bytes.to_array().ok_or_else(|| RecordError::Field("header.m_id".to_owned()))?;
        Ok((bytes, u32::from_be_bytes(number)))
    }

    pub(super) fn encrypted(&self, initiator_is_harness: bool) -> Option<EncryptedMessage> {
        let plaintext = self.plaintext.as_ref()?;
        Some(EncryptedMessage {
            sender: side(self.by_harness == initiator_is_harness),
            ciphertext: self.bytes.get(HEADER..).unwrap_or_default().into(),
            plaintext: plaintext.get(HEADER..).unwrap_or_default().into(),
        })
    }

    /// Everything behind the HASH payload, without padding.
    pub(super) fn after_hash(&self) -> Result<Hex, RecordError> {
        let dissection = self.dissection();
        let whole = self.plaintext.as_deref().unwrap_or(&self.bytes);
        let hash = dissection.field("hash").ok_or_else(|| RecordError::Field("hash".to_owned()))?;
        let end = dissection.field("padding").map_or(whole.len(), |padding| padding.offset);
        Ok(whole.get(hash.offset.saturating_add(hash.len)..end).unwrap_or_default().into())
    }
}

/// Signatures and keys from the messages in which both sides prove themselves.
pub(super) fn signatures(of_initiator: &Sent, of_responder: &Sent) -> Result<SignatureInputs, RecordError> {
    let key = |sent: &Sent, whose| {
        // The certificate stands behind the octet of its encoding.
        let body = sent.body("cert").ok();
        let der = body.as_ref().and_then(|body| body.as_bytes().get(1..)).map(<[u8]>::to_vec);
        let certificate = der.and_then(|der| Certificate::from_der(der).ok());
        let key = certificate.and_then(|certificate| certificate.public_key().ok());
        let spki = key.and_then(|key| key.to_spki_der().ok());
        spki.map(Hex::from).ok_or(RecordError::Certificate(whose))
    };
    Ok(SignatureInputs {
        key_i: key(of_initiator, "initiator")?,
        key_r: key(of_responder, "responder")?,
        sig_i: of_initiator.field("sig.data")?,
        sig_r: of_responder.field("sig.data")?,
    })
}

pub(super) fn side(initiator: bool) -> Side {
    if initiator { Side::Initiator } else { Side::Responder }
}
