//! The `memberships` table: who may do what in which organization.

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, counters, moment, parse};
use crate::domain::{Change, Membership, OrganizationId, UserId, Version};

statements! {
    INSERT = "
        insert into memberships (user_id, organization_id, role, created_at, version, number)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (user_id, organization_id) do nothing";

    UPDATE = "
        update memberships set role = $3, version = $4
        where user_id = $1 and organization_id = $2 and version = $4 - 1";

    OF_USER = "
        select user_id, organization_id, role, created_at, version from memberships
        where user_id = $1 order by coalesce(number, 0), created_at, organization_id";

    FIND = "
        select user_id, organization_id, role, created_at, version from memberships
        where user_id = $1 and organization_id = $2";

    OF_ORGANIZATION = "
        select user_id, organization_id, role, created_at, version from memberships
        where organization_id = $1 and user_id > $2 order by user_id limit $3";

    USERS_OF = "
        select user_id from memberships where organization_id = $1";

    REMOVE = "
        delete from memberships where user_id = $1 and organization_id = $2 and version = $3";
}

/// Makes the user a member, or gives a member another role, unless it was changed since it was
/// read; tells whether it was written.
pub async fn set(tx: &mut Tx, membership: &Membership) -> Result<bool, StoreError> {
    let Membership { user_id, organization_id, role, created_at, version } = membership;
    tx.changes(Change::User { id: *user_id });
    let (user, organization, role) = (user_id.0, organization_id.0, role.as_str());
    let written = if *version == Version::FIRST {
        let number = counters::next(tx, counters::MEMBERSHIPS).await?;
        let created_at = created_at.timestamp();
        execute!(tx, INSERT(user, organization, role, created_at, version.0, number))?
    } else {
        execute!(tx, UPDATE(user, organization, role, version.0))?
    };
    Ok(written == 1)
}

/// Unless it was changed since it was read; tells whether it was written.
pub async fn remove(tx: &mut Tx, membership: &Membership) -> Result<bool, StoreError> {
    let Membership { user_id, organization_id, version, .. } = membership;
    tx.changes(Change::User { id: *user_id });
    Ok(execute!(tx, REMOVE(user_id.0, organization_id.0, version.0))? == 1)
}

row! {
    struct Row {
        user_id: Uuid,
        organization_id: Uuid,
        role: String,
        created_at: i64,
        version: i64,
    }
}

impl TryFrom<Row> for Membership {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: OrganizationId(row.organization_id),
            user_id: UserId(row.user_id),
            role: parse("memberships.role", &row.role)?,
            created_at: moment("memberships.created_at", row.created_at)?,
            version: Version(row.version),
        })
    }
}

/// Oldest first.
pub(super) async fn of_user(tx: &mut Tx, id: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_USER(id.0) => fetch_all)?;
    rows.into_iter().map(Membership::try_from).collect()
}

pub async fn find(
    tx: &mut Tx,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<Option<Membership>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(user_id.0, organization_id.0) => fetch_optional)?;
    row.map(Membership::try_from).transpose()
}

/// The members of one organization, not of those above it, after this user; by user.
pub async fn of_organization(
    tx: &mut Tx,
    id: OrganizationId,
    page: Page<UserId>,
) -> Result<Vec<Membership>, StoreError> {
    let after = page.after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<Row> = fetch!(tx, OF_ORGANIZATION(id.0, after, page.most) => fetch_all)?;
    rows.into_iter().map(Membership::try_from).collect()
}

pub(super) async fn users_of(tx: &mut Tx, id: OrganizationId) -> Result<Vec<UserId>, StoreError> {
    let rows: Vec<(Uuid,)> = fetch!(tx, USERS_OF(id.0) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}
