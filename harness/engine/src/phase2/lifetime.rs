//! Lives of SAs: what holds of the offer and the policy, and RESPONDER-LIFETIME (RFC 2407 sections 4.5.4 and 4.6.3.1).

use core::time::Duration;

use bytes::Bytes;

use crate::config::IpsecPolicy;
use crate::error::ExchangeError;
use crate::phase1::negotiate::LifeAttributes;
use crate::wire::{
    Attribute, IpsecAttribute, LifeType, Notification, NotifyType, Phase1Attribute, ProtocolId, WireLimits,
};

/// RFC 2407 section 4.5: the life of an IPsec SA whose transform says none.
const DEFAULT_SECONDS: Duration = Duration::from_secs(28_800);

/// Bytes of a kilobyte of life type 2.
const KILOBYTE: u64 = 1024;

/// The life of an SA by time and by traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) time: Duration,
    /// In kilobytes; without it traffic does not end the SA.
    pub(crate) kilobytes: Option<u64>,
}

impl Life {
    /// What a transform offers; without a life in seconds the default one.
    pub(crate) fn offered(seconds: Option<Duration>, kilobytes: Option<u64>) -> Self {
        Self { time: seconds.unwrap_or(DEFAULT_SECONDS), kilobytes }
    }

    /// What a policy allows.
    pub(crate) fn of_policy(policy: &IpsecPolicy) -> Self {
        Self { time: policy.lifetime, kilobytes: policy.lifetime_kilobytes.map(u64::from) }
    }

    /// The shorter of two lives in each respect.
    #[must_use]
    pub(crate) fn shorter(self, other: Self) -> Self {
        let kilobytes = match (self.kilobytes, other.kilobytes) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        Self { time: self.time.min(other.time), kilobytes }
    }

    /// Bytes after which the SA ends.
    pub(crate) fn bytes(self) -> Option<u64> {
        self.kilobytes.map(|kilobytes| kilobytes.saturating_mul(KILOBYTE))
    }
}

/// Seconds and kilobytes that a RESPONDER-LIFETIME says.
pub(crate) type Said = (Option<Duration>, Option<u64>);

/// Reads the attribute list of a RESPONDER-LIFETIME. Its classes are those of the protocol that it is about: Appendix A
/// of RFC 2409 for ISAKMP, RFC 2407 section 4.5 for AH and ESP.
///
/// # Errors
///
/// [`ExchangeError::Wire`] when it is no attribute list, [`ExchangeError::NotificationData`] when it says no life, or
/// two of one type.
pub(crate) fn read(notification: &Notification, limits: &WireLimits) -> Result<Said, ExchangeError> {
    let (life_type, duration) = classes(notification.protocol);
    let mut life = LifeAttributes::default();
    for attribute in Attribute::decode_list(notification.data.clone(), limits)? {
        match attribute.as_u64() {
            Some(value) if attribute.class == life_type => life.life_type(value),
            Some(value) if attribute.class == duration => {
                life.duration(value).map_err(|_| ExchangeError::NotificationData(notification.notify_type))?
            }
            _ => {}
        }
    }
    match (life.seconds(), life.kilobytes()) {
        (None, None) => Err(ExchangeError::NotificationData(notification.notify_type)),
        said => Ok(said),
    }
}

/// RESPONDER-LIFETIME about the SA with this SPI.
pub(crate) fn notification(protocol: ProtocolId, spi: Bytes, life: Life) -> Notification {
    let (life_type, duration) = classes(protocol);
    let seconds = u32::try_from(life.time.as_secs()).unwrap_or(u32::MAX);
    let mut attributes =
        vec![Attribute::short(life_type, LifeType::SECONDS.0), Attribute::lifetime(duration, seconds)];
    if let Some(kilobytes) = life.kilobytes {
        attributes.push(Attribute::short(life_type, LifeType::KILOBYTES.0));
        attributes.push(Attribute::lifetime(duration, u32::try_from(kilobytes).unwrap_or(u32::MAX)));
    }
    let data = Attribute::encode_list(&attributes);
    Notification { protocol, spi, data, ..Notification::isakmp(NotifyType::RESPONDER_LIFETIME) }
}

/// The classes of life type and life duration.
fn classes(protocol: ProtocolId) -> (u16, u16) {
    if protocol == ProtocolId::ISAKMP {
        (Phase1Attribute::LIFE_TYPE.0, Phase1Attribute::LIFE_DURATION.0)
    } else {
        (IpsecAttribute::SA_LIFE_TYPE.0, IpsecAttribute::SA_LIFE_DURATION.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Life {
        Life { time: Duration::from_secs(seconds), kilobytes: None }
    }

    #[test]
    fn a_notification_about_esp_has_these_bytes_and_reads_back() {
        let life = Life { kilobytes: Some(0x0001_0000), ..seconds(600) };
        let notification = notification(ProtocolId::IPSEC_ESP, Bytes::from_static(&[1, 2, 3, 4]), life);
        // Life type 1 seconds, 600 of them; life type 2 kilobytes, in four octets.
        let bytes = hex::decode("8001000180020258 8001000200020004 00010000".replace(' ', "")).unwrap();
        assert_eq!(notification.data, bytes);
        assert_eq!(notification.spi.as_ref(), [1, 2, 3, 4]);
        let said = read(&notification, &WireLimits::default());
        assert_eq!(said, Ok((Some(Duration::from_secs(600)), Some(0x0001_0000))));
    }

    #[test]
    fn a_notification_about_the_isakmp_sa_has_the_classes_of_phase_1() {
        let notification = notification(ProtocolId::ISAKMP, Bytes::from_static(&[7; 16]), seconds(600));
        assert_eq!(notification.data.as_ref(), [0x80, 11, 0, 1, 0x80, 12, 0x02, 0x58]);
    }

    #[test]
    fn a_list_of_64_bit_values_is_read_and_one_without_a_life_or_with_two_is_not() {
        let mut notification = notification(ProtocolId::IPSEC_ESP, Bytes::from_static(&[0; 4]), seconds(1));
        let data = [0x80, 1, 0, 2, 0, 2, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0];
        notification.data = Bytes::copy_from_slice(&data);
        assert_eq!(read(&notification, &WireLimits::default()), Ok((None, Some(1 << 32))));
        for data in [&[0x80, 1, 0, 1, 0x80, 2, 0, 9, 0x80, 2, 0, 8][..], &[]] {
            notification.data = Bytes::copy_from_slice(data);
            let error = ExchangeError::NotificationData(NotifyType::RESPONDER_LIFETIME);
            assert_eq!(read(&notification, &WireLimits::default()), Err(error));
        }
    }

    #[test]
    fn attributes_of_other_classes_say_nothing_of_a_life() {
        let mut notification = notification(ProtocolId::IPSEC_ESP, Bytes::from_static(&[0; 4]), seconds(1));
        let data = [0x80, 4, 0, 1, 0x80, 1, 0, 1, 0x80, 5, 0, 2, 0x80, 2, 0, 9];
        notification.data = Bytes::copy_from_slice(&data);
        assert_eq!(read(&notification, &WireLimits::default()), Ok((Some(Duration::from_secs(9)), None)));
    }

    #[test]
    fn each_respect_of_a_life_is_cut_alone() {
        let (a, b) = (Life { kilobytes: Some(9), ..seconds(5) }, Life { kilobytes: Some(4), ..seconds(7) });
        assert_eq!(a.shorter(b), Life { kilobytes: Some(4), ..seconds(5) });
        assert_eq!(seconds(5).shorter(b).bytes(), Some(4096));
        assert_eq!(seconds(5).shorter(seconds(6)).bytes(), None);
    }
}
