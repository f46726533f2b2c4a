//! The `users` table.

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, memberships, moment, moment_if_any, parse};
use crate::domain::{Change, Email, PasswordHash, Person, Text, User, UserId, Version};

statements! {
    INSERT = "
        insert into users (id, email, name, password_hash, created_at, disabled_at, version)
        values ($1, $2, $3, $4, $5, $6, $7)";

    FIND = "
        select id, email, name, created_at, disabled_at, version from users where id = $1";

    FIND_BY_EMAIL = "
        select id, email, name, created_at, disabled_at, version from users where email = $1";

    LIST = "
        select id, email, name, created_at, disabled_at, version from users
        where id > $1 order by id limit $2";

    PASSWORD_HASH = "
        select password_hash from users where id = $1";

    UPDATE = "
        update users set name = $3, disabled_at = $4, version = version + 1
        where id = $1 and version = $2";
}

row! {
    struct Row {
        id: Uuid,
        email: String,
        name: String,
        created_at: i64,
        disabled_at: Option<i64>,
        version: i64,
    }
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            email: parse("users.email", &row.email)?,
            name: Text::from_stored(row.name),
            created_at: moment("users.created_at", row.created_at)?,
            disabled_at: moment_if_any("users.disabled_at", row.disabled_at)?,
            version: Version(row.version),
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
            user.version.0,
        )
    )?;
    Ok(())
}

pub async fn find_by_email(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND_BY_EMAIL(email.as_str()) => fetch_optional)?;
    row.map(User::try_from).transpose()
}

/// Those after the one with this id, oldest first.
pub async fn list(tx: &mut Tx, page: Page<UserId>) -> Result<Vec<User>, StoreError> {
    let after = page.after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<Row> = fetch!(tx, LIST(after, page.most) => fetch_all)?;
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

/// Writes all that may change, unless it was changed since it was read; tells whether it was
/// written.
pub async fn update(tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    let disabled_at = user.disabled_at.map(|at| at.timestamp());
    tx.changes(Change::User { id: user.id });
    Ok(execute!(tx, UPDATE(user.id.0, user.version.0, user.name.as_str(), disabled_at))? == 1)
}
