//! The `resources` table: who tokens may be meant for.

use chrono::TimeDelta;

use super::{StoreError, Tx, moment, moment_if_any, parse};
use crate::domain::{Algorithm, Change, Resource, ResourceIdentifier, Version};

statements! {
    INSERT = "
        insert into resources (
            identifier, scopes, algorithm, token_lifetime, default_since, version, created_at,
            normal, algorithm_before, jwt_type)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict do nothing";

    UPDATE = "
        update resources set scopes = $2, algorithm = $3, token_lifetime = $4,
            default_since = coalesce($5, default_since), version = $6, algorithm_before = $7,
            jwt_type = $8
        where identifier = $1 and version = $6 - 1";

    LIST = "
        select identifier, scopes, algorithm, algorithm_before, jwt_type, token_lifetime,
            created_at, default_since, version
        from resources order by identifier";

    REMOVE = "
        delete from resources where identifier = $1 and version = $2";
}

row! {
    struct Row {
        identifier: String,
        scopes: String,
        algorithm: String,
        algorithm_before: Option<String>,
        jwt_type: String,
        token_lifetime: Option<i64>,
        created_at: i64,
        default_since: Option<i64>,
        version: i64,
    }
}

impl TryFrom<Row> for Resource {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let lifetime = |seconds: i64| {
            TimeDelta::try_seconds(seconds).ok_or(StoreError::Corrupt("resources.token_lifetime"))
        };
        let before = |text: &str| parse("resources.algorithm_before", text);
        Ok(Self {
            identifier: parse("resources.identifier", &row.identifier)?,
            scopes: parse("resources.scopes", &row.scopes)?,
            algorithm: parse("resources.algorithm", &row.algorithm)?,
            algorithm_before: row.algorithm_before.as_deref().map(before).transpose()?,
            jwt_type: parse("resources.jwt_type", &row.jwt_type)?,
            token_lifetime: row.token_lifetime.map(lifetime).transpose()?,
            created_at: moment("resources.created_at", row.created_at)?,
            default_since: moment_if_any("resources.default_since", row.default_since)?,
            version: Version(row.version),
        })
    }
}

/// Registers the resource, or changes all of it but when it was registered, unless it was changed
/// since it was read; tells whether it was written.
pub async fn set(tx: &mut Tx, resource: &Resource) -> Result<bool, StoreError> {
    let Resource { identifier, algorithm, version, .. } = resource;
    let (identifier, algorithm) = (identifier.as_str(), algorithm.as_str());
    let jwt_type = resource.jwt_type.as_str();
    let scopes = resource.scopes.to_string();
    let before = resource.algorithm_before.map(Algorithm::as_str);
    let lifetime = resource.token_lifetime.map(|lifetime| lifetime.num_seconds());
    let default = resource.default_since.map(|at| at.timestamp());
    tx.changes(Change::Resources);
    let written = if *version == Version::FIRST {
        let created_at = resource.created_at.timestamp();
        execute!(
            tx,
            INSERT(
                identifier,
                scopes,
                algorithm,
                lifetime,
                default,
                version.0,
                created_at,
                resource.identifier.normal(),
                before,
                jwt_type,
            )
        )?
    } else {
        execute!(
            tx,
            UPDATE(identifier, scopes, algorithm, lifetime, default, version.0, before, jwt_type)
        )?
    };
    Ok(written == 1)
}

/// By any of its spellings.
pub async fn find(
    tx: &mut Tx,
    identifier: &ResourceIdentifier,
) -> Result<Option<Resource>, StoreError> {
    Ok(list(tx).await?.into_iter().find(|it| it.identifier == *identifier))
}

/// All of them, by identifier.
pub async fn list(tx: &mut Tx) -> Result<Vec<Resource>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    rows.into_iter().map(Resource::try_from).collect()
}

/// Unless it was changed since it was read; tells whether it was written.
pub async fn remove(tx: &mut Tx, resource: &Resource) -> Result<bool, StoreError> {
    tx.changes(Change::Resources);
    Ok(execute!(tx, REMOVE(resource.identifier.as_str(), resource.version.0))? == 1)
}
