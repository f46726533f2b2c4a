//! The tables of a database and their columns, as the database itself lists them: a new table is
//! copied without a word here.

use super::TransferFailed;
use crate::store::{Tx, engine::Engine};

/// A backup has one table of its own, which describes it.
const SQLITE_COLUMNS: &str = "
    select m.name, c.name, lower(c.type), cast(c.pk as integer)
    from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like '\\_%' escape '\\'
        and m.name not like 'sqlite%' and m.name <> 'backup'
    order by m.name, c.name";

const POSTGRES_COLUMNS: &str = "
    select t.relname::text, a.attname::text, format_type(a.atttypid, null),
        coalesce(array_position(string_to_array(i.indkey::text, ' '), a.attnum::text), 0)::bigint
    from pg_class t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_index i on i.indrelid = t.oid and i.indisprimary
    where t.relnamespace = current_schema()::regnamespace and t.relkind = 'r'
        and t.relname not like '\\_%'
    order by t.relname collate \"C\", a.attname collate \"C\"";

/// What a column holds, on either engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Bytes,
    /// Bytes on `SQLite`, a type of its own on PostgreSQL.
    Uuid,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// Columns are sorted by name, so that both engines list them alike.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Places in `columns`, in the order of the primary key.
    pub(super) key: Vec<usize>,
}

impl Table {
    /// For messages, and to compare the schemas of two engines, which differ in kinds.
    fn signature(&self) -> (&str, Vec<&str>) {
        (&self.name, self.columns.iter().map(|column| column.name.as_str()).collect())
    }
}

/// All tables, by name.
pub(super) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, TransferFailed> {
    let rows: Vec<(String, String, String, i64)> = match &mut tx.engine {
        Engine::Sqlite(held) => {
            let (progress, connection) = held.parts();
            progress.run(sqlx::query_as(SQLITE_COLUMNS).fetch_all(connection)).await?
        }
        Engine::Postgres(held) => {
            let (progress, connection) = held.parts();
            progress.run(sqlx::query_as(POSTGRES_COLUMNS).fetch_all(connection)).await?
        }
    };
    let mut tables: Vec<(Table, Vec<(i64, usize)>)> = Vec::new();
    for (table, name, kind, place_in_key) in rows {
        let kind = match kind.as_str() {
            "integer" | "bigint" => Kind::Integer,
            "text" => Kind::Text,
            "blob" | "bytea" => Kind::Bytes,
            "uuid" => Kind::Uuid,
            _ => return Err(TransferFailed::UnknownType { table, column: name, kind }),
        };
        if tables.last().is_none_or(|(last, _)| last.name != table) {
            tables.push((Table { name: table, columns: Vec::new(), key: Vec::new() }, Vec::new()));
        }
        let (table, key) = tables.last_mut().expect("one was pushed");
        if place_in_key > 0 {
            key.push((place_in_key, table.columns.len()));
        }
        table.columns.push(Column { name, kind });
    }
    let ordered = tables.into_iter().map(|(mut table, mut key)| {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, column)| column).collect();
        table
    });
    Ok(ordered.collect())
}

/// Both must have the tables and columns of this version.
pub(super) fn compare(from: &[Table], to: &[Table]) -> Result<(), TransferFailed> {
    let differs = from.iter().map(Table::signature).ne(to.iter().map(Table::signature));
    if differs { Err(TransferFailed::OtherSchema) } else { Ok(()) }
}
