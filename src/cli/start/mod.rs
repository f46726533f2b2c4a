//! From the configuration to an app: what every command begins with.

mod database;
mod encryption;
mod settings;

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use self::database::Database;
pub(super) use self::{
    database::{is_in_memory, path as database_file},
    settings::settings,
};
use crate::{
    app::{App, Foundations},
    cli::operator,
    clock::Clock,
    config::{self, Config, RecordUsage},
    courier::{self, Courier},
    directory::{self, Directory},
    ledger::{self, Recording, Writer},
    manage::{Asker, signing_keys},
    outbound::{Mail, Names, Outbound},
    random::Random,
    signing::KeyEncryptionKey,
    store::Store,
};

/// For a key's holder, not for the server: no setting.
const NOT_SETTINGS: [&str; 3] = ["KEYTURN_API_KEY", "KEYTURN_URL", CONFIG];

/// Names the configuration file where `--config` does not.
const CONFIG: &str = "KEYTURN_CONFIG";

pub(super) fn named_config() -> Option<PathBuf> {
    config::variable(CONFIG).filter(|name| !name.is_empty()).map(PathBuf::from)
}

pub(super) fn read_config(file: Option<&Path>) -> anyhow::Result<Config> {
    let ours = config::environment().filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str()));
    Ok(Config::load(file, ours)?)
}

/// Everything but what listens. The writer must be run where tokens are issued.
pub(super) async fn open(config: &Config) -> anyhow::Result<(App, Writer)> {
    let store = database::open(config, Database::MadeIfMissing).await?;
    let key = encryption::find(config, &store).await?;
    let opened = put_together(config, store, key)?;
    signing_keys::check_key_encryption_key(&opened.0).await?;
    Ok(opened)
}

/// For a command that changes what is in the database, whether or not a server runs on it.
pub(super) async fn manage(config: &Config) -> anyhow::Result<App> {
    let store = database::open(config, Database::Existing).await?;
    // Such a command encrypts no signing key, so it need not be able to: any key will do.
    let any = KeyEncryptionKey::generate(&Random::System);
    let any = KeyEncryptionKey::from_text(any.expose_secret())?;
    Ok(put_together(config, store, any)?.0)
}

/// [`manage`] for a command that makes signing keys.
pub(super) async fn manage_signing_keys(config: &Config) -> anyhow::Result<App> {
    let store = database::open(config, Database::Existing).await?;
    let key = encryption::find(config, &store).await?;
    let (app, _) = put_together(config, store, key)?;
    signing_keys::check_key_encryption_key(&app).await?;
    Ok(app)
}

/// [`manage_signing_keys`] also where the key-encryption key was lost, and a new one has to begin.
pub(super) async fn replace_signing_keys(config: &Config) -> anyhow::Result<App> {
    let store = database::open(config, Database::Existing).await?;
    let key = encryption::find_or_make(config)?;
    Ok(put_together(config, store, key)?.0)
}

/// The database alone, for a command that reads or moves it whole.
pub(super) async fn existing_database(config: &Config) -> anyhow::Result<Store> {
    database::open(config, Database::Existing).await
}

/// A database to fill, made where there is none.
pub(super) async fn new_database(config: &Config) -> anyhow::Result<Store> {
    let store = database::open_unmigrated(config).await?;
    store.migrate().await?;
    Ok(store)
}

/// The key-encryption key and its text.
pub(super) async fn key_encryption_key(
    config: &Config,
    store: &Store,
) -> anyhow::Result<(KeyEncryptionKey, SecretString)> {
    let key = encryption::find(config, store).await?;
    Ok((key, encryption::text(config)?))
}

fn put_together(
    config: &Config,
    store: Store,
    key_encryption_key: KeyEncryptionKey,
) -> anyhow::Result<(App, Writer)> {
    let (clock, random) = (Clock::system(), Random::System);
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
        outbound: Outbound::new(config.outbound_allow.clone(), Names::System, clock.clone()),
        directory: Directory::new(store.clone(), clock.clone(), limits),
        key_encryption_key,
        clock,
        random,
        store,
        ledger,
    };
    Ok((App::new(settings(config)?, foundations), writer))
}

/// Makes the signing keys that there have to be, loads all, and begins to follow the change feed.
pub(super) async fn load(app: &App) -> anyhow::Result<()> {
    for algorithm in signing_keys::AT_FIRST {
        signing_keys::ensure(app, &Asker::keyturn(), algorithm).await?;
    }
    // Of nodes that start at once on an empty database one made them, maybe by another key.
    signing_keys::check_key_encryption_key(app).await?;
    app.catch_up().await?;
    Ok(())
}

/// What delivers the messages of this app.
pub(super) fn courier(config: &Config, app: &App) -> anyhow::Result<Courier> {
    let mail = config.mail.as_ref().map(|mail| Mail::new(&mail.smtp_url, &mail.from));
    Ok(Courier::new(courier::Equipment {
        store: app.store.patient(),
        clock: app.clock.clone(),
        outbound: app.outbound.clone(),
        mail: mail.transpose()?,
        key_encryption_key: app.key_encryption_key.clone(),
    }))
}

/// Who runs this command, for the audit trail.
pub(super) fn asker() -> Asker {
    Asker::operator(&operator::name())
}
