//! From the configuration to an app: what every command begins with.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    app::{App, Foundations, Settings},
    clock::Clock,
    config::{self, Config, RecordUsage, key_file},
    directory::{self, Directory},
    domain::{Algorithm, KeyPolicy, Resource, Rotation},
    ledger::{self, Recording, Writer},
    manage::{Asker, signing_keys},
    random::Random,
    signing::KeyEncryptionKey,
    store::{self, Store},
};

/// For a key's holder, not for the server: no setting.
const NOT_SETTINGS: [&str; 2] = ["KEYTURN_API_KEY", "KEYTURN_URL"];

pub(super) fn read_config(file: Option<&Path>) -> anyhow::Result<Config> {
    let ours = config::environment().filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str()));
    Ok(Config::load(file, ours)?)
}

/// Opens the database, and brings it up to date if the configuration says so.
pub(super) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let options = store::Options {
        connections: config.database.connections.get(),
        acquire_within: Duration::from_secs(2),
    };
    let url = config.database.url.expose_secret();
    let store = Store::open(url, options).await.context("cannot open the database")?;
    if config.database.migrate_at_start {
        store.migrate().await.context("cannot bring the database up to date")?;
    }
    store.check_migrated().await?;
    Ok(store)
}

/// Everything but what listens. The writer must be run where tokens are issued.
pub(super) async fn open(config: &Config) -> anyhow::Result<(App, Writer)> {
    let (clock, random) = (Clock::system(), Random::System);
    let store = open_store(config).await?;
    let limits = directory::Limits {
        api_keys: config.cache.api_keys,
        stale_after: config.cache.stale_after,
    };
    let recording = match config.usage {
        RecordUsage::BeforeReply => Recording::BeforeReply,
        RecordUsage::Soon => Recording::Soon,
    };
    let (ledger, writer) = ledger::open(store.clone(), clock.clone(), random.clone(), recording);
    let foundations = Foundations {
        directory: Directory::new(store.clone(), clock.clone(), limits),
        key_encryption_key: key_encryption_key(config, &random)?,
        clock,
        random,
        store,
        ledger,
    };
    Ok((App::new(settings(config)?, foundations), writer))
}

/// Makes the signing keys that there have to be, loads all, and begins to follow the change feed.
pub(super) async fn load(app: &App) -> anyhow::Result<()> {
    // RS256 is what every verifier knows (OpenID Connect Discovery 1.0, section 3; RFC 9068,
    // section 4), ES256 what we sign with.
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        signing_keys::ensure(app, &Asker::keyturn(), algorithm).await?;
    }
    app.catch_up().await?;
    Ok(())
}

/// Who runs this command, for the audit trail.
pub(super) fn asker() -> Asker {
    Asker::operator(config::operator())
}

fn key_encryption_key(config: &Config, random: &Random) -> anyhow::Result<KeyEncryptionKey> {
    let (text, place): (SecretString, String) = match &config.signing.key_encryption_key {
        config::KeyEncryptionKey::Given(text) => {
            (text.clone(), "signing.key_encryption_key".to_owned())
        }
        config::KeyEncryptionKey::File(path) => {
            let make = || KeyEncryptionKey::generate(random);
            (key_file::load_or_create(path, make)?, path.display().to_string())
        }
    };
    KeyEncryptionKey::from_text(text.expose_secret()).with_context(|| place)
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    let keys = &config.api_keys;
    Ok(Settings {
        issuer: config.issuer.clone(),
        token_lifetime: config.tokens.lifetime,
        email_claim: config.tokens.email_claim,
        keys: KeyPolicy {
            prefix: keys.prefix.parse().context("api_keys.prefix")?,
            default_lifetime: keys.default_lifetime,
            longest_lifetime: keys.longest_lifetime,
            may_never_expire: keys.may_never_expire,
            expiry_may_change: keys.expiry_may_change,
            most_per_tree: keys.most_per_tree,
            audit_email_domain: keys.audit_email_domain.clone(),
        },
        rotation: Rotation {
            every: config.signing.rotate_every,
            jwks_max_age: config.signing.jwks_max_age,
            longest_token: Resource::LONGEST_TOKEN,
        },
        failures_per_minute: config.limits.failures_per_minute,
    })
}
