//! Which secrets the database knows to have been used lately, so that it need not be told each time.

use std::collections::HashSet;

use crate::domain::{Circumstances, SecretId};

/// Of one hour. May be lost at any time: then the database is told once more.
#[derive(Default)]
pub(super) struct Marked {
    hour: i64,
    /// The random halves of their ids.
    secrets: HashSet<u64>,
}

/// 18 MiB.
const MOST: usize = 1_000_000;

impl Marked {
    /// Those that the database has to be told of, for tokens that were issued.
    pub(super) fn unknown(
        &self,
        circumstances: &Circumstances,
        secrets: &[(SecretId, i64)],
    ) -> Vec<SecretId> {
        if circumstances.outcome != Circumstances::ISSUED {
            return Vec::new();
        }
        let is_known =
            |id: &SecretId| hour(circumstances) == self.hour && self.secrets.contains(&half(*id));
        secrets.iter().map(|(id, _)| *id).filter(|id| !is_known(id)).collect()
    }

    /// Call it when the database has committed what it was told.
    pub(super) fn remember(&mut self, circumstances: &Circumstances, secrets: &[SecretId]) {
        let hour = hour(circumstances);
        if hour > self.hour || self.secrets.len() + secrets.len() > MOST {
            self.hour = hour;
            self.secrets.clear();
        }
        if hour == self.hour {
            self.secrets.extend(secrets.iter().map(|id| half(*id)));
        }
    }
}

fn hour(circumstances: &Circumstances) -> i64 {
    circumstances.minute / 60
}

fn half(id: SecretId) -> u64 {
    id.0.as_u64_pair().1
}
