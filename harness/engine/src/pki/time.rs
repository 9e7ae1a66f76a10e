//! Time as certificates have it.

use core::fmt;
use core::time::Duration;

use der::DateTime;
use x509_cert::time::Time;

/// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
///
/// The driver's [`Timestamp`](crate::io::Timestamp) starts wherever the driver likes; certificates need the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The moment `after` later; the end of time instead of an overflow.
    #[must_use]
    pub const fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(after.as_secs()))
    }
}

impl From<Time> for UnixTime {
    fn from(time: Time) -> Self {
        Self(time.to_unix_duration().as_secs())
    }
}

impl fmt::Display for UnixTime {
    /// For example `2024-02-29T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_unix_duration(Duration::from_secs(self.0)) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} s after 1970", self.0),
        }
    }
}
