//! Gives a user a role in an organization, as a part of a larger transaction.

use serde_json::json;

use super::{Change, Judged, Rejection, audit};
use crate::{
    app::App,
    domain::{Given, Lineage, Membership, OrganizationId, RoleName, Scopes, UserId, Version},
    store::{self, Tx},
};

pub(super) const WRITE: &str = "members:write";

/// Gives the user a role in an organization and everything below it.
pub(super) async fn give_role(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    user_id: UserId,
    organization_id: OrganizationId,
    role: RoleName,
) -> Result<Membership, Rejection> {
    asker.must(WRITE)?;
    asker.organization(tx, organization_id).await?;
    let before = store::memberships::find(tx, user_id, organization_id).await?;
    let (created_at, version) = (app.clock.now(), Version::FIRST);
    let new = Membership { organization_id, user_id, role, created_at, version };
    write(app, tx, asker, before, new).await
}

/// Takes the place of the membership that was there before, for a principal that has both roles:
/// a manager of members neither adds nor demotes a member with more rights than its own.
pub(super) async fn write(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    before: Option<Membership>,
    mut membership: Membership,
) -> Result<Membership, Rejection> {
    store::roles::hold(tx, membership.organization_id, &membership.role).await?;
    let lineage = asker.organization(tx, membership.organization_id).await?;
    if !lineage.knows(&membership.role) {
        return Err(Rejection::UnknownRole(membership.role));
    }
    let reach = asker.reach_of_right(tx, membership.organization_id).await?;
    let roles = [&membership.role].into_iter().chain(before.as_ref().map(|it| &it.role));
    let given: Vec<_> =
        roles.map(|role| Given::right(scopes_of(&lineage, role), reach.clone())).collect();
    asker.must_hold(&given)?;
    let detail = json!({ "from": before.as_ref().map(|it| &it.role), "to": membership.role });
    if let Some(before) = before {
        if before.role == membership.role {
            return Ok(before);
        }
        membership.created_at = before.created_at;
        membership.version = Version(before.version.0 + 1);
    }
    if !store::memberships::set(tx, &membership).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let Membership { user_id, organization_id, .. } = membership;
    audit(app, tx, asker, event("member.role_set", user_id, organization_id, detail));
    Ok(membership)
}

pub(super) fn scopes_of(lineage: &Lineage, role: &RoleName) -> Scopes {
    lineage.scopes_of(&[role.clone()].into_iter().collect())
}

pub(super) fn event(
    action: &'static str,
    user: UserId,
    organization: OrganizationId,
    detail: serde_json::Value,
) -> Change {
    Change { action, subject: format!("user:{user}"), organization_id: Some(organization), detail }
}
