//! The `memberships` table: who may do what in which organization.

use sqlx::types::Uuid;

use super::{StoreError, Tx, moment, parse};
use crate::domain::{Change, Membership, OrganizationId, UserId};

statements! {
    SET = "
        insert into memberships (user_id, organization_id, role, created_at)
        values ($1, $2, $3, $4)
        on conflict (user_id, organization_id) do update set role = excluded.role";

    OF_USER = "
        select organization_id, role, created_at from memberships
        where user_id = $1 order by created_at, organization_id";

    REMOVE = "
        delete from memberships where user_id = $1 and organization_id = $2";
}

/// Makes the user a member, or gives a member another role.
pub async fn set(tx: &mut Tx, membership: &Membership) -> Result<(), StoreError> {
    execute!(
        tx,
        SET(
            membership.user_id.0,
            membership.organization_id.0,
            membership.role.as_str(),
            membership.created_at.timestamp(),
        )
    )?;
    tx.changes(Change::User { id: membership.user_id });
    Ok(())
}

/// Tells whether the user was a member.
pub async fn remove(
    tx: &mut Tx,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<bool, StoreError> {
    tx.changes(Change::User { id: user_id });
    Ok(execute!(tx, REMOVE(user_id.0, organization_id.0))? == 1)
}

/// Oldest first.
pub(super) async fn of_user(tx: &mut Tx, id: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(Uuid, String, i64)> = fetch!(tx, OF_USER(id.0) => fetch_all)?;
    rows.into_iter()
        .map(|(organization_id, role, created_at)| {
            Ok(Membership {
                organization_id: OrganizationId(organization_id),
                user_id: id,
                role: parse("memberships.role", &role)?,
                created_at: moment("memberships.created_at", created_at)?,
            })
        })
        .collect()
}
