//! Makes a chain vector of a recorded case: the inputs from its messages, the values from both sides' key logs.

use std::collections::BTreeSet;

use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm};
use ikev1::keylog::Label;
use ikev1::wire::dissect::FieldValue;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{self, Phase1Exchange};
use ikev1_scenario::transcript::{Event, Record, ValueSource};

use super::chain::{
    ChainGroup, ChainTest, Exchange, IpsecSaVector, PfsInputs, PhaseOneInputs, PhaseOneValues, QuickMode,
    QuickModeInputs, QuickModeValues, Side,
};
use super::model::{Authentication, TestResult};
use super::sent::{Sent, side, signatures};
use super::transaction::{Transaction, TransactionInputs, TransactionValues};
use super::values::{CipherName, GroupName, HashName, Hex};

/// Place of Next Payload in the ISAKMP header, and what stands there in a fragment.
const NEXT_PAYLOAD: usize = 16;
const FRAGMENT: u8 = 132;
/// Length of the non-ESP marker in bytes (RFC 3948 section 2.2).
const MARKER: usize = 4;

/// Why a case makes no vector.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It offers a choice, so that its configuration does not say what was negotiated.
    #[error("the case offers {0} phase 1 transforms, expected one")]
    Choice(usize),
    /// An algorithm is not one of the vectors'.
    #[error("unknown algorithm {0}")]
    Algorithm(String),
    /// A message of an exchange is not in the transcript, or was interfered with.
    #[error("{exchange} message {number} is missing")]
    Message {
        /// The exchange's type.
        exchange: &'static str,
        /// Number in the exchange, from 1.
        number: u8,
    },
    /// A message lacks a field.
    #[error("a message has no field {0}")]
    Field(String),
    /// No side has told a value.
    #[error("value {0} is not in the transcript")]
    Value(Label),
    /// A message went in several datagrams, so that no one of them is the message.
    #[error("a message went in fragments")]
    Fragments,
    /// No chain is recorded with this authentication method.
    #[error("no chains are recorded with authentication {0}")]
    Authentication(&'static str),
    /// A side's certificate is not in the transcript, or cannot be read.
    #[error("no certificate of the {0} can be read from the transcript")]
    Certificate(&'static str),
    /// A text of the transcript is no hexadecimal.
    #[error("a text is no hexadecimal: {0}")]
    Hex(#[from] hex::FromHexError),
}

/// Makes a chain vector of a case that ran undisturbed: its first phase 1 and every quick mode below it.
///
/// # Errors
/// When the transcript does not hold all that a vector needs.
pub fn record_chain(case: &Case, transcript: &[Record], tc_id: u32) -> Result<ChainGroup, RecordError> {
    let harness = &case.config.harness;
    let transforms = harness.phase1.transforms.as_slice();
    let [transform] = transforms else { return Err(RecordError::Choice(transforms.len())) };
    let unknown = |name: &str| RecordError::Algorithm(name.to_owned());
    let (cipher, hash) = (transform.cipher.name(), transform.hash.name());
    let cipher = CipherAlgorithm::from_name(cipher).ok_or_else(|| unknown(cipher))?;
    let exchange = match harness.exchange {
        Phase1Exchange::MainMode => Exchange::Main,
        Phase1Exchange::AggressiveMode => Exchange::Aggressive,
    };
    let (authentication, psk) = match transform.authentication {
        model::Authentication::Psk => (Authentication::Psk, Some(harness.psk.as_bytes())),
        model::Authentication::RsaSignature => (Authentication::Signature, None),
        other => return Err(RecordError::Authentication(other.name())),
    };
    // In hybrid authentication one side signs and the other proves nothing.
    if harness.xauth.as_ref().is_some_and(|xauth| xauth.hybrid) {
        return Err(RecordError::Authentication("hybrid"));
    }
    let tape = Tape::new(case, transcript)?;
    let mut reported = BTreeSet::new();
    let phase1 = tape.phase1(exchange, psk)?;
    let phase1_values = tape.phase1_values(&phase1, cipher, &mut reported)?;
    let mut transactions = Vec::new();
    for occurrence in 1.. {
        if tape.message(model::Exchange::Transaction, occurrence, 1).is_none() {
            break;
        }
        transactions.push(tape.transaction(occurrence, &mut reported)?);
    }
    let mut quick_modes = Vec::new();
    for occurrence in 1.. {
        if tape.message(model::Exchange::QuickMode, occurrence, 1).is_none() {
            break;
        }
        quick_modes.push(tape.quick_mode(occurrence, &mut reported)?);
    }
    let test = ChainTest {
        tc_id,
        comment: format!("{} as {}", case.id, case.role),
        flags: Vec::new(),
        reported_by_peer: reported.into_iter().map(ToOwned::to_owned).collect(),
        phase1,
        phase1_values,
        transactions,
        quick_modes,
        informationals: Vec::new(),
        result: TestResult::Valid,
    };
    Ok(ChainGroup {
        exchange,
        authentication,
        hash: HashName(HashAlgorithm::from_name(hash).ok_or_else(|| unknown(hash))?),
        cipher: CipherName(cipher),
        group: group(transform.group.name())?,
        peer: tape.peer,
        tests: vec![test],
    })
}

fn group(name: &str) -> Result<GroupName, RecordError> {
    Group::from_name(name).map(GroupName).ok_or_else(|| RecordError::Algorithm(name.to_owned()))
}

/// A derived value of one side.
struct Known {
    by_harness: bool,
    from_daemon: bool,
    cky_i: String,
    m_id: u32,
    label: String,
    hex: String,
}

/// What a transcript holds, ready to be looked up.
struct Tape {
    peer: String,
    /// The harness sent the first message of phase 1.
    harness_initiates: bool,
    phase1: model::Exchange,
    pfs: Option<GroupName>,
    sent: Vec<Sent>,
    values: Vec<Known>,
}

impl Tape {
    fn new(case: &Case, transcript: &[Record]) -> Result<Self, RecordError> {
        let pfs = case.config.harness.phase2.pfs;
        let mut tape = Self {
            peer: String::new(),
            harness_initiates: case.initiator() == model::Side::Harness,
            phase1: match case.config.harness.exchange {
                Phase1Exchange::MainMode => model::Exchange::MainMode,
                Phase1Exchange::AggressiveMode => model::Exchange::AggressiveMode,
            },
            pfs: pfs.map(|pfs| group(pfs.name())).transpose()?,
            sent: Vec::new(),
            values: Vec::new(),
        };
        let mut numbers = Vec::new();
        for record in transcript {
            match &record.event {
                Event::Begin { peer, peer_version, .. } => tape.peer = format!("{peer} {peer_version}"),
                Event::Datagram(datagram) => {
                    let Some(name) = datagram.message.filter(|name| name.copy == 1) else { continue };
                    if !datagram.delivered || datagram.fault.is_some() {
                        continue;
                    }
                    let mut bytes = hex::decode(&datagram.hex)?;
                    if datagram.nat_t {
                        bytes.drain(..MARKER.min(bytes.len()));
                    }
                    if bytes.get(NEXT_PAYLOAD) == Some(&FRAGMENT) {
                        return Err(RecordError::Fragments);
                    }
                    numbers.push(datagram.n);
                    tape.sent.push(Sent {
                        exchange: name.exchange,
                        occurrence: name.occurrence,
                        number: name.number,
                        by_harness: datagram.from == model::Side::Harness,
                        bytes,
                        plaintext: None,
                    });
                }
                Event::Value(value) => tape.values.push(Known {
                    by_harness: value.side == model::Side::Harness,
                    from_daemon: value.source != ValueSource::Engine,
                    cky_i: value.cky_i.clone(),
                    m_id: value.m_id,
                    label: value.label.clone(),
                    hex: value.hex.clone(),
                }),
                _ => {}
            }
        }
        // A plaintext may be recorded before or after its datagram.
        for record in transcript {
            if let Event::Plaintext { datagram, hex, .. } = &record.event {
                let found =
                    numbers.iter().position(|n| n == datagram).and_then(|index| tape.sent.get_mut(index));
                if let Some(sent) = found {
                    sent.plaintext = Some(hex::decode(hex)?);
                }
            }
        }
        Ok(tape)
    }

    fn message(&self, exchange: model::Exchange, occurrence: u32, number: u8) -> Option<&Sent> {
        self.sent
            .iter()
            .find(|sent| (sent.exchange, sent.occurrence, sent.number) == (exchange, occurrence, number))
    }

    fn need(&self, exchange: model::Exchange, occurrence: u32, number: u8) -> Result<&Sent, RecordError> {
        self.message(exchange, occurrence, number)
            .ok_or(RecordError::Message { exchange: exchange.name(), number })
    }

    /// The cookies of the first phase 1, CKY-I in hex.
    fn cky_i(&self) -> Result<String, RecordError> {
        Ok(hex::encode(self.need(self.phase1, 1, 1)?.field("header.cky_i")?.as_bytes()))
    }

    /// A value by label, the daemon's own where it told it; `name` goes into the list of what the peer reported.
    fn value(
        &self,
        label: Label,
        m_id: u32,
        name: &'static str,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<Hex, RecordError> {
        let cky_i = self.cky_i()?;
        let fits = |value: &&Known| value.label == label.name() && value.m_id == m_id && value.cky_i == cky_i;
        let of_peer = self.values.iter().filter(fits).find(|value| value.from_daemon);
        let of_harness = self.values.iter().filter(fits).find(|value| value.by_harness);
        if of_peer.is_some() {
            reported.insert(name);
        }
        let value = of_peer.or(of_harness).ok_or(RecordError::Value(label))?;
        Ok(Hex(hex::decode(&value.hex)?))
    }

    /// Every value of a label in the order of deriving, the daemon's own where it told them.
    fn all_values(
        &self,
        label: Label,
        m_id: u32,
        name: &'static str,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<Vec<Hex>, RecordError> {
        let cky_i = self.cky_i()?;
        let fits = |value: &&Known| value.label == label.name() && value.m_id == m_id && value.cky_i == cky_i;
        let from = |daemon: bool| {
            let values = self.values.iter().filter(fits);
            let values =
                values.filter(move |value| if daemon { value.from_daemon } else { value.by_harness });
            values.map(|value| Ok(Hex(hex::decode(&value.hex)?))).collect::<Result<Vec<_>, RecordError>>()
        };
        let of_peer = from(true)?;
        if of_peer.is_empty() {
            return from(false);
        }
        reported.insert(name);
        Ok(of_peer)
    }

    /// A private exponent of the harness.
    fn exponent(&self, label: Label, m_id: u32) -> Result<Hex, RecordError> {
        let cky_i = self.cky_i()?;
        let fits = |v: &&Known| v.by_harness && v.label == label.name() && v.m_id == m_id && v.cky_i == cky_i;
        let value = self.values.iter().find(fits).ok_or(RecordError::Value(label))?;
        Ok(Hex(hex::decode(&value.hex)?))
    }

    fn phase1(&self, exchange: Exchange, psk: Option<&[u8]>) -> Result<PhaseOneInputs, RecordError> {
        let message = |number| self.need(self.phase1, 1, number);
        // Which message carries KE and nonce, and which the ID, of initiator and responder.
        let (ke_i, ke_r, id_i, id_r, last) = match exchange {
            Exchange::Main => (3, 4, 5, 6, 6),
            Exchange::Aggressive => (1, 2, 1, 2, 3),
        };
        let (ke_i, ke_r) = (message(ke_i)?, message(ke_r)?);
        let signature = match (psk, exchange) {
            (Some(_), _) => None,
            (None, Exchange::Main) => Some(signatures(message(5)?, message(6)?)?),
            (None, Exchange::Aggressive) => Some(signatures(message(3)?, message(2)?)?),
        };
        let mut messages = Vec::new();
        for number in 1..=last {
            messages.extend(message(number)?.encrypted(self.harness_initiates));
        }
        Ok(PhaseOneInputs {
            recorder: side(self.harness_initiates),
            cky_i: message(2)?.field("header.cky_i")?,
            cky_r: message(2)?.field("header.cky_r")?,
            sai_b: message(1)?.body("sa")?,
            ni_b: ke_i.field("nonce.data")?,
            nr_b: ke_r.field("nonce.data")?,
            idii_b: message(id_i)?.body("id")?,
            idir_b: message(id_r)?.body("id")?,
            psk: psk.map(Hex::from),
            encryption: None,
            signature,
            exponent: self.exponent(Label::PrivateExponent, 0)?,
            g_xi: ke_i.field("ke.data")?,
            g_xr: ke_r.field("ke.data")?,
            messages,
        })
    }

    fn phase1_values(
        &self,
        inputs: &PhaseOneInputs,
        cipher: CipherAlgorithm,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<PhaseOneValues, RecordError> {
        let mut value = |label, name| self.value(label, 0, name, reported);
        let iv = value(Label::Phase1Iv, "iv")?;
        let last = inputs.messages.last();
        let last = last.and_then(|message| ikev1::keys::last_block(cipher, message.ciphertext.as_bytes()));
        Ok(PhaseOneValues {
            g_xy: value(Label::GXy, "g_xy")?,
            skeyid: value(Label::Skeyid, "skeyid")?,
            skeyid_d: value(Label::SkeyidD, "skeyid_d")?,
            skeyid_a: value(Label::SkeyidA, "skeyid_a")?,
            skeyid_e: value(Label::SkeyidE, "skeyid_e")?,
            ka: value(Label::Ka, "ka")?,
            hash_i: value(Label::HashI, "hash_i")?,
            hash_r: value(Label::HashR, "hash_r")?,
            last_block: last.map_or_else(|| iv.clone(), Hex::from),
            encryption: None,
            iv,
        })
    }

    fn transaction(
        &self,
        occurrence: u32,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<Transaction, RecordError> {
        let message = |number| self.need(model::Exchange::Transaction, occurrence, number);
        let both = [message(1)?, message(2)?];
        let (m_id_bytes, m_id) = both[0].m_id()?;
        let inputs = TransactionInputs {
            m_id: m_id_bytes,
            after_hashes: both.iter().map(|sent| sent.after_hash()).collect::<Result<_, _>>()?,
            messages: both.iter().filter_map(|sent| sent.encrypted(both[0].by_harness)).collect(),
        };
        let values = TransactionValues {
            iv: self.value(Label::Phase2Iv, m_id, "transaction.iv", reported)?,
            hashes: self.all_values(Label::Hash1, m_id, "transaction.hash", reported)?,
        };
        Ok(Transaction { inputs, values })
    }

    fn quick_mode(
        &self,
        occurrence: u32,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<QuickMode, RecordError> {
        let message = |number| self.need(model::Exchange::QuickMode, occurrence, number);
        let (first, second, third) = (message(1)?, message(2)?, message(3)?);
        let (m_id_bytes, m_id) = first.m_id()?;
        let optional = |sent: &Sent, path: &str| sent.body(path).ok();
        let pfs = match (self.pfs.clone(), first.field("ke.data")) {
            (Some(group), Ok(g_xi)) => Some(PfsInputs {
                group,
                exponent: self.exponent(Label::QuickPrivateExponent, m_id)?,
                g_xi,
                g_xr: second.field("ke.data")?,
            }),
            _ => None,
        };
        let g_xy = match pfs {
            Some(_) => Some(self.value(Label::QuickGXy, m_id, "quick_mode.g_xy", reported)?),
            None => None,
        };
        let inputs = QuickModeInputs {
            recorder: side(first.by_harness),
            m_id: m_id_bytes,
            ni_b: first.field("nonce.data")?,
            nr_b: second.field("nonce.data")?,
            idci_b: optional(first, "id"),
            idcr_b: optional(first, "id[1]"),
            pfs,
            after_hash_1: first.after_hash()?,
            after_hash_2: second.after_hash()?,
            messages: [first, second, third]
                .iter()
                .filter_map(|sent| sent.encrypted(first.by_harness))
                .collect(),
        };
        let ipsec_sas = vec![
            self.ipsec_sa(Side::Responder, second, m_id, reported)?,
            self.ipsec_sa(Side::Initiator, first, m_id, reported)?,
        ];
        let mut value = |label, name| self.value(label, m_id, name, reported);
        let values = QuickModeValues {
            iv: value(Label::Phase2Iv, "quick_mode.iv")?,
            hash_1: value(Label::Hash1, "quick_mode.hash_1")?,
            hash_2: value(Label::Hash2, "quick_mode.hash_2")?,
            hash_3: value(Label::Hash3, "quick_mode.hash_3")?,
            g_xy,
            ipsec_sas,
        };
        Ok(QuickMode { inputs, values })
    }

    /// The SA on which `receiver` receives; `announces` is the message with its SPI.
    fn ipsec_sa(
        &self,
        receiver: Side,
        announces: &Sent,
        m_id: u32,
        reported: &mut BTreeSet<&'static str>,
    ) -> Result<IpsecSaVector, RecordError> {
        let (material, encryption, integrity) = match receiver {
            Side::Responder => {
                (Label::KeymatInitiator, Label::EncryptionKeyInitiator, Label::IntegrityKeyInitiator)
            }
            Side::Initiator => {
                (Label::KeymatResponder, Label::EncryptionKeyResponder, Label::IntegrityKeyResponder)
            }
        };
        let protocol =
            match announces.dissection().field("sa.proposal.protocol").map(|field| field.value.clone()) {
                Some(FieldValue::Number(number, _)) => u8::try_from(number).ok(),
                _ => None,
            };
        let mut value = |label, name| self.value(label, m_id, name, reported);
        let encryption_key = match value(encryption, "encryption_key") {
            // AH has none.
            Err(RecordError::Value(_)) => Hex::default(),
            other => other?,
        };
        Ok(IpsecSaVector {
            receiver,
            protocol: protocol.ok_or_else(|| RecordError::Field("sa.proposal.protocol".to_owned()))?,
            spi: announces.field("sa.proposal.spi")?,
            keymat: value(material, "keymat")?,
            encryption_key,
            authentication_key: value(integrity, "authentication_key")?,
        })
    }
}
