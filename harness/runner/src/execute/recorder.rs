//! Writes down what happens: the transcript, the pcap, the key table.

use std::net::IpAddr;

use ikev1::event::{Event as ApiEvent, Role as ApiRole};
use ikev1::io::{Datagram, Timestamp};
use ikev1::keylog::Label;
use ikev1::wire::{ConfigItem, CookiePair};
use ikev1_scenario::model::{Role, Side};
use ikev1_scenario::tracker::MessageName;
use ikev1_scenario::transcript::{
    DatagramRecord, EngineEvent, Event, Fault, IpsecSaState, IsakmpSaState, Record, ValueRecord, ValueSource,
};

use super::hook::{Derived, Edited};
use crate::capture::{Capture, CaptureError, KeyTable};
use crate::driver::{PeerValue, SaView, ValueSource as Source};

/// A datagram to be recorded.
#[derive(Debug)]
pub(super) struct Passing<'a> {
    pub(super) from: Side,
    pub(super) datagram: &'a Datagram,
    pub(super) nat_t: bool,
    pub(super) delivered: bool,
    pub(super) message: Option<MessageName>,
    pub(super) fault: Option<Fault>,
}

/// The files of one case while it runs.
#[derive(Debug)]
pub(super) struct Recorder {
    records: Vec<Record>,
    datagrams: u64,
    capture: Capture,
    keys: KeyTable,
}

impl Recorder {
    pub(super) fn new() -> Result<Self, CaptureError> {
        let capture = Capture::new()?;
        Ok(Self { records: Vec::new(), datagrams: 0, capture, keys: KeyTable::default() })
    }

    /// Transcript, pcap, key table.
    pub(super) fn finish(self) -> (Vec<Record>, Vec<u8>, String) {
        (self.records, self.capture.into_bytes(), self.keys.text())
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn push(&mut self, at: Timestamp, event: Event) {
        self.records.push(Record { at_ms: at.as_millis(), event });
    }

    pub(super) fn infrastructure(&mut self, at: Timestamp, error: impl core::fmt::Display) {
        self.push(at, Event::Infrastructure { error: error.to_string() });
    }

    /// Records a datagram and gives its number.
    pub(super) fn datagram(&mut self, at: Timestamp, passing: &Passing<'_>) -> u64 {
        self.datagrams = self.datagrams.saturating_add(1);
        let record = DatagramRecord {
            n: self.datagrams,
            from: passing.from,
            local: passing.datagram.local.to_string(),
            remote: passing.datagram.remote.to_string(),
            nat_t: passing.nat_t,
            hex: hex::encode(&passing.datagram.payload),
            delivered: passing.delivered,
            message: passing.message,
            fault: passing.fault.clone(),
        };
        self.push(at, Event::Datagram(record));
        self.datagrams
    }

    /// Adds a datagram to the pcap: what the harness sent to the wire, and what came from it.
    pub(super) fn on_the_wire(&mut self, at: Timestamp, from: Side, datagram: &Datagram) {
        if let Err(error) = self.capture.datagram(at, from, datagram) {
            self.infrastructure(at, format_args!("capture: {error}"));
        }
    }

    pub(super) fn plaintext(
        &mut self,
        at: Timestamp,
        datagram: u64,
        from: Side,
        bytes: &[u8],
        edited: Option<&Edited>,
    ) {
        let unaltered_hex = edited.map(|edited| hex::encode(&edited.unaltered));
        self.push(at, Event::Plaintext { datagram, from, hex: hex::encode(bytes), unaltered_hex });
    }

    /// Records a value of the harness engine.
    pub(super) fn derived(&mut self, at: Timestamp, value: &Derived) {
        if value.label == Label::Ka {
            self.keys.insert(value.cookies, &value.bytes);
        }
        let Derived { cookies, m_id, label, bytes } = value;
        self.value(at, Side::Harness, *cookies, m_id.0, *label, bytes, ValueSource::Engine);
    }

    /// Records a value that the peer showed.
    pub(super) fn peer_value(&mut self, at: Timestamp, value: &PeerValue) {
        let source = match value.source {
            Source::Engine => ValueSource::Engine,
            Source::DaemonLog => ValueSource::DaemonLog,
            Source::Kernel => ValueSource::Kernel,
        };
        let PeerValue { cookies, m_id, label, bytes, .. } = value;
        self.value(at, Side::Peer, *cookies, m_id.0, *label, bytes, source);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one for each column of the record, private to two callers"
    )]
    fn value(
        &mut self,
        at: Timestamp,
        side: Side,
        cookies: CookiePair,
        m_id: u32,
        label: Label,
        bytes: &[u8],
        source: ValueSource,
    ) {
        let record = ValueRecord {
            side,
            cky_i: hex::encode(cookies.initiator.0),
            cky_r: hex::encode(cookies.responder.0),
            m_id,
            label: label.name().to_owned(),
            hex: hex::encode(bytes),
            source,
        };
        self.push(at, Event::Value(record));
    }

