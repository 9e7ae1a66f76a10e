//! What a probe shows of a peer: whether it takes the one thing that the harness has offered.
//!
//! Like a verdict, a sighting is a pure function of case and transcript. A probe is a case with the harness as initiator that
//! offers one choice; its accepted outcomes say when the peer has taken it. What follows from a case that has none of them is
//! said here: silence and errors of the harness' own are never taken for a refusal by the peer.

use std::collections::BTreeSet;

use ikev1::wire::{Dissection, NotifyType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::messages::{Messages, SentMessage, has_vendor_id};
use super::verdicts::{EXPECTED, judge};
use crate::case::Case;
use crate::model::{Condition, Contains, Exchange, Phase1Exchange, Selector, Side, StartExchange, Step};
use crate::transcript::{EngineEvent, Event, Record, StepResult};
use crate::verdict::{PeerProfile, Verdict};

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// The peer took what was offered, and the exchange came to its end.
    Accepted,
    /// The peer's answer chooses what was offered, but the exchange did not come to its end.
    Chosen,
    /// The peer was offered it and did not take it.
    Refused,
    /// The peer does not take a configuration that has it.
    NotConfigurable,
    /// It was not offered, or what came of it cannot be said.
    NotKnown,
    /// The peer's daemon died of it.
    Died,
    /// The harness or its infrastructure is at fault.
    Error,
}

impl Sight {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Chosen => "chosen",
            Self::Refused => "refused",
            Self::NotConfigurable => "not-configurable",
            Self::NotKnown => "not-known",
            Self::Died => "died",
            Self::Error => "error",
        }
    }
}

/// What came of a probe, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What came of it.
    pub sight: Sight,
    /// The message that shows it, or why there is none, in one line.
    pub evidence: String,
    /// The number of that message's datagram in transcript and capture.
    pub packet: Option<u64>,
    /// The peer said nothing at all to the offer. A busy one may have been late, so whoever can plays the probe again.
    pub silent: bool,
}

impl Sighting {
    fn new(sight: Sight, evidence: impl Into<String>) -> Self {
        Self { sight, evidence: evidence.into(), packet: None, silent: false }
    }

    fn at(sight: Sight, evidence: impl Into<String>, message: &SentMessage<'_>) -> Self {
        Self { packet: Some(message.first.n), ..Self::new(sight, evidence) }
    }
}

/// What a played probe shows.
pub fn sighting(case: &Case, transcript: &[Record]) -> Sighting {
    let seen = Seen { case, transcript, messages: Messages::new(transcript) };
    for record in transcript {
        match &record.event {
            Event::ConfigurationRefused { error } => return Sighting::new(Sight::NotConfigurable, error),
            Event::PeerDied { line } => return seen.died(line),
            _ => {}
        }
    }
    // A probe needs nothing of the peer, so its profile plays no part.
    let judgement = judge(case, transcript, &PeerProfile::default());
    match judgement.verdict {
        Verdict::Pass => seen.accepted(),
        Verdict::Error => Sighting::new(Sight::Error, judgement.reason),
        _ => {
            // What was expected is that the peer takes it, which needs not be said.
            let observed = judgement.reason.split_once(EXPECTED).map(|(observed, _)| observed.to_owned());
            seen.not_accepted(observed.unwrap_or(judgement.reason))
        }
    }
}

/// The Vendor ID payloads of the peer's phase 1 messages, each once, with the number of the first datagram that has it.
pub fn vendor_ids(transcript: &[Record]) -> Vec<(Vec<u8>, u64)> {
    let mut found: Vec<(Vec<u8>, u64)> = Vec::new();
    let phase1 = [Exchange::MainMode, Exchange::AggressiveMode];
    let messages = Messages::new(transcript);
    for message in messages.iter().filter(|m| m.from == Side::Peer && phase1.contains(&m.name.exchange)) {
        let dissection = message.dissection();
        let data = (0..).map_while(|index| dissection.bytes(&format!("vendor_id[{index}].data")));
        for data in data {
            if !found.iter().any(|(known, _)| known == data) {
                found.push((data.to_vec(), message.first.n));
            }
        }
    }
    found
}

struct Seen<'a> {
    case: &'a Case,
    transcript: &'a [Record],
    messages: Messages<'a>,
}

