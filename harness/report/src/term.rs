//! The terminal: progress while a run lasts, and its last page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use console::{Style, measure_text_width, truncate_str};
use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use ikev1_scenario::model::Role;
use ikev1_scenario::verdict::Counts;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::discovery::{self, ProbeResult};
use crate::event::RunEvent;
use crate::junit::section_of;
use crate::model::{CaseResult, CellResult, Report, Sanity, VectorsResult};
use crate::pairs;
use crate::text::log_line;

/// Longest reason on the terminal, in characters.
const REASON_CHARS_MAX: usize = 500;
/// Most cases of one kind that the last page spells out.
pub(crate) const CASES_SHOWN_MAX: usize = 50;

/// Longest reason on the last page, where every line is to be read at a glance; the reports have all of it.
const LAST_REASON_CHARS_MAX: usize = 240;
/// Most changes of one case that the last page names.
const CHANGES_SHOWN_MAX: usize = 3;

/// How a run shows its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not at all.
    Quiet,
    /// A line per case, for logs.
    Plain,
    /// A bar with the case under way and the time left, for people.
    Bar,
}

impl Progress {
    /// Every mode with its name on the command line.
    pub const ALL: [(Self, &str); 3] = [(Self::Bar, "bar"), (Self::Plain, "plain"), (Self::Quiet, "quiet")];

