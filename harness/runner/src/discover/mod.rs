//! What a peer speaks: each thing that can be negotiated is offered alone, and what the peer does with it is recorded.
//!
//! ```text
//! PeerProfile ─▶ probes ─▶ [Probe] ─▶ run_cases ─▶ artefacts ─▶ sighting ─┬─▶ DiscoveryResult ─▶ reports
//!                                                                         └─▶ informed ─▶ PeerProfile of the cases
//! ```
//!
//! - [`probes()`]: the probes, which are cases of scenarios with one thing changed in what the peer is known to take.
//! - [`discover()`]: plays them with a peer, and says what they show.
//! - [`informed()`]: a peer's profile with what was refused among what it lacks.
//! - [`InformedRunner`]: the peer with that profile.
//!
//! A container's daemon is configured for what is probed, so a probe says what the daemon can do; a device is probed as it is.
//! What a probe shows is judged from its files by [`ikev1_scenario::judge::sighting()`].

mod extensions;
mod informed;
mod play;
mod probes;
#[cfg(test)]
mod tests;
mod vendors;

pub use informed::{InformedRunner, informed};
pub use play::{DiscoverOptions, VendorIds, discover, look_again};
pub use probes::{Area, PROBE, Probe, ProbeError, probes};
pub use vendors::vendor_name;
