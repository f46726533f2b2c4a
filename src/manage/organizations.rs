//! Makes organizations, renames, disables and deletes them.

use serde_json::json;

use super::{Asker, Change, Judged, Made, Obstacle, Rejection, audit, once, server, taken, trusts};
use crate::{
    app::App,
    domain::{
        Below, Expected, Lineage, Once, Organization, OrganizationId, OrganizationName, Sight,
        Version,
    },
    store::{self, Page, Tx, api_keys::Filter},
};

const READ: &str = "organizations:read";
const WRITE: &str = "organizations:write";

/// Makes an organization; with a parent, a sub-organization.
pub async fn create(
    app: &App,
    asker: &Asker,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
) -> Result<Organization, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let organization = add(app, &mut tx, asker, name, parent_id).await?;
    app.commit(tx).await?;
    Ok(organization)
}

/// [`create`], unless an earlier request made it.
pub async fn create_once(
    app: &App,
    asker: &Asker,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
    once: &Once,
) -> Result<Made<Organization>, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    if let Some(id) = once::made_before(&mut tx, asker, once).await? {
        let found = asker.organization(&mut tx, id).await?;
        return Ok(Made::Before(found.line[0].clone()));
    }
    let organization = add(app, &mut tx, asker, name, parent_id).await?;
    once::remember(app, &mut tx, asker, once, organization.id).await?;
    app.commit(tx).await?;
    Ok(Made::New(organization))
}

/// [`create`] as a part of a larger transaction.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
) -> Result<Organization, Rejection> {
    asker.must(WRITE)?;
    let now = app.clock.now();
    if let Some(parent_id) = parent_id {
        let parent = asker.organization(tx, parent_id).await?;
        if parent.line.len() >= Organization::DEEPEST {
            return Err(Rejection::TooDeep(Organization::DEEPEST));
        }
    } else {
        asker.must_run_server(WRITE)?;
    }
    let id = OrganizationId(app.random.id(now));
    let version = Version::FIRST;
    let organization =
        Organization { id, parent_id, name, created_at: now, disabled_at: None, version };
    store::organizations::insert(tx, &organization).await.map_err(taken("an organization"))?;
    let mut detail = json!({ "name": organization.name, "parent_id": parent_id });
    if parent_id.is_none() && store::organizations::operators(tx).await?.is_none() {
        store::organizations::set_operators(tx, id).await?;
        detail["runs_server"] = json!(true);
    }
    audit(app, tx, asker, event("organization.created", id, detail));
    Ok(organization)
}

/// Those the asker may know of, oldest first; of one parent, if that is named.
pub async fn list(
    app: &App,
    asker: &Asker,
    parent: Option<OrganizationId>,
    page: Page<OrganizationId>,
) -> Result<Vec<Organization>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::organizations::list(&mut tx, asker.sight(), parent, page).await?)
}

/// The organization with those above it and the roles it has from them.
pub async fn show(app: &App, asker: &Asker, id: OrganizationId) -> Result<Lineage, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    asker.organization(&mut tx, id).await
}

/// What is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<OrganizationName>,
    /// Disabling stops the keys of the organization and of everything below it.
    pub enabled: Option<bool>,
}

pub async fn update(
    app: &App,
    asker: &Asker,
    id: OrganizationId,
    expected: &Expected,
    edit: Edit,
) -> Result<Organization, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let organization = change(app, &mut tx, asker, id, expected, edit).await?;
    app.commit(tx).await?;
    Ok(organization)
}

/// [`update`] as a part of a larger transaction.
pub(super) async fn change(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: OrganizationId,
    expected: &Expected,
    edit: Edit,
) -> Result<Organization, Rejection> {
    let before = find_to_change(tx, asker, id, expected).await?;
    let mut organization = before.clone();
    if let Some(name) = edit.name.filter(|name| *name != organization.name) {
        let detail = json!({ "from": organization.name, "to": name });
        audit(app, tx, asker, event("organization.renamed", id, detail));
        organization.name = name;
    }
    if let Some(enabled) = edit.enabled.filter(|it| *it != organization.disabled_at.is_none()) {
        if !enabled {
            server::check_runs_nothing(tx, id).await?;
        }
        let action = if enabled { "organization.enabled" } else { "organization.disabled" };
        audit(app, tx, asker, event(action, id, json!({})));
        organization.disabled_at = (!enabled).then(|| app.clock.now());
    }
    if organization == before {
        return Ok(organization);
    }
    let written = store::organizations::update(tx, &organization).await;
    if !written.map_err(taken("an organization"))? {
        return Err(Rejection::ChangedMeanwhile);
    }
    organization.version = Version(organization.version.0 + 1);
    Ok(organization)
}

/// Deletes an organization that has no sub-organizations, keys, clients and trust policies, with
/// its roles and memberships.
pub async fn delete(
    app: &App,
    asker: &Asker,
    id: OrganizationId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let organization = find_to_change(&mut tx, asker, id, expected).await?;
    server::check_runs_nothing(&mut tx, id).await?;
    let obstacles = obstacles(app, &mut tx, id).await?;
    if !obstacles.is_empty() {
        return Err(Rejection::StillUsed(obstacles));
    }
    if !store::organizations::delete(&mut tx, &organization).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "name": organization.name });
    audit(app, &mut tx, asker, event("organization.deleted", id, detail));
    Ok(app.commit(tx).await?)
}

/// The first of what belongs to an organization and is not deleted with it.
async fn obstacles(app: &App, tx: &mut Tx, id: OrganizationId) -> Result<Vec<Obstacle>, Rejection> {
    const SHOWN: i64 = 20;
    let children = Page { after: None, most: SHOWN };
    let children = store::organizations::list(tx, Sight::Everything, Some(id), children).await?;
    let children = children.into_iter().map(|it| Obstacle {
        kind: "organization",
        id: it.id.0,
        name: it.name.to_string(),
    });
    let sight = Sight::Of { organization: id, below: Below::Excluded, user: None };
    let keys = Page { after: None, most: SHOWN };
    let keys = store::api_keys::list(tx, sight, &Filter::default(), keys, app.clock.now()).await?;
    let keys = keys.into_iter().map(|key| Obstacle {
        kind: "api_key",
        id: key.id.0,
        name: key.name.to_string(),
    });
    let rules = trusts::of_organization(tx, id, SHOWN).await?;
    let clients = Page { after: None, most: SHOWN };
    let clients = store::clients::list(tx, sight, Some(id), clients).await?;
    let clients = clients.into_iter().map(|it| Obstacle {
        kind: "client",
        id: it.id.0,
        name: it.name.to_string(),
    });
    Ok(children.chain(keys).chain(clients).chain(rules).collect())
}

async fn find_to_change(
    tx: &mut Tx,
    asker: &Judged,
    id: OrganizationId,
    expected: &Expected,
) -> Result<Organization, Rejection> {
    asker.must(WRITE)?;
    let organization = asker.organization(tx, id).await?.line[0].clone();
    let seen = expected.allows(organization.version);
    if seen { Ok(organization) } else { Err(Rejection::ChangedMeanwhile) }
}

fn event(action: &'static str, id: OrganizationId, detail: serde_json::Value) -> Change {
    Change { action, subject: format!("organization:{id}"), organization_id: Some(id), detail }
}
