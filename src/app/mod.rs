//! What every request needs, put together once at the start.

mod alarms;
mod attempts;
mod budget;
mod follow;
mod passwords;
mod pauses;

use std::{net::IpAddr, num::NonZeroU32, ops::Deref, sync::Arc};

use chrono::TimeDelta;
use tokio::sync::Mutex;

pub use self::{
    attempts::{Attempts, Registrations, TooManyFailures, TooManyRegistrations},
    passwords::{Passwords, TooBusy},
    pauses::Pauses,
};
use crate::{
    clock::Clock,
    directory::{Directory, Within},
    domain::{
        Actor, Issuer, KeyPolicy, RefreshPolicy, RefusalRecord, RegistrationPolicy, Resource,
        Rotation, SecretHash, audit_email,
    },
    ledger::Ledger,
    outbound::Outbound,
    peers::Peers,
    random::Random,
    signing::{KeyEncryptionKey, Nonces, Signer},
    store::{self, Store, StoreError, Tx},
};

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
    pub directory: Directory,
}

pub struct Parts {
    pub settings: Settings,
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub ledger: Ledger,
    pub signer: Signer,
    /// What proofs of possession have to carry; `None`: nothing.
    pub proof_nonces: Option<Nonces>,
    /// The way to servers of others.
    pub outbound: Outbound,
    /// The public keys of others.
    pub peers: Peers,
    /// Wraps the private halves of new signing keys.
    pub key_encryption_key: KeyEncryptionKey,
    pub attempts: Attempts,
    pub registrations: Registrations,
    pub passwords: Passwords,
    /// keyturn as a resource of its own.
    pub own_resource: Resource,
    pub pauses: Pauses,
    /// Signing keys are loaded by one task at a time: of two the slower would win, not the newer.
    loading: Mutex<()>,
}

/// What an operator decided, as far as it reaches below the edges.
#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: Issuer,
    pub token_lifetime: TimeDelta,
    /// By up to how many percent `expires_in` is shortened, by chance, below what the token says.
    pub expires_in_jitter: u32,
    /// Whether tokens carry the key's audit address.
    pub email_claim: bool,
    pub keys: KeyPolicy,
    pub refresh: RefreshPolicy,
    pub rotation: Rotation,
    /// Failed attempts a minute from one source before it is told to slow down.
    pub failures_per_minute: NonZeroU32,
    /// Keys that no one used for so long are disabled; `None`: never.
    pub disable_unused_after: Option<TimeDelta>,
    /// Whether there is a server that takes mails.
    pub sends_mail: bool,
    /// Whether a proof of possession has to carry a nonce of ours.
    pub proofs_need_nonce: bool,
    /// `None`: clients do not register themselves.
    pub registration: Option<RegistrationPolicy>,
}

/// What [`App::new`] cannot make by itself.
pub struct Foundations {
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub directory: Directory,
    pub ledger: Ledger,
    pub outbound: Outbound,
    pub key_encryption_key: KeyEncryptionKey,
}

impl App {
    pub fn new(settings: Settings, on: Foundations) -> Self {
        let parts = Parts {
            signer: Signer::new(settings.issuer.clone(), on.key_encryption_key.clone()),
            proof_nonces: settings.proofs_need_nonce.then(|| Nonces::new(&on.key_encryption_key)),
            attempts: Attempts::new(&on.clock, settings.failures_per_minute),
            registrations: Registrations::new(&on.clock, settings.registration.as_ref()),
            passwords: Passwords::default(),
            peers: Peers::new(on.outbound.clone(), on.clock.clone()),
            own_resource: Resource::keyturn(&settings.issuer),
            settings,
            clock: on.clock,
            random: on.random,
            store: on.store,
            ledger: on.ledger,
            outbound: on.outbound,
            key_encryption_key: on.key_encryption_key,
            pauses: Pauses::default(),
            loading: Mutex::default(),
        };
        Self { parts: Arc::new(parts), directory: on.directory }
    }

    /// The same, with a directory that answers by what this transaction sees: for what has to be
    /// judged as of the moment of a write.
    #[must_use]
    pub fn within(&self, tx: Tx) -> (Self, Within) {
        let (directory, within) = self.directory.within(tx);
        (Self { parts: Arc::clone(&self.parts), directory }, within)
    }

    /// Commits, and forgets at once what the transaction made stale: when this returns, this node
    /// goes by the new state.
    pub async fn commit(&self, mut tx: Tx) -> Result<(), StoreError> {
        self.name_actors(&mut tx).await?;
        let changes = tx.commit(self.clock.now()).await?;
        self.adopt(&changes).await;
        Ok(())
    }

    /// What a key does is recorded under its audit address as well, whichever way it was done.
    async fn name_actors(&self, tx: &mut Tx) -> Result<(), StoreError> {
        for mut event in tx.take_recorded() {
            if let Actor::ApiKey(id) = event.actor {
                let key = store::api_keys::find(tx, id).await?;
                let domain = &self.settings.keys.audit_email_domain;
                // A key that has deleted itself is known by what is recorded of that.
                let deleted = event.detail["name"].as_str();
                let deleted = deleted.filter(|_| event.subject == format!("key:{id}"));
                event.actor_email = match key {
                    Some(key) => Some(key.audit_email(domain)),
                    None => deleted.map(|name| audit_email(id, name, domain)),
                };
            }
            tx.record(event);
        }
        Ok(())
    }

    /// Keeps why something was refused, to be looked up; of a flood from one source only so many.
    pub fn record_refusal(&self, refusal: RefusalRecord) {
        if self.attempts.is_recorded(refusal.source) {
            self.ledger.record_refusal(refusal);
        }
    }

    /// Whether a secret is looked up: for a source that has failed too often, only
    /// where it may be one of ours.
    pub async fn may_look_up(&self, hash: &SecretHash, source: IpAddr) -> bool {
        self.attempts.check(source).is_ok() || self.directory.may_have_secret(hash).await
    }

    /// Loads the signing keys that are not gone.
    pub async fn load_signing_keys(&self) -> Result<(), StoreError> {
        let _turn = self.loading.lock().await;
        let mut tx = self.store.read().await?;
        let keys = store::signing_keys::list(&mut tx).await?;
        drop(tx);
        self.signer.load(keys);
        Ok(())
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
