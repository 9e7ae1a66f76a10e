//! What the commands of a peer with a control shell print, one thing a line:
//!
//! ```text
//! isakmp CKY-I CKY-R initiator|responder established|negotiating
//! ipsec esp|ah SPI-IN SPI-OUT [PACKETS-IN PACKETS-OUT]
//! value CKY-I CKY-R M-ID BYTES LABEL
//! installed esp|ah SPI ENCRYPTION-KEY|- INTEGRITY-KEY|-
//! report TEXT
//! ```
//!
//! Cookies, SPIs, M-ID, keys and bytes are in hex; the role is the peer's own; a label is a name of
//! [`ikev1::keylog::Label`]; a report is what the peer says of a message, beside its SAs. SAs come oldest first. Empty lines and such that begin with `#` are left out; anything else
//! is an error, because a line that is not understood could be an SA that is left over.

use ikev1::event::Role;
use ikev1::keylog::Label;
use ikev1::wire::{Cookie, CookiePair, MessageId, ProtocolId};

use crate::driver::{InstalledSa, IpsecSaView, IsakmpSaView, PeerValue, SaView, ValueSource};

/// A line that says nothing of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the peer's command printed `{line}`: {problem}")]
pub struct StateLineError {
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Isakmp(IsakmpSaView),
    Ipsec(IpsecSaView),
    Value(PeerValue),
    Installed(InstalledSa),
    Report(String),
}

/// The SAs that a peer's `state` command printed.
///
/// # Errors
/// The first line that is no SA.
pub fn parse_state(output: &str) -> Result<SaView, StateLineError> {
    let mut view = SaView::default();
    for (text, line) in lines(output)? {
        match line {
            Line::Isakmp(sa) => view.isakmp_sas.push(sa),
            Line::Ipsec(sa) => view.ipsec_sas.push(sa),
            Line::Report(report) => view.reports.push(report),
            Line::Value(_) | Line::Installed(_) => {
                return Err(StateLineError {
                    line: text.to_owned(),
                    problem: "expected `isakmp`, `ipsec` or `report`",
                });
            }
        }
    }
    Ok(view)
}

/// The derived values, and the SAs in the kernel, that a peer's `values` command printed.
///
/// # Errors
/// The first line that is neither.
pub fn parse_values(output: &str) -> Result<(Vec<PeerValue>, Vec<InstalledSa>), StateLineError> {
    let (mut values, mut installed) = (Vec::new(), Vec::new());
    for (text, line) in lines(output)? {
        match line {
            Line::Value(value) => values.push(value),
            Line::Installed(sa) => installed.push(sa),
            Line::Isakmp(_) | Line::Ipsec(_) | Line::Report(_) => {
                return Err(StateLineError {
                    line: text.to_owned(),
                    problem: "expected `value` or `installed`",
                });
            }
        }
    }
    Ok((values, installed))
}

fn lines(output: &str) -> Result<Vec<(&str, Line)>, StateLineError> {
    output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|text| match parse(text) {
            Ok(line) => Ok((text, line)),
            Err(problem) => Err(StateLineError { line: text.to_owned(), problem }),
        })
        .collect()
}

fn parse(line: &str) -> Result<Line, &'static str> {
    if let Some(report) = line.strip_prefix("report ") {
        return Ok(Line::Report(report.trim().to_owned()));
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(match *words.as_slice() {
        ["isakmp", cky_i, cky_r, role, state] => Line::Isakmp(IsakmpSaView {
            cookies: cookies(cky_i, cky_r)?,
            role: match role {
                "initiator" => Role::Initiator,
                "responder" => Role::Responder,
                _ => return Err("expected the role `initiator` or `responder`"),
            },
            established: match state {
                "established" => true,
                "negotiating" => false,
                _ => return Err("expected the state `established` or `negotiating`"),
            },
        }),
        ["ipsec", protocol, spi_in, spi_out] => Line::Ipsec(ipsec(protocol, spi_in, spi_out, None, None)?),
        ["ipsec", protocol, spi_in, spi_out, packets_in, packets_out] => {
            let count = |text: &str| text.parse().map_err(|_| "expected decimal numbers of packets");
            let (packets_in, packets_out) = (count(packets_in)?, count(packets_out)?);
            Line::Ipsec(ipsec(protocol, spi_in, spi_out, Some(packets_in), Some(packets_out))?)
        }
        ["value", cky_i, cky_r, m_id, value, ref label @ ..] => Line::Value(PeerValue {
            cookies: cookies(cky_i, cky_r)?,
            m_id: MessageId(hex_u32(m_id)?),
            label: Label::from_name(&label.join(" "))
                .ok_or("expected the name of a derived value at the end")?,
            bytes: bytes(value)?,
            source: ValueSource::DaemonLog,
        }),
        ["installed", protocol_name, spi, encryption, integrity] => Line::Installed(InstalledSa {
            protocol: protocol(protocol_name)?,
            spi: hex_u32(spi)?,
            encryption_key: key(encryption)?,
            integrity_key: key(integrity)?,
        }),
        _ => {
            return Err(
                "expected `isakmp`, `ipsec`, `value`, `installed` or `report` and what belongs to it",
            );
        }
    })
}

