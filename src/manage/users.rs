//! Makes users and gives them roles in organizations.

use serde_json::json;

use super::{Asker, Change, Rejection, audit, taken};
use crate::{
    app::App,
    domain::{
        Email, Membership, OrganizationId, Password, PasswordHash, Person, RoleName, User, UserId,
    },
    store::{self, Tx},
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
    let mut tx = app.store.write().await?;
    let user = add(app, &mut tx, asker, email, name, hash.as_ref()).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// A user who is a member of an organization from the beginning.
pub struct NewMember {
    pub email: Email,
    pub name: String,
    pub password: Option<Password>,
    pub organization_id: OrganizationId,
    pub role: RoleName,
}

pub async fn create_member(app: &App, asker: &Asker, new: NewMember) -> Result<User, Rejection> {
    let hash = match new.password {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let mut tx = app.store.write().await?;
    let user = add(app, &mut tx, asker, new.email, new.name, hash.as_ref()).await?;
    give_role(app, &mut tx, asker, user.id, new.organization_id, new.role).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// [`create`] as a part of a larger transaction.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    email: Email,
    name: String,
    password: Option<&PasswordHash>,
) -> Result<User, Rejection> {
    let now = app.clock.now();
    let id = UserId(app.random.id(now));
    let user = User { id, email, name, created_at: now, disabled_at: None };
    store::users::insert(tx, &user, password).await.map_err(taken("a user"))?;
    let change = Change {
        action: "user.created",
        subject: format!("user:{id}"),
        organization_id: None,
        detail: json!({ "email": user.email }),
    };
    audit(app, tx, asker, change).await?;
    Ok(user)
}

/// Everybody with their memberships, oldest first.
pub async fn list(app: &App) -> Result<Vec<Person>, Rejection> {
    let mut tx = app.store.read().await?;
    let mut people = Vec::new();
    for user in store::users::list(&mut tx).await? {
        people.extend(store::users::person(&mut tx, user.id).await?);
    }
    Ok(people)
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
    give_role(app, &mut tx, asker, user_id, organization_id, role).await?;
    Ok(app.commit(tx).await?)
}

/// [`set_role`] as a part of a larger transaction.
pub(super) async fn give_role(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    user_id: UserId,
    organization_id: OrganizationId,
    role: RoleName,
) -> Result<(), Rejection> {
    let lineage = store::organizations::lineage(tx, organization_id).await?;
    let lineage = lineage.ok_or(Rejection::NotFound("organization"))?;
    if !lineage.knows(&role) {
        return Err(Rejection::UnknownRole(role));
    }
    let detail = json!({ "role": role });
    let created_at = app.clock.now();
    let membership = Membership { organization_id, user_id, role, created_at };
    store::memberships::set(tx, &membership).await?;
    let change = Change {
        action: "member.role_set",
        subject: format!("user:{user_id}"),
        organization_id: Some(organization_id),
        detail,
    };
    Ok(audit(app, tx, asker, change).await?)
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
