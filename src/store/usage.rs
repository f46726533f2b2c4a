//! The `usage` table: how often a secret was used in a minute, from where, with which outcome.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, parameter::Parameter as _};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, Circumstances, KeyName, SecretId, Step, Use},
};

statements! {
    ADD = "
        insert into usage (minute, secret_id, source, user_agent, outcome, uses)
        values ($1, $5, $2, $3, $4, $6)
        on conflict (minute, secret_id, source, user_agent, outcome)
        do update set uses = usage.uses + excluded.uses";

    ADD_MANY = "
        insert into usage (minute, secret_id, source, user_agent, outcome, uses)
        values ($1, $5, $2, $3, $4, $6), ($1, $7, $2, $3, $4, $8), ($1, $9, $2, $3, $4, $10),
            ($1, $11, $2, $3, $4, $12), ($1, $13, $2, $3, $4, $14), ($1, $15, $2, $3, $4, $16),
            ($1, $17, $2, $3, $4, $18), ($1, $19, $2, $3, $4, $20), ($1, $21, $2, $3, $4, $22),
            ($1, $23, $2, $3, $4, $24), ($1, $25, $2, $3, $4, $26), ($1, $27, $2, $3, $4, $28),
            ($1, $29, $2, $3, $4, $30), ($1, $31, $2, $3, $4, $32), ($1, $33, $2, $3, $4, $34),
            ($1, $35, $2, $3, $4, $36), ($1, $37, $2, $3, $4, $38), ($1, $39, $2, $3, $4, $40),
            ($1, $41, $2, $3, $4, $42), ($1, $43, $2, $3, $4, $44), ($1, $45, $2, $3, $4, $46),
            ($1, $47, $2, $3, $4, $48), ($1, $49, $2, $3, $4, $50), ($1, $51, $2, $3, $4, $52),
            ($1, $53, $2, $3, $4, $54), ($1, $55, $2, $3, $4, $56), ($1, $57, $2, $3, $4, $58),
            ($1, $59, $2, $3, $4, $60), ($1, $61, $2, $3, $4, $62), ($1, $63, $2, $3, $4, $64),
            ($1, $65, $2, $3, $4, $66), ($1, $67, $2, $3, $4, $68)
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

    COUNTS = "
        with recursive minutes (minute) as (
            select min(minute) from usage where minute >= $2 and minute < $3
            union all
            select (select min(u.minute) from usage u where u.minute > minutes.minute
                and u.minute < $3)
            from minutes where minutes.minute is not null
        )
        select (u.minute / $4) * $4 as minute, u.secret_id, u.source, u.user_agent, u.outcome,
            cast(sum(u.uses) as bigint) as uses
        from minutes
            join api_key_secrets s on s.api_key_id = $1
            join usage u on u.minute = minutes.minute and u.secret_id = s.id
        where ((u.minute / $4) * $4, u.secret_id, u.source, u.user_agent, u.outcome)
            > ($5, $6, $7, $8, $9)
        group by (u.minute / $4) * $4, u.secret_id, u.source, u.user_agent, u.outcome
        order by (u.minute / $4) * $4, u.secret_id, u.source, u.user_agent, u.outcome
        limit $10";

    TOTALS = "
        select k.id, k.name, u.outcome, cast(sum(u.uses) as bigint), max(u.minute)
        from usage u
            join api_key_secrets s on s.id = u.secret_id
            join api_keys k on k.id = s.api_key_id
        where u.minute >= $1
        group by k.id, k.name, u.outcome
        order by k.id, u.outcome";

    LAST_USED = "
        with recursive near (minute, ending) as (
            select last_used_minute, last_used_minute + 120 from api_key_secrets where id = $1
            union all
            select minute + 1, ending from near where minute < ending
        )
        select near.minute, u.source
        from near left join usage u
            on u.minute = near.minute and u.secret_id = $1 and u.outcome = 'issued'
        where near.minute is not null
        order by (u.minute is null), u.minute desc, near.minute limit 1";

    OLDEST = "
        select min(minute) from usage";

    COUNT = "
        select count(*) from usage where minute >= $1 and minute < $2";

    FIRST_TO_STAY = "
        select minute, secret_id, source, user_agent, outcome, uses from usage where minute < $1
        order by minute, secret_id, source, user_agent, outcome limit 1 offset $2";

    PRUNE_BEFORE = "
        delete from usage
        where (minute, secret_id, source, user_agent, outcome) < ($1, $2, $3, $4, $5)";

    PRUNE_MINUTES = "
        delete from usage where minute < $1";
}

/// Adds to the counts of these secrets. None may stand there twice.
pub async fn add(
    tx: &mut Tx,
    circumstances: &Circumstances,
    secrets: &[(SecretId, i64)],
) -> Result<(), StoreError> {
    let (many, rest) = secrets.as_chunks::<ADDED_AT_ONCE>();
    for some in many {
        add_rows(tx, ADD_MANY, circumstances, some).await?;
    }
    for one in rest.chunks(1) {
        add_rows(tx, ADD, circumstances, one).await?;
    }
    Ok(())
}

