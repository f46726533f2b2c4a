//! The signing keys of one moment's records: which of them signs, which are published.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arc_swap::ArcSwapOption;

use super::{Damage, KeyEncryptionKey, header::Headers, jwks::Jwks, key_pair::KeyPair, wrapped};
use crate::{
    clock::Timestamp,
    domain::{Algorithm, SigningKey, SigningKeyState},
};

/// A record that an operator has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedKey {
    pub signing_key_id: String,
    pub algorithm: Algorithm,
    pub why: Damage,
}

#[derive(Default)]
pub(super) struct Ring {
    /// The latest to be activated last, each algorithm by itself.
    entries: Vec<Entry>,
    jwks: ArcSwapOption<Jwks>,
}

struct Entry {
    record: SigningKey,
    key: Option<Arc<ReadyKey>>,
    damage: Option<Damage>,
}

pub(super) struct ReadyKey {
    pub(super) pair: KeyPair,
    pub(super) headers: Headers,
}

impl ReadyKey {
    fn open(record: &SigningKey, with: &KeyEncryptionKey) -> Result<Self, Damage> {
        let pair = wrapped::open(record, with)?;
        Ok(Self { headers: Headers::new(&pair), pair })
    }
}

impl Ring {
    /// Opens only what changed: parsing an RSA key takes longer than signing with one.
    pub(super) fn load(&self, records: Vec<SigningKey>, with: &KeyEncryptionKey) -> Self {
        let known: HashMap<_, _> = self
            .entries
            .iter()
            .filter(|entry| entry.damage != Some(Damage::Duplicate))
            .map(|entry| (entry.record.signing_key_id.as_str(), entry))
            .collect();
        let mut seen = HashSet::new();
        let unrevoked = records.into_iter().filter(|record| record.revoked_at.is_none());
        let mut entries: Vec<_> = unrevoked
            .map(|record| {
                if seen.insert(record.signing_key_id.clone()) {
                    let before = known.get(record.signing_key_id.as_str()).copied();
                    Entry::load(record, before, with)
                } else {
                    Entry { record, key: None, damage: Some(Damage::Duplicate) }
                }
            })
            .collect();
        entries.sort_by(|a, b| order(&a.record).cmp(&order(&b.record)));
        Self { entries, jwks: ArcSwapOption::empty() }
    }

    pub(super) fn damaged(&self) -> impl Iterator<Item = DamagedKey> {
        self.entries.iter().filter_map(|Entry { record, damage, .. }| {
            Some(DamagedKey {
                signing_key_id: record.signing_key_id.clone(),
                algorithm: record.algorithm,
                why: damage.clone()?,
            })
        })
    }

    /// The active key that was activated last. Where every active record is damaged, the key before
    /// them goes on signing: it cannot retire in favour of a key that no one can open. Where none
    /// is active as the clock was set back, one that is published signs.
    pub(super) fn signer(&self, algorithm: Algorithm, now: Timestamp) -> Option<&Arc<ReadyKey>> {
        let begun = || {
            let of_algorithm = |entry: &&Entry| entry.record.algorithm == algorithm;
            let has_begun = |entry: &&Entry| entry.record.activates_at <= now;
            self.entries.iter().rev().filter(of_algorithm).filter(has_begun)
        };
        let active = || begun().filter(|entry| entry.record.state(now) == SigningKeyState::Active);

        let usable = active().find_map(|entry| entry.key.as_ref());
        usable.or_else(|| match active().next() {
            Some(_) => begun().find_map(|entry| entry.key.as_ref()),
            None => self.not_due(algorithm, now)?.key.as_ref(),
        })
    }

    /// The key that signs although it is not due, where none is: one that was made later than now,
    /// by a clock that was set back since. Of several the one that was published first.
    fn not_due(&self, algorithm: Algorithm, now: Timestamp) -> Option<&Entry> {
        let mut entries = self.entries.iter().filter(|entry| entry.record.algorithm == algorithm);
        let is_active = |entry: &Entry| entry.record.state(now) == SigningKeyState::Active;
        if entries.clone().any(is_active) {
            return None;
        }
        entries.find(|entry| entry.record.created_at > now && entry.key.is_some())
    }

