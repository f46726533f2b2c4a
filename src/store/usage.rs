//! The `usage` table: how often a secret was used in a minute, from where, with which outcome.

use sqlx::types::Uuid;

use super::{StoreError, Tx};
use crate::domain::{ApiKeyId, SecretId, Use};

statements! {
    ADD = "
        insert into usage (minute, secret_id, source, user_agent, outcome, uses)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (minute, secret_id, source, user_agent, outcome)
        do update set uses = usage.uses + excluded.uses";

    ADD_EIGHT = "
        insert into usage (minute, secret_id, source, user_agent, outcome, uses)
        values ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12),
            ($13, $14, $15, $16, $17, $18), ($19, $20, $21, $22, $23, $24),
            ($25, $26, $27, $28, $29, $30), ($31, $32, $33, $34, $35, $36),
            ($37, $38, $39, $40, $41, $42), ($43, $44, $45, $46, $47, $48)
        on conflict (minute, secret_id, source, user_agent, outcome)
        do update set uses = usage.uses + excluded.uses";

    OF_KEY = "
        with recursive minutes (minute) as (
            select min(minute) from usage
            union all
            select (select min(u.minute) from usage u where u.minute > minutes.minute)
            from minutes where minutes.minute is not null
        )
        select u.secret_id, u.minute, u.source, u.user_agent, u.outcome, u.uses
        from minutes
            join api_key_secrets s on s.api_key_id = $1
            join usage u on u.minute = minutes.minute and u.secret_id = s.id
        order by u.minute, u.source, u.user_agent, u.outcome";

    MARK_USED = "
        update api_key_secrets set last_used_minute = $1
        where (last_used_minute is null or last_used_minute < $1 - 60)
            and id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

    LAST_USED = "
        with recursive hour (minute, ending) as (
            select last_used_minute, last_used_minute + 60 from api_key_secrets where id = $1
            union all
            select minute + 1, ending from hour where minute < ending
        )
        select hour.minute, u.source
        from hour left join usage u
            on u.minute = hour.minute and u.secret_id = $1 and u.outcome = 'issued'
        where hour.minute is not null
        order by (u.minute is null), u.minute desc, hour.minute limit 1";

    PRUNE = "
        delete from usage
        where minute < $1 and minute = (select min(minute) from usage)";
}

/// Adds to the counts, and remembers when each secret was last used. No two of these may be counted
/// by the same; those of a minute stand together.
pub async fn add(tx: &mut Tx, uses: &[(Use, i64)]) -> Result<(), StoreError> {
    for of_a_minute in uses.chunk_by(|(one, _), (next, _)| one.minute == next.minute) {
        let issued = of_a_minute.iter().filter(|(used, _)| used.outcome == "issued");
        let secrets: Vec<_> = issued.map(|(used, _)| used.secret_id).collect();
        for some in secrets.chunks(MARKED_AT_ONCE) {
            mark_used(tx, of_a_minute[0].0.minute, some).await?;
        }
    }
    let (eights, rest) = uses.as_chunks::<8>();
    for eight in eights {
        add_eight(tx, eight).await?;
    }
    for (used, count) in rest {
        let source = used.source.to_string();
        let agent = used.user_agent.as_str();
        let outcome = &*used.outcome;
        execute!(tx, ADD(used.minute, used.secret_id.0, source, agent, outcome, *count))?;
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
                    .bind(used.minute)
                    .bind(used.secret_id.0)
                    .bind(used.source.to_string())
                    .bind(used.user_agent.as_str())
                    .bind(&*used.outcome)
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

/// As many as [`MARK_USED`] has places for.
const MARKED_AT_ONCE: usize = 16;

async fn mark_used(tx: &mut Tx, minute: i64, secrets: &[SecretId]) -> Result<(), StoreError> {
    macro_rules! bind_all {
        ($transaction:expr) => {{
            let mut query = sqlx::query(MARK_USED).bind(minute);
            // Places that are left over name a secret twice, which changes nothing.
            for secret in secrets.iter().cycle().take(MARKED_AT_ONCE) {
                query = query.bind(secret.0);
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

/// How often a key was used, minute by minute. Looks once into each minute there is.
pub async fn of_key(tx: &mut Tx, id: ApiKeyId) -> Result<Vec<(Use, i64)>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_KEY(id.0) => fetch_all)?;
    rows.into_iter()
        .map(|row| {
            let used = Use {
                secret_id: SecretId(row.secret_id),
                minute: row.minute,
                source: super::parse("usage.source", &row.source)?,
                user_agent: crate::domain::UserAgent::new(&row.user_agent),
                outcome: row.outcome.into(),
            };
            Ok((used, row.uses))
        })
        .collect()
}

/// The last minute in which a token was issued for the secret, and to which address. Once that is
/// no longer kept: a minute at most an hour before it, and no address.
pub async fn last_used(
    tx: &mut Tx,
    id: SecretId,
) -> Result<Option<(i64, Option<String>)>, StoreError> {
    Ok(fetch!(tx, LAST_USED(id.0) => fetch_optional)?)
}

/// Deletes the oldest minute, if it lies before this one; gives how many rows that were. A step of
/// its own, so that it never keeps other writers waiting for long.
pub async fn prune(tx: &mut Tx, before_minute: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before_minute))?)
}
