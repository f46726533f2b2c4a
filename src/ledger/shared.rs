//! Lets the refusals of one credential share their rows: an attacker makes up any number of user
//! agents, and may have many addresses.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use crate::domain::{Circumstances, SecretId, Use, UserAgent};

/// What was seen in one minute. May be lost at any time: then as much is seen once more.
#[derive(Default)]
pub(super) struct Shared {
    minute: i64,
    seen: HashMap<SecretId, Seen>,
}

#[derive(Default)]
struct Seen {
    clients: HashSet<(IpAddr, UserAgent)>,
    sources: HashSet<IpAddr>,
}

/// Clients of one credential and minute that are told apart, and addresses beyond them. So the rows
/// of one credential and minute are at most twice as many and one, for each reason to refuse it.
const FEW: usize = 8;
/// Credentials of one minute, 20 MiB of them at worst. All refusals of any others share their rows.
const MOST: usize = 20_000;

impl Shared {
    /// As what a use is counted: beyond a few clients, as one of the others.
    pub(super) fn of(&mut self, mut used: Use) -> Use {
        let Circumstances { minute, source, ref user_agent, ref outcome } = used.circumstances;
        if *outcome == Circumstances::ISSUED {
            return used;
        }
        if self.minute != minute {
            *self = Self { minute, seen: HashMap::new() };
        }
        let client = (source, user_agent.clone());
        let mut seen = self.seen_of(used.secret_id);
        if seen.as_deref_mut().is_some_and(|seen| has_room_for(&mut seen.clients, client)) {
            return used;
        }
        used.circumstances.user_agent = UserAgent::others();
        if !seen.is_some_and(|seen| has_room_for(&mut seen.sources, source)) {
            used.circumstances.source = Circumstances::OTHER_SOURCES;
        }
        used
    }

    /// `None`: there are too many to tell this one's clients apart.
    fn seen_of(&mut self, id: SecretId) -> Option<&mut Seen> {
        if self.seen.len() >= MOST {
            return self.seen.get_mut(&id);
        }
        Some(self.seen.entry(id).or_default())
    }
}

/// Whether it is one of the few.
fn has_room_for<T: Eq + std::hash::Hash>(few: &mut HashSet<T>, it: T) -> bool {
    few.contains(&it) || (few.len() < FEW && few.insert(it))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn refused(secret: u128, minute: i64, source: &str, agent: &str) -> Use {
        let circumstances = Circumstances {
            minute,
            source: source.parse().unwrap(),
            user_agent: UserAgent::new(agent),
            outcome: "key_revoked".into(),
        };
        Use { secret_id: SecretId(Uuid::from_u128(secret)), circumstances }
    }

    fn rows(uses: impl Iterator<Item = Use>) -> usize {
        let mut shared = Shared::default();
        uses.map(|used| shared.of(used)).collect::<HashSet<_>>().len()
    }

    #[test]
    fn fx_18_beyond_a_few_agents_and_addresses_refusals_share_their_rows() {
        let agents = (0..5000).map(|n| refused(1, 7, "192.0.2.1", &format!("agent/{n}")));
        let addresses =
            (0..5000).map(|n| refused(1, 7, &format!("10.1.{}.{}", n / 250, n % 250), "x"));

        assert_eq!(rows(agents), FEW + 1);
        assert_eq!(rows(addresses), 2 * FEW + 1);
    }

    #[test]
    fn fx_18_what_is_known_goes_on_to_be_counted_by_itself() {
        let mut shared = Shared::default();
        for number in 0..100 {
            shared.of(refused(1, 7, "192.0.2.1", &format!("agent/{number}")));
        }

        let known = refused(1, 7, "192.0.2.1", "agent/0");
        let other_key = refused(2, 7, "192.0.2.1", "new");
        let next_minute = refused(1, 8, "192.0.2.1", "new");
        for own in [known, other_key, next_minute] {
            assert_eq!(shared.of(own.clone()), own);
        }
    }

    #[test]
    fn fx_18_what_was_issued_is_counted_as_it_was() {
        let issued = |n: i32| {
            let mut used = refused(1, 7, "192.0.2.1", &format!("agent/{n}"));
            used.circumstances.outcome = Circumstances::ISSUED.into();
            used
        };

        assert_eq!(rows((0..500).map(issued)), 500);
    }

    #[test]
    fn fx_18_of_however_many_keys_only_so_many_are_remembered() {
        let mut shared = Shared::default();
        for secret in 0..30_000 {
            shared.of(refused(secret, 7, "192.0.2.1", "curl/8"));
        }

        assert_eq!(shared.seen.len(), MOST);
    }
}
