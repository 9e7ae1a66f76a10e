//! What all pages have in common: how text, verdicts and links are shown.

use ikev1_scenario::Verdict;
use maud::{Markup, html};

use crate::model::RunInfo;
use crate::text::{SHOWN_CHARS_MAX, one_line, uri_path};

/// Text from anywhere, on one line and harmless; the template escapes it.
pub(super) fn clean(text: &str) -> String {
    one_line(text, SHOWN_CHARS_MAX)
}

/// What stands beside a verdict's name, so that nobody depends on its colour.
pub(super) const fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Info => "i",
        Verdict::Unsupported => "–",
        Verdict::Warn => "▲",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✗",
        Verdict::Error => "‼",
    }
}

/// A verdict: glyph and name.
pub(super) fn verdict(verdict: Verdict) -> Markup {
    html! { span class={ "v " (verdict.name()) } { span.g aria-hidden="true" { (glyph(verdict)) } " " (verdict.name()) } }
}

/// The worst of some verdicts; what was not played says nothing where something was.
pub(super) fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Option<Verdict> {
    let rank = |verdict: &Verdict| (*verdict != Verdict::Unsupported, *verdict);
    verdicts.into_iter().max_by_key(rank)
}

/// A path below the report as a relative address.
pub(super) fn href(path: &str) -> String {
    // A path never names another place than one below its folder, whatever its first part looks like.
    format!("./{}", uri_path(path))
}

/// Milliseconds in the unit that suits them.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// The seed of a run, where it is told.
pub(super) fn seed(run: &RunInfo) -> String {
    if run.redacted { "left out".to_owned() } else { run.seed.to_string() }
}

/// `1 case`, `2 cases`.
pub(super) fn count(n: usize, what: &str) -> String {
    let end = if n == 1 { "" } else { "s" };
    format!("{n} {what}{end}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("self/rfc2409/5.4/a", "./self/rfc2409/5.4/a")]
    #[case::percent("a%2Fb", "./a%252Fb")]
    #[case::script("javascript:alert(1)", "./javascript%3Aalert%281%29")]
    #[case::quote("\"><script>", "./%22%3E%3Cscript%3E")]
    fn a_link_stays_below_its_folder(#[case] path: &str, #[case] link: &str) {
        assert_eq!(href(path), link);
    }

    #[rstest]
    #[case::nothing(&[], None)]
    #[case::fail_is_worse(&[Verdict::Pass, Verdict::Fail, Verdict::Warn], Some(Verdict::Fail))]
    #[case::what_was_played_counts(&[Verdict::Pass, Verdict::Unsupported], Some(Verdict::Pass))]
    #[case::nothing_was_played(&[Verdict::Unsupported], Some(Verdict::Unsupported))]
    fn the_worst_verdict_of_a_group(#[case] verdicts: &[Verdict], #[case] expected: Option<Verdict>) {
        assert_eq!(worst(verdicts.iter().copied()), expected);
    }

    #[rstest]
    #[case::short(7, "7 ms")]
    #[case::seconds(12_345, "12.34 s")]
    #[case::minutes(150_000, "2 min 30 s")]
    fn a_duration_has_the_unit_that_suits_it(#[case] ms: u64, #[case] text: &str) {
        assert_eq!(duration(ms), text);
    }

    #[test]
    fn every_verdict_has_a_glyph_of_its_own() {
        let glyphs: std::collections::BTreeSet<_> =
            Verdict::ALL.iter().map(|verdict| glyph(*verdict)).collect();
        assert_eq!(glyphs.len(), Verdict::ALL.len());
    }
}
