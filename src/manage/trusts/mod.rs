//! Makes, changes and deletes rules by which tokens of other issuers are trusted.

mod bounds;
mod edit;
mod in_the_way;

use serde_json::{Value, json};

pub use self::edit::{GivenKeys, TrustChange};
pub(super) use self::in_the_way::{giving, of_organization};
use self::{bounds::check, edit::apply};
use super::{Asker, Change, Judged, Rejection, audit, taken};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        Algorithms, Conditions, Expected, KeyName, KeySource, Networks, OrganizationId,
        ResourceIdentifier, Roles, Trust, TrustId, TrustTerms, Version,
    },
    store::{self, Page, Tx},
};

pub(super) const READ: &str = "trusts:read";
const WRITE: &str = "trusts:write";
/// Of one organization: a token is held against all that speak of its issuer.
const MOST: i64 = 200;

pub struct NewTrust {
    pub organization_id: OrganizationId,
    pub name: KeyName,
    pub issuer: String,
    pub keys: GivenKeys,
    /// Empty: any.
    pub algorithms: Algorithms,
    /// `None`: our own issuer.
    pub audience: Option<String>,
    pub conditions: Conditions,
    pub roles: Roles,
    /// `None`: any.
    pub resources: Option<Vec<ResourceIdentifier>>,
    /// Empty: anywhere, or where the key that asks may be used from.
    pub allowed_networks: Networks,
    /// `None`: never, or when the key that asks does.
    pub expires_at: Option<Timestamp>,
    pub once: bool,
}

pub async fn create(app: &App, asker: &Asker, new: NewTrust) -> Result<Trust, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let trust = add(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(trust)
}

/// [`create`] as a part of a larger transaction.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    new: NewTrust,
) -> Result<Trust, Rejection> {
    asker.must(WRITE)?;
    asker.organization(tx, new.organization_id).await?;
    if store::trusts::count(tx, new.organization_id).await? >= MOST {
        return Err(Rejection::TooManyTrusts(MOST));
    }
    let now = app.clock.now();
    let bounds = asker.authority.bounds();
    let networks = bounds.map(|bounds| bounds.networks.clone()).unwrap_or_default();
    let trust = Trust {
        id: TrustId(app.random.id(now)),
        organization_id: new.organization_id,
        name: new.name,
        terms: TrustTerms {
            keys: new.keys.of_issuer(&new.issuer),
            algorithms: new.algorithms,
            audience: new.audience.unwrap_or_else(|| app.settings.issuer.clone()),
            conditions: new.conditions,
            roles: new.roles,
            resources: new
                .resources
                .or_else(|| Some(bounds?.resources.as_ref()?.resources.clone())),
            allowed_networks: if new.allowed_networks.is_empty() {
                networks
            } else {
                new.allowed_networks
            },
            expires_at: new.expires_at.or_else(|| bounds?.expires_at),
            once: new.once,
        },
        issuer: new.issuer,
        created_at: now,
        disabled_at: None,
        status_index: 0,
        version: Version::FIRST,
    };
    check(app, tx, asker, None, &trust).await?;
    let trust = store::trusts::insert(tx, trust).await.map_err(taken("a trust policy"))?;
    audit(app, tx, asker, event("trust.created", &trust, described(&trust)));
    Ok(trust)
}

/// Those that the asker may know of, of one organization and of one name if these are given;
/// oldest first.
pub async fn list(
    app: &App,
    asker: &Asker,
    organization: Option<OrganizationId>,
    name: Option<&str>,
    page: Page<TrustId>,
) -> Result<Vec<Trust>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    if let Some(id) = organization {
        asker.organization(&mut tx, id).await?;
    }
    Ok(store::trusts::list(&mut tx, asker.sight(), organization, name, page).await?)
}

pub async fn show(app: &App, asker: &Asker, id: TrustId) -> Result<Trust, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    find(&mut tx, asker, id).await
}

pub async fn update(
    app: &App,
    asker: &Asker,
    id: TrustId,
    expected: &Expected,
    to: TrustChange,
) -> Result<Trust, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let trust = change(app, &mut tx, asker, id, expected, to).await?;
    app.commit(tx).await?;
    Ok(trust)
}

/// [`update`] as a part of a larger transaction.
pub(super) async fn change(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: TrustId,
    expected: &Expected,
    to: TrustChange,
) -> Result<Trust, Rejection> {
    let before = find_to_change(tx, asker, id, expected).await?;
    let (mut trust, only_disables) = (before.clone(), to.only_disables());
    apply(app, &mut trust, to);
    if !only_disables {
        check(app, tx, asker, Some(&before), &trust).await?;
    }
    if trust == before {
        return Ok(trust);
    }
    let written = store::trusts::update(tx, &trust).await;
    if !written.map_err(taken("a trust policy"))? {
        return Err(Rejection::ChangedMeanwhile);
    }
    trust.version = Version(trust.version.0 + 1);
    let detail = json!({ "from": described(&before), "to": described(&trust) });
    audit(app, tx, asker, event("trust.changed", &trust, detail));
    Ok(trust)
}

pub async fn delete(
    app: &App,
    asker: &Asker,
    id: TrustId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let trust = find_to_change(&mut tx, asker, id, expected).await?;
    if !store::trusts::delete(&mut tx, &trust).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    audit(app, &mut tx, asker, event("trust.deleted", &trust, json!({ "name": trust.name })));
    Ok(app.commit(tx).await?)
}

/// What is out of reach is no different from what does not exist.
async fn find(tx: &mut Tx, asker: &Asker, id: TrustId) -> Result<Trust, Rejection> {
    const NONE: Rejection = Rejection::NotFound("trust policy");
    let trust = store::trusts::find(tx, id).await?.ok_or(NONE)?;
    asker.organization(tx, trust.organization_id).await.map_err(|rejection| match rejection {
        Rejection::NotFound(_) => NONE,
        other => other,
    })?;
    Ok(trust)
}

async fn find_to_change(
    tx: &mut Tx,
    asker: &Judged,
    id: TrustId,
    expected: &Expected,
) -> Result<Trust, Rejection> {
    asker.must(WRITE)?;
    let trust = find(tx, asker, id).await?;
    if expected.allows(trust.version) { Ok(trust) } else { Err(Rejection::ChangedMeanwhile) }
}

/// All but pinned keys, which are long.
fn described(trust: &Trust) -> Value {
    let TrustTerms { keys, algorithms, audience, conditions, roles, resources, .. } = &trust.terms;
    json!({
        "name": trust.name,
        "issuer": trust.issuer,
        "keys": match keys {
            KeySource::Issuer(_) => "discovered",
            KeySource::Uri(url) => url,
            KeySource::Pinned(_) => "pinned",
        },
        "algorithms": algorithms,
        "audience": audience,
        "conditions": conditions,
        "roles": roles.to_string(),
        "resources": resources,
        "allowed_networks": trust.terms.allowed_networks,
        "expires_at": trust.terms.expires_at,
        "once": trust.terms.once,
        "enabled": trust.disabled_at.is_none(),
    })
}

fn event(action: &'static str, trust: &Trust, detail: Value) -> Change {
    let subject = format!("trust:{}", trust.id);
    Change { action, subject, organization_id: Some(trust.organization_id), detail }
}
