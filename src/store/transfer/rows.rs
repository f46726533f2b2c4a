//! Reads and writes whole tables, some rows at a time, in a form that both engines share.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Row as _};

use super::{
    TransferFailed,
    schema::{Column, Kind, Table},
};
use crate::store::{Tx, engine::Engine};

/// What one column of one row holds. A UUID is its sixteen bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// Values in the order of the table's columns.
pub(super) type Row = Vec<Value>;

/// Rows to one reading: a million keys must not lie in memory at once.
const PAGE: usize = 1_000;

/// Arguments of one statement: `SQLite` takes 32,766, PostgreSQL twice as many.
const MOST_ARGUMENTS: usize = 30_000;

macro_rules! bound {
    ($query:expr, $values:expr) => {
        $values.fold($query, |query, value| match value {
            Value::Integer(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.clone()),
            Value::Bytes(value) => query.bind(value.clone()),
        })
    };
}

macro_rules! read {
    ($row:expr, $table:expr) => {
        $table
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                Ok(match column.kind {
                    Kind::Integer => Value::Integer($row.try_get(place)?),
                    Kind::Text => Value::Text($row.try_get(place)?),
                    Kind::Bytes | Kind::Uuid => Value::Bytes($row.try_get(place)?),
                })
            })
            .collect::<Result<Row, sqlx::Error>>()
    };
}

/// The rows that come after this one by the primary key; from the first where it is `None`.
pub(super) async fn after(
    tx: &mut Tx,
    table: &Table,
    last: Option<&Row>,
) -> Result<Vec<Row>, TransferFailed> {
    let sql = AssertSqlSafe(select(table, last.is_some()));
    let key = || last.into_iter().flat_map(|row| table.key.iter().map(|&place| &row[place]));
    Ok(match &mut tx.engine {
        Engine::Sqlite(held) => {
            let (progress, connection) = held.parts();
            let rows = bound!(sqlx::query(sql), key()).fetch_all(connection);
            let rows = progress.run(rows).await?;
            rows.iter().map(|row| read!(row, table)).collect::<Result<Vec<_>, _>>()?
        }
        Engine::Postgres(held) => {
            let (progress, connection) = held.parts();
            let rows = bound!(sqlx::query(sql), key()).fetch_all(connection);
            let rows = progress.run(rows).await?;
            rows.iter().map(|row| read!(row, table)).collect::<Result<Vec<_>, _>>()?
        }
    })
}

pub(super) async fn insert(tx: &mut Tx, table: &Table, rows: &[Row]) -> Result<(), TransferFailed> {
    for some in rows.chunks((MOST_ARGUMENTS / table.columns.len()).max(1)) {
        let sql = AssertSqlSafe(insertion(table, some.len()));
        let values = some.iter().flatten();
        let inserted = match &mut tx.engine {
            Engine::Sqlite(held) => {
                let (progress, connection) = held.parts();
                let insert = bound!(sqlx::query(sql), values).execute(connection);
                progress.run(insert).await.map(drop)
            }
            Engine::Postgres(held) => {
                let (progress, connection) = held.parts();
                let insert = bound!(sqlx::query(sql), values).execute(connection);
                progress.run(insert).await.map(drop)
            }
        };
        inserted.map_err(|error| TransferFailed::Refused(table.name.clone(), error))?;
    }
    Ok(())
}

pub(super) async fn delete_all(tx: &mut Tx, table: &Table) -> Result<(), TransferFailed> {
    run(tx, format!("delete from {}", quoted(&table.name))).await
}

/// A statement without arguments.
pub(super) async fn run(tx: &mut Tx, sql: String) -> Result<(), TransferFailed> {
    match &mut tx.engine {
        Engine::Sqlite(held) => {
            let (progress, connection) = held.parts();
            progress.run(sqlx::query(AssertSqlSafe(sql)).execute(connection)).await?;
        }
        Engine::Postgres(held) => {
            let (progress, connection) = held.parts();
            progress.run(sqlx::query(AssertSqlSafe(sql)).execute(connection)).await?;
        }
    }
    Ok(())
}

fn select(table: &Table, goes_on: bool) -> String {
    let columns = table.columns.iter().map(selected).collect::<Vec<_>>().join(", ");
    let names = table.key.iter().map(|&place| quoted(&table.columns[place].name));
    let key = names.collect::<Vec<_>>().join(", ");
    let mut sql = format!("select {columns} from {}", quoted(&table.name));
    if goes_on {
        let columns = table.key.iter().map(|&place| &table.columns[place]);
        let arguments = columns.zip(1..).map(|(column, number)| argument(column, number));
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        let _ = write!(sql, " where ({key}) > ({arguments})");
    }
    let _ = write!(sql, " order by {key} limit {PAGE}");
    sql
}

fn insertion(table: &Table, rows: usize) -> String {
    let names = table.columns.iter().map(|column| quoted(&column.name));
    let names = names.collect::<Vec<_>>().join(", ");
    let mut numbers = 1..;
    let rows = (0..rows).map(|_| {
        let arguments = table.columns.iter().zip(&mut numbers);
        let arguments = arguments.map(|(column, number)| argument(column, number));
        format!("({})", arguments.collect::<Vec<_>>().join(", "))
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("insert into {} ({names}) values {rows}", quoted(&table.name))
}

/// Only PostgreSQL has columns of the kind `Uuid`.
fn selected(column: &Column) -> String {
    let name = quoted(&column.name);
    if column.kind == Kind::Uuid { format!("uuid_send({name})") } else { name }
}

fn argument(column: &Column, number: usize) -> String {
    match column.kind {
        Kind::Uuid => format!("cast(encode(${number}, 'hex') as uuid)"),
        Kind::Integer | Kind::Text | Kind::Bytes => format!("${number}"),
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
