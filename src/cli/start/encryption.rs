//! Finds the key-encryption key, and makes one only where nothing hangs on another.

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    clock::Clock,
    config::{self, Config, key_file},
    domain::SigningKeyState,
    random::Random,
    signing::KeyEncryptionKey,
    store::{self, Store},
};

/// Makes one at the first start only: what the lost one encrypted a new one could not open.
pub(super) async fn find(config: &Config, store: &Store) -> anyhow::Result<KeyEncryptionKey> {
    if let config::KeyEncryptionKey::File(path) = &config.signing.key_encryption_key
        // In this order: where another process starts for the first time, its file comes first.
        && has_signing_keys(store).await?
        && key_file::load(path)?.is_none()
    {
        bail!(
            "{} is missing, and it encrypted the signing keys in the database: bring it back from \
             a backup, or say where it is (setting signing.key_encryption_key_file). If it is lost \
             for ever, take those keys out by `keyturn signing-key list` and `keyturn signing-key \
             revoke`",
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
