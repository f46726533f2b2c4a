//! What one commit writes: uses, counted together where they are alike, and refusals.

use std::{borrow::Cow, collections::HashMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::domain::{RefusalRecord, SecretId, Use, UserAgent};

#[derive(Default)]
pub(super) struct Batch {
    uses: HashMap<Use, i64>,
    refusals: Vec<RefusalRecord>,
}

/// A batch as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Written {
    uses: Vec<Alike>,
    refusals: Vec<RefusalRecord>,
}

/// Uses that differ in their secrets alone: most of a batch, so what they share is written once.
#[derive(Serialize, Deserialize)]
struct Alike {
    minute: i64,
    source: IpAddr,
    user_agent: UserAgent,
    outcome: Cow<'static, str>,
    secrets: Vec<(SecretId, i64)>,
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
        let mut alike: HashMap<_, Vec<_>> = HashMap::new();
        for (Use { secret_id, minute, source, user_agent, outcome }, count) in &self.uses {
            let shared = (*minute, *source, user_agent, outcome);
            alike.entry(shared).or_default().push((*secret_id, *count));
        }
        let uses = alike.into_iter().map(|((minute, source, user_agent, outcome), secrets)| {
            let (user_agent, outcome) = (user_agent.clone(), outcome.clone());
            Alike { minute, source, user_agent, outcome, secrets }
        });
        let written = Written { uses: uses.collect(), refusals: self.refusals.clone() };
        serde_json::to_string(&written).expect("a batch has no keys but text")
    }

    /// Adds what a batch in the journal says. Tells whether it could be read.
    pub(super) fn add_text(&mut self, text: &str) -> bool {
        let Ok(written) = serde_json::from_str::<Written>(text) else { return false };
        for Alike { minute, source, user_agent, outcome, secrets } in written.uses {
            for (secret_id, count) in secrets {
                let (user_agent, outcome) = (user_agent.clone(), outcome.clone());
                self.add_use(Use { secret_id, minute, source, user_agent, outcome }, count);
            }
        }
        self.refusals.extend(written.refusals);
        true
    }

    /// The uses in the order of the table they are counted in: neighbours share its pages.
    pub(super) fn into_parts(self) -> (Vec<(Use, i64)>, Vec<RefusalRecord>) {
        let mut uses: Vec<_> = self.uses.into_iter().collect();
        uses.sort_unstable_by_key(|(used, _)| (used.minute, used.secret_id.0));
        (uses, self.refusals)
    }
}
