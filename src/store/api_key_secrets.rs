//! The `api_key_secrets` table: hashes, each of which leads to its key in one look-up.

use sqlx::types::Uuid;

use super::{
    Reader, Store, StoreError, Tx, api_keys, counters, moment, moment_if_any,
    parameter::Parameter as _,
};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, ApiKeySecret, Change, Presented, SecretHash, SecretId},
};

statements! {
    INSERT = "
        insert into api_key_secrets (id, api_key_id, hash, status_index, created_at, dies_at)
        values ($1, $2, $3, $4, $5, $6)";

    FIND = "
        select s.id as secret_id, s.api_key_id, s.hash, s.status_index,
            s.created_at as secret_created_at, s.dies_at, s.dies_by,
            k.id, k.organization_id, k.user_id, k.name, k.description, k.roles, k.reach,
            k.allowed_networks, k.created_at, k.expires_at, k.disabled_at, k.locked_at,
            k.revoked_at, k.when_leaked, k.proof, k.version
        from api_key_secrets s join api_keys k on k.id = s.api_key_id
        where s.hash = $1";

    FIND_MANY = "
        select s.id as secret_id, s.api_key_id, s.hash, s.status_index,
            s.created_at as secret_created_at, s.dies_at, s.dies_by,
            k.id, k.organization_id, k.user_id, k.name, k.description, k.roles, k.reach,
            k.allowed_networks, k.created_at, k.expires_at, k.disabled_at, k.locked_at,
            k.revoked_at, k.when_leaked, k.proof, k.version
        from api_key_secrets s join api_keys k on k.id = s.api_key_id
        where s.hash in (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)";

    HASHES = "
        select id, hash from api_key_secrets where id > $1 order by id limit $2";

    WITH_ID = "
        select hash from api_key_secrets where id = $1";

    OF_KEY = "
        select id as secret_id, api_key_id, hash, status_index, created_at as secret_created_at,
            dies_at, dies_by
        from api_key_secrets where api_key_id = $1 order by status_index";

    SET_END = "
        update api_key_secrets set dies_at = $2, dies_by = $3 where id = $1";

    REPLACED = "
        select count(*) from api_key_secrets s
        where status_index > $1 and status_index <= $2 and dies_at < $3 and exists (
            select 1 from api_key_secrets newer
            where newer.api_key_id = s.api_key_id and newer.status_index > s.status_index)";

    PRUNE = "
        delete from api_key_secrets
        where status_index > $1 and status_index <= $2 and dies_at < $3 and exists (
            select 1 from api_key_secrets newer
            where newer.api_key_id = api_key_secrets.api_key_id
                and newer.status_index > api_key_secrets.status_index)";
}

/// Gives the secret its place in the status list, which is never given again.
pub async fn insert(
    tx: &mut Tx,
    id: SecretId,
    api_key_id: ApiKeyId,
    hash: SecretHash,
    now: Timestamp,
) -> Result<ApiKeySecret, StoreError> {
    let status_index = counters::next(tx, counters::STATUS_INDEX).await?;
    let none: Option<i64> = None;
    execute!(tx, INSERT(id.0, api_key_id.0, hash.as_bytes(), status_index, now.timestamp(), none))?;
    tx.changes(Change::secret(&hash));
    Ok(ApiKeySecret {
        id,
        api_key_id,
        hash,
        created_at: now,
        dies_at: None,
        dies_by: None,
        status_index,
    })
}

row! {
    struct Row {
        secret_id: Uuid,
        api_key_id: Uuid,
        hash: Vec<u8>,
        status_index: i64,
        secret_created_at: i64,
        dies_at: Option<i64>,
        dies_by: Option<i64>,
    }
}

impl TryFrom<Row> for ApiKeySecret {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: SecretId(row.secret_id),
            api_key_id: ApiKeyId(row.api_key_id),
            hash: row.hash.try_into().map_err(|_| StoreError::Corrupt("api_key_secrets.hash"))?,
            created_at: moment("api_key_secrets.created_at", row.secret_created_at)?,
            dies_at: moment_if_any("api_key_secrets.dies_at", row.dies_at)?,
            dies_by: moment_if_any("api_key_secrets.dies_by", row.dies_by)?,
            status_index: row.status_index,
        })
    }
}

/// A secret beside its key.
struct PresentedRow(Row, api_keys::Row);

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for PresentedRow
where
    Row: sqlx::FromRow<'r, R>,
    api_keys::Row: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self(Row::from_row(row)?, api_keys::Row::from_row(row)?))
    }
}

