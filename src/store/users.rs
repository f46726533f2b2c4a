//! The `users` table.

use sqlx::types::Uuid;

use super::{StoreError, Tx, memberships, moment, moment_if_any, parse};
use crate::{
    clock::Timestamp,
    domain::{Change, Email, PasswordHash, Person, User, UserId},
};

statements! {
    INSERT = "
        insert into users (id, email, name, password_hash, created_at, disabled_at)
        values ($1, $2, $3, $4, $5, $6)";

    FIND = "
        select id, email, name, created_at, disabled_at from users where id = $1";

    FIND_BY_EMAIL = "
        select id, email, name, created_at, disabled_at from users where email = $1";

    LIST = "
        select id, email, name, created_at, disabled_at from users order by created_at, id";

    PASSWORD_HASH = "
        select password_hash from users where id = $1";

    DISABLE = "
        update users set disabled_at = $2 where id = $1";
}

row! {
    struct Row {
        id: Uuid,
        email: String,
        name: String,
        created_at: i64,
        disabled_at: Option<i64>,
    }
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            email: parse("users.email", &row.email)?,
            name: row.name,
            created_at: moment("users.created_at", row.created_at)?,
            disabled_at: moment_if_any("users.disabled_at", row.disabled_at)?,
        })
    }
}

/// Fails with [`StoreError::Conflict`] if the address is taken.
pub async fn insert(
    tx: &mut Tx,
    user: &User,
    password: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            user.id.0,
            user.email.as_str(),
            user.name.as_str(),
            password.map(PasswordHash::as_phc),
            user.created_at.timestamp(),
            user.disabled_at.map(|at| at.timestamp()),
        )
    )?;
    Ok(())
}

pub async fn find_by_email(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND_BY_EMAIL(email.as_str()) => fetch_optional)?;
    row.map(User::try_from).transpose()
}

/// All of them, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    rows.into_iter().map(User::try_from).collect()
}

/// The user with all memberships.
pub async fn person(tx: &mut Tx, id: UserId) -> Result<Option<Person>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Person { user: row.try_into()?, memberships: memberships::of_user(tx, id).await? }))
}

/// `None` for a user who has no password or does not exist.
pub async fn password_hash(tx: &mut Tx, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
    let row: Option<(Option<String>,)> = fetch!(tx, PASSWORD_HASH(id.0) => fetch_optional)?;
    Ok(row.and_then(|(hash,)| hash).map(PasswordHash::from_phc))
}

/// Disables the user, or enables again with `None`.
pub async fn disable(tx: &mut Tx, id: UserId, at: Option<Timestamp>) -> Result<bool, StoreError> {
    tx.changes(Change::User { id });
    Ok(execute!(tx, DISABLE(id.0, at.map(|at| at.timestamp())))? == 1)
}
