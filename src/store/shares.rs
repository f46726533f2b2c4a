//! Who owns the rows of the `usage` and `refusals` tables: an organization, a user, or an owner that
//! is unknown or deleted.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{StoreError, Tx};
use crate::clock::Timestamp;

statements! {
    COUNT_USAGE = "
        select o.owner, count(*)
        from usage u left join (
            select s.id as id, coalesce(k.organization_id, k.user_id) as owner
            from api_key_secrets s join api_keys k on k.id = s.api_key_id
            union all
            select s.id, c.organization_id
            from client_secrets s join clients c on c.id = s.client_id
            union all
            select id, organization_id from clients
            union all
            select id, organization_id from trusts
        ) o on o.id = u.secret_id
        where u.minute >= $1 and u.minute < $2
        group by o.owner";

    OLDEST_USAGE = "
        select u.minute, u.secret_id, count(*)
        from usage u left join (
            select s.id as id, coalesce(k.organization_id, k.user_id) as owner
            from api_key_secrets s join api_keys k on k.id = s.api_key_id
            union all
            select s.id, c.organization_id
            from client_secrets s join clients c on c.id = s.client_id
            union all
            select id, organization_id from clients
            union all
            select id, organization_id from trusts
        ) o on o.id = u.secret_id
        where u.minute >= $1 and u.minute < $2 and o.owner is not distinct from $3
        group by u.minute, u.secret_id
        order by u.minute, u.secret_id limit $4";

    DELETE_USAGE = "
        delete from usage where minute = $1 and secret_id = $2";

    COUNT_REFUSALS = "
        select coalesce(r.organization_id, k.organization_id, k.user_id) as owner, count(*)
        from refusals r left join api_keys k on k.id = r.api_key_id
        where r.at >= $1 and r.at < $2
        group by coalesce(r.organization_id, k.organization_id, k.user_id)";

    DELETE_REFUSALS = "
        delete from refusals where request_id in (
            select r.request_id
            from refusals r left join api_keys k on k.id = r.api_key_id
            where r.at >= $1 and r.at < $2
                and coalesce(r.organization_id, k.organization_id, k.user_id)
                    is not distinct from $3
            order by r.at limit $4)";
}

/// A table whose rows have owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    Refusals,
    Usage,
}

/// How many rows of this time each owner has.
pub async fn count(
    tx: &mut Tx,
    table: Shared,
    during: &Range<Timestamp>,
) -> Result<Vec<(Option<Uuid>, i64)>, StoreError> {
    let (from, until) = span(table, during);
    Ok(match table {
        Shared::Refusals => fetch!(tx, COUNT_REFUSALS(from, until) => fetch_all)?,
        Shared::Usage => fetch!(tx, COUNT_USAGE(from, until) => fetch_all)?,
    })
}

/// Deletes about so many of the oldest rows that an owner has of this time; gives how many. What was
/// counted of one credential in one minute goes together.
pub async fn prune(
    tx: &mut Tx,
    table: Shared,
    owner: Option<Uuid>,
    during: &Range<Timestamp>,
    most: i64,
) -> Result<i64, StoreError> {
    let (from, until) = span(table, during);
    if table == Shared::Refusals {
        let gone = execute!(tx, DELETE_REFUSALS(from, until, owner, most))?;
        return Ok(i64::try_from(gone).unwrap_or(i64::MAX));
    }
    let oldest: Vec<(i64, Uuid, i64)> =
        fetch!(tx, OLDEST_USAGE(from, until, owner, most) => fetch_all)?;
    let mut gone = 0;
    for (minute, secret, rows) in oldest {
        if gone >= most {
            break;
        }
        execute!(tx, DELETE_USAGE(minute, secret))?;
        gone += rows;
    }
    Ok(gone)
}

/// As the table counts time.
fn span(table: Shared, during: &Range<Timestamp>) -> (i64, i64) {
    let (from, until) = (during.start.timestamp(), during.end.timestamp());
    match table {
        Shared::Refusals => (from, until),
        Shared::Usage => (from.div_euclid(60), until.div_euclid(60)),
    }
}
