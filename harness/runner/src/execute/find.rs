//! Finds the message that a selector names among the records of a case under way.

use ikev1::wire::{NotifyType, dissect};
use ikev1_scenario::judge::{has_vendor_id, is_error};
use ikev1_scenario::model::{Contains, Selector, Side};
use ikev1_scenario::transcript::{DatagramRecord, EngineEvent, Event, Fault, Record};

/// Whether a message in the clear or decrypted contains what a selector asks for.
pub(super) fn contains(message: &[u8], contains: &Contains) -> bool {
    let dissection = dissect(message, false);
    match contains {
        Contains::Payload(name) => dissection.field(name).is_some(),
        Contains::Notify(name) => {
            let wanted = NotifyType::from_name(name).map(|notify_type| u64::from(notify_type.0));
            (0..)
                .map_while(|index| dissection.number(&format!("notification[{index}].type")))
                .any(|got| Some(got) == wanted)
        }
        Contains::VendorId(hex) => has_vendor_id(&dissection, hex),
    }
}

/// Why what the harness has started comes to nothing, where a record says so.
pub(super) fn end_of_hope(record: &Record) -> Option<String> {
    let Event::Engine { side: Side::Harness, event } = &record.event else { return None };
    match event {
        EngineEvent::ExchangeFailed { exchange, error, .. } => Some(format!("{exchange} failed: {error}")),
        EngineEvent::IsakmpSaDeleted { reason, .. } => Some(format!("the ISAKMP SA is gone: {reason}")),
        EngineEvent::Notified { notify_type, .. } if is_error(notify_type) => {
            Some(format!("the peer notified {notify_type}"))
        }
        _ => None,
    }
}

/// A search that goes on where it stopped as records come in.
#[derive(Debug)]
pub(super) struct Search<'a> {
    selector: &'a Selector,
    from: Side,
    looked_at: usize,
    /// First copies of messages in the right place whose contents are not known yet.
    candidates: Vec<u64>,
    fitting: u32,
    found: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(selector: &'a Selector, from: Side) -> Self {
        Self { selector, from, looked_at: 0, candidates: Vec::new(), fitting: 0, found: false }
    }

    /// Looks at the records that are new; whether the message was sent.
    pub(super) fn goes_on_in(&mut self, records: &[Record]) -> bool {
        for record in records.get(self.looked_at..).unwrap_or_default() {
            match &record.event {
                Event::Datagram(datagram) => self.datagram(datagram),
                Event::Plaintext { datagram, hex, .. } if self.candidates.contains(datagram) => {
                    self.contents(&hex::decode(hex).unwrap_or_default());
                }
                _ => {}
            }
        }
        self.looked_at = records.len();
        self.found
    }

    fn datagram(&mut self, datagram: &DatagramRecord) {
        let Some(name) = datagram.message else { return };
        let again = matches!(
            datagram.fault,
            Some(
                Fault::Injected
                    | Fault::Replayed { .. }
                    | Fault::Duplicate { .. }
                    | Fault::DeliveredLate { .. }
            )
        );
        if again || datagram.from != self.from || !name.matches(self.selector) {
            return;
        }
        if self.selector.contains.is_none() {
            self.found = true;
        } else if name.copy == 1 {
            self.candidates.push(datagram.n);
            let payload = hex::decode(&datagram.hex).unwrap_or_default();
            let message = if datagram.nat_t { payload.get(4..).unwrap_or_default() } else { &payload };
            let encrypted = message.get(19).is_some_and(|flags| flags & 1 != 0);
            if !encrypted {
                self.contents(message);
            }
        }
    }

    fn contents(&mut self, message: &[u8]) {
        if self.selector.contains.as_ref().is_some_and(|wanted| contains(message, wanted)) {
            self.fitting = self.fitting.saturating_add(1);
            self.found |= self.fitting == self.selector.occurrence;
        }
    }
}