fn ipsec(
    name: &str,
    spi_in: &str,
    spi_out: &str,
    packets_in: Option<u64>,
    packets_out: Option<u64>,
) -> Result<IpsecSaView, &'static str> {
    let (spi_in, spi_out) = (hex_u32(spi_in)?, hex_u32(spi_out)?);
    Ok(IpsecSaView { protocol: protocol(name)?, spi_in, spi_out, packets_in, packets_out })
}

fn protocol(name: &str) -> Result<ProtocolId, &'static str> {
    match name {
        "esp" => Ok(ProtocolId::IPSEC_ESP),
        "ah" => Ok(ProtocolId::IPSEC_AH),
        _ => Err("expected the protocol `esp` or `ah`"),
    }
}

fn cookies(cky_i: &str, cky_r: &str) -> Result<CookiePair, &'static str> {
    let cookie = |text: &str| -> Result<Cookie, &'static str> {
        let digits = text.trim_start_matches("0x");
        let mut cookie = [0; 8];
        hex::decode_to_slice(digits, &mut cookie).map_err(|_| "expected cookies of 16 hex digits")?;
        Ok(Cookie(cookie))
    };
    Ok(CookiePair { initiator: cookie(cky_i)?, responder: cookie(cky_r)? })
}

fn hex_u32(text: &str) -> Result<u32, &'static str> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| "expected up to 8 hex digits")
}

fn bytes(text: &str) -> Result<Vec<u8>, &'static str> {
    hex::decode(text.trim_start_matches("0x")).map_err(|_| "expected pairs of hex digits")
}

fn key(text: &str) -> Result<Option<Vec<u8>>, &'static str> {
    if text == "-" { Ok(None) } else { bytes(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CKY: &str = "1111111111111111 2222222222222222";

    #[test]
    fn sas_are_read_in_their_order() {
        let output = format!(
            "# two of each\nisakmp {CKY} responder established\n\n\
             isakmp 3333333333333333 0000000000000000 initiator negotiating\n\
             ipsec esp 0xc0ffee00 1 7 9\nipsec ah 00000002 00000003\nreport  Notify message 14  (A)\n"
        );
        let view = parse_state(&output).unwrap();
        assert_eq!(view.reports, ["Notify message 14  (A)"]);
        let of: Vec<_> =
            view.isakmp_sas.iter().map(|sa| (sa.cookies.initiator.0[0], sa.role, sa.established)).collect();
        assert_eq!(of, [(0x11, Role::Responder, true), (0x33, Role::Initiator, false)]);
        let of: Vec<_> = view
            .ipsec_sas
            .iter()
            .map(|sa| (sa.protocol, sa.spi_in, sa.spi_out, sa.packets_in, sa.packets_out))
            .collect();
        assert_eq!(
            of,
            [
                (ProtocolId::IPSEC_ESP, 0xc0ff_ee00, 1, Some(7), Some(9)),
                (ProtocolId::IPSEC_AH, 2, 3, None, None)
            ]
        );
    }

    #[test]
    fn values_and_installed_keys_are_read() {
        let output = format!("value {CKY} 0000002a 0a0b HASH(1)\ninstalled esp 0x10 0c0d -\n");
        let (values, installed) = parse_values(&output).unwrap();
        assert_eq!(
            (values[0].label, values[0].m_id.0, &values[0].bytes[..]),
            (Label::Hash1, 42, &[10, 11][..])
        );
        let sa = &installed[0];
        assert_eq!(
            (sa.spi, sa.encryption_key.as_deref(), &sa.integrity_key),
            (16, Some(&[12, 13][..]), &None)
        );
    }

    #[rstest]
    #[case::another_word("esp 1 2")]
    #[case::too_few("ipsec esp 1")]
    #[case::a_role("isakmp 1111111111111111 2222222222222222 server established")]
    #[case::a_short_cookie("isakmp 11 2222222222222222 responder established")]
    #[case::a_decimal_spi_too_long("ipsec esp 123456789 1")]
    #[case::a_value_among_sas("value 1111111111111111 2222222222222222 0 00 Ka")]
    fn a_line_that_is_no_sa_is_an_error(#[case] line: &str) {
        assert_eq!(parse_state(line).unwrap_err().line, line);
    }
}
