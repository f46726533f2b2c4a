//! The settings as the program gets them: checked, and of types that say what they are.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::SecretString;

#[derive(Clone, Debug)]
pub struct Database {
    /// Begins with `sqlite:`, `postgres:` or `postgresql:`.
    pub url: SecretString,
    pub migrate_at_start: bool,
    pub connections: NonZeroU32,
    pub statement_timeout: Duration,
    pub connection_lifetime: Duration,
}

/// Who may read `/metrics`.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub networks: Vec<IpNet>,
    /// Where there is one it decides, not the networks.
    pub token: Option<SecretString>,
}

/// PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub trusted_proxies: Vec<IpNet>,
    /// Scheme, host and port as a browser sends them: lower case, no slash.
    pub cors_origins: Vec<String>,
    pub keep_alive: Duration,
}

#[derive(Clone, Debug)]
pub struct ApiKeys {
    /// Without its underscore.
    pub prefix: String,
    /// Never longer than `longest_lifetime`.
    pub default_lifetime: TimeDelta,
    pub longest_lifetime: TimeDelta,
    pub may_never_expire: bool,
    pub expiry_may_change: bool,
    /// `None` where there is no limit.
    pub most_per_tree: Option<NonZeroU32>,
    /// `None`: keys that no one uses stay as they are.
    pub disable_unused_after: Option<TimeDelta>,
    pub audit_email_domain: String,
}

/// Whose word is taken that a secret was found.
#[derive(Clone, Debug)]
pub struct Leaks {
    pub github_keys: GithubKeys,
}

/// Where the public keys of GitHub's secret scanning come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GithubKeys {
    /// Its reports are not taken.
    Nowhere,
    File(PathBuf),
    Url(String),
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub lifetime: TimeDelta,
    /// Percent.
    pub expires_in_jitter: u32,
    pub email_claim: bool,
}

#[derive(Clone, Debug)]
pub struct RefreshTokens {
    pub for_api_keys: bool,
    pub rotate_for_api_keys: bool,
    /// Seconds.
    pub lifetime: u32,
    /// Seconds, no more than `lifetime`.
    pub idle: u32,
    pub grace: TimeDelta,
}

#[derive(Clone, Debug)]
pub struct Signing {
    pub key_encryption_key: KeyEncryptionKey,
    pub rotate_every: TimeDelta,
    pub jwks_max_age: TimeDelta,
}

/// Where the key comes from that encrypts the signing keys.
#[derive(Clone, Debug)]
pub enum KeyEncryptionKey {
    File(PathBuf),
    Given(SecretString),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUsage {
    /// No token leaves before its use is durable.
    BeforeReply,
    /// Written within a second of the answer.
    Soon,
}

#[derive(Clone, Debug)]
pub struct Cache {
    /// The most entries.
    pub api_keys: usize,
    /// How long entries are trusted when the feed of changes cannot be read.
    pub stale_after: Duration,
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub smtp_url: SecretString,
    pub from: String,
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// For one source address.
    pub failures_per_minute: NonZeroU32,
    /// `None`: no limit.
    pub connections_per_address: Option<NonZeroU32>,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    /// Levels, by module where it says so: `info,sqlx=warn`.
    pub level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, else JSON.
    Auto,
    Json,
    Human,
}
