//! Clients that registered themselves: what the tables of clients and of their secrets say together.

use sqlx::types::Uuid;

use super::{StoreError, Tx};
use crate::{
    clock::Timestamp,
    domain::{Change, Client, ClientId},
};

statements! {
    COUNT = "
        select count(*) from clients where registration is not null";

    UNUSED = "
        select c.id from clients c
        where c.id > $1 and c.registration is not null and c.created_at < $2
            and (c.last_used_minute is null or c.last_used_minute < $3)
            and not exists (
                select 1 from client_secrets s
                where s.client_id = c.id and (s.created_at >= $2 or s.last_used_minute >= $3))
        order by c.id limit $4";

    DELETE_UNUSED = "
        delete from clients
        where id = $1 and registration is not null and created_at < $2
            and (last_used_minute is null or last_used_minute < $3)
            and not exists (
                select 1 from client_secrets s
                where s.client_id = $1 and (s.created_at >= $2 or s.last_used_minute >= $3))";
}

/// How much older the last use that is remembered may be than the last use.
const MINUTES_BEHIND: i64 = 120;

fn minute(since: Timestamp) -> i64 {
    since.timestamp() / 60 - MINUTES_BEHIND
}

/// How many there are, whichever organization they belong to.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT() => fetch_one)?;
    Ok(count)
}

/// Those with an id after this one that were neither made nor used since then.
pub async fn unused(
    tx: &mut Tx,
    after: ClientId,
    since: Timestamp,
    most: i64,
) -> Result<Vec<ClientId>, StoreError> {
    let (after, made, used) = (after.0, since.timestamp(), minute(since));
    let rows: Vec<(Uuid,)> = fetch!(tx, UNUSED(after, made, used, most) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| ClientId(id)).collect())
}

/// With its secrets and its refresh tokens, unless it was used meanwhile: tells whether it was us.
pub async fn delete_unused(
    tx: &mut Tx,
    client: &Client,
    since: Timestamp,
) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client.id });
    let (id, made, used) = (client.id.0, since.timestamp(), minute(since));
    Ok(execute!(tx, DELETE_UNUSED(id, made, used))? == 1)
}
