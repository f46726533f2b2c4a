//! The `reminders` table: which ends of keys were announced, and how long ahead.

use sqlx::types::Uuid;

use super::{StoreError, Tx, parse};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, Email, OrganizationId, RoleName, UserId},
};

statements! {
    DUE = "
        select k.id from api_keys k
        where k.expires_at > $1 and k.expires_at <= $2 and k.created_at <= k.expires_at - $4
            and k.revoked_at is null and k.disabled_at is null
            and not exists (
                select 1 from reminders r
                where r.api_key_id = k.id and r.expires_at = k.expires_at and r.days = $3)
        order by k.expires_at, k.id limit $5";

    CLAIM = "
        insert into reminders (api_key_id, expires_at, days) values ($1, $2, $3)
        on conflict (api_key_id, expires_at, days) do nothing";

    OWNERS = "
        with recursive line (id, parent_id, depth) as (
            select id, parent_id, 0 from organizations where id = $1
            union all
            select o.id, o.parent_id, line.depth + 1
            from organizations o join line on o.id = line.parent_id
        )
        select line.depth, u.email
        from line join memberships m on m.organization_id = line.id
            join users u on u.id = m.user_id
        where m.role = $2 and u.disabled_at is null
        order by line.depth, u.email";

    EMAIL_OF = "
        select email from users where id = $1 and disabled_at is null";

    PRUNE = "
        delete from reminders where (api_key_id, expires_at, days) in (
            select api_key_id, expires_at, days from reminders where expires_at < $1
            order by expires_at limit 1000)";
}

/// A span before the end of keys, and how many days ahead it is announced.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    pub days: i64,
    /// The keys that end after this moment …
    pub after: Timestamp,
    /// … and not after this one.
    pub until: Timestamp,
}

/// Keys that can be used and end in the span, which was not announced; those that end first. None
/// of them was made less than a day before its end would have been announced.
pub async fn due(tx: &mut Tx, ahead: Ahead, most: i64) -> Result<Vec<ApiKeyId>, StoreError> {
    let (after, until) = (ahead.after.timestamp(), ahead.until.timestamp());
    let longer = (ahead.days + 1) * 86_400;
    let rows: Vec<(Uuid,)> = fetch!(tx, DUE(after, until, ahead.days, longer, most) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| ApiKeyId(id)).collect())
}

/// Tells whether it falls to us to announce it. Of transactions that ask at once, one is told so.
pub async fn claim(
    tx: &mut Tx,
    id: ApiKeyId,
    expires_at: Timestamp,
    days: i64,
) -> Result<bool, StoreError> {
    Ok(execute!(tx, CLAIM(id.0, expires_at.timestamp(), days))? == 1)
}

/// Who answers for an organization: its owners; where it has none, those of the next one above it
/// that has some.
pub async fn owners(tx: &mut Tx, id: OrganizationId) -> Result<Vec<Email>, StoreError> {
    let role = RoleName::owner();
    let rows: Vec<(i32, String)> = fetch!(tx, OWNERS(id.0, role.as_str()) => fetch_all)?;
    let Some(nearest) = rows.first().map(|(depth, _)| *depth) else { return Ok(Vec::new()) };
    let nearest = rows.into_iter().take_while(|(depth, _)| *depth == nearest);
    nearest.map(|(_, email)| parse("users.email", &email)).collect()
}

/// The address of a user who is not disabled.
pub async fn email_of(tx: &mut Tx, id: UserId) -> Result<Option<Email>, StoreError> {
    let row: Option<(String,)> = fetch!(tx, EMAIL_OF(id.0) => fetch_optional)?;
    row.map(|(email,)| parse("users.email", &email)).transpose()
}

/// Forgets up to 1000 announcements of ends before this moment; gives how many those were.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp()))?)
}
