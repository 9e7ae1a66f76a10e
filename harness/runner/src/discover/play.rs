//! Plays the probes with a peer, and says what they show.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ikev1_report::RunEvent;
use ikev1_report::discovery::{AnnouncedVendorId, DiscoveryResult, ProbeResult, StaleEntry};
use ikev1_report::model::CaseResult;
use ikev1_report::text::shell_quote;
use ikev1_scenario::judge::{Sight, Sighting, sighting, vendor_ids};
use ikev1_scenario::verdict::{PeerProfile, Verdict};

use super::probes::Probe;
use super::vendors::vendor_name;
use crate::run::{ArtefactError, CaseFolder, CaseRunner, RunOptions, run_cases};

/// How a peer is probed.
#[derive(Debug, Clone, Copy)]
pub struct DiscoverOptions<'a> {
    /// As for cases.
    pub run: &'a RunOptions,
    /// The file that says what the peer lacks; none for our own engine.
    pub said_in: Option<&'a str>,
    /// Whether nothing but probes is run, so that the peer and its sanity handshakes are theirs.
    pub alone: bool,
}

/// Plays probes with a peer, between two sanity handshakes, and gives what they show; those that nothing answered once more, one
/// after the other. What the harness cannot configure at the peer is not played. Each event goes to `sink` on the calling thread,
/// the last of them is [`RunEvent::Discovered`].
pub fn discover(
    probes: &[Probe],
    peer: &Arc<dyn CaseRunner>,
    options: DiscoverOptions<'_>,
    sink: &mut dyn FnMut(RunEvent),
) -> DiscoveryResult {
    let profile = peer.profile().clone();
    let of_probe = Results { profile: &profile, options: options.run };
    let (mut results, mut seen) = (BTreeMap::new(), BTreeMap::new());
    let mut cases = Vec::new();
    for probe in probes {
        match of_probe.not_played(probe) {
            Some(result) => {
                sink(RunEvent::ProbeFinished(Box::new(result.clone())));
                results.insert(probe.case.id.clone(), result);
            }
            None => cases.push(probe.case.clone()),
        }
    }
    // A peer that said nothing, or was not ready in time, may have been busy with other probes: it is asked again when there are
    // none. What it says then counts.
    let repeats = peer.under_way(options.run.jobs) > 1;
    let mut unanswered = Vec::new();
    let first = RunOptions { probes: true, ..options.run.clone() };
    let again = RunOptions { jobs: 1, ..first.clone() };
    for (run, last) in [(&first, false), (&again, true)] {
        let cases = if last { std::mem::take(&mut unanswered) } else { std::mem::take(&mut cases) };
        if cases.is_empty() || run.stop.is_set() {
            continue;
        }
        run_cases(cases, peer, &[], run, &mut |event| match event {
            RunEvent::CaseFinished(case) => {
                let Some(probe) = probes.iter().find(|probe| probe.case.id == case.id) else { return };
                let (sighting, vendor_ids) = of_probe.look(probe, &case);
                if repeats && !last && (sighting.silent || sighting.sight == Sight::Error) {
                    unanswered.push(probe.case.clone());
                    return;
                }
                let result = of_probe.result(probe, sighting, case.duration_ms, case.artefacts.clone());
                sink(RunEvent::ProbeFinished(Box::new(result.clone())));
                seen.insert(probe.case.id.clone(), vendor_ids);
                results.insert(probe.case.id.clone(), result);
            }
            RunEvent::CaseStarted { .. } => {}
            RunEvent::PeerStarted { .. } if last => {}
            RunEvent::SanityFinished { sanity, .. } if last && sanity.verdict == Verdict::Pass => {}
            // The run of the cases tells of the peer, and has handshakes of its own.
            RunEvent::PeerStarted { .. } | RunEvent::SanityFinished { .. } if !options.alone => {}
            event => sink(event),
        });
    }
    let in_order = |probe: &Probe| results.get(&probe.case.id).cloned();
    let mut found = DiscoveryResult {
        peer: profile.name.clone(),
        version: profile.version.clone(),
        probes: probes.iter().filter_map(in_order).collect(),
        ..DiscoveryResult::default()
    };
    for probe in probes {
        for (data, packet) in seen.remove(&probe.case.id).unwrap_or_default() {
            let hex = hex::encode(&data);
            if !found.vendor_ids.iter().any(|known| known.hex == hex) {
                let (name, probe) = (vendor_name(&data), probe.case.id.clone());
                found.vendor_ids.push(AnnouncedVendorId { hex, name, probe, packet });
            }
        }
    }
    found.stale = options.said_in.map_or_else(Vec::new, |file| stale(file, probes, &found, &profile));
    sink(RunEvent::Discovered(Box::new(found.clone())));
    found
}

