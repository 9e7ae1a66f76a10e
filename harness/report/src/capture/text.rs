//! A capture on the terminal: time downwards, one host on the left, the other on the right.

use std::fmt::Write as _;

use console::{Alignment, Style, measure_text_width, pad_str, truncate_str};
use ikev1_scenario::Verdict;

use super::{CaptureFinding, CaptureReport, CapturedMessage, Conversation, IsakmpSaSeen, Rung};
use crate::text::one_line;

/// Columns in front of a lane: the time, and a blank.
const TIME: usize = 11;
/// Least width of a lane.
const LANE_MIN: usize = 48;
/// What a line within the lane is moved in from the side of its sender.
const INDENT: usize = 4;
/// Characters of a text of a peer.
const TEXT_MAX: usize = 400;

/// How a ladder is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use colours.
    pub colour: bool,
    /// Whether every message is followed by all its fields.
    pub fields: bool,
}

/// The capture as text.
pub fn render(report: &CaptureReport, look: Look) -> String {
    let mut page = Page { out: String::new(), lane: look.width.saturating_sub(TIME).max(LANE_MIN), look };
    page.head(report);
    for (index, conversation) in report.conversations.iter().enumerate() {
        page.conversation(report, index, conversation);
    }
    page.findings(report);
    page.out
}

struct Page {
    out: String,
    lane: usize,
    look: Look,
}