impl Seen<'_> {
    fn died(&self, line: &str) -> Sighting {
        match self.messages.iter().filter(|message| message.from == Side::Harness).last() {
            Some(last) => {
                Sighting::at(Sight::Died, format!("the daemon died after {}: {line}", last.name), last)
            }
            None => Sighting::new(Sight::Died, format!("the daemon died: {line}")),
        }
    }

    /// The exchange of the harness that the probe is about.
    fn exchange(&self) -> Exchange {
        let quick =
            |step: &Step| matches!(step, Step::Start(start) if start.exchange != StartExchange::Phase1);
        if self.case.steps.iter().any(quick) {
            return Exchange::QuickMode;
        }
        match self.case.config.harness.exchange {
            Phase1Exchange::MainMode => Exchange::MainMode,
            Phase1Exchange::AggressiveMode => Exchange::AggressiveMode,
        }
    }

    fn message(&self, exchange: Exchange, number: u8, from: Side) -> Option<&SentMessage<'_>> {
        let selector = Selector { exchange, number, occurrence: 1, fragment: None, contains: None };
        self.messages.find(&selector, from)
    }

    /// The message that shows that it was taken: one that an accepted outcome names, or the one that answers the offer.
    fn accepted(&self) -> Sighting {
        let conditions = || self.case.accept.iter().flat_map(|acceptance| &acceptance.all);
        let named = conditions().find_map(|condition| match condition {
            Condition::Message { message, from: Side::Peer, .. } => self.messages.find(message, Side::Peer),
            _ => None,
        });
        let transactions = self
            .messages
            .iter()
            .filter(|message| message.from == Side::Peer && message.name.exchange == Exchange::Transaction);
        let transaction = if self.by_transaction() { transactions.last() } else { None };
        let shows = named.or(transaction).or_else(|| self.message(self.exchange(), 2, Side::Peer));
        match shows {
            Some(message) => Sighting::at(Sight::Accepted, message.name.to_string(), message),
            None => Sighting::new(Sight::Accepted, "the exchange came to its end"),
        }
    }

    fn by_transaction(&self) -> bool {
        let mut conditions = self.case.accept.iter().flat_map(|acceptance| &acceptance.all);
        conditions.any(|condition| {
            matches!(condition, Condition::UserAuthenticated(_) | Condition::AddressAssigned(_))
        })
    }

    fn harness_event<T>(&self, wanted: impl Fn(&EngineEvent) -> Option<T>) -> Option<T> {
        self.transcript.iter().find_map(|record| match &record.event {
            Event::Engine { side: Side::Harness, event } => wanted(event),
            _ => None,
        })
    }

    fn not_accepted(&self, reason: String) -> Sighting {
        if let Some(refusal) = self.not_announced() {
            return refusal;
        }
        let exchange = self.exchange();
        let phase1 = self
            .harness_event(|event| matches!(event, EngineEvent::IsakmpSaEstablished { .. }).then_some(()));
        // What was asked for is said in transactions, not by what is negotiated.
        if self.by_transaction() && phase1.is_some() {
            return self.error_notification().unwrap_or_else(|| self.not_shown(reason));
        }
        match (exchange, phase1) {
            (Exchange::QuickMode, None) => {
                let reason = format!("phase 1 did not come to its end, so nothing was offered: {reason}");
                Sighting::new(Sight::NotKnown, reason)
            }
            (Exchange::QuickMode, Some(())) | (_, None) => self.offer(exchange, reason),
            // What was asked for comes after phase 1, or in it beside what was negotiated.
            (_, Some(())) => match self.error_notification() {
                Some(refusal) => refusal,
                None => self.not_shown(reason),
            },
        }
    }

    /// A message of the peer that should have a vendor ID by the accepted outcomes, and has not.
    fn not_announced(&self) -> Option<Sighting> {
        let mut conditions = self.case.accept.iter().flat_map(|acceptance| &acceptance.all);
        conditions.find_map(|condition| {
            let Condition::Message { message, from: Side::Peer, .. } = condition else { return None };
            let Some(Contains::VendorId(hex)) = &message.contains else { return None };
            let sent = self.message(message.exchange, message.number, Side::Peer)?;
            if has_vendor_id(&sent.dissection(), hex) || sent.is_opaque() {
                return None;
            }
            Some(Sighting::at(Sight::Refused, format!("{} has no vendor ID {hex}", sent.name), sent))
        })
    }

    /// Why a step was not met.
    fn unmet(&self) -> Option<&str> {
        self.transcript.iter().find_map(|record| match &record.event {
            Event::StepEnd { result: StepResult::Unmet { detail }, .. } => Some(detail.as_str()),
            _ => None,
        })
    }

    /// Phase 1 came to its end, and what the accepted outcomes name did not come.
    fn not_shown(&self, reason: String) -> Sighting {
        let last = self.messages.iter().filter(|message| message.from == Side::Peer).last();
        let reason = self.unmet().map_or(reason, str::to_owned);
        match last {
            Some(last) => {
                let reason = format!("{reason}; the peer's last was {}", last.name);
                Sighting::at(Sight::Refused, reason, last)
            }
            None => Sighting::new(Sight::NotKnown, reason),
        }
    }

    /// The peer's first notification of an error.
    fn error_notification(&self) -> Option<Sighting> {
        self.messages.iter().filter(|message| message.from == Side::Peer).find_map(|message| {
            let error = message.notify_types().into_iter().find(|name| is_error(name))?;
            Some(Sighting::at(Sight::Refused, format!("{error} in {}", message.name), message))
        })
    }

    /// Why an exchange did not come to its end in which the peer has chosen what was offered: the first thing that went wrong
    /// after the answer.
    fn broken_off(&self, answer: &SentMessage<'_>, reason: String) -> String {
        let after = self.transcript.iter().skip_while(
            |record| !matches!(&record.event, Event::Datagram(datagram) if datagram.n == answer.first.n),
        );
        let story = after.skip(1).find_map(|record| match &record.event {
            Event::Datagram(datagram) => self.ends(datagram.n),
            Event::Engine { side: Side::Harness, event } => match event {
                EngineEvent::DatagramRejected { error } => Some(format!("the harness refused it: {error}")),
                EngineEvent::ExchangeFailed { exchange, error, .. } => {
                    Some(format!("{exchange} failed: {error}"))
                }
                _ => None,
            },
            _ => None,
        });
        story.or_else(|| self.unmet().map(str::to_owned)).unwrap_or(reason)
    }

    /// What a message of the peer ends, where it is the datagram with this number.
    fn ends(&self, n: u64) -> Option<String> {
        let of_peer = |message: &&SentMessage<'_>| message.from == Side::Peer && message.first.n == n;
        let message = self.messages.iter().find(of_peer)?;
        if let Some(error) = message.notify_types().into_iter().find(|name| is_error(name)) {
            return Some(format!("then {error} in {}", message.name));
        }
        message.dissection().field("delete").map(|_| format!("then it deleted an SA in {}", message.name))
    }

    /// What became of an offer that did not lead to its SA.
    fn offer(&self, exchange: Exchange, reason: String) -> Sighting {
        let Some(offer) = self.message(exchange, 1, Side::Harness) else {
            return Sighting::new(Sight::NotKnown, format!("nothing was offered: {reason}"));
        };
        if let Some(answer) = self.message(exchange, 2, Side::Peer) {
            if answer.is_opaque() {
                let reason = format!("{} cannot be read", answer.name);
                return Sighting::at(Sight::NotKnown, reason, answer);
            }
            let (offered, chosen) = (choice(&offer.dissection()), choice(&answer.dissection()));
            if !chosen.is_empty() && chosen == offered {
                let reason = format!("{}, but {}", answer.name, self.broken_off(answer, reason));
                return Sighting::at(Sight::Chosen, reason, answer);
            }
            if !chosen.is_empty() {
                let reason = format!("{} has another choice in place of it", answer.name);
                return Sighting::at(Sight::Refused, reason, answer);
            }
        }
        if let Some(refusal) = self.error_notification() {
            return refusal;
        }
        let later = self
            .messages
            .iter()
            .find(|message| message.from == Side::Peer && message.first.n > offer.first.n);
        if let Some(other) = later {
            let unreadable = if other.is_opaque() { ", which cannot be read" } else { "" };
            let reason = format!("{} in place of an answer{unreadable}", other.name);
            return Sighting::at(Sight::Refused, reason, other);
        }
        self.silence(offer)
    }

    /// Nothing answered an offer.
    fn silence(&self, offer: &SentMessage<'_>) -> Sighting {
        let failed = self.harness_event(|event| match event {
            EngineEvent::ExchangeFailed { error, .. } => Some(error.clone()),
            _ => None,
        });
        // Whoever was asked once only may not have heard it.
        if offer.copies < 2 {
            let why = failed.unwrap_or_else(|| "it was sent once only".to_owned());
            return Sighting::at(Sight::NotKnown, format!("no answer to {}: {why}", offer.name), offer);
        }
        let reason = format!("no answer to {} and its copies", offer.name);
        Sighting { silent: true, ..Sighting::at(Sight::Refused, reason, offer) }
    }
}

