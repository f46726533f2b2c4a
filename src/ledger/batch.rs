//! What one commit writes: uses, counted together where they are alike, and refusals.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Circumstances, RefusalRecord, SecretId, Use};

#[derive(Default)]
pub(super) struct Batch {
    /// Most uses of a moment differ in their secrets alone: what they share is kept once.
    uses: HashMap<Circumstances, HashMap<SecretId, i64>>,
    refusals: Vec<RefusalRecord>,
    rows: usize,
}

/// A batch as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Written {
    uses: Vec<Alike>,
    refusals: Vec<RefusalRecord>,
}

/// How often each secret was used under the same circumstances.
#[derive(Serialize, Deserialize)]
pub(super) struct Alike {
    pub(super) circumstances: Circumstances,
    pub(super) secrets: Vec<(SecretId, i64)>,
}

impl Batch {
    /// Details of this many refusals are kept in one batch; a flood must not fill the disk.
    const MOST_REFUSALS: usize = 100;

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many rows it may become.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn add_use(&mut self, used: Use) {
        let Use { secret_id, circumstances } = used;
        let count = self.uses.entry(circumstances).or_default().entry(secret_id).or_default();
        self.rows += usize::from(*count == 0);
        *count += 1;
    }

    pub(super) fn add_refusal(&mut self, refusal: RefusalRecord) {
        if self.refusals.len() < Self::MOST_REFUSALS {
            self.refusals.push(refusal);
            self.rows += 1;
        }
    }

    pub(super) fn to_text(&self) -> String {
        let uses = self.uses.iter().map(|(circumstances, secrets)| Alike {
            circumstances: circumstances.clone(),
            secrets: secrets.iter().map(|(secret, count)| (*secret, *count)).collect(),
        });
        let written = Written { uses: uses.collect(), refusals: self.refusals.clone() };
        serde_json::to_string(&written).expect("a batch has no keys but text")
    }

    /// Adds what a batch in the journal says. Tells whether it could be read.
    pub(super) fn add_text(&mut self, text: &str) -> bool {
        let Ok(written) = serde_json::from_str::<Written>(text) else { return false };
        for Alike { circumstances, secrets } in written.uses {
            let known = self.uses.entry(circumstances).or_default();
            for (secret, count) in secrets {
                let known = known.entry(secret).or_default();
                *known = known.saturating_add(count);
            }
        }
        self.refusals.extend(written.refusals);
        true
    }

    /// Two batches with half of the records each; `None` where it has but one.
    pub(super) fn halves(self) -> Option<(Self, Self)> {
        let (uses, mut refusals) = self.into_parts();
        let mut uses: Vec<_> = uses
            .into_iter()
            .flat_map(|Alike { circumstances, secrets }| {
                secrets.into_iter().map(move |(id, count)| (circumstances.clone(), id, count))
            })
            .collect();
        let records = uses.len() + refusals.len();
        if records < 2 {
            return None;
        }
        let other_uses = uses.split_off(uses.len().min(records / 2));
        let other_refusals = refusals.split_off((records / 2).saturating_sub(uses.len()));
        Some((Self::of(uses, refusals), Self::of(other_uses, other_refusals)))
    }

    fn of(uses: Vec<(Circumstances, SecretId, i64)>, refusals: Vec<RefusalRecord>) -> Self {
        let rows = uses.len() + refusals.len();
        let mut batch = Self { refusals, rows, ..Self::default() };
        for (circumstances, secret, count) in uses {
            batch.uses.entry(circumstances).or_default().insert(secret, count);
        }
        batch
    }

    /// In the order of the tables they are counted in: neighbours share their pages.
    pub(super) fn into_parts(self) -> (Vec<Alike>, Vec<RefusalRecord>) {
        let alike = self.uses.into_iter().map(|(circumstances, secrets)| {
            let mut secrets: Vec<_> = secrets.into_iter().collect();
            secrets.sort_unstable();
            Alike { circumstances, secrets }
        });
        let mut alike: Vec<_> = alike.collect();
        alike.sort_unstable_by(|one, other| one.circumstances.cmp(&other.circumstances));
        (alike, self.refusals)
    }
}