    /// What suits standard error: a bar on a terminal, lines in CI and in pipes.
    pub fn detect() -> Self {
        if console::user_attended_stderr() && std::env::var_os("CI").is_none() {
            Self::Bar
        } else {
            Self::Plain
        }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also in pipes and files, whatever `NO_COLOR` says.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Every choice with its name on the command line.
    pub const ALL: [(Self, &str); 3] =
        [(Self::Auto, "auto"), (Self::Always, "always"), (Self::Never, "never")];

    /// Whether standard output gets colours.
    pub fn stdout(self) -> bool {
        self.on(console::colors_enabled())
    }

    /// Whether standard error gets colours.
    pub fn stderr(self) -> bool {
        self.on(console::colors_enabled_stderr())
    }

    fn on(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Columns for a page on standard output: those of the terminal or of `COLUMNS`, within what can be read.
pub fn columns() -> usize {
    const USUAL: usize = 100;
    let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    given.or_else(terminal).unwrap_or(USUAL).clamp(60, 140)
}

/// Shows the progress of a run.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    progress: Progress,
    paint: Paint,
    bar: ProgressBar,
    done: usize,
    planned: usize,
    unexpected: usize,
}

impl<W: Write> Terminal<W> {
    /// Shows progress on `out`; a bar is drawn on standard error, whatever `out` is.
    pub fn new(out: W, progress: Progress, colour: bool) -> Self {
        let bar = match progress {
            Progress::Bar => ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()),
            _ => ProgressBar::hidden(),
        };
        let template = "{bar:24} {pos}/{len}, {eta} left{prefix} {wide_msg}";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { out, progress, paint: Paint { colour }, bar, done: 0, planned: 0, unexpected: 0 }
    }

    /// Takes one event in. Output that cannot be written is dropped: progress is no result.
    pub fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { run } => {
                self.planned = run.planned;
                self.bar.set_length(u64::try_from(run.planned).unwrap_or(u64::MAX));
            }
            RunEvent::PeerStarted { peer, planned } => {
                let version = if peer.version.is_empty() { "unknown version" } else { &peer.version };
                self.line(&format!("peer {} ({}): {planned} cases", clean(&peer.name), clean(version)));
                if let Some(kernel) = &peer.kernel {
                    self.line(&format!("peer {}: kernel {}", clean(&peer.name), clean(kernel)));
                }
            }
            RunEvent::SanityFinished { peer, sanity } => self.sanity(peer, sanity),
            RunEvent::CaseStarted { id, peer, role } => {
                self.bar.set_message(format!("{} ({}, {})", clean(id), clean(peer), role));
            }
            RunEvent::CaseFinished(case) => self.case(case),
            RunEvent::MatrixStarted { peers, combinations } => {
                let (peers, combinations) = (peers.len(), combinations.len());
                self.line(&format!("matrix: {peers} x {peers} peers, {combinations} combinations each"));
            }
            RunEvent::CellFinished(cell) => self.cell(cell),
            RunEvent::ProbeFinished(probe) => self.probe(probe),
            RunEvent::Discovered(_) => {}
            RunEvent::VectorsFinished(vectors) => self.line(&vectors_line(self.paint, vectors)),
            RunEvent::Fault { text } => {
                let text = format!("{} {}", self.paint.verdict(Verdict::Error), clean(text));
                self.line(&text);
            }
            RunEvent::Note { text } => {
                self.bar.set_message(clean(text));
                if self.progress == Progress::Plain {
                    self.line(&clean(text));
                }
            }
            RunEvent::Interrupted => self.line("interrupted"),
            RunEvent::RunFinished { .. } => self.bar.finish_and_clear(),
        }
    }

    fn sanity(&mut self, peer: &str, sanity: &Sanity) {
        let verdict = self.paint.verdict(sanity.verdict);
        let when = clean(&sanity.when);
        if sanity.verdict == Verdict::Pass {
            self.line(&format!("peer {}: sanity handshake, {when}: {verdict}", clean(peer)));
        } else {
            self.line(&format!(
                "peer {}: sanity handshake, {when}: {verdict}: {}",
                clean(peer),
                clean(&sanity.reason)
            ));
        }
    }

    fn case(&mut self, case: &CaseResult) {
        self.done += 1;
        self.bar.inc(1);
        if self.progress == Progress::Bar && case.expected {
            return;
        }
        let width = self.planned.to_string().len();
        let mut line = format!(
            "[{:>width$}/{}] {} {} ({}, {})",
            self.done,
            self.planned,
            self.paint.verdict_padded(case.verdict),
            clean(&case.id),
            clean(&case.peer),
            case.role,
        );
        if !case.expected {
            line.push_str(": ");
            line.push_str(&clean(&case.reason));
            self.count_unexpected();
        }
        self.line(&line);
    }

    /// Counts a verdict that was not expected, in front of the case under way.
    fn count_unexpected(&mut self) {
        self.unexpected += 1;
        let count = format!("{} unexpected", self.unexpected);
        self.bar.set_prefix(format!(", {}", self.paint.text(Verdict::Fail, &count)));
    }

    fn cell(&mut self, cell: &CellResult) {
        self.done += 1;
        self.bar.inc(1);
        let name = pairs::name(cell);
        self.bar.set_message(name.clone());
        if self.progress == Progress::Bar && cell.expected {
            return;
        }
        let width = self.planned.to_string().len();
        let verdict = self.paint.verdict_padded(cell.verdict);
        let mut line = format!("[{:>width$}/{}] {verdict} {name}", self.done, self.planned);
        if !cell.expected {
            line.push_str(": ");
            line.push_str(&clean(&cell.reason));
            self.count_unexpected();
        }
        self.line(&line);
    }

    fn probe(&mut self, probe: &ProbeResult) {
        self.done += 1;
        self.bar.inc(1);
        self.bar.set_message(format!("{} ({})", clean(&probe.id), clean(&probe.peer)));
        if self.progress == Progress::Bar && !matches!(probe.sight, Sight::Died | Sight::Error) {
            return;
        }
        let width = self.planned.to_string().len();
        let sight = self.paint.sight(probe.sight);
        let padding = " ".repeat(Sight::NotConfigurable.name().len() - probe.sight.name().len());
        let (id, peer, evidence) = (clean(&probe.id), clean(&probe.peer), clean(&probe.evidence));
        self.line(&format!(
            "[{:>width$}/{}] {sight}{padding} {id} ({peer}): {evidence}",
            self.done, self.planned
        ));
    }

    fn line(&mut self, line: &str) {
        match self.progress {
            Progress::Quiet => {}
            Progress::Plain => {
                let _ = writeln!(self.out, "{line}");
            }
            // One line each; the last page has them in full.
            Progress::Bar => {
                let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
                let line = columns.map_or_else(|| line.into(), |columns| truncate_str(line, columns, "…"));
                self.bar.suspend(|| {
                    let _ = writeln!(self.out, "{line}");
                });
            }
        }
    }
}

/// The last page of a run: failures first, then the matrix, then sums. `folder` is where the reports were written.
pub fn summary(report: &Report, folder: &str, colour: bool) -> String {
    let paint = Paint { colour };
    let mut page = String::new();
    failures(&mut page, paint, report);
    page.push_str(&pairs::page(paint, report));
    page.push_str(&discovery::page(paint, report));
    matrix(&mut page, paint, report);
    sums(&mut page, paint, report, folder);
    page
}

