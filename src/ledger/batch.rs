//! What one commit writes: uses, counted together where they are alike, and refusals.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::{RefusalRecord, Use};

#[derive(Default)]
pub(super) struct Batch {
    uses: HashMap<Use, i64>,
    refusals: Vec<RefusalRecord>,
}

/// A batch as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Written {
    uses: Vec<(Use, i64)>,
    refusals: Vec<RefusalRecord>,
}

impl Batch {
    /// Details of this many refusals are kept in one batch; a flood must not fill the disk.
    const MOST_REFUSALS: usize = 100;

    pub(super) fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.refusals.is_empty()
    }

    /// How many rows it may become.
    pub(super) fn len(&self) -> usize {
        self.uses.len() + self.refusals.len()
    }

    pub(super) fn add_use(&mut self, used: Use, count: i64) {
        *self.uses.entry(used).or_default() += count;
    }

    pub(super) fn add_refusal(&mut self, refusal: RefusalRecord) {
        if self.refusals.len() < Self::MOST_REFUSALS {
            self.refusals.push(refusal);
        }
    }

    pub(super) fn to_text(&self) -> String {
        let uses = self.uses.iter().map(|(used, count)| (used.clone(), *count)).collect();
        let written = Written { uses, refusals: self.refusals.clone() };
        serde_json::to_string(&written).expect("a batch has no keys but text")
    }

    /// Adds what a batch in the journal says. Tells whether it could be read.
    pub(super) fn add_text(&mut self, text: &str) -> bool {
        let Ok(written) = serde_json::from_str::<Written>(text) else { return false };
        for (used, count) in written.uses {
            self.add_use(used, count);
        }
        self.refusals.extend(written.refusals);
        true
    }

    pub(super) fn into_parts(self) -> (Vec<(Use, i64)>, Vec<RefusalRecord>) {
        (self.uses.into_iter().collect(), self.refusals)
    }
}
