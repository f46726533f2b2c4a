//! What an exchange reads, from memory: keys, organizations, people, resources.
//!
//! It is a cache of the store. Any entry may be lost at any time, none is older than the change
//! feed, and none is trusted while the feed cannot be followed.

mod feed;
mod forget;
mod known;
mod reads;
mod sources;
mod standing;

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};
use uuid::Uuid;

use self::reads::Reads;
pub use self::{feed::Round, reads::Within, standing::Standing};
use crate::{
    clock::Clock,
    domain::{
        ClientId, Family, FamilyId, KnownClient, Lineage, OrganizationId, Person, Presented,
        Resource, SecretHash, SecretId, Trust, TrustId, UserId,
    },
    store::{self, Store, StoreError, Tx},
};

#[derive(Clone)]
pub struct Directory(Arc<Inner>, Reads);

/// How much to remember and for how long to trust it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most API keys kept in memory.
    pub api_keys: usize,
    /// How long after the feed was last followed what is remembered may still be used.
    pub stale_after: Duration,
}

struct Inner {
    store: Store,
    clock: Clock,
    stale_after: Duration,
    keys: Cache<Uuid, Arc<Presented>>,
    organizations: Cache<OrganizationId, Arc<Lineage>>,
    /// The one that runs the server.
    operators: Cache<(), OrganizationId>,
    people: Cache<UserId, Arc<Person>>,
    resources: Cache<(), Arc<Vec<Resource>>>,
    clients: Cache<ClientId, Arc<KnownClient>>,
    /// By issuer.
    trusts: Cache<Arc<str>, Arc<Vec<Arc<Trust>>>>,
    trusts_by_id: Cache<TrustId, Arc<Trust>>,
    /// As they were when they were read: only that they ended is followed.
    families: Cache<FamilyId, Arc<Family>>,
    /// Changes only where the database is another one.
    hashes: Cache<SecretId, SecretHash>,
    /// Whether an access token was revoked, by its `jti`; and whether any was.
    revoked_tokens: Cache<Option<Uuid>, bool>,
    known: known::Known,
    /// Counts how often something was forgotten. Anyone who has read from the store may remember it
    /// only if nothing was forgotten since.
    forgotten: AtomicU64,
    /// Held shared by anyone who remembers, alone by anyone who forgets.
    remembering: RwLock<()>,
    /// Held while something is read: by the first bits of the hash of a key, or by a hash of what
    /// else it is.
    reading: [Mutex<()>; READERS],
    /// Look-ups of what is not in memory and anyone can name: keys, clients, issuers, refresh tokens.
    /// They never take all connections.
    lookups: Semaphore,
    feed: feed::Position,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often a key was found in memory, and how often it had to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub hits: u64,
    pub misses: u64,
}

/// Organizations and people are few beside keys.
const OTHERS: usize = 10_000;
/// More than there are connections to read by.
const READERS: usize = 64;
/// Beyond this a look-up has failed.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(2);

impl Directory {
    pub fn new(store: Store, clock: Clock, limits: Limits) -> Self {
        let lookups = Semaphore::new(store.half_of_connections());
        let inner = Inner {
            store,
            clock,
            stale_after: limits.stale_after,
            keys: Cache::new(limits.api_keys),
            organizations: Cache::new(OTHERS),
            operators: Cache::new(1),
            people: Cache::new(OTHERS),
            resources: Cache::new(1),
            clients: Cache::new(OTHERS),
            trusts: Cache::new(OTHERS),
            trusts_by_id: Cache::new(OTHERS),
            families: Cache::new(OTHERS),
            hashes: Cache::new(OTHERS),
            revoked_tokens: Cache::new(OTHERS),
            known: known::Known::default(),
            forgotten: AtomicU64::default(),
            remembering: RwLock::default(),
            reading: std::array::from_fn(|_| Mutex::default()),
            lookups,
            feed: feed::Position::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        };
        Self(Arc::new(inner), Reads::Memory)
    }

    /// The key that has or had the secret with this hash.
    pub async fn key(&self, hash: &SecretHash) -> Result<Option<Arc<Presented>>, StoreError> {
        if let Some(known) = self.remembered_key(hash) {
            return Ok(Some(known));
        }
        if let Reads::Within(tx) = &self.1 {
            let found = store::api_key_secrets::find(&mut *tx.lock().await, hash).await?;
            return Ok(found.map(Arc::new));
        }
        let reading = self.read_key(hash);
        timeout(LOOK_UP_WITHIN, reading).await.map_err(|_| StoreError::too_busy())?
    }