fn failures(page: &mut String, paint: Paint, report: &Report) {
    let unexpected = report.unexpected();
    for case in unexpected.iter().take(CASES_SHOWN_MAX) {
        let verdict = paint.verdict(case.verdict);
        put(page, format_args!("{verdict} {} ({}, {})", clean(&case.id), clean(&case.peer), case.role));
        put(page, format_args!("    {}", clean(&case.description)));
        put(page, format_args!("    {}", log_line(&case.reason, LAST_REASON_CHARS_MAX)));
        for change in case.changes.iter().take(CHANGES_SHOWN_MAX) {
            put(page, format_args!("    {}", clean(&change.to_string())));
        }
        if !case.requirements.is_empty() {
            put(page, format_args!("    clauses: {}", clean(&case.requirements.join(", "))));
        }
        put(page, format_args!("    rerun: {}", clean(&case.rerun)));
        page.push('\n');
    }
    if let Some(more) = unexpected.len().checked_sub(CASES_SHOWN_MAX).filter(|more| *more > 0) {
        put(
            page,
            format_args!("and {more} more cases with an unexpected verdict; the report has them all\n"),
        );
    }
    for cause in report.causes.iter().take(CASES_SHOWN_MAX) {
        let (scenario, peer, values) = (clean(&cause.scenario), clean(&cause.peer), clean(&cause.values()));
        put(page, format_args!("cause  {scenario} ({peer}, {}): {values}", cause.role));
        put(
            page,
            format_args!("    {} of {} cases fail, and no other has these values\n", cause.failing, cause.of),
        );
    }
    for waiver in &report.waivers {
        let verdict = paint.verdict(Verdict::Fail);
        put(page, format_args!("{verdict} known failure {} in {}", clean(&waiver.case), clean(&waiver.file)));
        put(page, format_args!("    {}\n", clean(&waiver.problem)));
    }
    for failure in report.vectors.iter().flat_map(|vectors| &vectors.failures).take(CASES_SHOWN_MAX) {
        put(page, format_args!("{} vectors: {}\n", paint.verdict(Verdict::Fail), clean(failure)));
    }
    for error in &report.run.errors {
        put(page, format_args!("{} {}\n", paint.verdict(Verdict::Error), clean(error)));
    }
    for peer in &report.peers {
        for sanity in peer.sanity.iter().filter(|sanity| sanity.verdict != Verdict::Pass) {
            let (when, name) = (clean(&sanity.when), clean(&peer.name));
            put(
                page,
                format_args!("{} sanity handshake, {when}, with {name}", paint.verdict(Verdict::Error)),
            );
            put(page, format_args!("    {}\n", clean(&sanity.reason)));
        }
    }
}

/// A row per section, a column per peer and role, in a cell the counts that are not zero.
fn matrix(page: &mut String, paint: Paint, report: &Report) {
    let mut columns: Vec<(usize, &str, Role)> = Vec::new();
    for case in &report.cases {
        let position = report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(usize::MAX);
        columns.push((position, &case.peer, case.role));
    }
    columns.sort_unstable();
    columns.dedup();
    let mut rows: BTreeMap<String, BTreeMap<usize, Counts>> = BTreeMap::new();
    for case in &report.cases {
        let column = columns.iter().position(|(_, peer, role)| *peer == case.peer && *role == case.role);
        let cells = rows.entry(section_of(&case.id)).or_default();
        cells.entry(column.unwrap_or_default()).or_default().add(case.verdict);
    }
    if rows.is_empty() {
        return;
    }
    let mut table = vec![vec!["section".to_owned()]];
    table[0].extend(columns.iter().map(|(_, peer, role)| format!("{} {}", clean(peer), role)));
    for (section, cells) in rows {
        let mut row = vec![clean(&section)];
        row.extend(
            (0..columns.len())
                .map(|column| cells.get(&column).map_or_else(|| "-".to_owned(), |s| paint.counts(s))),
        );
        table.push(row);
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| table.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0))
        .collect();
    for row in &table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let padding = width.saturating_sub(measure_text_width(cell)) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        put(page, format_args!("{}", line.trim_end()));
    }
    page.push('\n');
}

