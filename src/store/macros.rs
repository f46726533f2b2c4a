//! How the other files of the store write down their statements and rows, and run them.

/// Declares a module's SQL as named constants and lists them for the portability test.
macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        $(const $name: &str = $sql;)*
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Declares a row and how it is read, by the names of its columns.
macro_rules! row {
    ($(#[$doc:meta])* $vis:vis struct $row:ident {
        $($seen:vis $column:ident: $type:ty),* $(,)?
    }) => {
        $(#[$doc])*
        $vis struct $row { $($seen $column: $type),* }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $row
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($column: row.try_get(stringify!($column))?),* })
            }
        }
    };
}

/// Binds the arguments and runs one statement: `fetch!(tx, FIND(name) => fetch_optional)`.
macro_rules! fetch {
    ($tx:expr, $sql:ident($($arg:expr),* $(,)?) => $fetch:ident) => {
        fetch_within!($tx, |connection| sqlx::query_as($sql)$(.bind($crate::store::parameter::Parameter::bound($arg)))*.$fetch(connection))
    };
}

/// Like `fetch!`, for any query: `fetch_within!(tx, |connection| query.fetch_all(connection))`.
macro_rules! fetch_within {
    ($tx:expr, |$connection:ident| $query:expr) => {
        match &mut $tx.engine {
            $crate::store::engine::Engine::Sqlite(held) => {
                let (progress, $connection) = held.parts();
                progress.run($query).await
            }
            $crate::store::engine::Engine::Postgres(held) => {
                let (progress, $connection) = held.parts();
                progress.run($query).await
            }
        }
    };
}

/// Like `fetch!`, for a statement that returns no rows; gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:ident($($arg:expr),* $(,)?)) => {
        execute_built!($tx, $sql, |query| query$(.bind($crate::store::parameter::Parameter::bound($arg)))*)
    };
}

/// Like `execute!`, for as many arguments as are bound at run time:
/// `execute_built!(tx, sql, |query| query.bind(minute.bound()))`.
macro_rules! execute_built {
    ($tx:expr, $sql:expr, |$query:ident| $built:expr) => {
        match &mut $tx.engine {
            $crate::store::engine::Engine::Sqlite(held) => {
                let (progress, connection) = held.parts();
                let $query = sqlx::query($sql);
                progress.run($built.execute(connection)).await.map(|done| done.rows_affected())
            }
            $crate::store::engine::Engine::Postgres(held) => {
                let (progress, connection) = held.parts();
                let $query = sqlx::query($sql);
                progress.run($built.execute(connection)).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// Like `execute!`, where the statement is a transaction by itself: one way to the database and
/// back instead of three.
macro_rules! execute_alone {
    ($store:expr, $sql:ident($($arg:expr),* $(,)?)) => {
        async {
            match $store {
                $crate::store::Store::Sqlite { pool, writer, session } => {
                    let _turn = session.turn(writer).await?;
                    let mut held = $crate::store::connection::Held::acquire(pool, session).await?;
                    let (progress, connection) = held.parts();
                    let done = sqlx::query($sql)$(.bind($crate::store::parameter::Parameter::bound($arg)))*.execute(connection);
                    progress.run_alone(done).await.map(|done| done.rows_affected())
                }
                $crate::store::Store::Postgres { pool, session, .. } => {
                    let mut held = $crate::store::connection::Held::acquire(pool, session).await?;
                    let (progress, connection) = held.parts();
                    let done = sqlx::query($sql)$(.bind($crate::store::parameter::Parameter::bound($arg)))*.execute(connection);
                    progress.run_alone(done).await.map(|done| done.rows_affected())
                }
            }
        }
        .await
    };
}

/// Like `fetch!`, outside any transaction: one statement that only reads, on the hot path.
macro_rules! fetch_alone {
    ($store:expr, $sql:ident($($arg:expr),* $(,)?) => $fetch:ident) => {
        fetch_built!($store, |connection| sqlx::query_as($sql)$(.bind($crate::store::parameter::Parameter::bound($arg)))*.$fetch(connection))
    };
}

/// Like `fetch_alone!`, for any query: `fetch_built!(store, |connection| query.fetch_all(connection))`.
macro_rules! fetch_built {
    ($store:expr, |$connection:ident| $query:expr) => {
        async {
            match $store {
                $crate::store::Store::Sqlite { pool, session, .. } => {
                    let mut held = $crate::store::connection::Held::acquire(pool, session).await?;
                    let (progress, $connection) = held.parts();
                    progress.run($query).await
                }
                $crate::store::Store::Postgres { pool, session, .. } => {
                    let mut held = $crate::store::connection::Held::acquire(pool, session).await?;
                    let (progress, $connection) = held.parts();
                    progress.run($query).await
                }
            }
        }
        .await
    };
}

/// Like `fetch!`, by whatever a `Reader` can be made of.
macro_rules! fetch_by {
    ($by:expr, $sql:ident($($arg:expr),* $(,)?) => $fetch:ident) => {
        match $by.into() {
            $crate::store::Reader::Alone(store) => fetch_alone!(store, $sql($($arg),*) => $fetch),
            $crate::store::Reader::Within(tx) => fetch!(tx, $sql($($arg),*) => $fetch),
        }
    };
}
