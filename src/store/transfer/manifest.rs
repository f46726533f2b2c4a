//! A backup file: a database of its own with one more table, which says what the file has to hold.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use secrecy::{ExposeSecret as _, SecretString};

use super::{Contents, TransferFailed, contents, first_difference};
use crate::{
    clock::Timestamp,
    store::{Store, StoreError, moment},
};

/// What a backup says of itself.
pub struct Manifest {
    pub made_at: Timestamp,
    /// The version of keyturn that made it.
    pub version: String,
    /// Of the key-encryption key without which its signing keys cannot be opened.
    pub key_encryption_key_id: String,
    /// Where it was asked for.
    pub key_encryption_key: Option<SecretString>,
    pub contents: Contents,
}

const CREATE: &str = "
    create table backup (
        id                    integer not null primary key check (id = 1),
        made_at               integer not null,
        version               text    not null,
        key_encryption_key_id text    not null,
        key_encryption_key    text,
        contents              text    not null
    ) strict";

const INSERT: &str = "
    insert into backup (
        id, made_at, version, key_encryption_key_id, key_encryption_key, contents)
    values (1, $1, $2, $3, $4, $5)";

const READ: &str = "
    select made_at, version, key_encryption_key_id, key_encryption_key, contents from backup";

/// Makes a new file for its owner only and opens it. Fails where there is one.
pub async fn create_file(path: &Path) -> Result<Store, TransferFailed> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(sqlx::Error::Io)?.sync_all().map_err(sqlx::Error::Io)?;
    let store = Store::open_single_file(path).await?;
    store.migrate().await.map_err(|_| StoreError::Corrupt("the new file"))?;
    Ok(store)
}

/// Opens a backup, only to read it.
pub async fn open_file(path: &Path) -> Result<Store, TransferFailed> {
    if !path.is_file() {
        return Err(sqlx::Error::Io(io::Error::from(io::ErrorKind::NotFound)).into());
    }
    Ok(Store::open_to_look(&format!("sqlite:{}", path.display())).await?)
}

/// Makes a complete copy a backup.
pub async fn write_manifest(store: &Store, manifest: &Manifest) -> Result<(), TransferFailed> {
    let Store::Sqlite { pool, .. } = store else { return Err(TransferFailed::NoBackup) };
    let contents = serde_json::to_string(&manifest.contents).expect("keys are text");
    sqlx::query(CREATE).execute(pool).await?;
    sqlx::query(INSERT)
        .bind(manifest.made_at.timestamp())
        .bind(manifest.version.as_str())
        .bind(manifest.key_encryption_key_id.as_str())
        .bind(manifest.key_encryption_key.as_ref().map(|key| key.expose_secret().to_owned()))
        .bind(contents)
        .execute(pool)
        .await?;
    Ok(())
}

/// Reads the manifest and compares every table with it.
pub async fn read_manifest(store: &Store) -> Result<Manifest, TransferFailed> {
    type Row = (i64, String, String, Option<String>, String);
    let Store::Sqlite { pool, .. } = store else { return Err(TransferFailed::NoBackup) };
    let row: Result<Row, _> = sqlx::query_as(READ).fetch_one(pool).await;
    let (made_at, version, key_encryption_key_id, key, listed) =
        row.map_err(|error| match error {
            sqlx::Error::Database(_) | sqlx::Error::RowNotFound => TransferFailed::NoBackup,
            other => other.into(),
        })?;
    let damaged = |_| TransferFailed::Damaged("backup".to_owned());
    let listed: Contents = serde_json::from_str(&listed).map_err(damaged)?;
    let held = contents(store).await?;
    if let Some(table) = first_difference(&listed, &held) {
        return Err(TransferFailed::Damaged(table));
    }
    Ok(Manifest {
        made_at: moment("backup.made_at", made_at)?,
        version,
        key_encryption_key_id,
        key_encryption_key: key.map(SecretString::from),
        contents: held,
    })
}
