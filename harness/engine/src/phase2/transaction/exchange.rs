//! One transaction exchange: two messages with a hash each.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use crate::core::{Envelope, Opened};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase2::quick_mode::QmCx;
use crate::retransmit::{Conversation, Sent};
use crate::wire::{AttributesPayload, ConfigType, ExchangeType, Flags, Payload, PayloadType};

/// What an exchange of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Asking the user.
    XauthRequest,
    /// Telling the host what came of it.
    XauthStatus {
        /// Whether the user is authenticated.
        passed: bool,
    },
    /// Asking for our configuration.
    Pull,
    /// Telling the host its configuration.
    Push,
}

/// An exchange, with what retransmission needs.
#[derive(Debug)]
pub(crate) struct TransactionExchange {
    pub(crate) conversation: Conversation,
    /// What it waits for. One that waits for nothing stays to answer repeated messages.
    pub(crate) awaits: Option<ExpectAnswer>,
}

/// The first message is out.
#[derive(Debug, Clone)]
pub(crate) struct ExpectAnswer {
    pub(crate) purpose: Purpose,
    /// `None` takes any.
    identifier: Option<u16>,
    message_type: ConfigType,
    /// The last ciphertext block of the first message.
    iv: Vec<u8>,
}

// --- Transaction exchange 1: HDR*, HASH, ATTR ---

/// Sends a REQUEST or SET; `any_identifier` takes an answer under whatever identifier.
pub(crate) fn initiate(
    cx: &mut QmCx<'_>,
    purpose: Purpose,
    attributes: AttributesPayload,
    any_identifier: bool,
) -> Result<(ExpectAnswer, Sent), ExchangeError> {
    let identifier = (!any_identifier).then_some(attributes.identifier);
    let message_type =
        if attributes.message_type == ConfigType::SET { ConfigType::ACK } else { ConfigType::REPLY };
    let iv = cx.first_iv();
    let sent = send(cx, 1, &iv, attributes)?;
    Ok((ExpectAnswer { purpose, identifier, message_type, iv: sent.next_iv.clone() }, sent))
}

/// Opens a peer's first message; gives what it says, and the IV of the answer.
pub(crate) fn open(
    cx: &mut QmCx<'_>,
    received: &Received,
) -> Result<(AttributesPayload, Vec<u8>), ExchangeError> {
    let iv = cx.first_iv();
    let (attributes, opened) = receive(cx, received, &iv)?;
    match attributes.message_type {
        ConfigType::REQUEST | ConfigType::SET => Ok((attributes, opened.next_iv)),
        ConfigType::REPLY | ConfigType::ACK => Err(ExchangeError::UnexpectedConfig("an answer to nothing")),
        _ => Err(ExchangeError::UnexpectedConfig("a message type that is not known")),
    }
}

// --- Transaction exchange 2: HDR*, HASH, ATTR ---

/// Sends a REPLY or ACK.
pub(crate) fn answer(
    cx: &mut QmCx<'_>,
    iv: &[u8],
    attributes: AttributesPayload,
) -> Result<Sent, ExchangeError> {
    send(cx, 2, iv, attributes)
}

impl ExpectAnswer {
    /// Opens the peer's answer.
    pub(crate) fn handle(
        &self,
        cx: &mut QmCx<'_>,
        received: &Received,
    ) -> Result<AttributesPayload, ExchangeError> {
        let (attributes, _) = receive(cx, received, &self.iv)?;
        if attributes.message_type != self.message_type {
            return Err(ExchangeError::UnexpectedConfig("the answer is of another type"));
        }
        if self.identifier.is_some_and(|identifier| identifier != attributes.identifier) {
            return Err(ExchangeError::UnexpectedConfig("the answer has another identifier"));
        }
        Ok(attributes)
    }
}

fn send(
    cx: &mut QmCx<'_>,
    number: u8,
    iv: &[u8],
    attributes: AttributesPayload,
) -> Result<Sent, ExchangeError> {
    let attributes = Payload::Attributes(attributes);
    let (_, after_hash) = crate::wire::encode_chain(core::slice::from_ref(&attributes));
    let hash = hash(cx, &after_hash);
    let envelope = Envelope {
        path: cx.path,
        cookies: cx.cookies,
        exchange: ExchangeType::TRANSACTION,
        m_id: cx.m_id,
        number,
    };
    let payloads = [payloads::hash_payload(&hash), attributes];
    cx.core.send_encrypted(&envelope, &cx.established.protection, iv, &payloads)
}

fn receive(
    cx: &mut QmCx<'_>,
    received: &Received,
    iv: &[u8],
) -> Result<(AttributesPayload, Opened), ExchangeError> {
    if !received.header.flags.contains(Flags::ENCRYPTION) {
        let got = received.header.flags.0;
        let problem = "a transaction exchange must be encrypted once there is an ISAKMP SA";
        return Err(ExchangeError::InvalidFlags { got, problem });
    }
    let opened = cx.core.open(&received.header, &received.message, &cx.established.protection, iv);
    let opened = opened.map_err(|error| cx.refused(error, received, iv, &[]))?;
    payloads::at(&opened.chain, 0, PayloadType::HASH)?;
    let theirs: Bytes = payloads::hash(&opened.chain)?;
    let ours = hash(cx, opened.after_first_payload());
    if !deviates(Deviation::AcceptsWrongHashOfTransactions) && !bool::from(ours.as_slice().ct_eq(&theirs)) {
        return Err(ExchangeError::HashMismatch(Label::Hash1));
    }
    match &payloads::one(&opened.chain, PayloadType::ATTRIBUTES)?.payload {
        Payload::Attributes(attributes) => Ok((attributes.clone(), opened)),
        _ => Err(ExchangeError::MissingPayload(PayloadType::ATTRIBUTES)),
    }
}

/// `HASH = prf(SKEYID_a, M-ID | ATTR)` (Mode-Config draft section 3.1.1), which is the formula of HASH(1).
fn hash(cx: &mut QmCx<'_>, after_hash: &[u8]) -> Vec<u8> {
    let protection = &cx.established.protection;
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let hash = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, after_hash);
    cx.log(Label::Hash1, &hash);
    hash
}
