//! Makes API keys.

use serde_json::json;

use super::{Rejection, WRITE, bounds, check_sight, event, find};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKey, ApiKeyId, KeyName, Lifetime, Networks, Once, Owner, ProofDemand, Reach, Roles,
        Secret, SecretId, Text, Version, WhenLeaked,
    },
    manage::{Asker, Judged, Made, audit, once, taken},
    store::{self, Tx},
};

pub struct NewApiKey {
    pub owner: Owner,
    pub name: KeyName,
    pub description: Text,
    /// `None`, for a user's key only: whatever the user may do.
    pub roles: Option<Roles>,
    pub reach: Reach,
    /// Empty: anywhere, or where the key that asks may be used from.
    pub allowed_networks: Networks,
    pub lifetime: Lifetime,
    pub when_leaked: WhenLeaked,
    /// `None`: as the key that asks demands it.
    pub proof: Option<ProofDemand>,
}

/// A new key, and its secret for the one time that it is shown.
#[derive(Debug)]
pub struct Created {
    pub key: ApiKey,
    pub secret: Secret,
}

pub async fn create(app: &App, asker: &Asker, new: NewApiKey) -> Result<Created, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let created = add(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(created)
}

/// [`create`], unless an earlier request made the key. Its secret is not shown again.
pub async fn create_once(
    app: &App,
    asker: &Asker,
    new: NewApiKey,
    once: &Once,
) -> Result<Made<Created, ApiKey>, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    if let Some(id) = once::made_before(&mut tx, asker, once).await? {
        return Ok(Made::Before(find(&mut tx, asker, id).await?));
    }
    let created = add(app, &mut tx, asker, new).await?;
    once::remember(app, &mut tx, asker, once, created.key.id).await?;
    app.commit(tx).await?;
    Ok(Made::New(created))
}

/// [`create`] as a part of a larger transaction.
pub(in crate::manage) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    new: NewApiKey,
) -> Result<Created, Rejection> {
    asker.must(WRITE)?;
    check_owner(tx, asker, new.owner).await?;
    let now = app.clock.now();
    let key = ApiKey {
        id: ApiKeyId(app.random.id(now)),
        owner: new.owner,
        name: new.name,
        description: new.description,
        roles: new.roles,
        reach: new.reach,
        allowed_networks: networks(asker, new.allowed_networks),
        created_at: now,
        expires_at: bounds::expiry(app, asker, new.lifetime, now)?,
        disabled_at: None,
        locked_at: None,
        revoked_at: None,
        when_leaked: new.when_leaked,
        proof: proof(asker, new.proof),
        version: Version::FIRST,
    };
    bounds::check(app, tx, asker, None, &key).await?;
    check_number(app, tx, key.owner).await?;
    store::api_keys::insert(tx, &key).await.map_err(taken("a key"))?;
    let secret = add_secret(app, tx, key.id, now).await?;
    let detail = json!({
        "name": key.name,
        "roles": key.roles.as_ref().map(ToString::to_string),
        "reach": key.reach.to_string(),
        "expires_at": key.expires_at,
        "proof": key.proof.to_string(),
    });
    audit(app, tx, asker, event("api_key.created", &key, detail));
    Ok(Created { key, secret })
}

/// The owner is named by what it is, not as if a key were looked for.
async fn check_owner(tx: &mut Tx, asker: &Judged, owner: Owner) -> Result<(), Rejection> {
    check_sight(tx, asker, owner).await.map_err(|rejection| match (rejection, owner) {
        (Rejection::NotFound(_), Owner::Organization(_)) => Rejection::NotFound("organization"),
        (Rejection::NotFound(_), Owner::User(_)) => Rejection::NotFound("user"),
        (other, _) => other,
    })
}

fn networks(asker: &Judged, wanted: Networks) -> Networks {
    match asker.authority.bounds() {
        Some(bounds) if wanted.is_empty() => bounds.networks.clone(),
        _ => wanted,
    }
}

fn proof(asker: &Judged, wanted: Option<ProofDemand>) -> ProofDemand {
    let own = || asker.authority.bounds().map(|bounds| bounds.proof.clone()).unwrap_or_default();
    wanted.unwrap_or_else(own)
}

/// Counted last: who may not make a key learns nothing of how many there are.
async fn check_number(app: &App, tx: &mut Tx, owner: Owner) -> Result<(), Rejection> {
    let (Owner::Organization(id), Some(most)) = (owner, app.settings.keys.most_per_tree) else {
        return Ok(());
    };
    let lineage = store::organizations::lineage(tx, id).await?;
    let root = lineage.ok_or(Rejection::NotFound("organization"))?.root();
    if store::api_keys::count_in_tree(tx, root).await? >= i64::from(most.get()) {
        return Err(Rejection::TooManyKeys(most));
    }
    Ok(())
}

pub(super) async fn add_secret(
    app: &App,
    tx: &mut Tx,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Secret, Rejection> {
    let secret = Secret::generate(&app.settings.keys.prefix, &app.random);
    let secret_id = SecretId(app.random.id(now));
    store::api_key_secrets::insert(tx, secret_id, id, secret.hash(), now).await?;
    Ok(secret)
}
