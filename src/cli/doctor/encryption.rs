//! The key-encryption key: there, for its owner alone, and a key.

use secrecy::{ExposeSecret as _, SecretString};

use super::{report::Report, with_causes};
use crate::{
    config::{self, Config, key_file},
    signing::KeyEncryptionKey,
};

const WHAT: &str = "key-encryption key";

/// What there is to open signing keys with.
pub(super) enum Found {
    Key(KeyEncryptionKey),
    /// No file. Right before the first start alone: what the signing keys are decides.
    Nothing,
    /// Something that is no use, and was reported.
    Unusable,
}

/// Makes no file where there is none.
pub(super) fn check(config: &Config, report: &mut Report) -> Found {
    let (text, place): (SecretString, String) = match &config.signing.key_encryption_key {
        config::KeyEncryptionKey::Given(text) => {
            (text.clone(), "the setting signing.key_encryption_key".to_owned())
        }
        config::KeyEncryptionKey::File(path) => match key_file::load(path) {
            Ok(Some(text)) => (text, path.display().to_string()),
            Ok(None) => return Found::Nothing,
            Err(error) => {
                report.failed(WHAT, with_causes(&error.into()));
                return Found::Unusable;
            }
        },
    };
    match KeyEncryptionKey::from_text(text.expose_secret()) {
        Ok(key) => {
            report.ok(WHAT, format!("{place} holds key {}; keep a copy elsewhere", key.id()));
            Found::Key(key)
        }
        Err(error) => {
            report.failed(WHAT, format!("{place}: {error}; bring it back from a backup"));
            Found::Unusable
        }
    }
}
