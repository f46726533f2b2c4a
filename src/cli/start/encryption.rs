//! Finds the key-encryption key, and makes one only where nothing hangs on another.

use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    cli::beside::{beside, take_place},
    clock::Clock,
    config::{self, Config, key_file},
    domain::SigningKeyState,
    manage::key_encryption,
    random::Random,
    signing::KeyEncryptionKey,
    store::{self, Store},
};

/// Makes one at the first start only: what the lost one encrypted a new one could not open.
///
/// It knows the keys that it replaced.
pub(super) async fn find(config: &Config, store: &Store) -> anyhow::Result<KeyEncryptionKey> {
    if let config::KeyEncryptionKey::File(path) = &config.signing.key_encryption_key {
        finish_rotation(path, store).await?;
    }
    let key = find_alone(config, store).await?;
    Ok(key_encryption::with_former(store, key).await?)
}

/// The text of the key, for a backup that is to hold it.
pub(super) fn text(config: &Config) -> anyhow::Result<SecretString> {
    Ok(match &config.signing.key_encryption_key {
        config::KeyEncryptionKey::Given(text) => text.clone(),
        config::KeyEncryptionKey::File(path) => {
            let text = key_file::load(path)?;
            text.with_context(|| format!("{} is missing", path.display()))?
        }
    })
}

/// `keyturn key-encryption-key rotate` may have ended after its transaction and before the new
/// file took the place of the old one.
async fn finish_rotation(path: &Path, store: &Store) -> anyhow::Result<()> {
    let next = beside(path, "next");
    let (Some(old), Some(new)) = (key_file::load(path)?, key_file::load(&next)?) else {
        return Ok(());
    };
    let old = KeyEncryptionKey::from_text(old.expose_secret())?.id();
    let new = KeyEncryptionKey::from_text(new.expose_secret())?.id();
    let mut tx = store.read().await?;
    let former = store::former_keys::list(&mut tx).await?;
    if former.iter().any(|former| former.id == old && former.wrapped_by == new) {
        take_place(path, &next, &old)?;
        tracing::info!(%old, %new, "finished an interrupted rotation of the key-encryption key");
    }
    Ok(())
}

async fn find_alone(config: &Config, store: &Store) -> anyhow::Result<KeyEncryptionKey> {
    if let config::KeyEncryptionKey::File(path) = &config.signing.key_encryption_key
        // In this order: where another process starts for the first time, its file comes first.
        && has_signing_keys(store).await?
        && key_file::load(path)?.is_none()
    {
        bail!(
            "{} is missing, and it encrypted the signing keys in the database: bring it back from \
             a backup, or say where it is (setting signing.key_encryption_key_file). If it is \
             lost, revoke those keys: `keyturn signing-key list`, `keyturn signing-key revoke`",
            path.display()
        );
    }
    find_or_make(config)
}

async fn has_signing_keys(store: &Store) -> anyhow::Result<bool> {
    let now = Clock::system().now();
    let mut tx = store.read().await?;
    let keys = store::signing_keys::list(&mut tx).await?;
    Ok(keys.iter().any(|key| key.state(now) != SigningKeyState::Gone))
}

/// The key of the configuration; a new one where its file is missing.
pub(super) fn find_or_make(config: &Config) -> anyhow::Result<KeyEncryptionKey> {
    let (text, place): (SecretString, String) = match &config.signing.key_encryption_key {
        config::KeyEncryptionKey::Given(text) => {
            (text.clone(), "signing.key_encryption_key".to_owned())
        }
        config::KeyEncryptionKey::File(path) => {
            let make = || KeyEncryptionKey::generate(&Random::System);
            (key_file::load_or_create(path, make)?, path.display().to_string())
        }
    };
    KeyEncryptionKey::from_text(text.expose_secret()).with_context(|| place)
}
