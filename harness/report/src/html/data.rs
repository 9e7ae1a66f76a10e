//! Data for a page's script.

use serde::Serialize;

/// JSON that can stand in a `script` element: without the characters that could end the element or a line of it.
pub(super) fn json(value: &impl Serialize) -> String {
    // What is given is strings, numbers, lists and structures of them, for which serialising cannot fail.
    let plain = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// Texts that many rows share: each is written once, and rows have its number.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: std::collections::HashMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str) -> usize {
        let text = super::shown::clean(text);
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.texts.len();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// All of them, by number.
    pub(super) fn into_list(self) -> Vec<String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::end_of_script("</script><script>")]
    #[case::comment("<!-- <script")]
    #[case::line_separator("a\u{2028}b\u{2029}")]
    #[case::control("\u{1b}[31m\0\u{9b}\u{7f}")]
    fn hostile_text_stays_a_string(#[case] text: &str) {
        let json = json(&[text]);
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{json}");
        assert!(!json.chars().any(char::is_control), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }

    #[test]
    fn a_text_is_written_once() {
        let mut texts = Texts::default();
        assert_eq!([texts.number("a"), texts.number("b"), texts.number("a")], [0, 1, 0]);
        assert_eq!(texts.into_list(), ["a", "b"]);
    }
}
