//! Makes signing keys and lets them follow each other: pending, active, retiring, gone.

mod revoke;

use serde_json::json;
use tokio::task::spawn_blocking;

pub use self::revoke::revoke;
use super::{Asker, Change, Judged, Rejection, audit};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Algorithm, SigningKey, SigningKeyState},
    signing::{self, NewSigningKey},
    store::{self, StoreError, Tx},
};

const READ: &str = "signing-keys:read";
const WRITE: &str = "signing-keys:write";

/// The algorithms that every server has keys for from its first start on. RS256 is what every
/// verifier knows (OpenID Connect Discovery 1.0, section 3; RFC 9068, section 4), ES256 what we
/// sign with.
pub const AT_FIRST: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// Makes a key for this algorithm if there has never been one. A damaged one is never replaced:
/// live tokens hang on it.
pub async fn ensure(app: &App, asker: &Asker, algorithm: Algorithm) -> Result<(), Rejection> {
    if is_there(app, algorithm).await? {
        return Ok(());
    }
    let new = generate(app, algorithm).await?;
    match insert(app, asker, new, Made::First, "signing_key.created").await {
        // Another node was first, and its key is as good.
        Err(Rejection::Exists) => Ok(app.load_signing_keys().await?),
        done => done.map(drop),
    }
}

/// Whether there is or was a key for this algorithm.
pub(super) async fn is_there(app: &App, algorithm: Algorithm) -> Result<bool, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(!is_missing(&mut tx, algorithm).await?)
}

/// Whether there has never been a key for this algorithm.
pub(super) async fn is_missing(tx: &mut Tx, algorithm: Algorithm) -> Result<bool, Rejection> {
    Ok(store::signing_keys::last_generation(tx, algorithm).await?.is_none())
}

/// The algorithms whose first key is still only published, each with the moment from which on it
/// signs. No secret: the JWKS has these keys.
pub async fn pending(app: &App) -> Result<Vec<(Algorithm, Timestamp)>, Rejection> {
    pending_in(&mut app.store.read().await?, app.clock.now()).await
}

pub(super) async fn pending_in(
    tx: &mut Tx,
    now: Timestamp,
) -> Result<Vec<(Algorithm, Timestamp)>, Rejection> {
    let keys = store::signing_keys::list(tx).await?;
    let begins =
        |algorithm| SigningKey::first_begins(keys.iter(), algorithm, now).map(|at| (algorithm, at));
    Ok(Algorithm::ALL.into_iter().filter_map(begins).collect())
}

/// A key that [`add_first`] stores: made before a transaction that must not wait for it.
pub(super) async fn prepare(app: &App, algorithm: Algorithm) -> Result<NewSigningKey, Rejection> {
    generate(app, algorithm).await
}

/// [`ensure`] as a part of a larger transaction. Fails if another was quicker. All of them begin
/// alike, whichever comes first.
pub(super) async fn add_first(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    new: Vec<NewSigningKey>,
) -> Result<(), Rejection> {
    let from = first_begins(app, tx).await?;
    for key in new {
        add(app, tx, asker, (key, Made::First, from), "signing_key.created").await?;
    }
    Ok(())
}

/// When the first key of an algorithm begins to sign. Once a server has started, someone may keep a
/// copy of the JWKS, so that a key is published first, as every other. Before that no one can: it
/// signs at once.
async fn first_begins(app: &App, tx: &mut Tx) -> Result<Timestamp, Rejection> {
    let now = app.clock.now();
    for algorithm in AT_FIRST {
        if is_missing(tx, algorithm).await? {
            return Ok(now);
        }
    }
    Ok(now + app.settings.rotation.publish_lead())
}

/// Makes the next key. It is published at once and signs when every verifier can know it.
pub async fn rotate(
    app: &App,
    asker: &Asker,
    algorithm: Algorithm,
) -> Result<SigningKey, Rejection> {
    asker.must_run_server(WRITE)?;
    let new = generate(app, algorithm).await?;
    match insert(app, asker, new, Made::Next, "signing_key.rotated").await {
        Err(Rejection::Exists) => {
            // Another was quicker since we looked.
            let next = all(app).await?.into_iter().rfind(|key| key.algorithm == algorithm);
            let next = next.ok_or(Rejection::NotFound("signing key"))?;
            Err(Rejection::AlreadyRotating(next.signing_key_id))
        }
        done => done,
    }
}

/// Makes a key from a PEM file the next one of its algorithm, which may be the first.
pub async fn import(app: &App, asker: &Asker, pem: &str) -> Result<SigningKey, Rejection> {
    asker.must_run_server(WRITE)?;
    let new = signing::import(pem, &app.key_encryption_key, &app.random)?;
    let mut tx = app.store.read().await?;
    let is_first = is_missing(&mut tx, new.algorithm).await?;
    let known = store::signing_keys::list(&mut tx).await?;
    drop(tx);
    if known.iter().any(|key| key.signing_key_id == new.signing_key_id) {
        return Err(Rejection::KnownSigningKey);
    }
    let made = if is_first { Made::First } else { Made::Next };
    insert(app, asker, new, made, "signing_key.imported").await
}

