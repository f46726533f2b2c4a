//! Fills a database: organizations, their keys, a resource for each algorithm.

use std::num::NonZeroU32;

use anyhow::Context as _;
use chrono::TimeDelta;
use keyturn::{
    app::{App, Foundations, Settings},
    clock::{Clock, Timestamp},
    directory::{Directory, Limits},
    domain::{
        Algorithm, Expected, JwtType, KeyPolicy, Organization, OrganizationId, RefreshPolicy,
        Resource, ResourceIdentifier, Rotation, Version,
    },
    ledger::{self, Recording},
    manage::{
        Asker,
        resources::{NewResource, register},
    },
    outbound::{Names, Outbound},
    random::Random,
    signing::KeyEncryptionKey,
    store::{self, Store},
};
use secrecy::ExposeSecret as _;
use sqlx::QueryBuilder;

use crate::{
    database::on,
    keys::{self, Row},
    request::resource,
    resource_server,
};

const KEYS_TO_AN_ORGANIZATION: usize = 1000;
const ROWS_TO_A_STATEMENT: usize = 1000;

/// The same in every run, as the databases of earlier runs are used again.
pub(crate) fn key_encryption_key() -> String {
    KeyEncryptionKey::generate(&Random::seeded(0)).expose_secret().to_owned()
}

/// One transaction for the keys of one organization.
macro_rules! insert {
    ($pool:expr, $rows:expr, $organization:expr, $now:expr) => {{
        let mut tx = $pool.begin().await?;
        for rows in $rows.chunks(ROWS_TO_A_STATEMENT) {
            let mut statement = QueryBuilder::new(
                "insert into api_keys (id, organization_id, name, description, roles, reach, \
                 allowed_networks, created_at, expires_at) ",
            );
            statement.push_values(rows, |mut values, row: &Row| {
                values.push_bind(row.id).push_bind($organization.0).push_bind(row.name.as_str());
                values.push("'', 'viewer', 'own', ''");
                values.push($now.timestamp()).push(expires_at($now).timestamp());
            });
            statement.build().execute(&mut *tx).await?;
            let mut statement = QueryBuilder::new(
                "insert into api_key_secrets (id, api_key_id, hash, status_index, created_at) ",
            );
            statement.push_values(rows, |mut values, row: &Row| {
                values.push_bind(row.secret_id).push_bind(row.id).push_bind(row.hash.as_slice());
                values.push(row.number).push($now.timestamp());
            });
            statement.build().execute(&mut *tx).await?;
        }
        tx.commit().await
    }};
}

pub(crate) async fn fill(store: &Store, keys: usize) -> anyhow::Result<()> {
    println!("filling a database with {keys} keys");
    store.migrate().await?;
    register_resources(store).await?;
    let now = Clock::system().now();
    let random = Random::System;
    for first in (0..keys).step_by(KEYS_TO_AN_ORGANIZATION) {
        let id = OrganizationId(random.id(now));
        let name = format!("Organization {first}").parse().context("an organization's name")?;
        let (parent_id, disabled_at, version) = (None, None, Version::FIRST);
        let organization =
            Organization { id, parent_id, name, created_at: now, disabled_at, version };
        let mut tx = store.write().await?;
        store::organizations::insert(&mut tx, &organization).await?;
        tx.commit(now).await?;
        if first == 0 {
            // In the first organization, which runs the server: it may ask of everybody's tokens.
            resource_server::insert(store, id, now).await?;
        }
        let last = keys.min(first + KEYS_TO_AN_ORGANIZATION);
        let rows: Vec<_> = (first..last).map(|number| keys::row(number, now)).collect();
        on!(store, pool => async { insert!(pool, &rows, id, now) })?;
    }
    Ok(())
}

fn expires_at(now: Timestamp) -> Timestamp {
    now + TimeDelta::days(183)
}

/// A resource for each algorithm, that of ES256 first: the first is the default.
async fn register_resources(store: &Store) -> anyhow::Result<()> {
    let app = app(store)?;
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
        let new = NewResource {
            identifier: ResourceIdentifier::from_uri(resource(algorithm))?,
            scopes: "read write".parse()?,
            algorithm,
            jwt_type: JwtType::AccessToken,
            token_lifetime: None,
            is_default: false,
        };
        register(&app, &Asker::keyturn(), &Expected::Absent, new).await?;
    }
    Ok(())
}

fn app(store: &Store) -> anyhow::Result<App> {
    let (clock, random) = (Clock::system(), Random::System);
    let issuer = "http://127.0.0.1".to_owned();
    let year = TimeDelta::days(365);
    let settings = Settings {
        issuer,
        token_lifetime: Resource::LONGEST_TOKEN,
        expires_in_jitter: 0,
        email_claim: false,
        keys: KeyPolicy {
            prefix: "ktk".parse()?,
            default_lifetime: year,
            longest_lifetime: year,
            may_never_expire: false,
            expiry_may_change: false,
            most_per_tree: None,
            audit_email_domain: String::new(),
        },
        refresh: RefreshPolicy { for_api_keys: None, grace: TimeDelta::zero() },
        rotation: Rotation {
            every: TimeDelta::days(90),
            jwks_max_age: TimeDelta::minutes(15),
            longest_token: Resource::LONGEST_TOKEN,
        },
        failures_per_minute: NonZeroU32::MIN,
        disable_unused_after: None,
        sends_mail: false,
        proofs_need_nonce: false,
        registration: None,
    };
    let limits = Limits { api_keys: 1, stale_after: std::time::Duration::from_secs(10) };
    let recording = Recording::BeforeReply;
    let (ledger, _) = ledger::open(store.clone(), clock.clone(), random.clone(), recording);
    let foundations = Foundations {
        directory: Directory::new(store.clone(), clock.clone(), limits),
        outbound: Outbound::new(Vec::new(), Names::System, clock.clone()),
        key_encryption_key: KeyEncryptionKey::from_text(&key_encryption_key())?,
        clock,
        random,
        store: store.clone(),
        ledger,
    };
    Ok(App::new(settings, foundations))
}
