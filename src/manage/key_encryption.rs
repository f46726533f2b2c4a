//! Replaces the key-encryption key: what it wrapped is wrapped by the new one, in one transaction.

use serde_json::json;

use super::{Asker, Change, Rejection, audit};
use crate::{
    app::App,
    domain::SigningKeyState,
    signing::{self, Damage, FormerKey, KeyEncryptionKey},
    store::{self, Store, StoreError, former_keys::FormerKeyRecord},
};

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    pub signing_keys: usize,
    /// Signing keys that signed their last token and cannot be opened: they stay as they are.
    pub left: Vec<String>,
}

/// Wraps the signing keys and the former key-encryption keys by `new`. Refresh tokens and secrets
/// of webhooks that were derived from the key in use go on working.
pub async fn rotate(
    app: &App,
    asker: &Asker,
    new: &KeyEncryptionKey,
) -> Result<Rewrapped, Rejection> {
    let (now, old) = (app.clock.now(), &app.key_encryption_key);
    if new.id() == old.id() {
        return Err(Rejection::SameKeyEncryptionKey(new.id()));
    }
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server("signing-keys:write")?;
    let mut done = Rewrapped { signing_keys: 0, left: Vec::new() };
    for key in store::signing_keys::list(&mut tx).await? {
        match signing::rewrap(&key, old, new, &app.random) {
            Ok(wrapped) => {
                let (id, by) = (&key.signing_key_id, &wrapped.wrapped_by);
                store::signing_keys::set_wrapped(&mut tx, id, &wrapped.wrapped, by).await?;
                done.signing_keys += 1;
            }
            Err(_) if key.state(now) == SigningKeyState::Gone => done.left.push(key.signing_key_id),
            Err(Damage::OtherKeyEncryptionKey { wrapped_by, ours }) => {
                return Err(Rejection::OtherKeyEncryptionKey { theirs: wrapped_by, ours });
            }
            Err(damage) => return Err(Rejection::DamagedSigningKey(key.signing_key_id, damage)),
        }
    }
    for former in old.with_former().skip(1) {
        let wrapped = new.wrap_former(&app.random, former);
        store::former_keys::set_wrapped(&mut tx, &former.id(), &wrapped, &new.id()).await?;
    }
    let former = FormerKeyRecord {
        id: old.id(),
        wrapped: new.wrap_former(&app.random, old),
        wrapped_by: new.id(),
        replaced_at: now,
    };
    store::former_keys::insert(&mut tx, &former).await?;
    let change = Change {
        action: "key_encryption_key.rotated",
        subject: format!("key_encryption_key:{}", new.id()),
        organization_id: None,
        detail: json!({ "former": old.id(), "signing_keys": done.signing_keys }),
    };
    audit(app, &mut tx, asker, change);
    app.commit(tx).await?;
    Ok(done)
}

/// The key with those it replaced, as this database keeps them. One that cannot be opened is left
/// out and reported: the others go on working.
pub async fn with_former(
    store: &Store,
    key: KeyEncryptionKey,
) -> Result<KeyEncryptionKey, StoreError> {
    let mut tx = store.read().await?;
    let records = store::former_keys::list(&mut tx).await?;
    let mut former = Vec::new();
    for FormerKeyRecord { id, wrapped, replaced_at, wrapped_by } in records {
        if let Ok(key) = key.unwrap_former(&id, &wrapped) {
            former.push(FormerKey { key, replaced_at });
        } else {
            let ours = key.id();
            tracing::error!(%id, %wrapped_by, %ours, "cannot open a former key-encryption key");
        }
    }
    Ok(key.after(former))
}
