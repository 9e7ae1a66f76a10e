//! Conditions of accepted outcomes.

use super::fields::{self, Unreadable};
use super::messages::{Messages, SentMessage, describe, is_isakmp, made_by_rule};
use super::values::Comparison;
use crate::model::{Condition, Count, Exchange, SaKind, Selector, Side, ToPort, Whose};
use crate::transcript::{EngineEvent, Event, Record};
use crate::verdict::Finding;

/// How long a side must have been watched, in milliseconds, before it counts as silent.
const SILENCE_MS_MIN: u64 = 500;

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It does.
    Holds,
    /// It does not: what was observed, and where.
    Not { observed: String, findings: Vec<Finding> },
    /// What it is about did not take place, or was not recorded.
    Unknown(String),
}

impl Outcome {
    fn not(observed: impl Into<String>) -> Self {
        Self::Not { observed: observed.into(), findings: Vec::new() }
    }

    /// As [`Outcome::not`], where a message of a side shows it.
    fn shown_by(sent: &SentMessage<'_>, observed: impl Into<String>, expected: &str) -> Self {
        let observed = observed.into();
        let finding = Finding {
            what: format!("{} of the {}", sent.name, sent.from),
            datagram: Some(sent.first.n),
            expected: expected.to_owned(),
            got: observed.clone(),
            ..Finding::default()
        };
        Self::Not { observed, findings: vec![finding] }
    }

    fn of(holds: bool, observed: impl FnOnce() -> String) -> Self {
        if holds { Self::Holds } else { Self::not(observed()) }
    }
}

/// Everything that conditions are evaluated against.
pub(super) struct Evidence<'a> {
    pub(super) transcript: &'a [Record],
    pub(super) messages: &'a Messages<'a>,
    pub(super) values: &'a Comparison,
}