fn sums(page: &mut String, paint: Paint, report: &Report, folder: &str) {
    let run = &report.run;
    let known = report.known_failures();
    let known = if known > 0 { format!(" ({known} of them known failures)") } else { String::new() };
    let probes: BTreeMap<Sight, usize> = report.probes().fold(BTreeMap::new(), |mut sums, probe| {
        *sums.entry(probe.sight).or_default() += 1;
        sums
    });
    if !probes.is_empty() {
        let sums: Vec<_> = probes.iter().map(|(sight, n)| format!("{n} {}", paint.sight(*sight))).collect();
        put(page, format_args!("probes   {}: {}", report.probes().count(), sums.join(", ")));
    }
    let kind = match &report.matrix {
        Some(matrix) => {
            put(page, format_args!("cells    {}: {}", matrix.cells.len(), paint.counts(&matrix.summary)));
            "cells"
        }
        None if report.cases.is_empty() && report.probes().next().is_some() => "probes",
        None => {
            let counts = paint.counts(&report.summary);
            put(page, format_args!("cases    {}: {counts}{known}", report.cases.len()));
            "cases"
        }
    };
    if let Some(missing) = run.planned.checked_sub(report.done()).filter(|missing| *missing > 0) {
        put(
            page,
            format_args!("not run  {missing} {kind}{}", if run.interrupted { ": interrupted" } else { "" }),
        );
    }
    if let Some(vectors) = &report.vectors {
        put(page, format_args!("{}", vectors_line(paint, vectors)));
    }
    for peer in &report.peers {
        if let Some(kernel) = &peer.kernel {
            put(page, format_args!("kernel   {}: {}", clean(&peer.name), clean(kernel)));
        }
    }
    put(
        page,
        format_args!(
            "time     {:.2} s{}",
            Duration::from_millis(run.duration_ms).as_secs_f64(),
            if report.matrix.is_some() || run.redacted {
                String::new()
            } else {
                format!(", seed {}", run.seed)
            }
        ),
    );
    put(page, format_args!("report   {}", clean(folder)));
}

fn vectors_line(paint: Paint, vectors: &VectorsResult) -> String {
    let result = match vectors.failures.len() {
        0 => paint.verdict(Verdict::Pass),
        n => format!("{n} {}", paint.verdict(Verdict::Fail)),
    };
    let providers = clean(&vectors.providers.join(", "));
    format!("vectors  {} in {} files, on {providers}: {result}", vectors.checked, vectors.files)
}

fn put(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{line}");
}

pub(crate) fn clean(text: &str) -> String {
    log_line(text, REASON_CHARS_MAX)
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    pub(crate) colour: bool,
}

impl Paint {
    fn style(self, verdict: Verdict) -> Style {
        let style = Style::new().force_styling(self.colour);
        match verdict {
            Verdict::Pass => style.green(),
            Verdict::Fail => style.red().bold(),
            Verdict::Error => style.magenta().bold(),
            Verdict::Warn | Verdict::Inconclusive => style.yellow(),
            Verdict::Info => style.cyan(),
            Verdict::Unsupported => style.dim(),
        }
    }

    /// A text in the colour of a verdict.
    pub(crate) fn text(self, verdict: Verdict, text: &str) -> String {
        self.style(verdict).apply_to(text).to_string()
    }

    /// What came of a probe.
    pub(crate) fn sight(self, sight: Sight) -> String {
        self.style(match sight {
            Sight::Accepted => Verdict::Pass,
            Sight::Refused | Sight::NotConfigurable => Verdict::Unsupported,
            Sight::Chosen | Sight::NotKnown => Verdict::Warn,
            Sight::Died => Verdict::Fail,
            Sight::Error => Verdict::Error,
        })
        .apply_to(sight.name())
        .to_string()
    }

    pub(crate) fn verdict(self, verdict: Verdict) -> String {
        self.style(verdict).apply_to(verdict.name()).to_string()
    }

    /// As wide as the longest verdict.
    fn verdict_padded(self, verdict: Verdict) -> String {
        self.style(verdict).apply_to(format!("{:12}", verdict.name())).to_string()
    }

    fn counts(self, counts: &Counts) -> String {
        let parts: Vec<_> = Verdict::ALL
            .iter()
            .map(|verdict| (*verdict, counts.get(*verdict)))
            .filter(|(_, n)| *n > 0)
            .map(|(verdict, n)| self.style(verdict).apply_to(format!("{n} {verdict}")).to_string())
            .collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, Waived};
    use crate::testing;

