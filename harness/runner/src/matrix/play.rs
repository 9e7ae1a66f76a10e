//! One cell: a pair plays a combination.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ikev1_report::model::Finding;
use ikev1_scenario::Verdict;
use ikev1_scenario::model::{Authentication, Phase1Exchange, Which};
use tokio::time::sleep;

use super::agree::{Agreed, agree};
use super::combination::Combination;
use super::inspect::{Expected, Inspection, Problem, inspect};
use super::pair::{BEHIND_INITIATOR, BEHIND_RESPONDER, Pair, Wire};
use super::sniffer::Packet;
use super::values::{cipher_keys, compare};
use super::wire::{Carries, End, Seen, last_message, pcap, read};
use crate::capture::KeyTable;
use crate::driver::{Ending, InfraError, PeerCommand, PeerValues, SaView};
use crate::run::Stop;
use crate::target::pair_member::PairMember;

/// How long the two may take until they agree on new SAs, or on none.
const AGREE_TIME_MAX: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
/// What a packet may take from the link to the sniffer.
const SNIFF_TIME: Duration = Duration::from_millis(30);
/// Lines of each log that explain a handshake that was not completed.
const LOG_TAIL_LINES: usize = 12;
/// Most SAs that a cell deletes one by one.
const DELETES_MAX: usize = 10;
/// What every echo request carries, as `ping -p` takes it.
const PATTERN: &str = "696b6576312d6d61747269782d70696e";

/// What a cell gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// The evidence.
    pub findings: Vec<Finding>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// What was recorded.
    pub files: CellFiles,
}

/// What was recorded of a cell; empty where there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellFiles {
    /// The wire.
    pub capture: Vec<u8>,
    /// Wireshark's key table.
    pub keys: String,
    /// The initiator's log.
    pub initiator_log: String,
    /// The responder's log.
    pub responder_log: String,
}

/// Why a cell ended early.
enum Halt {
    /// The user wants so.
    Stopped,
    /// A fault that is nobody's here.
    Fault(InfraError),
    /// The two did not get further.
    Stuck(String),
    /// The two did what they must not.
    Wrong(String),
}

impl From<InfraError> for Halt {
    fn from(error: InfraError) -> Self {
        Self::Fault(error)
    }
}

/// What is gathered while a cell is played.
#[derive(Default)]
struct Record {
    packets: Vec<Packet>,
    rounds: Vec<Round>,
    /// All IPsec SAs that both sides have listed.
    ipsec: BTreeSet<(u32, u32)>,
    values: [PeerValues; 2],
    notes: Vec<String>,
}

/// An exchange of echos.
struct Round {
    /// The IPsec SAs that it could go through.
    ipsec: BTreeSet<(u32, u32)>,
    /// Its packets.
    packets: std::ops::Range<usize>,
}

impl Pair {
    /// Plays a combination; `None` when the user wants the run to end.
    pub async fn play(&mut self, combination: &Combination, stop: &Stop) -> Option<Cell> {
        if let Some(judgement) = self.unsupported(combination) {
            let (verdict, reason) = (judgement.verdict, judgement.reason);
            return Some(Cell {
                verdict,
                reason,
                findings: Vec::new(),
                notes: Vec::new(),
                files: CellFiles::default(),
            });
        }
        let mut record = Record::default();
        let ended = self.steps(combination, stop, &mut record).await;
        if matches!(ended, Err(Halt::Stopped)) {
            return None;
        }
        self.gather(&mut record).await;
        let endings = [self.initiator.finish().await, self.responder.finish().await];
        Some(self.judge(combination, record, ended.err(), endings))
    }

    async fn steps(
        &mut self,
        combination: &Combination,
        stop: &Stop,
        record: &mut Record,
    ) -> Result<(), Halt> {
        self.prepare(combination).await?;
        self.initiator.command(PeerCommand::InitiateQuickMode).await?;
        let up = |agreed: &Agreed| !agreed.isakmp.is_empty() && !agreed.ipsec.is_empty();
        let mut replaced = Agreed::default();
        let mut agreed = self.until("SAs on both sides", stop, &replaced, up).await?;
        self.traffic("", &agreed, record).await?;
        if combination.rekey {
            self.initiator.command(PeerCommand::RekeyIpsec(Which::Newest)).await?;
            replaced.ipsec.append(&mut agreed.ipsec);
            let old = &replaced.ipsec;
            let new = |agreed: &Agreed| agreed.ipsec.iter().any(|pair| !old.contains(pair));
            agreed = self.until("new IPsec SAs on both sides", stop, &replaced, new).await?;
            self.traffic(" after new IPsec SAs", &agreed, record).await?;
            self.initiator.command(PeerCommand::RekeyIsakmp(Which::Newest)).await?;
            replaced.isakmp.append(&mut agreed.isakmp);
            let old = &replaced.isakmp;
            let new = |agreed: &Agreed| {
                agreed.isakmp.iter().any(|sa| !old.contains(sa)) && !agreed.ipsec.is_empty()
            };
            agreed = self.until("a new ISAKMP SA on both sides", stop, &replaced, new).await?;
            self.traffic(" after a new ISAKMP SA", &agreed, record).await?;
        }
        record.values = [self.initiator.values().await?, self.responder.values().await?];
        self.delete(stop, &replaced, record).await
    }

