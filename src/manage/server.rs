//! Which organization runs the server: it manages what belongs to no organization.

use serde_json::json;

use super::{Asker, Change, Judged, Rejection, audit};
use crate::{
    app::App,
    domain::{Lineage, OrganizationId},
    store::{self, Tx},
};

const READ: &str = "organizations:read";
const WRITE: &str = "organizations:write";

/// The organization that runs the server; `None` where there is no organization yet.
pub async fn operators(app: &App, asker: &Asker) -> Result<Option<Lineage>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    let Some(id) = store::organizations::operators(&mut tx).await? else { return Ok(None) };
    Ok(store::organizations::lineage(&mut tx, id).await?)
}

/// Hands the server on to another root organization. The one that ran it no longer does.
pub async fn set_operators(app: &App, asker: &Asker, id: OrganizationId) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    hand_on(app, &mut tx, asker, id).await?;
    Ok(app.commit(tx).await?)
}

/// [`set_operators`] as a part of a larger transaction.
pub(super) async fn hand_on(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: OrganizationId,
) -> Result<(), Rejection> {
    asker.must_run_server(WRITE)?;
    let found = store::organizations::find(tx, id).await?;
    let organization = found.ok_or(Rejection::NotFound("organization"))?;
    if organization.parent_id.is_some() || organization.disabled_at.is_some() {
        return Err(Rejection::CannotRunServer);
    }
    let before = store::organizations::operators(tx).await?;
    if before == Some(id) {
        return Ok(());
    }
    if !store::organizations::set_operators(tx, id).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "from": before, "to": id });
    let subject = format!("organization:{id}");
    let action = "server.operators_set";
    audit(app, tx, asker, Change { action, subject, organization_id: Some(id), detail });
    Ok(())
}

/// Without the organization that runs it, no one could manage the server.
pub(super) async fn check_runs_nothing(tx: &mut Tx, id: OrganizationId) -> Result<(), Rejection> {
    let runs_server = store::organizations::operators(tx).await? == Some(id);
    if runs_server { Err(Rejection::RunsServer) } else { Ok(()) }
}