    /// Records what the harness engine reported, unless it is a packet, which its step records.
    pub(super) fn engine(&mut self, at: Timestamp, event: &ApiEvent) {
        if let Some(event) = engine_event(event) {
            self.push(at, Event::Engine { side: Side::Harness, event });
        }
    }

    pub(super) fn state(&mut self, at: Timestamp, side: Side, view: &SaView) {
        let isakmp = view.isakmp_sas.iter().map(|sa| IsakmpSaState {
            cky_i: hex::encode(sa.cookies.initiator.0),
            cky_r: hex::encode(sa.cookies.responder.0),
            role: role(sa.role),
            established: sa.established,
        });
        let ipsec = view.ipsec_sas.iter().map(|sa| IpsecSaState {
            protocol: protocol(sa.protocol),
            spi_in: sa.spi_in,
            spi_out: sa.spi_out,
            packets_in: sa.packets_in,
            packets_out: sa.packets_out,
        });
        let (isakmp_sas, ipsec_sas) = (isakmp.collect(), ipsec.collect());
        self.push(at, Event::State { side, isakmp_sas, ipsec_sas });
    }
}

fn role(role: ApiRole) -> Role {
    match role {
        ApiRole::Initiator => Role::Initiator,
        ApiRole::Responder => Role::Responder,
    }
}

fn protocol(protocol: ikev1::wire::ProtocolId) -> String {
    match protocol {
        ikev1::wire::ProtocolId::IPSEC_AH => "AH".to_owned(),
        ikev1::wire::ProtocolId::IPSEC_ESP => "ESP".to_owned(),
        other => other.to_string(),
    }
}

fn configured(host: bool, items: &[ConfigItem]) -> EngineEvent {
    let address = items.iter().find_map(|item| match item {
        ConfigItem::Address(IpAddr::V4(address)) => Some(*address),
        _ => None,
    });
    EngineEvent::Configured { host, address, items: items.iter().map(|item| format!("{item:?}")).collect() }
}

fn engine_event(event: &ApiEvent) -> Option<EngineEvent> {
    let cookies = |cookies: &CookiePair| (hex::encode(cookies.initiator.0), hex::encode(cookies.responder.0));
    Some(match event {
        ApiEvent::IsakmpSaEstablished { cookies: pair, role: played, .. } => {
            let (cky_i, cky_r) = cookies(pair);
            EngineEvent::IsakmpSaEstablished { cky_i, cky_r, role: role(*played) }
        }
        ApiEvent::IsakmpSaDeleted { cookies: pair, reason, .. } => {
            let (cky_i, cky_r) = cookies(pair);
            EngineEvent::IsakmpSaDeleted { cky_i, cky_r, reason: format!("{reason:?}") }
        }
        ApiEvent::IpsecSaEstablished { protocol: number, spi_in, spi_out, replaces, .. } => {
            EngineEvent::IpsecSaEstablished {
                protocol: protocol(*number),
                spi_in: *spi_in,
                spi_out: *spi_out,
                rekeyed: replaces.is_some(),
            }
        }
        ApiEvent::IpsecSaDeleted { spi_in, reason, .. } => {
            EngineEvent::IpsecSaDeleted { spi_in: *spi_in, reason: format!("{reason:?}") }
        }
        ApiEvent::ExchangeFailed { exchange, m_id, error, .. } => EngineEvent::ExchangeFailed {
            exchange: exchange.to_string(),
            m_id: m_id.0,
            error: error.to_string(),
        },
        ApiEvent::Notified { notify_type, authenticated, data, .. } => EngineEvent::Notified {
            notify_type: notify_type.to_string(),
            authenticated: *authenticated,
            data_hex: hex::encode(data),
        },
        ApiEvent::ExtendedAuthentication { user, passed, .. } => {
            EngineEvent::ExtendedAuthentication { user: user.clone(), passed: *passed }
        }
        ApiEvent::MessageForUser { message, .. } => EngineEvent::MessageForUser { message: message.clone() },
        ApiEvent::Configured { items, .. } => configured(true, items),
        ApiEvent::ConfigurationGiven { items, .. } => configured(false, items),
        ApiEvent::DatagramRejected { error } => EngineEvent::DatagramRejected { error: error.to_string() },
        ApiEvent::PacketRejected { spi, error } => {
            EngineEvent::PacketRejected { spi: *spi, error: error.to_string() }
        }
        _ => return None,
    })
}