    /// The keys that sign although they are not due.
    pub(super) fn all_not_due(&self, now: Timestamp) -> impl Iterator<Item = (Algorithm, String)> {
        Algorithm::ALL.into_iter().filter_map(move |algorithm| {
            let entry = self.not_due(algorithm, now)?;
            Some((algorithm, entry.record.signing_key_id.clone()))
        })
    }

    /// When the first key of the algorithm begins to sign; `None` where one has begun, or there is
    /// none.
    pub(super) fn begins(&self, algorithm: Algorithm, now: Timestamp) -> Option<Timestamp> {
        let records = self.entries.iter().map(|it| &it.record);
        let begins = SigningKey::first_begins(records, algorithm, now);
        begins.filter(|_| self.not_due(algorithm, now).is_none())
    }

    /// The key of that identifier, while tokens signed by it are to be trusted: from the moment
    /// it begins to sign until its last token has died. A pending key is known and has signed
    /// nothing, unless it signs for want of another.
    pub(super) fn verifier(&self, signing_key_id: &str, now: Timestamp) -> Option<&ReadyKey> {
        let named = |entry: &&Entry| entry.record.signing_key_id == signing_key_id;
        let mut keys = self.entries.iter().filter(named);
        keys.find_map(|Entry { record, key, .. }| {
            let key = key.as_ref()?;
            let trusted = match record.state(now) {
                SigningKeyState::Active | SigningKeyState::Retiring => true,
                SigningKeyState::Pending | SigningKeyState::Gone => {
                    self.still_signs(record, key, now)
                }
            };
            trusted.then_some(&**key)
        })
    }

    /// Tells whether a key out of its time signs for want of another.
    fn still_signs(&self, record: &SigningKey, key: &Arc<ReadyKey>, now: Timestamp) -> bool {
        self.signer(record.algorithm, now).is_some_and(|signer| Arc::ptr_eq(signer, key))
    }

    /// Built when the published keys change, not when someone asks.
    pub(super) fn jwks(&self, now: Timestamp) -> Arc<Jwks> {
        let published = self.published(now);
        let pairs = published.iter().map(|key| &key.pair);
        if let Some(jwks) = self.jwks.load_full().filter(|jwks| jwks.is_of(pairs.clone())) {
            return jwks;
        }
        let jwks = Arc::new(Jwks::of(pairs));
        self.jwks.store(Some(Arc::clone(&jwks)));
        jwks
    }

    fn published(&self, now: Timestamp) -> Vec<&ReadyKey> {
        let is_published = |record: &SigningKey, key: &Arc<ReadyKey>| {
            record.state(now) != SigningKeyState::Gone || self.still_signs(record, key, now)
        };
        let keys = self.entries.iter().filter_map(|entry| {
            let key = entry.key.as_ref()?;
            is_published(&entry.record, key).then_some(&**key)
        });
        keys.collect()
    }
}

impl Entry {
    /// A key that is already open stays in use when its record is damaged afterwards: it is
    /// still the key that its tokens name. The damage is reported all the same.
    fn load(record: SigningKey, before: Option<&Self>, with: &KeyEncryptionKey) -> Self {
        let before = before.filter(|before| before.record.algorithm == record.algorithm);
        if let Some(Self { record: same, key, damage }) = before
            && same.wrapped == record.wrapped
            && same.wrapped_by == record.wrapped_by
        {
            return Self { record, key: key.clone(), damage: damage.clone() };
        }
        match ReadyKey::open(&record, with) {
            Ok(key) => Self { record, key: Some(Arc::new(key)), damage: None },
            Err(why) => {
                let key = before.and_then(|before| before.key.clone());
                Self { record, key, damage: Some(why) }
            }
        }
    }
}

fn order(record: &SigningKey) -> (Algorithm, Timestamp, i64, &str) {
    (record.algorithm, record.activates_at, record.generation, &record.signing_key_id)
}
