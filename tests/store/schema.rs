//! The two live schemas say the same.

use std::collections::BTreeSet;

use keyturn::store::Store;

use crate::engines;

/// Columns with what they hold and whether they may be empty, as `table.column kind null`.
const SQLITE_COLUMNS: &str = "
    select m.name || '.' || c.name || ' ' || lower(c.type) ||
        case when c.\"notnull\" = 1 or c.pk > 0 then '' else ' null' end
    from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like '\\_%' escape '\\' and m.name not like 'sqlite%'";

const POSTGRES_COLUMNS: &str = "
    select table_name || '.' || column_name || ' ' ||
        case data_type when 'bigint' then 'integer' when 'uuid' then 'blob'
            when 'bytea' then 'blob' else data_type end ||
        case is_nullable when 'YES' then ' null' else '' end
    from information_schema.columns
    where table_schema = 'public' and table_name not like '\\_%'";

/// Which columns no two rows may share, as `table (column, column)`.
const SQLITE_UNIQUES: &str = "
    select m.name || ' (' || (
        select group_concat(name, ', ') from (
            select name from pragma_index_info(i.name) order by seqno)) || ')' ||
        case i.partial when 1 then ' partly' else '' end
    from sqlite_master m join pragma_index_list(m.name) i
    where m.type = 'table' and m.name not like '\\_%' escape '\\' and i.\"unique\" = 1
    union
    select m.name || ' (' || (
        select group_concat(name, ', ') from (
            select name from pragma_table_info(m.name) where pk > 0 order by pk)) || ')'
    from sqlite_master m
    where m.type = 'table' and m.name not like '\\_%' escape '\\' and m.name not like 'sqlite%'";

const POSTGRES_UNIQUES: &str = "
    select t.relname || ' (' || array_to_string(array(
        select a.attname from unnest(i.indkey) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
        order by k.place), ', ') || ')' ||
        case when i.indpred is null then '' else ' partly' end
    from pg_index i join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = 'public' and i.indisunique and t.relname not like '\\_%'";

/// Indexes that only make reading fast, as `table (column, column)`.
const SQLITE_INDEXES: &str = "
    select m.name || ' (' || (
        select group_concat(name, ', ') from (
            select name from pragma_index_info(i.name) order by seqno)) || ')'
    from sqlite_master m join pragma_index_list(m.name) i
    where m.type = 'table' and i.\"unique\" = 0";

const POSTGRES_INDEXES: &str = "
    select t.relname || ' (' || array_to_string(array(
        select a.attname from unnest(i.indkey) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
        order by k.place), ', ') || ')'
    from pg_index i join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = 'public' and not i.indisunique";

/// Which columns name rows elsewhere, as `table.column table.column cascade`.
const SQLITE_FOREIGN_KEYS: &str = "
    select m.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\" || ' ' ||
        lower(f.on_delete)
    from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table'";

const POSTGRES_FOREIGN_KEYS: &str = "
    select c.conrelid::regclass || '.' || a.attname || ' ' || c.confrelid::regclass || '.' ||
        b.attname || ' ' || case c.confdeltype when 'c' then 'cascade' else 'no action' end
    from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
    where c.contype = 'f'";

#[tokio::test]
async fn the_two_schemas_are_the_same() {
    let engines = engines().await;
    let [sqlite, postgres] = &engines[..] else { return };
    let (Store::Sqlite { pool: sqlite, .. }, Store::Postgres { pool: postgres, .. }) =
        (&sqlite.store, &postgres.store)
    else {
        panic!("one of each");
    };

    for (what, ours, theirs) in [
        ("columns", SQLITE_COLUMNS, POSTGRES_COLUMNS),
        ("uniques", SQLITE_UNIQUES, POSTGRES_UNIQUES),
        ("indexes", SQLITE_INDEXES, POSTGRES_INDEXES),
        ("foreign keys", SQLITE_FOREIGN_KEYS, POSTGRES_FOREIGN_KEYS),
    ] {
        let ours: Vec<String> = sqlx::query_scalar(ours).fetch_all(sqlite).await.unwrap();
        let theirs: Vec<String> = sqlx::query_scalar(theirs).fetch_all(postgres).await.unwrap();
        let (ours, theirs) = (BTreeSet::from_iter(ours), BTreeSet::from_iter(theirs));

        assert!(!ours.is_empty(), "{what}");
        let missing: Vec<_> = ours.symmetric_difference(&theirs).collect();
        assert!(missing.is_empty(), "{what} that only one engine has: {missing:#?}");
    }
}

#[tokio::test]
async fn a_foreign_key_holds_on_every_engine() {
    for engine in engines().await {
        let orphan = crate::organization("orphan", Some(crate::organization("x", None).id));
        let mut tx = engine.store.write().await.unwrap();

        let refused = keyturn::store::organizations::insert(&mut tx, &orphan).await;

        let is_refused = matches!(refused, Err(keyturn::store::StoreError::Dangling));
        assert!(is_refused, "{}: {refused:?}", engine.name);
    }
}
