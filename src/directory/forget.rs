//! Drops what changes made stale.

use std::sync::{PoisonError, atomic::Ordering};

use super::Directory;
use crate::domain::Change;

impl Directory {
    /// Drops what these changes made stale. When this returns nothing older is served.
    pub fn forget(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let _alone = self.0.remembering.write().unwrap_or_else(PoisonError::into_inner);
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
        for change in changes {
            match change {
                Change::Secret { hash } => {
                    self.0.known.add((*hash).into());
                    self.0.keys.remove(hash);
                }
                Change::Organizations => self.forget_organizations(),
                Change::User { id } => drop(self.0.people.remove(id)),
                Change::Resources => self.0.resources.clear(),
                Change::SigningKeys => (),
                Change::Client { id } => {
                    self.0.known.add((*id).into());
                    self.0.clients.remove(id);
                }
                Change::Trusts => self.forget_trusts(),
                Change::Family { id } => drop(self.0.families.remove(id)),
                Change::Token { id } => {
                    self.0.revoked_tokens.remove(&Some(*id));
                    self.0.revoked_tokens.remove(&None);
                }
            }
        }
    }

    /// Drops everything: what changed is not known.
    pub(super) fn forget_all(&self) {
        let _alone = self.0.remembering.write().unwrap_or_else(PoisonError::into_inner);
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
        self.0.keys.clear();
        self.forget_organizations();
        self.0.people.clear();
        self.0.resources.clear();
        self.0.clients.clear();
        self.forget_trusts();
        self.0.families.clear();
        self.0.hashes.clear();
        self.0.revoked_tokens.clear();
        self.0.known.forget_all();
    }

    fn forget_organizations(&self) {
        self.0.organizations.clear();
        self.0.operators.clear();
    }

    fn forget_trusts(&self) {
        self.0.trusts.clear();
        self.0.trusts_by_id.clear();
    }
}
