//! How often somebody may present what is no credential, or register clients, before being told to
//! slow down.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};

use crate::domain::RegistrationPolicy;

/// A budget of failures for each source address. Successes are never counted: nobody can lock out
/// the holder of a right secret.
pub struct Attempts(Budgets);

/// How many clients each source address has registered of late. Each node counts for itself.
pub struct Registrations(Budgets);

struct Budgets {
    left: DefaultKeyedRateLimiter<Source>,
    /// How often there was nothing left.
    refused: AtomicU64,
}

/// An IPv4 address, or the /64 network that one IPv6 customer has all addresses of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts from this address")]
pub struct TooManyFailures {
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many clients were registered from this address")]
pub struct TooManyRegistrations {
    pub retry_after: Duration,
}

impl Attempts {
    pub fn new(failures_per_minute: NonZeroU32) -> Self {
        Self(Budgets::new(Quota::per_minute(failures_per_minute)))
    }

    /// Counts a failure. Tells when this source has used up its budget.
    pub fn failed(&self, source: IpAddr) -> Result<(), TooManyFailures> {
        self.0.spend(source).map_err(|retry_after| TooManyFailures { retry_after })
    }

    /// How often a source was told to slow down.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Forgets the sources whose budget is whole again.
    pub fn forget_the_innocent(&self) {
        self.0.forget_the_whole();
    }
}

impl Registrations {
    pub fn new(policy: Option<&RegistrationPolicy>) -> Self {
        let most = policy.map_or(NonZeroU32::MIN, |policy| policy.most_per_hour);
        Self(Budgets::new(Quota::per_hour(most)))
    }

    /// Counts one that is about to be made. Tells when this source has made its share.
    pub fn one_more(&self, source: IpAddr) -> Result<(), TooManyRegistrations> {
        self.0.spend(source).map_err(|retry_after| TooManyRegistrations { retry_after })
    }

    /// How often a source was told to slow down.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Forgets the sources that have registered none of late.
    pub fn forget_the_innocent(&self) {
        self.0.forget_the_whole();
    }
}

impl Budgets {
    fn new(quota: Quota) -> Self {
        Self { left: RateLimiter::keyed(quota), refused: AtomicU64::new(0) }
    }

    /// Fails with the time after which there is some left again.
    fn spend(&self, source: IpAddr) -> Result<(), Duration> {
        let spent = self.left.check_key(&source.into());
        spent.map_err(|until| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            until.wait_time_from(self.left.clock().now())
        })
    }

    fn forget_the_whole(&self) {
        self.left.retain_recent();
        self.left.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn th_02_a_source_that_spent_its_budget_is_told_and_others_are_not() {
        let attempts = Attempts::new(NonZeroU32::new(3).unwrap());
        let (bad, good) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(attempts.failed(bad), Ok(()));
        }
        let told = attempts.failed(bad).unwrap_err();
        assert!(told.retry_after <= Duration::from_secs(20));
        assert_eq!(attempts.failed(good), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let attempts = Attempts::new(NonZeroU32::MIN);
        assert!(attempts.failed("2001:db8::1".parse().unwrap()).is_ok());
        assert!(attempts.failed("2001:db8::2".parse().unwrap()).is_err());
        assert!(attempts.failed("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