/// Whose side a line of the lane belongs to.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Middle,
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        style.force_styling(self.look.colour).apply_to(text).to_string()
    }

    fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dim(), text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn verdict(&self, verdict: Verdict) -> String {
        let style = match verdict {
            Verdict::Fail => Style::new().red().bold(),
            Verdict::Warn => Style::new().yellow().bold(),
            _ => Style::new().cyan(),
        };
        self.paint(style, verdict.name())
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn head(&mut self, report: &CaptureReport) {
        let counts = &report.counts;
        let file = self.bold(&one_line(&report.file, TEXT_MAX));
        let time = seconds(report.duration_us);
        let packets = plural(counts.packets, "packet");
        self.line(&format!("{file}: {}, {packets} in {} s", report.format, time.trim()));
        let mut parts = vec![format!("{} of IKEv1", plural(counts.ikev1, "message"))];
        if counts.retransmissions > 0 {
            parts.push(format!("{} of them retransmitted", counts.retransmissions));
        }
        if counts.encrypted > 0 {
            parts.push(format!("{} encrypted, {} of those read", counts.encrypted, counts.decrypted));
        }
        let others = [
            (counts.ikev2, "IKEv2"),
            (counts.esp, "ESP"),
            (counts.esp_in_udp, "ESP in UDP"),
            (counts.ah, "AH"),
            (counts.keep_alives, "keep-alives"),
            (counts.other, "other packets"),
        ];
        parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        self.line(&parts.join("; "));
        for note in &report.notes {
            let note = format!("note: {}", one_line(note, TEXT_MAX));
            for part in wrap(&note, self.look.width) {
                self.line(&part);
            }
        }
    }

    fn conversation(&mut self, report: &CaptureReport, index: usize, conversation: &Conversation) {
        self.line("");
        let sas = report.isakmp_sas.iter().filter(|sa| sa.conversation == index);
        for sa in sas {
            self.isakmp_sa(sa);
        }
        self.line("");
        let half = self.lane / 2;
        let left = pad_str(&conversation.left, half, Alignment::Left, None).into_owned();
        let right = pad_str(&conversation.right, self.lane - half, Alignment::Right, None).into_owned();
        let (left, right) = (self.bold(&left), self.bold(&right));
        let time = self.dim(&format!("{:>width$} ", "seconds", width = TIME - 1));
        self.line(&format!("{time}{left}{right}"));
        for rung in &conversation.ladder {
            match rung {
                Rung::Message { index } => {
                    if let Some(message) = conversation.messages.get(*index) {
                        self.message(report, message);
                    }
                }
                Rung::Other { at_us, text } => {
                    let text = self.dim(&one_line(text, TEXT_MAX));
                    self.within(Some(*at_us), &text, Side::Middle);
                }
            }
        }
    }

    fn isakmp_sa(&mut self, sa: &IsakmpSaSeen) {
        let cookies = self.bold(&format!("{}:{}", sa.cky_i, sa.cky_r));
        self.line(&format!("ISAKMP SA {cookies}"));
        let mut facts = vec![sa.phase1.clone()];
        facts.extend(sa.chosen.clone());
        facts.push(sa.key.clone());
        facts.extend(sa.pre_shared_key.iter().cloned());
        for fact in facts {
            for part in wrap(&one_line(&fact, TEXT_MAX), self.look.width.saturating_sub(2)) {
                self.line(&format!("  {part}"));
            }
        }
    }

    fn message(&mut self, report: &CaptureReport, message: &CapturedMessage) {
        let side = if message.from_left { Side::Left } else { Side::Right };
        self.arrow(message);
        if message.retransmission_of.is_none() {
            self.wrapped(&message.content, side, Self::dim);
        }
        for remark in &message.remarks {
            self.wrapped(remark, side, |_, text| text.to_owned());
        }
        let findings: Vec<_> = report.about(message).collect();
        for finding in findings {
            let text = format!("{} {}", finding.clause, finding.what);
            let verdict = finding.verdict;
            self.wrapped(&format!("{} {}", sign(verdict), text.trim()), side, move |page, text| {
                let style = match verdict {
                    Verdict::Fail => Style::new().red(),
                    Verdict::Warn => Style::new().yellow(),
                    _ => Style::new().cyan(),
                };
                page.paint(style, text)
            });
        }
        if self.look.fields && message.retransmission_of.is_none() {
            self.fields(message);
        }
    }

    /// `├─ [1] main mode 1 ──────▶┤`, or the other way round.
    fn arrow(&mut self, message: &CapturedMessage) {
        let number = format!("[{}]", message.packet);
        let room = self.lane.saturating_sub(number.len() + 9);
        let name = match message.retransmission_of {
            Some(first) => format!("{}, again as in [{first}]", message.name),
            None => message.name.clone(),
        };
        let name = truncate_str(&one_line(&name, TEXT_MAX), room, "…").into_owned();
        let used = measure_text_width(&name) + number.len() + 7;
        let rule = "─".repeat(self.lane.saturating_sub(used));
        let (number, name) = (self.dim(&number), self.bold(&name));
        let arrow = if message.from_left {
            format!("├─ {number} {name} {rule}▶┤")
        } else {
            format!("├◀{rule} {number} {name} ─┤")
        };
        let time = self.dim(&format!("{:>width$} ", seconds(message.at_us), width = TIME - 1));
        self.line(&format!("{time}{arrow}"));
    }

    fn wrapped(&mut self, text: &str, side: Side, style: impl Fn(&Self, &str) -> String) {
        if text.is_empty() {
            return;
        }
        let room = self.lane.saturating_sub(2 + 2 * INDENT);
        let parts = wrap(&one_line(text, TEXT_MAX), room);
        // On the right the lines of a text begin below one another all the same.
        let width = parts.iter().map(|part| measure_text_width(part)).max().unwrap_or_default();
        for part in parts {
            let part = style(self, &pad_str(&part, width, Alignment::Left, None));
            self.within(None, &part, side);
        }
    }

    /// A line between the two hosts.
    fn within(&mut self, at_us: Option<u64>, text: &str, side: Side) {
        let room = self.lane.saturating_sub(2);
        let inner = match side {
            Side::Left => {
                pad_str(&format!("{}{text}", " ".repeat(INDENT)), room, Alignment::Left, None).into_owned()
            }
            Side::Right => {
                pad_str(&format!("{text}{}", " ".repeat(INDENT)), room, Alignment::Right, None).into_owned()
            }
            Side::Middle => pad_str(text, room, Alignment::Center, Some("…")).into_owned(),
        };
        let time = at_us.map_or_else(String::new, seconds);
        let time = self.dim(&format!("{time:>width$} ", width = TIME - 1));
        self.line(&format!("{time}│{inner}│"));
    }

    fn fields(&mut self, message: &CapturedMessage) {
        for field in &message.fields {
            let name = field.path.rsplit('.').next().unwrap_or(&field.path);
            let depth = "  ".repeat(field.depth.min(8));
            let offset = self.dim(&format!("{:>5}", field.offset));
            let value = one_line(&field.value, TEXT_MAX);
            self.line(&format!("{:>TIME$}{offset}  {depth}{}: {value}", "", one_line(name, TEXT_MAX)));
        }
    }

    fn findings(&mut self, report: &CaptureReport) {
        self.line("");
        if report.findings.is_empty() {
            if !report.conversations.is_empty() {
                self.line("Nothing to find fault with, as far as a bystander can tell.");
            }
            return;
        }
        let title = self.bold("Findings");
        self.line(&title);
        for finding in &report.findings {
            self.finding(finding);
        }
        let sums: Vec<_> = [Verdict::Fail, Verdict::Warn, Verdict::Info]
            .into_iter()
            .filter(|verdict| report.count(*verdict) > 0)
            .map(|verdict| format!("{} {verdict}", report.count(verdict)))
            .collect();
        self.line("");
        self.line(&sums.join(", "));
    }

    fn finding(&mut self, finding: &CaptureFinding) {
        let verdict = pad_str(&self.verdict(finding.verdict), 4, Alignment::Left, None).into_owned();
        let mut place = format!("packet {}, {}", finding.packet, finding.from);
        if let Some(field) = &finding.field {
            let _ = write!(place, ", {}", one_line(field, TEXT_MAX));
        }
        let clause = if finding.clause.is_empty() { "(no clause)" } else { &finding.clause };
        self.line(&format!("  {verdict}  {clause}  {}", self.dim(&place)));
        for part in wrap(&one_line(&finding.what, TEXT_MAX), self.look.width.saturating_sub(8)) {
            self.line(&format!("        {part}"));
        }
    }
}

const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "✗",
        Verdict::Warn => "▲",
        _ => "i",
    }
}

fn plural(n: u64, what: &str) -> String {
    let end = if n == 1 { "" } else { "s" };
    format!("{n} {what}{end}")
}

/// Microseconds as seconds with three places.
fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1_000)
}

/// Breaks a line at blanks; a longer word is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(16);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if measure_text_width(&line) + gap + measure_text_width(word) > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while measure_text_width(word) > width {
            let end = word.char_indices().nth(width / 2).map_or(word.len(), |(at, _)| at);
            let (head, tail) = word.split_at(end);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
