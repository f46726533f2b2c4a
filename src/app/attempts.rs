//! How often a caller may fail, or register clients, before being told to slow down.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use super::budget::Budgets;
use crate::{
    clock::Clock,
    domain::{RegistrationPolicy, SecretId},
};

/// Budgets of failures. Successes are never counted: no attacker locks out the holder of a right
/// secret.
pub struct Attempts {
    /// Of sources that present what is no credential.
    guesses: Budgets<Source>,
    /// Of credentials that are what they say, and are refused all the same.
    proved: Budgets<Proved>,
    /// How many refusals of a source are recorded one by one.
    records: Budgets<Source>,
}

/// How many clients each source address has registered of late. Each node counts for itself.
pub struct Registrations(Budgets<Source>);

/// An IPv4 address, or the /64 network that one IPv6 customer has all addresses of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4(u32),
    V6(u64),
}

/// Whose credential was refused; where that is not known, the source of the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Proved {
    Holder(SecretId),
    Source(Source),
}

/// More than one person can look at, and not enough to push out what others look for.
const RECORDS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("not 0");

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts")]
pub struct TooManyFailures {
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many clients were registered from this address")]
pub struct TooManyRegistrations {
    pub retry_after: Duration,
}

impl Attempts {
    pub fn new(clock: &Clock, failures_per_minute: NonZeroU32) -> Self {
        let minute = Duration::from_mins(1);
        let records = failures_per_minute.max(RECORDS_PER_MINUTE);
        Self {
            guesses: Budgets::new(clock.clone(), failures_per_minute, minute),
            proved: Budgets::new(clock.clone(), failures_per_minute, minute),
            records: Budgets::new(clock.clone(), records, minute),
        }
    }

    /// Counts a failure with what is no credential. Tells when this source has used up its budget.
    pub fn failed(&self, source: IpAddr) -> Result<(), TooManyFailures> {
        self.guesses.spend(source.into()).map_err(too_many)
    }

    /// Whether this source has anything left of its budget. Counts nothing.
    pub fn check(&self, source: IpAddr) -> Result<(), TooManyFailures> {
        self.guesses.check(&source.into()).map_err(too_many)
    }

    /// Counts a failure of a credential that is what it says, which costs no neighbour anything.
    /// `holder`: as what its uses are counted, where that is known.
    pub fn failed_after_proof(
        &self,
        holder: Option<SecretId>,
        source: IpAddr,
    ) -> Result<(), TooManyFailures> {
        let whose = holder.map_or_else(|| Proved::Source(source.into()), Proved::Holder);
        self.proved.spend(whose).map_err(too_many)
    }

    /// Whether another refusal of this source is to be recorded.
    pub(super) fn is_recorded(&self, source: IpAddr) -> bool {
        self.records.spend(source.into()).is_ok()
    }

    /// How often a caller was told to slow down.
    pub fn refused(&self) -> u64 {
        self.guesses.refused() + self.proved.refused()
    }

    /// Forgets those whose budget is whole again.
    pub fn prune_idle(&self) {
        self.guesses.prune_idle();
        self.proved.prune_idle();
        self.records.prune_idle();
    }
}

fn too_many(retry_after: Duration) -> TooManyFailures {
    TooManyFailures { retry_after }
}

impl Registrations {
    pub fn new(clock: &Clock, policy: Option<&RegistrationPolicy>) -> Self {
        let most = policy.map_or(NonZeroU32::MIN, |policy| policy.most_per_hour);
        Self(Budgets::new(clock.clone(), most, Duration::from_hours(1)))
    }

    /// Counts one that is about to be made. Tells when this source has made its share.
    pub fn one_more(&self, source: IpAddr) -> Result<(), TooManyRegistrations> {
        let spent = self.0.spend(source.into());
        spent.map_err(|retry_after| TooManyRegistrations { retry_after })
    }

    /// How often a source was told to slow down.
    pub fn refused(&self) -> u64 {
        self.0.refused()
    }

    /// Forgets the sources that have registered none of late.
    pub fn prune_idle(&self) {
        self.0.prune_idle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(most: u32) -> Attempts {
        Attempts::new(&Clock::system(), NonZeroU32::new(most).unwrap())
    }

    #[test]
    fn th_02_a_source_that_spent_its_budget_is_told_and_others_are_not() {
        let attempts = attempts(3);
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
        let attempts = attempts(1);
        assert!(attempts.failed("2001:db8::1".parse().unwrap()).is_ok());
        assert!(attempts.failed("2001:db8::2".parse().unwrap()).is_err());
        assert!(attempts.failed("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }

    #[test]
    fn fx_18_a_holder_has_a_budget_wherever_it_sends_from_and_spends_nobody_elses() {
        let attempts = attempts(1);
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let (one, other) = (SecretId(uuid::Uuid::from_u128(1)), SecretId(uuid::Uuid::from_u128(2)));

        assert!(attempts.failed_after_proof(Some(one), here).is_ok());
        assert!(attempts.failed_after_proof(Some(one), there).is_err());
        assert!(attempts.failed_after_proof(Some(other), here).is_ok());
        assert!(attempts.failed_after_proof(None, here).is_ok());
        assert!(attempts.failed(here).is_ok());
    }
}
