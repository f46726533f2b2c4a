//! Makes users and gives them roles in organizations.

use serde_json::json;

use super::{Asker, Change, Rejection, audit, taken};
use crate::{
    app::App,
    domain::{Email, Membership, OrganizationId, Password, RoleName, User, UserId},
    store,
};

/// Makes a user. Without a password, the user cannot sign in with one.
pub async fn create(
    app: &App,
    asker: &Asker,
    email: Email,
    name: String,
    password: Option<Password>,
) -> Result<User, Rejection> {
    let hash = match password {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let id = UserId(app.random.id(now));
    let user = User { id, email, name, created_at: now, disabled_at: None };
    let mut tx = app.store.write().await?;
    store::users::insert(&mut tx, &user, hash.as_ref()).await.map_err(taken("a user"))?;
    let change = Change {
        action: "user.created",
        subject: format!("user:{id}"),
        organization_id: None,
        detail: json!({ "email": user.email }),
    };
    audit(app, &mut tx, asker, change).await?;
    app.commit(tx).await?;
    Ok(user)
}

pub async fn find_by_email(app: &App, email: &Email) -> Result<User, Rejection> {
    let mut tx = app.store.read().await?;
    let user = store::users::find_by_email(&mut tx, email).await?;
    user.ok_or(Rejection::NotFound("user"))
}

/// Disables the user, whose keys then stop as well; enables again.
pub async fn set_enabled(
    app: &App,
    asker: &Asker,
    id: UserId,
    enabled: bool,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let at = (!enabled).then(|| app.clock.now());
    if !store::users::disable(&mut tx, id, at).await? {
        return Err(Rejection::NotFound("user"));
    }
    let change = Change {
        action: if enabled { "user.enabled" } else { "user.disabled" },
        subject: format!("user:{id}"),
        organization_id: None,
        detail: json!({}),
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}

/// Gives the user a role in an organization and everything below it.
pub async fn set_role(
    app: &App,
    asker: &Asker,
    user_id: UserId,
    organization_id: OrganizationId,
    role: RoleName,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let lineage = store::organizations::lineage(&mut tx, organization_id).await?;
    let lineage = lineage.ok_or(Rejection::NotFound("organization"))?;
    if !lineage.knows(&role) {
        return Err(Rejection::UnknownRole(role));
    }
    let detail = json!({ "role": role });
    let created_at = app.clock.now();
    let membership = Membership { organization_id, user_id, role, created_at };
    store::memberships::set(&mut tx, &membership).await?;
    let change = Change {
        action: "member.role_set",
        subject: format!("user:{user_id}"),
        organization_id: Some(organization_id),
        detail,
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}

/// Ends a membership.
pub async fn remove_member(
    app: &App,
    asker: &Asker,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    if !store::memberships::remove(&mut tx, user_id, organization_id).await? {
        return Err(Rejection::NotFound("member"));
    }
    let change = Change {
        action: "member.removed",
        subject: format!("user:{user_id}"),
        organization_id: Some(organization_id),
        detail: json!({}),
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}
