//! `dissect`: a capture as a ladder, decrypted where its keys are known, with what a bystander can find fault with.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ikev1_report::capture::{CaptureReport, Look, text};
use ikev1_report::html::capture_page;
use ikev1_report::{Outcome, term};
use ikev1_scenario::Verdict;
use ikev1_scenario::requirement::Requirements;

use super::app::Context;
use super::error::CliError;
use crate::capture::KeyTable;
use crate::dissect::{Secrets, dissect};
use crate::pages::clause;

/// Arguments of `dissect`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Exit code 1 where a MUST is missed for all to see, 2 where FILE is no capture.

--psk decrypts nothing: the keys come from the Diffie-Hellman secret too, which is on no wire. What a pre-shared key can be held \
against is HASH_R of aggressive mode, and HASH_I and HASH_R of messages that --keys opens: they show whether a side has this key.")]
pub struct Args {
    /// The capture, pcap or pcapng
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Wireshark's ikev1_decryption_table: a line `CKY-I,KEY` in hex for each ISAKMP SA
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Say whether the two sides have this pre-shared key; octets in hex begin with 0x
    #[arg(long, value_name = "SECRET")]
    psk: Option<String>,
    /// Print all fields of each message
    #[arg(long)]
    fields: bool,
    /// Write a page with ladders, findings and octets too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// JSON: messages with their fields, ISAKMP SAs, findings
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let bytes = fs::read(&args.file).map_err(|error| unreadable(&args.file, error))?;
    let keys = match &args.keys {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| unreadable(file, error))?;
            KeyTable::parse(&text).map_err(|error| unreadable(file, error))?
        }
        None => KeyTable::default(),
    };
    let psk = args.psk.as_deref().map(secret).transpose()?;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str()).to_string_lossy();
    let secrets = Secrets { keys: &keys, pre_shared_key: psk.as_deref() };
    let report = dissect(&name, &bytes, secrets).map_err(|error| unreadable(&args.file, error))?;
    if let Some(file) = &args.html {
        let page = capture_page(&report, &cited(&report, context)?);
        fs::write(file, page).map_err(|error| CliError::harness(format!("{}: {error}", file.display())))?;
    }
    if args.json {
        report.write_json(out)?;
    } else {
        let look = Look { width: term::columns(), colour: context.colour.stdout(), fields: args.fields };
        out.write_all(text(&report, look).as_bytes())?;
    }
    let outcome = if report.count(Verdict::Fail) > 0 { Outcome::Unexpected } else { Outcome::Success };
    Ok(outcome)
}

/// What the register says of the clauses that findings cite.
fn cited(report: &CaptureReport, context: &Context) -> Result<Vec<ikev1_report::html::Clause>, CliError> {
    let register =
        Requirements::load(&context.workspace.scenarios().join("requirements")).map_err(CliError::usage)?;
    let mut ids: Vec<_> = report.findings.iter().map(|finding| finding.clause.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids.into_iter().filter(|id| !id.is_empty()).map(|id| clause(id, &register)).collect())
}

fn unreadable(file: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::usage(format!("{}: {error}", file.display()))
}

fn secret(text: &str) -> Result<Vec<u8>, CliError> {
    match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits)
            .map_err(|error| CliError::usage(format!("--psk: what follows 0x is not hex: {error}"))),
        None => Ok(text.as_bytes().to_vec()),
    }
}
