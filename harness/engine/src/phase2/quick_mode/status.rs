//! The status notifications of quick mode (RFC 2407 section 4.6.3) and the Commit bit's CONNECTED (RFC 2408 section 3.1).

use bytes::Bytes;

use super::exchange::{Agreed, QmCx};
use crate::config::{IpsecPolicy, IpsecProtocol};
use crate::error::ExchangeError;
use crate::event::Event;
use crate::phase2::informational;
use crate::phase2::lifetime::{self, Life};
use crate::phase2::negotiate::{ChosenIpsec, protocol_id, spi_number, spi_octets};
use crate::retransmit::Sent;
use crate::wire::{Chain, Notification, NotifyType, Payload};

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
    pub(super) fn heed_notifications(&mut self, chain: &Chain, chosen: &mut [ChosenIpsec]) {
        for payload in chain.iter() {
            let Payload::Notification(notification) = payload else { continue };
            match self.heed(notification, chosen) {
                Ok(()) => self.notified(notification.notify_type, notification.data.clone()),
                Err(error) => self.core.event(Event::DatagramRejected { error }),
            }
        }
    }

    fn heed(&self, notification: &Notification, chosen: &mut [ChosenIpsec]) -> Result<(), ExchangeError> {
        informational::check_notification(notification)?;
        let Notification { protocol, ref spi, .. } = *notification;
        let about_it = |chosen: &&mut ChosenIpsec| {
            protocol == protocol_id(chosen.protocol)
                && (spi_number(protocol, spi) == Some(chosen.peer_spi) || **spi == self.cookies.to_bytes())
        };
        if notification.notify_type == NotifyType::RESPONDER_LIFETIME {
            let chosen = chosen.iter_mut().find(about_it);
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
        // One says it for the exchange, and so for every protocol of a bundle.
        let first = agreed.sas.first().map(|(chosen, spi_in)| (chosen.protocol, *spi_in));
        let (protocol, spi_in) = first.ok_or(ExchangeError::SaDeleted)?;
        let connected = Notification {
            protocol: protocol_id(protocol),
            spi: spi_octets(protocol, spi_in),
            ..Notification::isakmp(NotifyType::CONNECTED)
        };
        informational::send(self, &[Payload::Notification(connected)])
    }
}