/// As many as [`ADD_MANY`] has places for. A statement costs more than a row.
const ADDED_AT_ONCE: usize = 32;

async fn add_rows(
    tx: &mut Tx,
    statement: &'static str,
    circumstances: &Circumstances,
    secrets: &[(SecretId, i64)],
) -> Result<(), StoreError> {
    execute_built!(tx, statement, |query| {
        let shared = query
            .bind(circumstances.minute.bound())
            .bind(circumstances.source.to_string().bound())
            .bind(circumstances.user_agent.as_str().bound())
            .bind(circumstances.outcome.as_ref().bound());
        secrets
            .iter()
            .fold(shared, |query, (secret, count)| query.bind(secret.0.bound()).bind(count.bound()))
    })?;
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
    rows.into_iter().map(Row::into_use).collect()
}

impl Row {
    fn into_use(self) -> Result<(Use, i64), StoreError> {
        let circumstances = Circumstances {
            minute: self.minute,
            source: super::parse("usage.source", &self.source)?,
            user_agent: crate::domain::UserAgent::new(&self.user_agent),
            outcome: self.outcome.into(),
        };
        Ok((Use { secret_id: SecretId(self.secret_id), circumstances }, self.uses))
    }
}

/// The counts of a key in these minutes, summed up by step; `minute` is the first of the step.
/// Sorted by the columns of [`Use`]; only those that come after `page.after`. Looks once into each
/// minute that anyone used anything in.
pub async fn counts(
    tx: &mut Tx,
    id: ApiKeyId,
    minutes: Range<i64>,
    step: Step,
    page: &Page<Use>,
) -> Result<Vec<(Use, i64)>, StoreError> {
    let after = page.after.as_ref();
    let place = after.map(|it| &it.circumstances);
    let rows: Vec<Row> = fetch!(tx, COUNTS(
        id.0,
        minutes.start,
        minutes.end,
        step.minutes(),
        place.map_or(i64::MIN, |it| it.minute),
        after.map_or(Uuid::nil(), |it| it.secret_id.0),
        place.map_or_else(String::new, |it| it.source.to_string()),
        place.map_or("", |it| it.user_agent.as_str()),
        place.map_or("", |it| &it.outcome),
        page.most,
    ) => fetch_all)?;
    rows.into_iter().map(Row::into_use).collect()
}

/// What was counted for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub api_key_id: ApiKeyId,
    pub name: KeyName,
    pub outcome: String,
    pub uses: i64,
    /// The last in which it was.
    pub minute: i64,
}

/// Of every key that was used from this minute on, by outcome. Reads all that was counted since.
pub async fn totals(tx: &mut Tx, from_minute: i64) -> Result<Vec<Total>, StoreError> {
    type Row = (Uuid, String, String, i64, i64);
    let rows: Vec<Row> = fetch!(tx, TOTALS(from_minute) => fetch_all)?;
    let total = |(id, name, outcome, uses, minute): Row| {
        let name = super::parse("api_keys.name", &name)?;
        Ok(Total { api_key_id: ApiKeyId(id), name, outcome, uses, minute })
    };
    rows.into_iter().map(total).collect()
}

/// The last minute in which a token was issued for the secret, and to which address. Once that is
/// no longer kept: a minute at most two hours before it, and no address.
pub async fn last_used(
    tx: &mut Tx,
    id: SecretId,
) -> Result<Option<(i64, Option<String>)>, StoreError> {
    Ok(fetch!(tx, LAST_USED(id.0) => fetch_optional)?)
}

/// The oldest minute that something was counted in.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let (minute,): (Option<i64>,) = fetch!(tx, OLDEST() => fetch_one)?;
    super::moment_if_any("usage.minute", minute.map(|minute| minute.saturating_mul(60)))
}

/// How many rows are of these minutes.
pub async fn count(tx: &mut Tx, during: &Range<Timestamp>) -> Result<i64, StoreError> {
    let (from, until) = (minute(during.start), minute(during.end));
    let (rows,): (i64,) = fetch!(tx, COUNT(from, until) => fetch_one)?;
    Ok(rows)
}

/// Deletes up to so many of the oldest rows, if they are older than `before`; gives how many.
///
/// By the first row that stays: a list of those that go would be compared with every row of their
/// minute.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    let before = minute(before);
    let stays: Option<Row> = fetch!(tx, FIRST_TO_STAY(before, most) => fetch_optional)?;
    Ok(match stays {
        None => execute!(tx, PRUNE_MINUTES(before))?,
        Some(row) => {
            let Row { minute, secret_id, source, user_agent, outcome, .. } = row;
            execute!(tx, PRUNE_BEFORE(minute, secret_id, source, user_agent, outcome))?
        }
    })
}

fn minute(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(60)
}
