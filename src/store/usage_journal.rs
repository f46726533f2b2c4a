//! The `usage_journal` table: what was used and refused, one row a commit, until it is folded.

use sqlx::types::Uuid;

use super::{Store, StoreError, Tx};

statements! {
    APPEND = "
        insert into usage_journal (id, batch) values ($1, $2)";

    TAKE = "
        delete from usage_journal
        where id in (select id from usage_journal order by id limit $1)
        returning batch";
}

/// Durable when this returns.
pub async fn append(store: &Store, id: Uuid, batch: &str) -> Result<(), StoreError> {
    execute_alone!(store, APPEND(id, batch))?;
    Ok(())
}

/// Takes the oldest batches out. Whoever commits this has to have counted them: nobody else gets
/// them.
pub async fn take(tx: &mut Tx, most: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = fetch!(tx, TAKE(most) => fetch_all)?;
    Ok(rows.into_iter().map(|(batch,)| batch).collect())
}