/// Rotates every algorithm whose key will have signed long enough when its successor is ready.
/// Gives the successors. Two nodes that do this at once make one.
pub async fn rotate_due(app: &App) -> Result<Vec<SigningKey>, Rejection> {
    let now = app.clock.now();
    let rotation = app.settings.rotation;
    let mut tx = app.store.read().await?;
    let keys = store::signing_keys::list(&mut tx).await?;
    drop(tx);
    let mut made = Vec::new();
    for algorithm in Algorithm::ALL {
        // A revoked key has no successor: the one before it signs, and needs one.
        let counts = |key: &&SigningKey| key.algorithm == algorithm && key.revoked_at.is_none();
        let last = keys.iter().rfind(counts);
        let is_due = last.is_some_and(|key| {
            key.state(now) == SigningKeyState::Active
                && key.activates_at + rotation.every - rotation.publish_lead() <= now
        });
        if is_due {
            match rotate(app, &Asker::keyturn(), algorithm).await {
                Ok(key) => made.push(key),
                Err(Rejection::Exists | Rejection::AlreadyRotating(_)) => (),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(made)
}

/// Fails where there are signing keys and the key-encryption key we have opens none of them: what
/// it would encrypt no other node could open.
pub async fn check_key_encryption_key(app: &App) -> Result<(), Rejection> {
    check_ours(app, &all(app).await?)
}

fn check_ours(app: &App, keys: &[SigningKey]) -> Result<(), Rejection> {
    let (now, ours) = (app.clock.now(), app.key_encryption_key.id());
    let kept = || keys.iter().filter(|key| key.state(now) != SigningKeyState::Gone);
    match kept().next_back() {
        Some(last) if kept().all(|key| key.wrapped_by != ours) => {
            Err(Rejection::OtherKeyEncryptionKey { theirs: last.wrapped_by.clone(), ours })
        }
        _ => Ok(()),
    }
}

/// Every key, by algorithm, oldest first.
pub async fn list(app: &App, asker: &Asker) -> Result<Vec<SigningKey>, Rejection> {
    asker.must_run_server(READ)?;
    all(app).await
}

async fn all(app: &App) -> Result<Vec<SigningKey>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::signing_keys::list(&mut tx).await?)
}

async fn generate(app: &App, algorithm: Algorithm) -> Result<NewSigningKey, Rejection> {
    let (wrap_by, random) = (app.key_encryption_key.clone(), app.random.clone());
    let made = spawn_blocking(move || signing::generate(algorithm, &wrap_by, &random)).await;
    Ok(made.expect("making a key does not panic"))
}

/// Which key of its algorithm a new one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    First,
    /// It signs when every verifier can know it.
    Next,
}

/// Stores the new key as the next generation and lets the one before it retire when it begins.
/// Fails with [`StoreError::Conflict`] if another was quicker.
async fn insert(
    app: &App,
    asker: &Asker,
    new: NewSigningKey,
    made: Made,
    action: &'static str,
) -> Result<SigningKey, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server(WRITE)?;
    let from = match made {
        Made::First => first_begins(app, &mut tx).await?,
        Made::Next => app.clock.now() + app.settings.rotation.publish_lead(),
    };
    let key = add(app, &mut tx, asker, (new, made, from), action).await?;
    app.commit(tx).await?;
    Ok(key)
}

async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    (new, made, from): (NewSigningKey, Made, Timestamp),
    action: &'static str,
) -> Result<SigningKey, Rejection> {
    let now = app.clock.now();
    // Before the list: anyone who makes a key after this has taken the generation that we try for.
    let last = store::signing_keys::last_generation(tx, new.algorithm).await?;
    let mut keys = store::signing_keys::list(tx).await?;
    check_ours(app, &keys)?;
    keys.retain(|key| key.algorithm == new.algorithm);
    if made == Made::First && last.is_some() {
        return Err(StoreError::Conflict.into());
    }
    let generation = last.unwrap_or(0) + 1;
    // A revoked key has no successor.
    if let Some(mut before) = keys.into_iter().rfind(|key| key.revoked_at.is_none()) {
        retire(app, tx, &mut before, from, now).await?;
    }
    let key = record(new, generation, now, from);
    store::signing_keys::insert(tx, &key).await?;
    let detail = json!({ "algorithm": key.algorithm, "activates_at": key.activates_at });
    audit(app, tx, asker, change(action, &key.signing_key_id, detail));
    Ok(key)
}

async fn retire(
    app: &App,
    tx: &mut Tx,
    before: &mut SigningKey,
    from: Timestamp,
    now: Timestamp,
) -> Result<(), Rejection> {
    match before.state(now) {
        SigningKeyState::Pending => Err(Rejection::AlreadyRotating(before.signing_key_id.clone())),
        SigningKeyState::Active => {
            before.retires_at = Some(from);
            before.gone_at = Some(from + app.settings.rotation.retirement());
            Ok(store::signing_keys::set_life(tx, before).await?)
        }
        SigningKeyState::Retiring | SigningKeyState::Gone => Ok(()),
    }
}

fn record(new: NewSigningKey, generation: i64, now: Timestamp, from: Timestamp) -> SigningKey {
    SigningKey {
        signing_key_id: new.signing_key_id,
        algorithm: new.algorithm,
        generation,
        wrapped: new.wrapped,
        wrapped_by: new.wrapped_by,
        created_at: now,
        activates_at: from,
        retires_at: None,
        gone_at: None,
        revoked_at: None,
    }
}

fn change(action: &'static str, signing_key_id: &str, detail: serde_json::Value) -> Change {
    let subject = format!("signing_key:{signing_key_id}");
    Change { action, subject, organization_id: None, detail }
}
