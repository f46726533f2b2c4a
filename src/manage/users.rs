//! Makes users, disables and enables them. Users belong to the server; members to organizations.

use serde_json::json;

use super::{
    Asker, Change, Judged, Made, Rejection, audit,
    memberships::{WRITE, give_role},
    once, taken,
};
use crate::{
    app::App,
    domain::{
        Email, Expected, Once, OrganizationId, Password, PasswordHash, Person, RoleName, Text,
        User, UserId, Version,
    },
    store::{self, Page, Tx},
};

const READ: &str = "members:read";

/// A user who is to be made.
pub struct NewUser {
    pub email: Email,
    pub name: Text,
    /// Without one, the user cannot sign in by password.
    pub password: Option<Password>,
    /// A member of this organization from the beginning.
    pub membership: Option<(OrganizationId, RoleName)>,
}

impl NewUser {
    async fn hashed(self, app: &App) -> Result<(Self, Option<PasswordHash>), Rejection> {
        let hash = match &self.password {
            Some(password) => Some(app.passwords.hash(password.clone()).await?),
            None => None,
        };
        Ok((self, hash))
    }
}

pub async fn create(app: &App, asker: &Asker, new: NewUser) -> Result<User, Rejection> {
    // Before a password is hashed, which takes long; and again after it.
    asker.must_run_server(WRITE)?;
    let new = new.hashed(app).await?;
    let (mut tx, ref asker) = asker.begin(app).await?;
    let user = insert(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// [`create`], unless an earlier request made the user.
pub async fn create_once(
    app: &App,
    asker: &Asker,
    new: NewUser,
    once: &Once,
) -> Result<Made<User>, Rejection> {
    asker.must_run_server(WRITE)?;
    let new = new.hashed(app).await?;
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server(WRITE)?;
    if let Some(id) = once::made_before(&mut tx, asker, once).await? {
        return Ok(Made::Before(find(&mut tx, id).await?.user));
    }
    let user = insert(app, &mut tx, asker, new).await?;
    once::remember(app, &mut tx, asker, once, user.id).await?;
    app.commit(tx).await?;
    Ok(Made::New(user))
}

async fn insert(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    (new, hash): (NewUser, Option<PasswordHash>),
) -> Result<User, Rejection> {
    asker.must_run_server(WRITE)?;
    let user = add(app, tx, asker, new.email, new.name, hash.as_ref()).await?;
    if let Some((organization, role)) = new.membership {
        give_role(app, tx, asker, user.id, organization, role).await?;
    }
    Ok(user)
}

async fn find(tx: &mut Tx, id: UserId) -> Result<Person, Rejection> {
    store::users::person(tx, id).await?.ok_or(Rejection::NotFound("user"))
}

/// [`create`] as a part of a larger transaction, for an asker who may.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    email: Email,
    name: Text,
    password: Option<&PasswordHash>,
) -> Result<User, Rejection> {
    let now = app.clock.now();
    let id = UserId(app.random.id(now));
    let version = Version::FIRST;
    let user = User { id, email, name, created_at: now, disabled_at: None, version };
    store::users::insert(tx, &user, password).await.map_err(taken("a user"))?;
    audit(app, tx, asker, event("user.created", id, json!({ "email": user.email })));
    Ok(user)
}

/// Everybody with their memberships, oldest first.
pub async fn list(app: &App, asker: &Asker, page: Page<UserId>) -> Result<Vec<Person>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    let mut people = Vec::new();
    for user in store::users::list(&mut tx, page).await? {
        people.extend(store::users::person(&mut tx, user.id).await?);
    }
    Ok(people)
}

pub async fn show(app: &App, asker: &Asker, id: UserId) -> Result<Person, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    find(&mut tx, id).await
}

/// For a person at the machine.
pub async fn find_by_email(app: &App, email: &Email) -> Result<User, Rejection> {
    let mut tx = app.store.read().await?;
    let user = store::users::find_by_email(&mut tx, email).await?;
    user.ok_or(Rejection::NotFound("user"))
}

/// What is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<Text>,
    /// Disabling stops the user's keys as well.
    pub enabled: Option<bool>,
}

pub async fn update(
    app: &App,
    asker: &Asker,
    id: UserId,
    expected: &Expected,
    edit: Edit,
) -> Result<User, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let user = change(app, &mut tx, asker, id, expected, edit).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// [`update`] as a part of a larger transaction.
pub(super) async fn change(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: UserId,
    expected: &Expected,
    edit: Edit,
) -> Result<User, Rejection> {
    asker.must_run_server(WRITE)?;
    let before = find(tx, id).await?.user;
    if !expected.allows(before.version) {
        return Err(Rejection::ChangedMeanwhile);
    }
    let mut user = before.clone();
    if let Some(name) = edit.name.filter(|name| *name != user.name) {
        user.name = name;
        audit(app, tx, asker, event("user.renamed", id, json!({})));
    }
    if let Some(enabled) = edit.enabled.filter(|it| *it != user.disabled_at.is_none()) {
        let action = if enabled { "user.enabled" } else { "user.disabled" };
        audit(app, tx, asker, event(action, id, json!({})));
        user.disabled_at = (!enabled).then(|| app.clock.now());
    }
    if user == before {
        return Ok(user);
    }
    if !store::users::update(tx, &user).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    user.version = Version(user.version.0 + 1);
    Ok(user)
}

fn event(action: &'static str, id: UserId, detail: serde_json::Value) -> Change {
    Change { action, subject: format!("user:{id}"), organization_id: None, detail }
}