    /// Waits until both sides list the same SAs, and those that are `wanted`.
    async fn until(
        &mut self,
        what: &str,
        stop: &Stop,
        replaced: &Agreed,
        wanted: impl Fn(&Agreed) -> bool,
    ) -> Result<Agreed, Halt> {
        let started = Instant::now();
        loop {
            if stop.is_set() {
                return Err(Halt::Stopped);
            }
            let (initiator, responder) = (self.initiator.state().await?, self.responder.state().await?);
            let agreed = agree(&initiator, &responder, replaced);
            match agreed {
                Ok(agreed) if wanted(&agreed) => return Ok(agreed),
                _ if started.elapsed() < AGREE_TIME_MAX => sleep(POLL).await,
                Ok(_) => {
                    let seconds = AGREE_TIME_MAX.as_secs();
                    return Err(Halt::Stuck(format!("{what}: not there after {seconds} s")));
                }
                Err(difference) => {
                    let seconds = AGREE_TIME_MAX.as_secs();
                    return Err(Halt::Stuck(format!("{what}: not there after {seconds} s; {difference}")));
                }
            }
        }
    }

    /// Echos through the SAs in both directions, and a look at the counters.
    async fn traffic(&mut self, when: &str, agreed: &Agreed, record: &mut Record) -> Result<(), Halt> {
        let before = [self.initiator.state().await?, self.responder.state().await?];
        self.gather(record).await;
        let start = record.packets.len();
        for from in [End::Initiator, End::Responder] {
            let (source, destination, member) = match from {
                End::Initiator => (BEHIND_INITIATOR, BEHIND_RESPONDER, &self.initiator),
                End::Responder => (BEHIND_RESPONDER, BEHIND_INITIATOR, &self.responder),
            };
            let output = member.ping(source, destination, PATTERN).await?;
            if output.exit_code != Some(0) {
                self.gather(record).await;
                let said = format!("{} {}", output.stdout.trim(), output.stderr.trim());
                return Err(Halt::Wrong(format!(
                    "{}'s echo request through the SAs had no answer{when}: {}",
                    from.name(),
                    said.split_whitespace().collect::<Vec<_>>().join(" ")
                )));
            }
        }
        self.gather(record).await;
        let after = [self.initiator.state().await?, self.responder.state().await?];
        record.ipsec.extend(&agreed.ipsec);
        record.rounds.push(Round { ipsec: agreed.ipsec.clone(), packets: start..record.packets.len() });
        for ((before, after), end) in before.iter().zip(&after).zip([End::Initiator, End::Responder]) {
            match counted(before, after) {
                // Two requests and two replies went through, one of each in each direction.
                Some((packets_in, packets_out)) if packets_in >= 2 && packets_out >= 2 => {}
                Some((packets_in, packets_out)) => {
                    let end = end.name();
                    return Err(Halt::Wrong(format!(
                        "{end} counts {packets_in} packets in and {packets_out} out for two echos{when}"
                    )));
                }
                None => record.notes.push(format!("{} does not count packets{when}", end.name())),
            }
        }
        Ok(())
    }

    /// Deletes everything from the initiator's side, and waits until neither side lists an SA but replaced ones, which a
    /// daemon may keep for a while by itself.
    async fn delete(&mut self, stop: &Stop, replaced: &Agreed, record: &mut Record) -> Result<(), Halt> {
        let mut refused = String::new();
        for _ in 0..DELETES_MAX {
            let state = self.initiator.state().await?;
            let command = match (state.ipsec_sas.is_empty(), state.isakmp_sas.iter().any(|sa| sa.established))
            {
                (false, _) => PeerCommand::DeleteIpsec(Which::Newest),
                (true, true) => PeerCommand::DeleteIsakmp(Which::Newest),
                (true, false) => break,
            };
            match self.initiator.command(command).await {
                Ok(()) => {}
                // It may have gone by itself between the listing and now.
                Err(error) => refused = format!("; the last command failed: {error}"),
            }
            sleep(2 * POLL).await;
        }
        let none = |agreed: &Agreed| {
            agreed.isakmp.is_subset(&replaced.isakmp) && agreed.ipsec.is_subset(&replaced.ipsec)
        };
        let what = "no SA on either side after the initiator has deleted all";
        self.until(what, stop, replaced, none).await.map_err(|halt| match halt {
            Halt::Stuck(what) => Halt::Stuck(format!("{what}{refused}")),
            halt => halt,
        })?;
        for end in [End::Initiator, End::Responder] {
            let state = match end {
                End::Initiator => self.initiator.state().await?,
                End::Responder => self.responder.state().await?,
            };
            let left = state.isakmp_sas.len() + state.ipsec_sas.len();
            if left > 0 {
                record.notes.push(format!("{} still lists {left} replaced SAs at the end", end.name()));
            }
        }
        Ok(())
    }

