//! The status notifications of quick mode (RFC 2407 section 4.6.3) and the Commit bit's CONNECTED (RFC 2408 section 3.1).

use bytes::Bytes;

use super::exchange::{Agreed, QmCx, QuickMode, Step};
use crate::config::{IpsecPolicy, IpsecProtocol};
use crate::error::ExchangeError;
use crate::event::{Event, IpsecSaId, Role};
use crate::phase1::Received;
use crate::phase2::informational;
use crate::phase2::lifetime::{self, Life};
use crate::phase2::negotiate::{ChosenIpsec, protocol_id, spi_number, spi_octets};
use crate::retransmit::Sent;
use crate::wire::{Chain, ExchangeType, Flags, Notification, NotifyType, Payload, PayloadType};

/// The flags of a message of ours.
pub(super) fn flags(commit: bool) -> Flags {
    if commit { Flags::ENCRYPTION | Flags::COMMIT } else { Flags::ENCRYPTION }
}

impl QmCx<'_> {
    /// What quick mode 2 says besides the choice: that our life is shorter than the offered one, and that replays are
    /// detected.
    pub(super) fn status_notifications(
        &self,
        policy: &IpsecPolicy,
        chosen: &ChosenIpsec,
        spi_in: u32,
    ) -> Vec<Payload> {
        let (protocol, spi) = (protocol_id(chosen.protocol), spi_octets(chosen.protocol, spi_in));
        let mut notifications = Vec::new();
        let offered = Life::offered(chosen.lifetime, chosen.kilobytes);
        let ours = Life::of_policy(policy).shorter(offered);
        if self.peer.responder_lifetime && ours != offered {
            notifications.push(lifetime::notification(protocol, spi.clone(), ours));
        }
        if self.peer.replay_status && chosen.protocol != IpsecProtocol::Ipcomp {
            let data = Bytes::from_static(&[0, 0, 0, 1]);
            let status = Notification::isakmp(NotifyType::REPLAY_STATUS);
            notifications.push(Notification { protocol, spi, data, ..status });
        }
        notifications.into_iter().map(Payload::Notification).collect()
    }

    /// Takes in the notifications of quick mode 2, which HASH(2) covers. One that is wrong is discarded alone (RFC 2408
    /// section 5.14).
    pub(super) fn heed_notifications(&mut self, chain: &Chain, chosen: &mut [Vec<ChosenIpsec>]) {
        for payload in chain.iter() {
            let Payload::Notification(notification) = payload else { continue };
            match self.heed(notification, chosen) {
                Ok(()) => self.notified(notification.notify_type, notification.data.clone()),
                Err(error) => self.core.event(Event::DatagramRejected { error }),
            }
        }
    }

    fn heed(
        &self,
        notification: &Notification,
        chosen: &mut [Vec<ChosenIpsec>],
    ) -> Result<(), ExchangeError> {
        informational::check_notification(notification)?;
        let Notification { protocol, ref spi, .. } = *notification;
        let about_it = |chosen: &&mut ChosenIpsec| {
            protocol == protocol_id(chosen.protocol)
                && (spi_number(protocol, spi) == Some(chosen.peer_spi) || **spi == self.cookies.to_bytes())
        };
        if notification.notify_type == NotifyType::RESPONDER_LIFETIME {
            let chosen = chosen.iter_mut().flatten().find(about_it);
            let chosen = chosen.ok_or(ExchangeError::InvalidSpi { protocol, len: spi.len() })?;
            let (seconds, kilobytes) = lifetime::read(notification, &self.core.limits.wire)?;
            let offered = Life::offered(chosen.lifetime, chosen.kilobytes);
            let said = Life { time: seconds.unwrap_or(offered.time), kilobytes };
            let life = offered.shorter(said);
            (chosen.lifetime, chosen.kilobytes) = (Some(life.time), life.kilobytes);
        }
        Ok(())
    }

    /// Reports a notification that the exchange's hash covers.
    pub(super) fn notified(&mut self, notify_type: NotifyType, data: Bytes) {
        self.core.event(Event::Notified { sa: Some(self.sa), notify_type, authenticated: true, data });
    }

    /// Says that our SAs stand. The informational exchange has the M-ID of quick mode (RFC 2408 section 3.1), so its IV
    /// is that of quick mode 1.
    pub(super) fn send_connected(&mut self, agreed: &Agreed) -> Result<Sent, ExchangeError> {
        // One says it for the exchange, and so for all its SAs.
        let first = agreed.protocols().next().map(|(chosen, spi_in)| (chosen.protocol, *spi_in));
        let (protocol, spi_in) = first.ok_or(ExchangeError::SaDeleted)?;
        let connected = Notification {
            protocol: protocol_id(protocol),
            spi: spi_octets(protocol, spi_in),
            ..Notification::isakmp(NotifyType::CONNECTED)
        };
        informational::send(self, &[Payload::Notification(connected)])
    }
}

// --- Commit bit: HDR*, HASH(1), N(CONNECTED), in an informational exchange with the M-ID of quick mode ---

/// Quick mode 3 has passed, and CONNECTED of the side that set the Commit bit is to say that its SAs stand (RFC 2408
/// section 3.1).
#[derive(Debug)]
pub(crate) struct ExpectConnected {
    pub(super) agreed: Agreed,
    /// Our role.
    pub(super) role: Role,
    pub(super) replaces: Option<IpsecSaId>,
}

impl ExpectConnected {
    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        if received.header.exchange_type != ExchangeType::INFORMATIONAL {
            return Err(ExchangeError::Replayed(received.header.message_id));
        }
        let opened = informational::receive(cx, received)?;
        let connected = opened.chain.iter().any(|payload| match payload {
            Payload::Notification(notification) => {
                notification.notify_type == NotifyType::CONNECTED
                    && informational::check_notification(notification).is_ok()
            }
            _ => false,
        });
        if !connected {
            return Err(ExchangeError::MissingPayload(PayloadType::NOTIFICATION));
        }
        let outcome = cx.outcome(&self.agreed, self.role, self.replaces)?;
        cx.notified(NotifyType::CONNECTED, Bytes::new());
        Ok(Step { state: QuickMode::Done, sent: None, retransmit: false, outcome: Some(outcome) })
    }
}
