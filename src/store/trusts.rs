//! The `trusts` table: whose tokens stand for rights here.

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, counters, moment, moment_if_any, parse, sight_columns};
use crate::domain::{Change, OrganizationId, Sight, Trust, TrustId, TrustTerms, Version};

statements! {
    INSERT = "
        insert into trusts (
            id, organization_id, name, issuer, terms, created_at, disabled_at, status_index,
            version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    FIND = "
        select id, organization_id, name, issuer, terms, created_at, disabled_at, status_index,
            version
        from trusts where id = $1";

    OF_ISSUER = "
        select id, organization_id, name, issuer, terms, created_at, disabled_at, status_index,
            version
        from trusts where issuer = $1 order by id";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, organization_id, name, issuer, terms, created_at, disabled_at, status_index,
            version
        from trusts
        where id > $3 and ($4 or organization_id in (select id from seen))
            and (organization_id = $5 or $5 is null)
            and (name = $6 or $6 is null)
        order by id limit $7";

    COUNT = "
        select count(*) from trusts where organization_id = $1";

    UPDATE = "
        update trusts set name = $3, issuer = $4, terms = $5, disabled_at = $6,
            version = version + 1
        where id = $1 and version = $2";

    DELETE = "
        delete from trusts where id = $1 and version = $2";
}

row! {
    struct Row {
        id: Uuid,
        organization_id: Uuid,
        name: String,
        issuer: String,
        terms: String,
        created_at: i64,
        disabled_at: Option<i64>,
        status_index: i64,
        version: i64,
    }
}

impl TryFrom<Row> for Trust {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let terms = serde_json::from_str(&row.terms);
        Ok(Self {
            id: TrustId(row.id),
            organization_id: OrganizationId(row.organization_id),
            name: parse("trusts.name", &row.name)?,
            issuer: row.issuer,
            terms: terms.map_err(|_| StoreError::Corrupt("trusts.terms"))?,
            created_at: moment("trusts.created_at", row.created_at)?,
            disabled_at: moment_if_any("trusts.disabled_at", row.disabled_at)?,
            status_index: row.status_index,
            version: Version(row.version),
        })
    }
}

fn written(terms: &TrustTerms) -> Result<String, StoreError> {
    serde_json::to_string(terms).map_err(|_| StoreError::Corrupt("trusts.terms"))
}

/// Gives the rule its place in the status list, which is never given again.
///
/// Fails with [`StoreError::Conflict`] if the organization has a rule of this name.
pub async fn insert(tx: &mut Tx, trust: Trust) -> Result<Trust, StoreError> {
    let status_index = counters::next(tx, counters::STATUS_INDEX).await?;
    let terms = written(&trust.terms)?;
    execute!(
        tx,
        INSERT(
            trust.id.0,
            trust.organization_id.0,
            trust.name.as_str(),
            trust.issuer.as_str(),
            terms.as_str(),
            trust.created_at.timestamp(),
            trust.disabled_at.map(|at| at.timestamp()),
            status_index,
            trust.version.0,
        )
    )?;
    tx.changes(Change::Trusts);
    Ok(Trust { status_index, ..trust })
}

pub async fn find(tx: &mut Tx, id: TrustId) -> Result<Option<Trust>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(Trust::try_from).transpose()
}

/// All that speak of this issuer, of whichever organization.
pub async fn of_issuer(tx: &mut Tx, issuer: &str) -> Result<Vec<Trust>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_ISSUER(issuer) => fetch_all)?;
    rows.into_iter().map(Trust::try_from).collect()
}

/// Those within sight, of one organization and of one name if these are given; oldest first.
pub async fn list(
    tx: &mut Tx,
    sight: Sight,
    organization: Option<OrganizationId>,
    name: Option<&str>,
    page: Page<TrustId>,
) -> Result<Vec<Trust>, StoreError> {
    let (everything, top, below, _) = sight_columns(sight);
    let after = page.after.map_or(Uuid::nil(), |id| id.0);
    let organization = organization.map(|id| id.0);
    let rows: Vec<Row> = fetch!(
        tx,
        LIST(top, below, after, everything, organization, name, page.most) => fetch_all
    )?;
    rows.into_iter().map(Trust::try_from).collect()
}

pub async fn count(tx: &mut Tx, organization: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT(organization.0) => fetch_one)?;
    Ok(count)
}

/// Unless it was changed since it was read; tells whether it was written.
pub async fn update(tx: &mut Tx, trust: &Trust) -> Result<bool, StoreError> {
    tx.changes(Change::Trusts);
    let terms = written(&trust.terms)?;
    let disabled_at = trust.disabled_at.map(|at| at.timestamp());
    let (id, version) = (trust.id.0, trust.version.0);
    let changed = execute!(
        tx,
        UPDATE(
            id,
            version,
            trust.name.as_str(),
            trust.issuer.as_str(),
            terms.as_str(),
            disabled_at
        )
    )?;
    Ok(changed == 1)
}

/// Unless it was changed since it was read; tells whether it was written.
pub async fn delete(tx: &mut Tx, trust: &Trust) -> Result<bool, StoreError> {
    tx.changes(Change::Trusts);
    Ok(execute!(tx, DELETE(trust.id.0, trust.version.0))? == 1)
}
