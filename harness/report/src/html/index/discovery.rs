//! What peers speak.

use ikev1_scenario::judge::Sight;
use maud::{Markup, html};

use crate::discovery::{DiscoveryResult, ProbeResult};
use crate::html::shown::{clean, href};
use crate::model::Report;

/// The section; empty where nothing was probed.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        @if !report.discovery.is_empty() {
            section id="speaks" aria-labelledby="speaks-title" {
                h2 id="speaks-title" { "What peers speak" }
                @for found in &report.discovery { (peer(found)) }
            }
        }
    }
}

fn peer(found: &DiscoveryResult) -> Markup {
    let mut areas: Vec<&str> = Vec::new();
    for probe in &found.probes {
        if !areas.contains(&probe.area.as_str()) {
            areas.push(&probe.area);
        }
    }
    html! {
        h3 { (clean(&found.peer)) " " span.dim { (clean(&found.version)) } }
        @for area in areas {
            h4 { (clean(area)) }
            ul.probes { @for probe in found.probes.iter().filter(|probe| probe.area == area) { (line(probe)) } }
        }
        @if !found.vendor_ids.is_empty() {
            h4 { "vendor IDs" }
            ul.probes {
                @for id in &found.vendor_ids {
                    li { code { (clean(&id.hex)) } @if let Some(name) = &id.name { " " b { (clean(name)) } } " " span.dim { (clean(&id.probe)) ", packet " (id.packet) } }
                }
            }
        }
    }
}

fn line(probe: &ProbeResult) -> Markup {
    let (class, sign) = match probe.sight {
        Sight::Accepted => ("pass", "✓"),
        Sight::Refused => ("unsupported", "–"),
        Sight::Died => ("fail", "✗"),
        Sight::Error => ("error", "‼"),
        _ => ("info", "i"),
    };
    let name = html! { b { (clean(&probe.name)) } };
    html! {
        li {
            span class={ "v " (class) } { span.g aria-hidden="true" { (sign) } " " (probe.sight.name()) } " "
            @if let Some(transcript) = probe.artefacts.get("transcript") { a href=(href(transcript)) { (name) } } @else { (name) }
            " " span.dim { (clean(&probe.evidence)) @if let Some(packet) = probe.packet { ", packet " (packet) } }
        }
    }
}
