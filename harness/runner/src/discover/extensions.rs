//! Probes of extensions: NAT traversal, dead peer detection, fragmentation, and what hosts that dial in need.

use ikev1::VENDOR_ID_FRAGMENTATION;
use ikev1::config::NatTraversalVersion as Version;
use ikev1_scenario::model::Capability;
use serde_json::{Value, json};

use super::probes::{
    Area, Maker, Parts, ProbeError, certified_identities, isakmp_sa, merge, phase1_steps, push,
};

impl Maker<'_> {
    /// The answer in phase 1 with this vendor ID.
    fn announces(&self, vendor_id: &[u8]) -> Value {
        let contains = json!({ "vendor_id": hex::encode(vendor_id) });
        json!({ "message": {
            "message": { "exchange": self.exchange.name(), "number": 2, "contains": contains },
        } })
    }

    pub(super) fn extensions(&mut self) -> Result<(), ProbeError> {
        self.nat_traversal()?;
        self.dead_peer_detection()?;
        self.fragmentation()?;
        self.remote_access()
    }

    fn nat_traversal(&mut self) -> Result<(), ProbeError> {
        const DRAFTS: [&str; 3] = ["draft-03", "draft-02-line-feed", "draft-02"];
        for (name, version) in ["rfc3947"].into_iter().chain(DRAFTS).zip(Version::ALL) {
            let drafts = version.is_draft();
            // The drafts can be told apart in few daemons, so the peer is to announce all of them.
            let peer = if drafts { json!(DRAFTS) } else { json!([name]) };
            let config = json!({
                "common": { "nat_traversal": "force" },
                "harness": { "nat_traversal_versions": [name] },
                "peer": { "nat_traversal_versions": peer },
            });
            let quick_mode = json!({ "exchange": "quick-mode", "number": 2 });
            let port = json!({ "port": { "message": quick_mode, "port": "nat-t" } });
            let accept = json!([self.announces(&version.vendor_id()), port, self.ipsec_sa()]);
            let parts = Parts { config, steps: self.quick_mode_steps(), accept };
            let probe = self.add(Area::Extension, &format!("nat-t-{name}"), parts)?;
            probe.capability = Some(if drafts { Capability::NatTDrafts } else { Capability::NatT });
        }
        Ok(())
    }

    fn dead_peer_detection(&mut self) -> Result<(), ProbeError> {
        let answer = json!({ "exchange": "informational", "contains": { "notify": "R-U-THERE-ACK" } });
        let mut steps = phase1_steps();
        push(&mut steps, json!({ "probe": {} }));
        push(
            &mut steps,
            json!({ "expect": { "message": with_number(&answer), "on_failure": "inconclusive" } }),
        );
        let accept = json!([{ "message": { "message": with_number(&answer) } }]);
        let config = json!({ "common": { "dpd": { "trigger": "command" } } });
        self.add(Area::Extension, "dpd", Parts { config, steps, accept })?.capability = Some(Capability::Dpd);
        Ok(())
    }

    fn fragmentation(&mut self) -> Result<(), ProbeError> {
        let config = json!({
            "common": { "fragmentation": { "mode": "on", "size": 1280 } },
            "harness": { "fragmentation": { "mode": "on", "size": 64 } },
        });
        // The first message after the one that announces it.
        let message = json!({ "exchange": self.exchange.name(), "number": 3 });
        let cut =
            json!({ "fragments": { "message": message, "from": "harness", "count": { "at_least": 2 } } });
        let accept = json!([self.announces(&VENDOR_ID_FRAGMENTATION), cut, isakmp_sa()]);
        let parts = Parts { config, steps: phase1_steps(), accept };
        self.add(Area::Extension, "fragmentation", parts)?.capability = Some(Capability::Fragmentation);
        Ok(())
    }

    fn remote_access(&mut self) -> Result<(), ProbeError> {
        // The edge device asks, and then says in a transaction of its own what came of it.
        let verdict = json!({ "exchange": "transaction", "number": 1, "occurrence": 2 });
        let mut steps = phase1_steps();
        push(&mut steps, json!({ "expect": { "message": verdict, "on_failure": "inconclusive" } }));
        push(&mut steps, json!({ "settle": { "ms": 200 } }));
        let accept = json!([{ "user_authenticated": true }]);
        let mut signature = self.transform.clone();
        merge(&mut signature, &json!({ "authentication": "rsa-signature" }));
        let phase1 = json!({ "transforms": [signature] });
        let mut hybrid = json!({ "common": { "phase1": phase1, "xauth": { "hybrid": true } } });
        merge(&mut hybrid, &certified_identities());
        for (name, capability, config) in [
            ("xauth", Capability::Xauth, json!({ "common": { "xauth": {} } })),
            ("hybrid", Capability::Hybrid, hybrid),
        ] {
            let parts = Parts { config, steps: steps.clone(), accept: accept.clone() };
            self.add(Area::Extension, name, parts)?.capability = Some(capability);
        }
        let address = self
            .base
            .pointer("/harness/phase2/client")
            .and_then(Value::as_str)
            .and_then(|client| client.split_once('/')?.0.rsplit_once('.'))
            .map_or_else(|| "10.11.0.1".to_owned(), |(network, _)| format!("{network}.1"));
        let capabilities = [("pull", Capability::ModeConfigPull), ("push", Capability::ModeConfigPush)];
        for (method, capability) in capabilities {
            let pool = json!({ "first": address, "last": address });
            let config = json!({ "common": { "mode_config": { "method": method, "pool": pool } } });
            let steps = self.quick_mode_steps();
            let accept = json!([{ "address_assigned": address }, self.ipsec_sa()]);
            let parts = Parts { config, steps, accept };
            self.add(Area::Extension, &format!("mode-config-{method}"), parts)?.capability = Some(capability);
        }
        Ok(())
    }
}

/// A selector of an informational message, which has one message.
fn with_number(selector: &Value) -> Value {
    let mut selector = selector.clone();
    merge(&mut selector, &json!({ "number": 1 }));
    selector
}