    #[test]
    fn the_last_page_has_failures_first_then_matrix_and_sums() {
        let mut report = testing::report([
            ("rfc2409/5.4-psk/a", Verdict::Pass),
            ("rfc2409/5.4-psk/b", Verdict::Fail),
            ("rfc2409/5.5-quick-mode/a", Verdict::Info),
            ("rfc2409/5.5-quick-mode/b", Verdict::Error),
            ("rfc2409/5.5-quick-mode/c", Verdict::Fail),
        ]);
        report.cases[0].role = Role::Responder;
        report.cases[1].changes = vec![Change {
            packet: 5,
            message: "main-mode message 5".to_owned(),
            field: "hash.data".to_owned(),
            offset: 44,
            was: Some("01".to_owned()),
            is: Some("00".to_owned()),
        }];
        report.cases[4].expected = true;
        report.cases[4].waived =
            Some(Waived { reason: "old".into(), clause: "RFC2409-5.4-01".into(), link: "https://x".into() });
        report.vectors = Some(VectorsResult {
            files: 3,
            checked: 1234,
            providers: vec!["reference".into(), "openssl".into()],
            ..VectorsResult::default()
        });
        insta::assert_snapshot!(summary(&report, "reports/run/x", false), @r"
        fail rfc2409/5.4-psk/b (self, initiator)
            What the case is about.
            HASH_I accepted although it was corrupted
            the case changed hash.data of main-mode message 5 (datagram 5, octet 44): 00, was 01
            clauses: RFC2409-5.4-01
            rerun: cargo xtask conform rfc2409/5.4-psk/b --role initiator --seed 7

        error rfc2409/5.5-quick-mode/b (self, initiator)
            What the case is about.
            HASH_I accepted although it was corrupted
            clauses: RFC2409-5.4-01
            rerun: cargo xtask conform rfc2409/5.5-quick-mode/b --role initiator --seed 7

        section                 self initiator           self responder
        rfc2409/5.4-psk         1 fail                   1 pass
        rfc2409/5.5-quick-mode  1 info, 1 fail, 1 error  -

        cases    5: 1 pass, 1 info, 2 fail, 1 error (1 of them known failures)
        vectors  1234 in 3 files, on reference, openssl: pass
        time     1.23 s, seed 7
        report   reports/run/x
        ");
    }

    #[test]
    fn a_run_that_was_stopped_says_what_is_missing() {
        let mut report = testing::report([("rfc2409/5.4-psk/a", Verdict::Pass)]);
        report.run.planned = 9;
        report.run.interrupted = true;
        report.peers[0].sanity[1].verdict = Verdict::Fail;
        report.run.errors.push("peer strongswan did not start: no Docker".to_owned());
        report.waivers.push(crate::model::WaiverProblem {
            file: "docker/strongswan/expected.toml".into(),
            case: "rfc2409/*".into(),
            problem: "matches no case".into(),
        });
        insta::assert_snapshot!(summary(&report, "reports/run/x", false), @r"
        fail known failure rfc2409/* in docker/strongswan/expected.toml
            matches no case

        error peer strongswan did not start: no Docker

        error sanity handshake, last, with self
            established

        section          self initiator
        rfc2409/5.4-psk  1 pass

        cases    1: 1 pass
        not run  8 cases: interrupted
        time     1.23 s, seed 7
        report   reports/run/x
        ");
    }

    #[test]
    fn plain_progress_is_a_line_per_case() {
        let cases = vec![
            testing::case("rfc2409/5.4-psk/a", Verdict::Pass),
            testing::case("rfc2409/5.4-psk/b", Verdict::Fail),
        ];
        let mut terminal = Terminal::new(Vec::new(), Progress::Plain, false);
        testing::events(cases).iter().for_each(|event| terminal.event(event));
        insta::assert_snapshot!(String::from_utf8(terminal.out).unwrap(), @r"
        peer self (ikev1 0.1.0): 2 cases
        peer self: sanity handshake, first: pass
        [1/2] pass         rfc2409/5.4-psk/a (self, initiator)
        [2/2] fail         rfc2409/5.4-psk/b (self, initiator): HASH_I accepted although it was corrupted
        peer self: sanity handshake, last: pass
        ");
    }

    #[test]
    fn colours_are_as_the_command_line_says() {
        assert!(Colour::Always.on(false));
        assert!(!Colour::Never.on(true));
        assert!(!Colour::Auto.on(false), "no colours in a pipe");
    }

    #[test]
    fn quiet_progress_is_nothing() {
        let mut terminal = Terminal::new(Vec::new(), Progress::Quiet, false);
        testing::events(vec![testing::case("a/b/c", Verdict::Fail)])
            .iter()
            .for_each(|event| terminal.event(event));
        assert_eq!(terminal.out, Vec::<u8>::new());
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        let report = testing::report([("rfc2409/5.4-psk/b", Verdict::Fail)]);
        assert!(summary(&report, "x", true).contains("\u{1b}[31m"));
        assert!(!summary(&report, "x", false).contains('\u{1b}'));
    }
}
