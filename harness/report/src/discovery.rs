//! What a peer speaks, as probes found it: the section `discovery` of `report.json`, and a page of the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ikev1_scenario::judge::Sight;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Report;
use crate::term::{Paint, clean};

/// Columns of the page.
const WIDTH: usize = 100;
/// Columns of the longest area that the others are aligned with.
const AREA_WIDTH_MAX: usize = 40;

/// What one peer speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryResult {
    /// Name of the peer.
    pub peer: String,
    /// What it says its version is; empty when unknown.
    pub version: String,
    /// One entry per probe, in the order of the page.
    pub probes: Vec<ProbeResult>,
    /// The Vendor ID payloads that it sent in phase 1.
    pub vendor_ids: Vec<AnnouncedVendorId>,
    /// What was said to be missing and was found. Each makes the run fail.
    pub stale: Vec<StaleEntry>,
}

/// What one probe showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeResult {
    /// ID of the probe, such as `probe/phase-1-cipher/3des`.
    pub id: String,
    /// Name of the peer.
    pub peer: String,
    /// What kind of thing was offered, such as `phase 1 cipher`.
    pub area: String,
    /// What was offered, such as `3des`.
    pub name: String,
    /// What came of it.
    pub sight: Sight,
    /// The message that shows it, or why there is none, in one line.
    pub evidence: String,
    /// The number of that message's datagram in the transcript and the capture, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// The capabilities that it is about.
    pub capabilities: Vec<String>,
    /// Why the peer was said to lack it, before it was probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said_missing: Option<String>,
    /// Wall-clock time in milliseconds.
    pub duration_ms: u64,
    /// Files of the probe by kind, as those of a case, relative to the report.
    pub artefacts: BTreeMap<String, String>,
    /// The command that plays this probe again.
    pub rerun: String,
}

/// A Vendor ID payload of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnouncedVendorId {
    /// Its data, in hex.
    pub hex: String,
    /// What it is known as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// ID of the first probe in which it came.
    pub probe: String,
    /// The number of its datagram there.
    pub packet: u64,
}

/// A capability that was said to be missing and was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleEntry {
    /// The capability.
    pub capability: String,
    /// The file that says so.
    pub file: String,
    /// Why it was said to be missing.
    pub reason: String,
    /// The probe that found it.
    pub probe: String,
    /// The message that shows it.
    pub evidence: String,
    /// The number of its datagram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// The page; empty where nothing was probed.
pub(crate) fn page(paint: Paint, report: &Report) -> String {
    let mut page = String::new();
    for found in &report.discovery {
        speaks(&mut page, paint, found);
        for stale in &found.stale {
            let StaleEntry { capability, file, reason, probe, evidence, packet } = stale;
            let place = place(evidence, *packet);
            let text = format!(
                "stale {file}: `{capability}` is said to be missing ({reason}), and {probe} was accepted: {place}"
            );
            wrapped(&mut page, &clean(&text), 0, 4);
        }
        if !found.stale.is_empty() {
            page.push('\n');
        }
    }
    page
}

/// A line of the page: an area, what came of it, and what that holds for.
struct Row<'a> {
    area: &'a str,
    sight: Sight,
    evidence: String,
    names: Vec<&'a str>,
    packets: Vec<u64>,
}

impl Row<'_> {
    /// The evidence with its packets; a message that was repeated has another number than elsewhere.
    fn place(&self) -> String {
        match (self.packets.iter().min(), self.packets.iter().max()) {
            (Some(first), Some(last)) if first < last => {
                format!("{}, packets {first} to {last}", self.evidence)
            }
            (first, _) => place(&self.evidence, first.copied()),
        }
    }
}

fn speaks(page: &mut String, paint: Paint, found: &DiscoveryResult) {
    let version = if found.version.is_empty() { "unknown version" } else { &found.version };
    let _ = writeln!(page, "what {} ({}) speaks\n", clean(&found.peer), clean(version));
    let mut rows: Vec<Row<'_>> = Vec::new();
    for probe in &found.probes {
        // What a daemon says of one name it says of others, so that one line is enough.
        let evidence = without_quoted(&probe.evidence);
        let same = |row: &&mut Row<'_>| {
            row.area == probe.area && row.sight == probe.sight && row.evidence == evidence
        };
        match rows.iter_mut().find(same) {
            Some(row) => {
                row.names.push(&probe.name);
                row.packets.extend(probe.packet);
            }
            None => rows.push(Row {
                area: &probe.area,
                sight: probe.sight,
                evidence,
                names: vec![&probe.name],
                packets: probe.packet.into_iter().collect(),
            }),
        }
    }
    // Probes of one area stand together; within it, what is spoken comes first.
    let order = |area: &str| found.probes.iter().position(|probe| probe.area == area);
    rows.sort_by_key(|row| (order(row.area), row.sight));
    let longest = rows.iter().map(|row| console::measure_text_width(&clean(row.area))).max().unwrap_or(0);
    let area_width = longest.clamp("vendor ID".len(), AREA_WIDTH_MAX);
    let sight_width = rows.iter().map(|row| row.sight.name().len()).max().unwrap_or(0).max("announced".len());
    let indent = area_width + sight_width + 4;
    let mut last = "";
    for row in rows {
        let area = if row.area == last { "" } else { row.area };
        last = row.area;
        let sight = row.sight.name();
        let padding = " ".repeat(sight_width - sight.len());
        let _ = write!(page, "{:area_width$}  {}{padding}  ", clean(area), paint.sight(row.sight));
        let text = format!("{} ({})", clean(&row.names.join(", ")), clean(&row.place()));
        wrapped(page, &text, indent, indent);
    }
    for (index, vendor_id) in found.vendor_ids.iter().enumerate() {
        let area = if index == 0 { "vendor ID" } else { "" };
        let name = vendor_id.name.as_ref().map_or_else(|| "unknown".to_owned(), |name| clean(name));
        let _ = write!(page, "{area:area_width$}  {:sight_width$}  ", "announced");
        wrapped(
            page,
            &format!("{name} ({}, packet {})", clean(&vendor_id.hex), vendor_id.packet),
            indent,
            indent,
        );
    }
    page.push('\n');
}