impl Evidence<'_> {
    pub(super) fn evaluate(&self, condition: &Condition) -> Outcome {
        match condition {
            Condition::Established { of, isakmp_sas, ipsec_sas } => {
                self.each(*of, |side, (isakmp, ipsec)| {
                    let fits = |count: &Option<Count>, n| count.is_none_or(|count| count.admits(n));
                    Outcome::of(fits(isakmp_sas, isakmp) && fits(ipsec_sas, ipsec), || {
                        state_text(side, isakmp, ipsec)
                    })
                })
            }
            Condition::NoSa { of, kind } => self.each(*of, |side, (isakmp, ipsec)| {
                let none = match kind {
                    None => isakmp + ipsec == 0,
                    Some(SaKind::Isakmp) => isakmp == 0,
                    Some(SaKind::Ipsec) => ipsec == 0,
                };
                Outcome::of(none, || state_text(side, isakmp, ipsec))
            }),
            Condition::Silence { after, from } => self.silence(after, *from),
            Condition::Notify { after, from, types, protected } => {
                self.notify(after, *from, types, *protected)
            }
            Condition::Unreadable { after, from } => self.unreadable(after, *from),
            Condition::Message { message, from, assert } => match self.messages.find(message, *from) {
                None => match self.messages.unreadable(message, *from) {
                    Some(sent) => Outcome::Unknown(Unreadable::new(sent).to_string()),
                    None => Outcome::not(format!("the {from} did not send {}", describe(message))),
                },
                Some(sent) => match fields::check_all(sent, assert, self.messages) {
                    Ok(findings) if findings.is_empty() => Outcome::Holds,
                    Ok(findings) => Outcome::Not { observed: findings_text(&findings), findings },
                    Err(unreadable) => Outcome::Unknown(unreadable.to_string()),
                },
            },
            Condition::NoMessage { message, from } => {
                match (self.messages.find(message, *from), self.messages.unreadable(message, *from)) {
                    (Some(sent), _) => {
                        let observed = format!("the {from} sent {}", describe(message));
                        Outcome::shown_by(sent, observed, "no such message")
                    }
                    (None, Some(sent)) => Outcome::Unknown(Unreadable::new(sent).to_string()),
                    (None, None) => Outcome::Holds,
                }
            }
            Condition::Port { message, from, port } => match self.messages.find(message, *from) {
                None => Outcome::not(format!("the {from} did not send {}", describe(message))),
                Some(sent) if sent.first.nat_t == (*port == ToPort::NatT) => Outcome::Holds,
                Some(sent) => {
                    let (port, other) = match sent.first.nat_t {
                        true => ("NAT traversal", "ISAKMP"),
                        false => ("ISAKMP", "NAT traversal"),
                    };
                    let observed = format!("{} went through the {port} port", describe(message));
                    Outcome::shown_by(sent, observed, &format!("it goes through the {other} port"))
                }
            },
            Condition::Exchanges { exchange, count } => {
                let n = self.messages.exchanges(*exchange);
                Outcome::of(count.admits(n), || format!("{n} {exchange} exchanges"))
            }
            Condition::Retransmitted { message, from, times } => match self.messages.find(message, *from) {
                None => Outcome::Unknown(format!("the {from} did not send {}", describe(message))),
                Some(sent) => {
                    let n = sent.copies.saturating_sub(1);
                    Outcome::of(times.admits(n), || format!("{} was sent again {n} times", describe(message)))
                }
            },
            Condition::Fragments { message, from, count } => match self.messages.find(message, *from) {
                None => Outcome::Unknown(format!("the {from} did not send {}", describe(message))),
                Some(sent) => {
                    let n = u32::try_from(sent.fragment_count()).unwrap_or(u32::MAX);
                    Outcome::of(count.admits(n), || {
                        format!("{} went out in {n} fragments", describe(message))
                    })
                }
            },
            Condition::KeepAlives { from, count } => {
                let sent_by = |nat_t: bool| {
                    let keep_alive = |record: &&Record| match &record.event {
                        Event::Datagram(datagram) => {
                            datagram.from == *from
                                && datagram.nat_t == nat_t
                                && datagram.hex == "ff"
                                && !made_by_rule(datagram)
                        }
                        _ => false,
                    };
                    u32::try_from(self.transcript.iter().filter(keep_alive).count()).unwrap_or(u32::MAX)
                };
                // RFC 3947 section 4: none goes to port 500.
                let (n, stray) = (sent_by(true), sent_by(false));
                let elsewhere =
                    if stray > 0 { format!(", and {stray} through the ISAKMP port") } else { String::new() };
                Outcome::of(count.admits(n) && stray == 0, || {
                    format!("the {from} sent {n} keep-alives{elsewhere}")
                })
            }
            Condition::UserAuthenticated(wanted) => match self.last_engine_event(|event| match event {
                EngineEvent::ExtendedAuthentication { passed, .. } => Some(*passed),
                _ => None,
            }) {
                None => Outcome::not("extended authentication did not come to an end"),
                Some(passed) => Outcome::of(passed == *wanted, || {
                    let not = if passed { "" } else { "not " };
                    format!("the user was {not}authenticated")
                }),
            },
            Condition::AddressAssigned(wanted) => match self.last_engine_event(|event| match event {
                EngineEvent::Configured { address, .. } => Some(*address),
                _ => None,
            }) {
                None => Outcome::not("the host was not configured"),
                Some(None) => Outcome::not("no address was assigned"),
                Some(Some(address)) => {
                    Outcome::of(address == *wanted, || format!("the address {address} was assigned"))
                }
            },
            Condition::TrafficReplies(count) => {
                let replies = self.transcript.iter().map(|record| match record.event {
                    Event::Traffic { replied, .. } => replied,
                    _ => 0,
                });
                let n = replies.sum();
                Outcome::of(count.admits(n), || format!("{n} packets were answered"))
            }
            Condition::Reported(wanted) => {
                let lines: Vec<&str> = self
                    .transcript
                    .iter()
                    .filter_map(|record| match &record.event {
                        Event::Reported { line } => Some(line.as_str()),
                        _ => None,
                    })
                    .collect();
                Outcome::of(lines.iter().any(|line| line.starts_with(wanted.as_str())), || match &lines[..] {
                    [] => "the peer reported nothing".to_owned(),
                    lines => format!("the peer reported: {}", lines.join("; ")),
                })
            }
            Condition::ValuesAgree { labels } => self.values_agree(labels),
        }
    }

    /// Evaluates a condition over the SAs of one or both sides; `Not` of a side wins over `Unknown` of the other.
    fn each(&self, whose: Whose, condition: impl Fn(Side, (u32, u32)) -> Outcome) -> Outcome {
        let sides: &[Side] = match whose {
            Whose::Harness => &[Side::Harness],
            Whose::Peer => &[Side::Peer],
            Whose::Both => &[Side::Harness, Side::Peer],
        };
        let mut result = Outcome::Holds;
        for side in sides {
            let outcome = match self.last_state(*side) {
                Some(state) => condition(*side, state),
                None => Outcome::Unknown(format!("the SAs of the {side} were not recorded")),
            };
            match (&result, &outcome) {
                (_, Outcome::Not { .. }) => return outcome,
                (Outcome::Holds, Outcome::Unknown(_)) => result = outcome,
                _ => {}
            }
        }
        result
    }

    /// The last event of the harness that `read` reads something from.
    fn last_engine_event<T>(&self, read: impl Fn(&EngineEvent) -> Option<T>) -> Option<T> {
        self.transcript.iter().rev().find_map(|record| match &record.event {
            Event::Engine { side: Side::Harness, event } => read(event),
            _ => None,
        })
    }

    /// Established ISAKMP SAs and pairs of IPsec SAs of a side at the end.
    pub(super) fn last_state(&self, wanted: Side) -> Option<(u32, u32)> {
        self.transcript.iter().rev().find_map(|record| match &record.event {
            Event::State { side, isakmp_sas, ipsec_sas } if *side == wanted => {
                let established = isakmp_sas.iter().filter(|sa| sa.established).count();
                Some((count(established), count(ipsec_sas.len())))
            }
            _ => None,
        })
    }

    /// The message that `from` is to react to, when it was delivered, with the place in the transcript and the time.
    fn delivered(&self, after: &Selector, from: Side) -> Result<(&SentMessage<'_>, usize, u64), Outcome> {
        let missing = |what: &str| Outcome::Unknown(format!("{} was never {what}", describe(after)));
        let sent = self.messages.find(after, from.other()).ok_or_else(|| missing("sent"))?;
        let (index, at_ms) = sent.delivered.ok_or_else(|| missing("delivered"))?;
        Ok((sent, index, at_ms))
    }

    fn silence(&self, after: &Selector, from: Side) -> Outcome {
        let (sent, index, at_ms) = match self.delivered(after, from) {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        for record in self.transcript.iter().skip(index + 1) {
            let Event::Datagram(datagram) = &record.event else { continue };
            if datagram.from != from || made_by_rule(datagram) || !is_isakmp(datagram) {
                continue;
            }
            let new = match datagram.message {
                None => true,
                Some(name) if name.copy > 1 => false,
                Some(name) if name.exchange == Exchange::Informational => true,
                Some(name) => {
                    let retransmission = name.changed && name.number < sent.name.number;
                    sent.same_exchange(&name) && !retransmission
                }
            };
            if new {
                let what =
                    datagram.message.map_or_else(|| "an unknown message".to_owned(), |name| name.to_string());
                let types = self.notify_text(datagram.n);
                return Outcome::Not {
                    observed: format!("after {} the {from} sent {what}{types}", describe(after)),
                    findings: vec![Finding {
                        what: format!("the {from} was not silent after {}", describe(after)),
                        datagram: Some(datagram.n),
                        expected: "nothing new".into(),
                        got: format!("{what}{types}"),
                        ..Finding::default()
                    }],
                };
            }
        }
        let watched = self.transcript.last().map_or(0, |record| record.at_ms.saturating_sub(at_ms));
        if watched < SILENCE_MS_MIN {
            return Outcome::Unknown(format!(
                "after {} the {from} was watched for {watched} ms only, expected at least {SILENCE_MS_MIN} ms",
                describe(after)
            ));
        }
        Outcome::Holds
    }

    /// The messages that a side sent after another was delivered to it.
    fn replies(&self, after: &Selector, from: Side) -> Result<Vec<&SentMessage<'_>>, Outcome> {
        let (_, index, _) = self.delivered(after, from)?;
        let after_it = |message: &&SentMessage<'_>| {
            self.transcript.iter().skip(index + 1).any(
                |record| matches!(&record.event, Event::Datagram(datagram) if datagram.n == message.first.n),
            )
        };
        Ok(self.messages.iter().filter(|m| m.from == from).filter(after_it).collect())
    }

    fn notify(&self, after: &Selector, from: Side, types: &[String], protected: Option<bool>) -> Outcome {
        let replies = match self.replies(after, from) {
            Ok(replies) => replies,
            Err(outcome) => return outcome,
        };
        let fits = |message: &&&SentMessage<'_>| {
            protected.is_none_or(|wanted| wanted == message.is_protected())
                && message.notify_types().iter().any(|name| types.contains(name))
        };
        if replies.iter().any(|message| fits(&message)) {
            return Outcome::Holds;
        }
        let may_fit = |m: &&&SentMessage<'_>| m.name.exchange == Exchange::Informational && m.is_opaque();
        if let Some(sent) = replies.iter().find(may_fit).filter(|_| protected != Some(false)) {
            return Outcome::Unknown(Unreadable::new(sent).to_string());
        }
        let mut seen: Vec<String> = Vec::new();
        for message in replies {
            let protection = if message.is_protected() { "protected" } else { "unprotected" };
            if message.is_opaque() {
                seen.push(format!("{} that cannot be decrypted", message.name));
            }
            seen.extend(message.notify_types().iter().map(|name| format!("{protection} {name}")));
        }
        let seen = if seen.is_empty() { "no notification".to_owned() } else { seen.join(", ") };
        Outcome::not(format!("after {} the {from} sent {seen}", describe(after)))
    }

    fn unreadable(&self, after: &Selector, from: Side) -> Outcome {
        let mut replies = match self.replies(after, from) {
            Ok(replies) => replies,
            Err(outcome) => return outcome,
        };
        replies.retain(|message| message.name.exchange == Exchange::Informational);
        let after = describe(after);
        match replies.iter().find(|message| !message.is_opaque()) {
            _ if replies.is_empty() => {
                Outcome::not(format!("after {after} the {from} sent no informational message"))
            }
            Some(message) => {
                let types = self.notify_text(message.first.n);
                let observed =
                    format!("after {after} the {from} sent {}{types}, which can be read", message.name);
                Outcome::shown_by(message, observed, "a message that cannot be read")
            }
            None => Outcome::Holds,
        }
    }

    /// ` (NO-PROPOSAL-CHOSEN)` for a datagram that carries such a notification.
    fn notify_text(&self, datagram: u64) -> String {
        let message = self.messages.iter().find(|message| message.first.n == datagram);
        match message.map(|m| m.notify_types()) {
            Some(types) if !types.is_empty() => format!(" ({})", types.join(", ")),
            _ => String::new(),
        }
    }

    fn values_agree(&self, labels: &[String]) -> Outcome {
        let differs =
            |label: &&String| self.values.differences.iter().any(|f| f.field.as_ref() == Some(*label));
        if let Some(label) = labels.iter().find(differs) {
            return Outcome::not(format!("{label} differs"));
        }
        match labels.iter().find(|label| !self.values.agreed.contains_key(*label)) {
            Some(label) => Outcome::Unknown(format!("{label} is not known on both sides")),
            None => Outcome::Holds,
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The SAs of a side in words.
pub(super) fn state_text(side: Side, isakmp: u32, ipsec: u32) -> String {
    format!("the {side} has {isakmp} ISAKMP SAs and {ipsec} pairs of IPsec SAs")
}

/// Findings in one line.
pub(super) fn findings_text(findings: &[Finding]) -> String {
    let text = |f: &Finding| format!("{}: expected {}, got {}", f.what, f.expected, f.got);
    findings.iter().map(text).collect::<Vec<_>>().join("; ")
}
