//! The `client_secrets` table: several live ones a client, each with its own last use.

use sqlx::types::Uuid;

use super::{StoreError, Tx, moment, moment_if_any};
use crate::domain::{Change, ClientId, ClientSecret, SecretId};

statements! {
    INSERT = "
        insert into client_secrets (id, client_id, hash, created_at, expires_at)
        values ($1, $2, $3, $4, $5)";

    OF_CLIENT = "
        select id, client_id, hash, created_at, expires_at, last_used_minute
        from client_secrets where client_id = $1 order by created_at, id";

    DELETE = "
        delete from client_secrets where client_id = $1 and id = $2";
}

row! {
    struct Row {
        id: Uuid,
        client_id: Uuid,
        hash: Vec<u8>,
        created_at: i64,
        expires_at: Option<i64>,
        last_used_minute: Option<i64>,
    }
}

impl TryFrom<Row> for ClientSecret {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: SecretId(row.id),
            client_id: ClientId(row.client_id),
            hash: row.hash.try_into().map_err(|_| StoreError::Corrupt("client_secrets.hash"))?,
            created_at: moment("client_secrets.created_at", row.created_at)?,
            expires_at: moment_if_any("client_secrets.expires_at", row.expires_at)?,
        })
    }
}

pub async fn insert(tx: &mut Tx, secret: &ClientSecret) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            secret.id.0,
            secret.client_id.0,
            secret.hash.as_bytes(),
            secret.created_at.timestamp(),
            secret.expires_at.map(|at| at.timestamp()),
        )
    )?;
    tx.changes(Change::Client { id: secret.client_id });
    Ok(())
}

/// Oldest first, expired ones included.
pub async fn of_client(tx: &mut Tx, id: ClientId) -> Result<Vec<ClientSecret>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_CLIENT(id.0) => fetch_all)?;
    rows.into_iter().map(ClientSecret::try_from).collect()
}

/// When each was used last: in this minute since 1970, or up to two hours after it.
pub async fn last_used(
    tx: &mut Tx,
    id: ClientId,
) -> Result<Vec<(SecretId, Option<i64>)>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_CLIENT(id.0) => fetch_all)?;
    Ok(rows.into_iter().map(|row| (SecretId(row.id), row.last_used_minute)).collect())
}

/// Tells whether the client had it.
pub async fn delete(tx: &mut Tx, client: ClientId, id: SecretId) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client });
    Ok(execute!(tx, DELETE(client.0, id.0))? == 1)
}