/// Evidence with its packet.
fn place(evidence: &str, packet: Option<u64>) -> String {
    packet.map_or_else(|| evidence.to_owned(), |packet| format!("{evidence}, packet {packet}"))
}

/// A text with `'...'` in place of what is quoted so.
fn without_quoted(text: &str) -> String {
    let parts: Vec<&str> = text.split('\'').collect();
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let shown = parts.iter().enumerate().map(|(index, part)| if index % 2 == 1 { "..." } else { part });
    shown.collect::<Vec<_>>().join("'")
}

/// Words of a text in lines; the first begins at the column `at`, the others are indented.
fn wrapped(page: &mut String, text: &str, at: usize, indent: usize) {
    let mut column = at;
    for (index, word) in text.split(' ').enumerate() {
        let width = console::measure_text_width(word);
        // GitHub would take a line that begins so for one of its commands.
        let breaks = !word.starts_with("::");
        if index > 0 && breaks && column + 1 + width > WIDTH {
            let _ = write!(page, "\n{:indent$}", "");
            column = indent;
        } else if index > 0 {
            page.push(' ');
            column += 1;
        }
        page.push_str(word);
        column += width;
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_begins_with_a_command_of_github() {
        let mut page = String::new();
        wrapped(&mut page, &format!("{} ::error::x y", "a".repeat(WIDTH)), 0, 4);
        assert_eq!(page, format!("{} ::error::x\n    y\n", "a".repeat(WIDTH)));
    }

    fn probe(area: &str, name: &str, sight: Sight, evidence: &str, packet: Option<u64>) -> ProbeResult {
        ProbeResult {
            id: format!("probe/{}/{name}", area.replace(' ', "-")),
            peer: "gateway".to_owned(),
            area: area.to_owned(),
            name: name.to_owned(),
            sight,
            evidence: evidence.to_owned(),
            packet,
            capabilities: vec![name.to_owned()],
            said_missing: None,
            duration_ms: 1,
            artefacts: BTreeMap::new(),
            rerun: String::new(),
        }
    }

    fn found() -> DiscoveryResult {
        let cipher = |name, sight, evidence, packet| probe("phase 1 cipher", name, sight, evidence, packet);
        DiscoveryResult {
            peer: "gateway".to_owned(),
            version: "1.\u{1b}[31m0".to_owned(),
            probes: vec![
                cipher("idea", Sight::Refused, "NO-PROPOSAL-CHOSEN in informational message 1", Some(2)),
                cipher("des", Sight::Accepted, "main mode message 2", Some(2)),
                cipher("rc5-40", Sight::NotConfigurable, "algorithm 'rc5-40' is not supported", None),
                cipher("rc5-128", Sight::NotConfigurable, "algorithm 'rc5-128' is not supported", None),
                cipher("aes128", Sight::Accepted, "main mode message 2", Some(3)),
                probe("group", "modp768", Sight::Refused, "no answer to main mode message 1", Some(1)),
            ],
            vendor_ids: vec![AnnouncedVendorId {
                hex: "09002689dfd6b712".to_owned(),
                name: Some("XAUTH".to_owned()),
                probe: "probe/group/modp768".to_owned(),
                packet: 2,
            }],
            stale: vec![StaleEntry {
                capability: "des".to_owned(),
                file: "docker/gateway/peer.toml".to_owned(),
                reason: "not in its list of algorithms".to_owned(),
                probe: "probe/phase-1-cipher/des".to_owned(),
                evidence: "main mode message 2".to_owned(),
                packet: Some(2),
            }],
        }
    }

    #[test]
    fn what_is_spoken_comes_first_in_each_area_and_the_same_evidence_stands_once() {
        let report = Report { discovery: vec![found()], ..crate::testing::report([]) };
        insta::assert_snapshot!(page(Paint { colour: false }, &report), @r"
        what gateway (1.\u{1b}[31m0) speaks

        phase 1 cipher  accepted          des, aes128 (main mode message 2, packets 2 to 3)
                        refused           idea (NO-PROPOSAL-CHOSEN in informational message 1, packet 2)
                        not-configurable  rc5-40, rc5-128 (algorithm '...' is not supported)
        group           refused           modp768 (no answer to main mode message 1, packet 1)
        vendor ID       announced         XAUTH (09002689dfd6b712, packet 2)

        stale docker/gateway/peer.toml: `des` is said to be missing (not in its list of algorithms), and
            probe/phase-1-cipher/des was accepted: main mode message 2, packet 2
        ");
    }

    #[test]
    fn a_long_line_is_wrapped_under_its_column() {
        let mut page = String::new();
        wrapped(&mut page, &["word"; 30].join(" "), 10, 10);
        assert!(page.lines().all(|line| line.len() <= WIDTH), "{page}");
        assert!(page.lines().skip(1).all(|line| line.starts_with("          word")), "{page}");
    }
}
