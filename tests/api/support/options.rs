//! What a test may want otherwise.

use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
};

use chrono::TimeDelta;
use keyturn::{
    app::Settings,
    domain::{KeyPolicy, RefreshPolicy, Rotation},
    http,
    ledger::Recording,
    metrics::Process,
    random::Random,
    signing::KeyEncryptionKey,
};
use secrecy::ExposeSecret as _;

use super::ISSUER;

pub(crate) struct Options {
    pub(crate) settings: Settings,
    pub(crate) edge: http::Settings,
    pub(crate) recording: Recording,
    pub(crate) outbound_allow: Vec<ipnet::IpNet>,
    pub(crate) key_encryption_key: KeyEncryptionKey,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings {
                issuer: ISSUER.to_owned(),
                token_lifetime: TimeDelta::minutes(6),
                expires_in_jitter: 0,
                email_claim: false,
                keys: KeyPolicy {
                    prefix: "ktk".parse().unwrap(),
                    default_lifetime: TimeDelta::days(183),
                    longest_lifetime: TimeDelta::days(365),
                    may_never_expire: true,
                    expiry_may_change: false,
                    most_per_tree: None,
                    audit_email_domain: "keyturn.test".to_owned(),
                },
                refresh: RefreshPolicy { for_api_keys: None, grace: TimeDelta::seconds(30) },
                rotation: Rotation {
                    every: TimeDelta::days(90),
                    jwks_max_age: TimeDelta::minutes(15),
                    longest_token: TimeDelta::minutes(6),
                },
                failures_per_minute: NonZeroU32::new(100_000).unwrap(),
                disable_unused_after: None,
                sends_mail: true,
                proofs_need_nonce: false,
                registration: None,
            },
            edge: http::Settings {
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
                cors_origins: Vec::new(),
                metrics: http::Metrics {
                    networks: vec!["127.0.0.0/8".parse().unwrap()],
                    token: None,
                },
                github_keys: Arc::default(),
                process: Process::default(),
            },
            recording: Recording::BeforeReply,
            outbound_allow: vec!["127.0.0.0/8".parse().unwrap()],
            key_encryption_key: key_encryption_key(),
        }
    }
}

/// The same for every node of this process.
pub(crate) fn key_encryption_key() -> KeyEncryptionKey {
    static TEXT: OnceLock<String> = OnceLock::new();
    let make = || KeyEncryptionKey::generate(&Random::System).expose_secret().to_owned();
    KeyEncryptionKey::from_text(TEXT.get_or_init(make)).unwrap()
}