/// Whether a notify type, by its name or number, is one of an error.
pub fn is_error(name: &str) -> bool {
    let number = name.parse().ok().map(NotifyType);
    NotifyType::from_name(name).or(number).is_some_and(|notify_type| notify_type.is_error())
}

/// A transform of a proposal: protocol, Transform-ID, and the attributes but the life.
type Transform = (u64, u64, BTreeSet<(u64, Vec<u8>)>);

/// What an SA payload proposes or chooses. Lives need not be answered as they were offered.
fn choice(message: &Dissection) -> Vec<Transform> {
    const AF: u64 = 0x8000;
    const ISAKMP: u64 = 1;
    let mut choice = Vec::new();
    for proposal in (0..).map(|index| format!("sa.proposal[{index}]")) {
        let Some(protocol) = message.number(&format!("{proposal}.protocol")) else { break };
        let life: [u64; 2] = if protocol == ISAKMP { [11, 12] } else { [1, 2] };
        for transform in (0..).map(|index| format!("{proposal}.transform[{index}]")) {
            let Some(id) = message.number(&format!("{transform}.id")) else { break };
            let attributes = (0..).map_while(|index| {
                let path = format!("{transform}.attribute[{index}]");
                let class = message.number(&format!("{path}.type"))? & !AF;
                let value = message.bytes(&format!("{path}.value"))?;
                let leading = value.iter().take_while(|octet| **octet == 0).count();
                Some((class, value.get(leading..).unwrap_or_default().to_vec()))
            });
            choice.push((protocol, id, attributes.filter(|(class, _)| !life.contains(class)).collect()));
        }
    }
    choice.sort();
    choice
}
