//! The `usage` table: how often a secret was used in a minute, from where, with which outcome.

use sqlx::types::Uuid;

use super::{StoreError, Tx};
use crate::domain::{ApiKeyId, SecretId, Use};

statements! {
    ADD = "
        insert into usage (secret_id, minute, source, user_agent, outcome, uses)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (secret_id, minute, source, user_agent, outcome)
        do update set uses = usage.uses + excluded.uses";

    ADD_EIGHT = "
        insert into usage (secret_id, minute, source, user_agent, outcome, uses)
        values ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12),
            ($13, $14, $15, $16, $17, $18), ($19, $20, $21, $22, $23, $24),
            ($25, $26, $27, $28, $29, $30), ($31, $32, $33, $34, $35, $36),
            ($37, $38, $39, $40, $41, $42), ($43, $44, $45, $46, $47, $48)
        on conflict (secret_id, minute, source, user_agent, outcome)
        do update set uses = usage.uses + excluded.uses";

    OF_KEY = "
        select u.secret_id, u.minute, u.source, u.user_agent, u.outcome, u.uses
        from usage u join api_key_secrets s on s.id = u.secret_id
        where s.api_key_id = $1 order by u.minute, u.source, u.user_agent, u.outcome";

    LAST_USED = "
        select minute, source from usage
        where secret_id = $1 and outcome = 'issued' order by minute desc limit 1";

    PRUNE = "
        delete from usage
        where minute < $1 and minute = (select min(minute) from usage)";
}

/// Adds to the counts. No two of these may be counted by the same.
pub async fn add(tx: &mut Tx, uses: &[(Use, i64)]) -> Result<(), StoreError> {
    let (eights, rest) = uses.as_chunks::<8>();
    for eight in eights {
        add_eight(tx, eight).await?;
    }
    for (used, count) in rest {
        let source = used.source.to_string();
        let agent = used.user_agent.as_str();
        let outcome = used.outcome.as_str();
        execute!(tx, ADD(used.secret_id.0, used.minute, source, agent, outcome, *count))?;
    }
    Ok(())
}

/// A statement costs more than a row: eight rows at once cost little more than one.
async fn add_eight(tx: &mut Tx, uses: &[(Use, i64); 8]) -> Result<(), StoreError> {
    macro_rules! bind_all {
        ($transaction:expr) => {{
            let mut query = sqlx::query(ADD_EIGHT);
            for (used, count) in uses {
                query = query
                    .bind(used.secret_id.0)
                    .bind(used.minute)
                    .bind(used.source.to_string())
                    .bind(used.user_agent.as_str())
                    .bind(used.outcome.as_str())
                    .bind(*count);
            }
            query.execute(&mut **$transaction).await.map(drop)
        }};
    }
    match &mut tx.engine {
        super::engine::Engine::Sqlite(transaction) => bind_all!(transaction)?,
        super::engine::Engine::Postgres(transaction) => bind_all!(transaction)?,
    }
    Ok(())
}

row! {
    struct Row {
        secret_id: Uuid,
        minute: i64,
        source: String,
        user_agent: String,
        outcome: String,
        uses: i64,
    }
}

/// How often a key was used, minute by minute.
pub async fn of_key(tx: &mut Tx, id: ApiKeyId) -> Result<Vec<(Use, i64)>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_KEY(id.0) => fetch_all)?;
    rows.into_iter()
        .map(|row| {
            let used = Use {
                secret_id: SecretId(row.secret_id),
                minute: row.minute,
                source: super::parse("usage.source", &row.source)?,
                user_agent: crate::domain::UserAgent::new(&row.user_agent),
                outcome: row.outcome,
            };
            Ok((used, row.uses))
        })
        .collect()
}

/// The last minute in which a token was issued for the secret, and to which address.
pub async fn last_used(tx: &mut Tx, id: SecretId) -> Result<Option<(i64, String)>, StoreError> {
    Ok(fetch!(tx, LAST_USED(id.0) => fetch_optional)?)
}

/// Deletes the oldest minute, if it lies before this one; gives how many rows that were. A step of
/// its own, so that it never keeps other writers waiting for long.
pub async fn prune(tx: &mut Tx, before_minute: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before_minute))?)
}
