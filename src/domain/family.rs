//! The refresh tokens of one grant: a line of generations, of which one is alive.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Ceiling, ClientId, Delegate, FamilyId, Once, RefreshTerms, Source, Thumbprint};
use crate::clock::Timestamp;

/// However often it is refreshed, a family is one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub id: FamilyId,
    /// Without it no one can make its tokens, whatever key they know.
    pub salt: [u8; 16],
    /// To whom it was given; `None`: to the holder of the key.
    pub client_id: Option<ClientId>,
    pub granted: Granted,
    /// The one that may be used now; the first is 1.
    pub generation: u32,
    /// When it was first handed out for the one before it, by the clock that all nodes share;
    /// `None`: it is not known that it ever was.
    pub answered_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub status_index: i64,
}

/// What the first exchange came to; what a refresh gives is never more. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    pub sources: Vec<Source>,
    /// `sub` of its tokens.
    pub subject: String,
    pub ceiling: Ceiling,
    #[serde(default)]
    pub actor: Option<Delegate>,
    /// The key that has to be proved at each use.
    #[serde(default)]
    pub bound_to: Option<Thumbprint>,
    pub terms: RefreshTerms,
}

/// Where a token stands among those of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is the one that may be used.
    Current,
    /// It was used a moment ago, and its successor was not: the answer was lost, or someone asked
    /// twice at once.
    Replayed,
    /// It, or its successor, was used before.
    Reused,
    /// Its family has not come so far.
    NotGivenYet,
}

impl Family {
    /// Live families of one holder. The oldest end where more begin.
    pub const MOST: u32 = 1000;

    /// Who holds its tokens, as a hash: a client for one subject, or the holder of a key.
    pub fn holder(&self) -> [u8; 32] {
        let client = self.client_id.map(|id| id.0.into_bytes());
        let client = client.as_ref().map(|id| &id[..]).unwrap_or_default();
        Once::hash(&[client, self.granted.subject.as_bytes()])
    }

    /// `now` is by the clock that all nodes share. `grace` is counted from the moment at which the
    /// successor was first handed out, and never longer; what no one was told cannot be held
    /// against anyone. A clock that was set back does not prolong it.
    pub fn turn(&self, generation: u32, now: Timestamp, grace: TimeDelta) -> Turn {
        let is_last_but_one = generation.checked_add(1) == Some(self.generation);
        let is_recent = self.answered_at.is_none_or(|at| (now - at).abs() < grace);
        match generation {
            _ if generation > self.generation => Turn::NotGivenYet,
            _ if generation == self.generation => Turn::Current,
            _ if is_last_but_one && is_recent => Turn::Replayed,
            _ => Turn::Reused,
        }
    }

    /// When it comes to its end by itself, unless it is used before.
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at.min(self.used_at + self.granted.terms.idle())
    }

    /// Whether it has come to its end by itself.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at() <= now
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::timestamp;

    const START: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        timestamp(START + seconds).unwrap()
    }

    /// Its generation came to be 100 seconds after the start.
    fn family(generation: u32) -> Family {
        let terms = RefreshTerms { rotates: true, lifetime: 1000, idle: 200 };
        let granted = Granted {
            sources: Vec::new(),
            subject: String::new(),
            ceiling: Ceiling::default(),
            actor: None,
            bound_to: None,
            terms,
        };
        Family {
            id: FamilyId(Uuid::nil()),
            salt: [0; 16],
            client_id: None,
            granted,
            generation,
            answered_at: (generation > 1).then(|| at(100)),
            created_at: at(0),
            used_at: at(100),
            expires_at: at(1000),
            ended_at: None,
            status_index: 0,
        }
    }

    fn turn(generation: u32, seconds: i64) -> Turn {
        family(3).turn(generation, at(seconds), TimeDelta::seconds(30))
    }

    #[test]
    fn rt_16_what_may_be_used_is_told_by_its_number_and_not_by_the_time() {
        assert_eq!(
            [1, 2, 3, 4].map(|it| turn(it, 100)),
            [Turn::Reused, Turn::Replayed, Turn::Current, Turn::NotGivenYet]
        );
        assert_eq!(turn(u32::MAX, 100), Turn::NotGivenYet);
    }

    #[test]
    fn rt_12_the_grace_begins_with_the_first_answer_and_ends() {
        assert_eq!(turn(2, 129), Turn::Replayed);
        assert_eq!(turn(2, 130), Turn::Reused);
        assert_eq!(turn(2, 71), Turn::Replayed, "a clock that was set back by seconds");
        assert_eq!(turn(2, 70), Turn::Reused, "and by more than the grace");
        let without = family(3).turn(2, at(100), TimeDelta::zero());
        assert_eq!(without, Turn::Reused);
    }

    #[test]
    fn fx_44_a_successor_that_nobody_was_told_of_counts_against_nobody() {
        let unheard = Family { answered_at: None, ..family(3) };
        let turn = |generation| unheard.turn(generation, at(900), TimeDelta::seconds(30));

        assert_eq!([1, 2, 3].map(turn), [Turn::Reused, Turn::Replayed, Turn::Current]);
    }

    #[test]
    fn rt_06_a_family_ends_when_it_is_idle_or_old() {
        assert!(!family(1).is_over(at(299)) && family(1).is_over(at(300)));
        let busy = Family { used_at: at(900), ..family(1) };
        assert!(!busy.is_over(at(999)) && busy.is_over(at(1000)));
    }
}