    /// Moves what the sniffer has of the two and the hosts behind them into the record. The harness' own commands, which
    /// carry keys, take the same link.
    async fn gather(&self, record: &mut Record) {
        let [initiator, responder] = self.addresses();
        let ends = [initiator, responder, BEHIND_INITIATOR, BEHIND_RESPONDER];
        if let Wire::Sniffed { sniffer, .. } = &self.wire {
            sleep(SNIFF_TIME).await;
            record.packets.extend(sniffer.take().into_iter().filter(|packet| packet.is_between(&ends)));
        }
    }

    fn judge(
        &self,
        combination: &Combination,
        record: Record,
        halt: Option<Halt>,
        endings: [Ending; 2],
    ) -> Cell {
        let [initiator, responder] = self.addresses();
        let seen = read(&record.packets, initiator, responder);
        let keys = cipher_keys([&record.values[0], &record.values[1]]);
        let inspection = inspect(&seen, expected(combination), &keys);
        let compared = compare(&record.values[0], &record.values[1], &inspection.quick_modes);
        let mut notes = record.notes.clone();
        notes.push(format!(
            "{} values are the same on both sides, {} keys of IPsec SAs by SPI",
            compared.same, compared.same_by_spi
        ));
        let mut problems = Vec::new();
        match &self.wire {
            Wire::Sniffed { .. } => {
                notes.push(format!(
                    "{} ISAKMP messages on the wire ({} repeated), {} of them encrypted, {} of those read",
                    inspection.messages, inspection.repeated, inspection.encrypted, inspection.opened
                ));
                problems.extend(on_the_wire(&seen, &record, &inspection));
            }
            Wire::Unheard(why) => {
                problems.push(Problem::new(Verdict::Info, format!("the wire was not captured: {why}")));
            }
        }
        problems.extend(inspection.problems);
        problems.extend(compared.problems);
        problems.extend(unwell(&*self.initiator, "initiator", &endings[0]));
        problems.extend(unwell(&*self.responder, "responder", &endings[1]));
        let [initiator_log, responder_log] = endings.map(|ending| ending.log);
        let mut table = KeyTable::default();
        for value in record.values.iter().flat_map(|side| &side.values) {
            if keys.get(&value.cookies.initiator) == Some(&value.bytes) {
                table.insert(value.cookies, &value.bytes);
            }
        }
        let (mut verdict, mut reason) = (Verdict::Pass, String::new());
        match halt {
            None | Some(Halt::Stopped) => {}
            Some(Halt::Fault(error)) => (verdict, reason) = (Verdict::Error, error.to_string()),
            Some(Halt::Wrong(what)) => (verdict, reason) = (Verdict::Fail, what),
            Some(Halt::Stuck(what)) => {
                (verdict, reason) = (Verdict::Inconclusive, format!("{what}; {}", last_message(&seen)));
            }
        }
        if verdict != Verdict::Pass {
            for (end, log) in [("initiator", &initiator_log), ("responder", &responder_log)] {
                notes.push(format!("the {end}'s log ends: {}", tail(log)));
            }
        }
        // What one of the two has sent outweighs that the pair got no further, but not a fault of our own.
        let worst = problems.iter().max_by_key(|problem| problem.verdict);
        if let Some(worst) = worst.filter(|worst| worst.verdict > verdict) {
            verdict = worst.verdict;
            let what = &worst.finding.what;
            reason = if reason.is_empty() { what.clone() } else { format!("{what}; {reason}") };
        }
        if reason.is_empty() {
            reason = format!(
                "traffic both ways through {} pairs of IPsec SAs, {} messages as they should be, {} values agree",
                record.ipsec.len(),
                inspection.messages,
                compared.same + compared.same_by_spi
            );
        }
        let capture = match record.packets.is_empty() {
            true => Ok(Vec::new()),
            false => pcap(&record.packets),
        };
        let capture = capture.unwrap_or_else(|error| {
            notes.push(error);
            Vec::new()
        });
        let findings = problems.into_iter().map(|problem| problem.finding).collect();
        let files = CellFiles { capture, keys: table.text(), initiator_log, responder_log };
        Cell { verdict, reason, findings, notes, files }
    }
}