/// Capabilities that are said to be missing and that a probe has found, each once.
fn stale(file: &str, probes: &[Probe], found: &DiscoveryResult, profile: &PeerProfile) -> Vec<StaleEntry> {
    let mut stale: Vec<StaleEntry> = Vec::new();
    for (probe, result) in probes.iter().filter_map(|probe| {
        let result = found.probes.iter().find(|result| result.id == probe.case.id)?;
        (probe.whole && result.sight == Sight::Accepted).then_some((probe, result))
    }) {
        let Some((capability, reason)) =
            probe.capability.and_then(|c| Some((c.name(), profile.missing.get(&c)?)))
        else {
            continue;
        };
        if stale.iter().all(|known| known.capability != capability) {
            stale.push(StaleEntry {
                capability: capability.to_owned(),
                file: file.to_owned(),
                reason: reason.clone(),
                probe: result.id.clone(),
                evidence: result.evidence.clone(),
                packet: result.packet,
            });
        }
    }
    stale
}

/// What a probe of an earlier run shows, from its files alone: `transcript` is the path of one of them below the folder of the
/// run. The vendor IDs that came have the number of their packet.
///
/// # Errors
/// When the files cannot be read.
pub fn look_again(run: &Path, transcript: &str) -> Result<(Sighting, VendorIds), ArtefactError> {
    let folder = Path::new(transcript).parent().unwrap_or(Path::new(""));
    let (played, records) = CaseFolder::at(run, folder).read()?;
    Ok((one_line(sighting(&played, &records)), vendor_ids(&records)))
}

/// Vendor IDs of a probe, with their packets.
pub type VendorIds = Vec<(Vec<u8>, u64)>;

struct Results<'a> {
    profile: &'a PeerProfile,
    options: &'a RunOptions,
}

impl Results<'_> {
    /// The entry of a probe that the harness cannot configure at the peer.
    fn not_played(&self, probe: &Probe) -> Option<ProbeResult> {
        let capability = probe.capability.filter(|c| self.profile.not_configured.contains(c))?;
        let evidence = self.profile.missing.get(&capability).cloned().unwrap_or_default();
        let sighting = not_played(Sight::NotKnown, evidence);
        Some(self.result(probe, sighting, 0, BTreeMap::new()))
    }

    /// What the files of a probe show.
    fn look(&self, probe: &Probe, case: &CaseResult) -> (Sighting, VendorIds) {
        let error = |evidence: String| (not_played(Sight::Error, evidence), Vec::new());
        // Not played, by the verdict of a peer that cannot be adapted to it.
        if case.verdict == Verdict::Unsupported {
            return (not_played(Sight::NotKnown, case.reason.clone()), Vec::new());
        }
        let Some(transcript) = case.artefacts.get("transcript") else { return error(case.reason.clone()) };
        look_again(&self.options.folder, transcript)
            .unwrap_or_else(|problem| error(format!("{}: {problem}", probe.case.id)))
    }

    fn result(
        &self,
        probe: &Probe,
        sighting: Sighting,
        duration_ms: u64,
        artefacts: BTreeMap<String, String>,
    ) -> ProbeResult {
        let (id, peer) = (&probe.case.id, &self.profile.name);
        let mut rerun = format!("{} discover {}", self.options.program, shell_quote(id));
        if peer != "self" {
            rerun.push_str(&format!(" --peer {}", shell_quote(peer)));
        }
        rerun.push_str(&format!(" --seed {}", self.options.seed));
        ProbeResult {
            id: id.clone(),
            peer: peer.clone(),
            area: probe.area.name().to_owned(),
            name: probe.name.clone(),
            sight: sighting.sight,
            evidence: sighting.evidence,
            packet: sighting.packet,
            capabilities: probe.capability.iter().map(|capability| capability.name().to_owned()).collect(),
            said_missing: probe
                .capability
                .and_then(|capability| self.profile.missing.get(&capability).cloned()),
            duration_ms,
            artefacts,
            rerun,
        }
    }
}

/// What is said of a probe without its files.
const fn not_played(sight: Sight, evidence: String) -> Sighting {
    Sighting { sight, evidence, packet: None, silent: false }
}

/// What a daemon or script says may be several lines, of which the last says most.
fn one_line(mut sighting: Sighting) -> Sighting {
    let lines: Vec<&str> = sighting.evidence.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [first, .., last] = lines.as_slice() {
        sighting.evidence = format!("{first} ... {last}");
    }
    sighting
}
