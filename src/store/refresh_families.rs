//! The `refresh_families` table: one row for all the refresh tokens of one grant.

use sqlx::types::Uuid;

use super::{Reader, StoreError, Tx, counters, moment, moment_if_any};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, Change, ClientId, Family, FamilyId},
};

statements! {
    INSERT = "
        insert into refresh_families (
            id, salt, client_id, api_key_id, granted, generation, created_at, used_at, expires_at,
            idle, ends_at, status_index, holder)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
        where (exists (select 1 from clients where id = $3) or $3 is null)
            and (exists (select 1 from api_keys where id = $4) or $4 is null)";

    FIND = "
        select id, salt, client_id, granted, generation, answered_at, created_at, used_at,
            expires_at, ended_at, status_index
        from refresh_families where id = $1";

    ADVANCE = "
        update refresh_families
        set generation = generation + 1, answered_at = null, used_at = $3,
            ends_at = case when $3 + idle < expires_at then $3 + idle else expires_at end
        where id = $1 and generation = $2 and ended_at is null and expires_at > $3";

    USE = "
        update refresh_families
        set used_at = $3,
            ends_at = case when $3 + idle < expires_at then $3 + idle else expires_at end
        where id = $1 and generation = $2 and ended_at is null and expires_at > $3";

    ANSWERED = "
        update refresh_families set answered_at = $3
        where id = $1 and generation = $2 and answered_at is null";

    END = "
        update refresh_families set ended_at = $2 where id = $1 and ended_at is null";

    END_OF_KEY = "
        update refresh_families set ended_at = $2 where api_key_id = $1 and ended_at is null";

    BEYOND = "
        select id from refresh_families where holder = $1 and ended_at is null
        order by id desc limit 100 offset $2";

    PRUNE = "
        delete from refresh_families where id in (
            select id from refresh_families where ends_at < $1 order by ends_at limit $2)";
}

row! {
    struct Row {
        id: Uuid,
        salt: Vec<u8>,
        client_id: Option<Uuid>,
        granted: String,
        generation: i64,
        answered_at: Option<i64>,
        created_at: i64,
        used_at: i64,
        expires_at: i64,
        ended_at: Option<i64>,
        status_index: i64,
    }
}

impl TryFrom<Row> for Family {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| move |_| StoreError::Corrupt(column);
        let salt = <[u8; 16]>::try_from(row.salt);
        let granted = serde_json::from_str(&row.granted);
        let generation = u32::try_from(row.generation);
        Ok(Self {
            id: FamilyId(row.id),
            salt: salt.map_err(|_| StoreError::Corrupt("refresh_families.salt"))?,
            client_id: row.client_id.map(ClientId),
            granted: granted.map_err(|_| StoreError::Corrupt("refresh_families.granted"))?,
            generation: generation.map_err(corrupt("refresh_families.generation"))?,
            answered_at: moment_if_any("refresh_families.answered_at", row.answered_at)?,
            created_at: moment("refresh_families.created_at", row.created_at)?,
            used_at: moment("refresh_families.used_at", row.used_at)?,
            expires_at: moment("refresh_families.expires_at", row.expires_at)?,
            ended_at: moment_if_any("refresh_families.ended_at", row.ended_at)?,
            status_index: row.status_index,
        })
    }
}

/// Gives the family its place in the status list, which is never given again. Of whose key, where
/// it is one's. Tells whether that key, and the client, are still there.
pub async fn insert(
    tx: &mut Tx,
    family: Family,
    api_key: Option<ApiKeyId>,
) -> Result<bool, StoreError> {
    let status_index = counters::next(tx, counters::STATUS_INDEX).await?;
    let granted = serde_json::to_string(&family.granted);
    let granted = granted.map_err(|_| StoreError::Corrupt("refresh_families.granted"))?;
    let inserted = execute!(
        tx,
        INSERT(
            family.id.0,
            &family.salt[..],
            family.client_id.map(|id| id.0),
            api_key.map(|id| id.0),
            granted.as_str(),
            i64::from(family.generation),
            family.created_at.timestamp(),
            family.used_at.timestamp(),
            family.expires_at.timestamp(),
            i64::from(family.granted.terms.idle),
            family.ends_at().timestamp(),
            status_index,
            &family.holder()[..],
        )
    )?;
    Ok(inserted == 1)
}

/// One statement, outside any transaction: what a refresh reads.
pub async fn find(by: impl Into<Reader<'_>>, id: FamilyId) -> Result<Option<Family>, StoreError> {
    let row: Option<Row> = fetch_by!(by, FIND(id.0) => fetch_optional)?;
    row.map(Family::try_from).transpose()
}

/// Uses this generation up: tells whether this is the first time, and the family lives.
pub async fn advance(
    tx: &mut Tx,
    id: FamilyId,
    generation: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(execute!(tx, ADVANCE(id.0, i64::from(generation), now.timestamp()))? == 1)
}

/// Notes a use that uses nothing up: tells whether the generation is the live one.
pub async fn note_use(
    tx: &mut Tx,
    id: FamilyId,
    generation: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(execute!(tx, USE(id.0, i64::from(generation), now.timestamp()))? == 1)
}

/// Notes when this generation was first handed out for the one before it. Changes nothing where that
/// is known.
pub async fn answered(
    tx: &mut Tx,
    id: FamilyId,
    generation: u32,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(execute!(tx, ANSWERED(id.0, i64::from(generation), at.timestamp()))? == 1)
}

/// Ends the family, and with it whatever it gave; tells whether it was alive.
pub async fn end(tx: &mut Tx, id: FamilyId, at: Timestamp) -> Result<bool, StoreError> {
    tx.changes(Change::Family { id });
    Ok(execute!(tx, END(id.0, at.timestamp()))? == 1)
}

/// Ends every family of a key that ends itself: its own entry in the feed tells it.
pub async fn end_of_key(tx: &mut Tx, id: ApiKeyId, at: Timestamp) -> Result<u64, StoreError> {
    Ok(execute!(tx, END_OF_KEY(id.0, at.timestamp()))?)
}

/// The live families of a holder that are older than its newest ones, `most` of them; up to a
/// hundred, newest first. One statement, outside any transaction.
pub async fn beyond(
    by: impl Into<Reader<'_>>,
    holder: &[u8; 32],
    most: u32,
) -> Result<Vec<FamilyId>, StoreError> {
    let rows: Vec<(Uuid,)> = fetch_by!(by, BEYOND(&holder[..], i64::from(most)) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| FamilyId(id)).collect())
}

/// Deletes up to so many of those that ended by themselves before this moment; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