    async fn read_key(&self, hash: &SecretHash) -> Result<Option<Arc<Presented>>, StoreError> {
        // Of many who ask for one key at once, one reads it.
        let turn = usize::from(hash.as_bytes()[0]) % READERS;
        let _turn = self.0.reading[turn].lock().await;
        if let Some(known) = self.remembered_key(hash) {
            return Ok(Some(known));
        }
        self.0.misses.fetch_add(1, Ordering::Relaxed);
        let _lookup = self.lookup().await?;
        let seen = self.forgotten();
        let found = store::api_key_secrets::find(&self.0.store, hash).await?.map(Arc::new);
        if let Some(found) = &found {
            self.remember(&self.0.keys, hash.short(), found, seen);
        }
        Ok(found)
    }

    fn remembered_key(&self, hash: &SecretHash) -> Option<Arc<Presented>> {
        let known = self.remembered(&self.0.keys, &hash.short())?;
        let is_it = known.secret.hash.matches(hash);
        is_it.then(|| {
            self.0.hits.fetch_add(1, Ordering::Relaxed);
            known
        })
    }

    /// The organization with what it inherits.
    pub async fn lineage(&self, id: OrganizationId) -> Result<Option<Arc<Lineage>>, StoreError> {
        let read = async |tx: &mut Tx| shared(store::organizations::lineage(tx, id).await);
        self.look_up(&self.0.organizations, id, read).await
    }

    /// The user with all memberships.
    pub async fn person(&self, id: UserId) -> Result<Option<Arc<Person>>, StoreError> {
        let read = async |tx: &mut Tx| shared(store::users::person(tx, id).await);
        self.look_up(&self.0.people, id, read).await
    }

    /// Every registered resource, by identifier.
    pub async fn resources(&self) -> Result<Arc<Vec<Resource>>, StoreError> {
        let read = async |tx: &mut Tx| store::resources::list(tx).await.map(Arc::new).map(Some);
        self.look_up(&self.0.resources, (), read).await.map(Option::unwrap_or_default)
    }

    /// How often anything was forgotten: an exchange that sees two numbers has to judge anew.
    pub fn forgotten(&self) -> u64 {
        self.0.forgotten.load(Ordering::SeqCst)
    }

    pub fn counts(&self) -> Counts {
        Counts {
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
        }
    }

    /// Whether what is remembered may be used: the feed was followed not long ago, and the database
    /// is the one that was opened.
    pub fn is_fresh(&self) -> bool {
        let followed = self.0.feed.followed_at();
        self.0.store.is_whole()
            && followed
                .is_some_and(|at| self.0.clock.uptime().saturating_sub(at) < self.0.stale_after)
    }

    /// What is in memory, or is read by this. Of many who ask for one thing at once, one reads it.
    async fn look_up<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        read: impl AsyncFnOnce(&mut Tx) -> Result<Option<V>, StoreError>,
    ) -> Result<Option<V>, StoreError>
    where
        K: Eq + Hash,
        V: Clone,
    {
        if let Some(known) = self.remembered(cache, &key) {
            return Ok(Some(known));
        }
        let turn = if self.remembers() { Some(self.turn(&key).lock().await) } else { None };
        if let Some(known) = self.remembered(cache, &key) {
            return Ok(Some(known));
        }
        let seen = self.forgotten();
        let mut tx = self.read().await?;
        let found = read(&mut tx).await?;
        if let Some(found) = &found {
            self.remember(cache, key, found, seen);
        }
        drop(turn);
        Ok(found)
    }

    /// The same for what anyone can name, known or not: by half of the connections at most.
    async fn look_up_for_strangers<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        read: impl AsyncFnOnce(&mut Tx) -> Result<Option<V>, StoreError>,
    ) -> Result<Option<V>, StoreError>
    where
        K: Eq + Hash,
        V: Clone,
    {
        if let Some(known) = self.remembered(cache, &key) {
            return Ok(Some(known));
        }
        let _lookup = self.lookup().await?;
        self.look_up(cache, key, read).await
    }

    fn turn(&self, key: &impl Hash) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let turn = hasher.finish() % self.0.reading.len() as u64;
        &self.0.reading[usize::try_from(turn).unwrap_or_default()]
    }

    fn remembered<K: Eq + Hash, V: Clone>(&self, cache: &Cache<K, V>, key: &K) -> Option<V> {
        if self.remembers() && self.is_fresh() { cache.get(key) } else { None }
    }

    /// Keeps what was read when `seen` was the count of what was forgotten.
    fn remember<K: Eq + Hash, V: Clone>(&self, cache: &Cache<K, V>, key: K, value: &V, seen: u64) {
        let _shared = self.0.remembering.read().unwrap_or_else(PoisonError::into_inner);
        if self.remembers() && self.forgotten() == seen {
            cache.insert(key, value.clone());
        }
    }
}

fn shared<T>(found: Result<Option<T>, StoreError>) -> Result<Option<Arc<T>>, StoreError> {
    found.map(|found| found.map(Arc::new))
}
