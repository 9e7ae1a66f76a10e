//! Makes text of a peer harmless before it reaches a terminal or a document.

use std::fmt::Write as _;

/// Longest text, in characters, that a report page shows of one reason or finding; the artefacts hold all of it.
pub const SHOWN_CHARS_MAX: usize = 2_000;

/// `text` on one line: every control character, every character that changes the writing direction or is
/// invisible, and every character that XML 1.0 cannot hold becomes a visible escape (`\n`, `\u{1b}`); what goes
/// beyond `chars_max` characters is replaced by its length.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max));
    let mut chars = text.chars();
    for c in chars.by_ref().take(chars_max) {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    let left = chars.count();
    if left > 0 {
        let _ = write!(out, "… ({left} more characters)");
    }
    out
}

/// [`one_line`] for standard output and error, which a CI system may read too: nothing in it is one of its commands.
///
/// GitHub, Azure Pipelines and TeamCity obey `##[…]`, `##vso[…]` and `##teamcity[…]` anywhere in a line, GitHub `::…::`
/// at its beginning, whatever space is in front.
pub fn log_line(text: &str, chars_max: usize) -> String {
    let line = one_line(text, chars_max).replace("##", "#\\u{23}");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => line,
    }
}

/// Whether `c` would act instead of being seen: C0 and C1 controls, bidirectional controls, zero-width characters,
/// line separators, the byte order mark, fillers without a shape, and noncharacters.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
        )
        || u32::from(c) & 0xfffe == 0xfffe
}

/// A path as a part of an address: whatever is no plain character is escaped by its bytes.
pub fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes().take(SHOWN_CHARS_MAX) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// `argument` as a POSIX shell reads it back: as it is when it holds only harmless characters, else in single quotes.
pub fn shell_quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("HASH_I differs", "HASH_I differs")]
    #[case::unicode("größer ✓", "größer ✓")]
    #[case::line_ends("a\r\nb\tc", "a\\r\\nb\\tc")]
    #[case::ansi("\u{1b}[31mred\u{1b}]0;title\u{7}", "\\u{1b}[31mred\\u{1b}]0;title\\u{7}")]
    #[case::nul("a\0b", "a\\u{0}b")]
    #[case::c1_control("a\u{9b}31m", "a\\u{9b}31m")]
    #[case::right_to_left("\u{202e}txt.exe", "\\u{202e}txt.exe")]
    #[case::noncharacter("\u{ffff}", "\\u{ffff}")]
    #[case::replacement_character("\u{fffd}", "\u{fffd}")]
    fn shows_what_would_act(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(one_line(text, SHOWN_CHARS_MAX), shown);
    }

    #[rstest]
    #[case::github("::error file=x::y", "\\u{3a}:error file=x::y")]
    #[case::github_behind_space("  ::add-mask::y", "\\u{3a}:add-mask::y")]
    #[case::old_form("a ##[add-mask]y", "a #\\u{23}[add-mask]y")]
    #[case::teamcity("###teamcity[x]", "#\\u{23}#teamcity[x]")]
    #[case::address("at 2001:db8::1", "at 2001:db8::1")]
    fn a_log_holds_no_command_of_a_ci_system(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(log_line(text, SHOWN_CHARS_MAX), shown);
    }

    #[test]
    fn cuts_long_text_and_says_how_much_is_missing() {
        assert_eq!(one_line(&"é".repeat(60_000), 3), "ééé… (59997 more characters)");
    }

    #[rstest]
    #[case::plain("rfc2409/5.4-pre-shared-key/a", "rfc2409/5.4-pre-shared-key/a")]
    #[case::glob("rfc2409/*", "'rfc2409/*'")]
    #[case::empty("", "''")]
    #[case::quote("a'b", "'a'\\''b'")]
    fn quotes_for_the_shell(#[case] argument: &str, #[case] quoted: &str) {
        assert_eq!(shell_quote(argument), quoted);
    }

    proptest! {
        #[test]
        fn never_lets_a_control_character_through(text in any::<String>()) {
            prop_assert!(!one_line(&text, 100).chars().any(is_hidden));
        }
    }
}