impl TryFrom<PresentedRow> for Presented {
    type Error = StoreError;

    fn try_from(PresentedRow(secret, key): PresentedRow) -> Result<Self, StoreError> {
        Ok(Self { key: key.try_into()?, secret: secret.try_into()? })
    }
}

/// The key that has or had the secret with this hash. One statement, outside any transaction: all
/// that an exchange reads of a key it does not remember.
pub async fn find(
    by: impl Into<Reader<'_>>,
    hash: &SecretHash,
) -> Result<Option<Presented>, StoreError> {
    let row: Option<PresentedRow> = fetch_by!(by, FIND(hash.as_bytes()) => fetch_optional)?;
    row.map(Presented::try_from).transpose()
}

/// The places that [`FIND_MANY`] has.
const FOUND_AT_ONCE: usize = 32;

/// Those of these secrets that keys have or had, with their keys.
pub async fn find_all(tx: &mut Tx, hashes: &[SecretHash]) -> Result<Vec<Presented>, StoreError> {
    let mut all = Vec::new();
    for some in hashes.chunks(FOUND_AT_ONCE) {
        // The last one fills the places that are left over.
        let filled = some.iter().chain(some.last().into_iter().cycle()).take(FOUND_AT_ONCE);
        let rows: Vec<PresentedRow> = fetch_within!(tx, |connection| filled
            .fold(sqlx::query_as(FIND_MANY), |query, hash| query.bind(hash.as_bytes().bound()))
            .fetch_all(connection))?;
        for row in rows {
            all.push(row.try_into()?);
        }
    }
    Ok(all)
}

/// The hashes of all secrets, by their ids: those that come after this one.
pub async fn hashes(
    store: &Store,
    after: Uuid,
    most: i64,
) -> Result<Vec<(SecretId, SecretHash)>, StoreError> {
    let rows: Vec<(Uuid, Vec<u8>)> = fetch_alone!(store, HASHES(after, most) => fetch_all)?;
    let read = |(id, bytes): (Uuid, Vec<u8>)| {
        let hash = bytes.try_into().map_err(|_| StoreError::Corrupt("api_key_secrets.hash"))?;
        Ok((SecretId(id), hash))
    };
    rows.into_iter().map(read).collect()
}

/// The hash of the secret with this id, which never changes.
pub async fn hash_of(
    by: impl Into<Reader<'_>>,
    id: SecretId,
) -> Result<Option<SecretHash>, StoreError> {
    let row: Option<(Vec<u8>,)> = fetch_by!(by, WITH_ID(id.0) => fetch_optional)?;
    let hash = |(bytes,): (Vec<u8>,)| {
        bytes.try_into().map_err(|_| StoreError::Corrupt("api_key_secrets.hash"))
    };
    row.map(hash).transpose()
}

/// The secrets of a key, oldest first, dead ones included.
pub async fn of_key(tx: &mut Tx, id: ApiKeyId) -> Result<Vec<ApiKeySecret>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_KEY(id.0) => fetch_all)?;
    rows.into_iter().map(ApiKeySecret::try_from).collect()
}

/// Lets a secret die at this moment, which may be put off until `by`.
pub async fn set_end(
    tx: &mut Tx,
    secret: &ApiKeySecret,
    at: Timestamp,
    by: Timestamp,
) -> Result<(), StoreError> {
    execute!(tx, SET_END(secret.id.0, at.timestamp(), by.timestamp()))?;
    tx.changes(Change::secret(&secret.hash));
    Ok(())
}

/// How many secrets with a place in this part of the status list died before this moment and were
/// replaced by others of their key. Only reads, so it keeps no writer waiting.
pub async fn count_replaced(
    tx: &mut Tx,
    after: i64,
    up_to: i64,
    died_before: Timestamp,
) -> Result<i64, StoreError> {
    let (rows,): (i64,) = fetch!(tx, REPLACED(after, up_to, died_before.timestamp()) => fetch_one)?;
    Ok(rows)
}

/// Deletes those that [`count_replaced`] counts; gives how many. The newest secret of a key stays
/// as long as the key, and no place in the status list is given again.
pub async fn prune_replaced(
    tx: &mut Tx,
    after: i64,
    up_to: i64,
    died_before: Timestamp,
) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(after, up_to, died_before.timestamp()))?)
}