/// What is wrong with the daemon at one end, whatever the two have sent each other.
fn unwell(daemon: &dyn PairMember, end: &str, ending: &Ending) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add =
        |verdict, what: String| problems.push(Problem::new(verdict, format!("the {end}'s daemon {what}")));
    if let Some(line) = daemon.death(&ending.log) {
        add(Verdict::Fail, format!("died: {line}"));
    } else if let Some(fault) = &ending.fault {
        add(Verdict::Error, format!("could not be cleaned up: {fault}"));
    }
    for line in daemon.alarms(&ending.log) {
        add(Verdict::Warn, format!("met a fault of its own: {line}"));
    }
    if let Some(what) = &ending.left {
        add(Verdict::Warn, format!("did not give up everything when told to: {what}"));
    }
    problems
}

fn expected(combination: &Combination) -> Expected {
    let side = &combination.initiator.config.peer;
    Expected {
        aggressive: side.exchange == Phase1Exchange::AggressiveMode,
        signatures: side.phase1.transforms.iter().any(|t| t.authentication != Authentication::Psk),
        pfs: combination.pfs,
    }
}

/// Packets in and out between two listings, over the SAs of the second; `None` where they are not counted.
fn counted(before: &SaView, after: &SaView) -> Option<(u64, u64)> {
    let mut sum = (0_u64, 0_u64);
    for sa in &after.ipsec_sas {
        let known = before.ipsec_sas.iter().find(|known| known.spi_in == sa.spi_in);
        let known =
            |count: fn(&crate::driver::IpsecSaView) -> Option<u64>| known.and_then(count).unwrap_or(0);
        sum.0 += sa.packets_in?.saturating_sub(known(|sa| sa.packets_in));
        sum.1 += sa.packets_out?.saturating_sub(known(|sa| sa.packets_out));
    }
    Some(sum)
}

/// What the capture says of the traffic and of the SAs.
fn on_the_wire(seen: &[Seen], record: &Record, inspection: &Inspection) -> Vec<Problem> {
    let mut problems = Vec::new();
    let pattern = hex::decode(PATTERN).unwrap_or_default();
    for (number, packet) in (1..).zip(&record.packets) {
        if packet.bytes.windows(pattern.len()).any(|window| window == pattern) {
            let mut problem =
                Problem::new(Verdict::Fail, "the data of an echo that belongs into an SA is in the clear");
            problem.finding.packet = Some(number);
            problems.push(problem);
        }
    }
    let spi_of = |seen: &Seen, from: End| match seen.carries {
        Carries::Esp { spi, .. } if seen.from == from => Some(spi),
        _ => None,
    };
    for round in &record.rounds {
        // Packets are numbered from 1.
        let within = |seen: &&Seen| {
            usize::try_from(seen.number)
                .is_ok_and(|number| round.packets.contains(&(number.saturating_sub(1))))
        };
        for (from, spis) in [
            (End::Initiator, round.ipsec.iter().map(|(_, out)| *out).collect::<BTreeSet<_>>()),
            (End::Responder, round.ipsec.iter().map(|(in_, _)| *in_).collect()),
        ] {
            let met = seen.iter().filter(within).filter_map(|seen| spi_of(seen, from));
            if !met.into_iter().any(|spi| spis.contains(&spi)) {
                let what = format!("no ESP packet of {} has an SPI of the SAs that are listed", from.name());
                problems.push(Problem::new(Verdict::Fail, what));
            }
        }
    }
    // Where every quick mode could be read, each SA that is listed must come from one.
    if inspection.encrypted > 0 && inspection.encrypted == inspection.opened {
        for (spi_in, spi_out) in &record.ipsec {
            let fits = inspection.quick_modes.values().any(|quick_mode| {
                let (own, other) = match quick_mode.by_initiator {
                    true => (quick_mode.first, quick_mode.second),
                    false => (quick_mode.second, quick_mode.first),
                };
                own == Some(*spi_in) && other == Some(*spi_out)
            });
            if !fits {
                let what =
                    format!("no quick mode on the wire agreed on the SPIs {spi_in:08x} and {spi_out:08x}");
                problems.push(Problem::new(Verdict::Fail, what));
            }
        }
    }
    problems
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(LOG_TAIL_LINES)..).unwrap_or_default().join(" / ")
}
