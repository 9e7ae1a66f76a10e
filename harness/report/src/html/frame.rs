//! The frame of a page: head with its policy, skip link, style and script.

use base64ct::{Base64, Encoding};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("assets/style.css");

/// A script of ours; peers' text never becomes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script(pub(super) &'static str);

/// A whole document. `data` is JSON that [`super::data::json`] has made harmless.
pub(super) fn document(title: &str, body: &Markup, data: Option<&str>, script: Script) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(script.0)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (body)
                @if let Some(data) = data {
                    script type="application/json" id="data" { (PreEscaped(data)) }
                }
                script { (PreEscaped(script.0)) }
            }
        }
    };
    page.into_string()
}

/// The source expression of an inline style or script.
fn hash(text: &str) -> String {
    format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_policy() {
        assert_eq!(hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }
}
