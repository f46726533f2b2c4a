//! Holds a rule of trust against what would be unsafe, and against what its maker may hand on.

use std::collections::HashSet;

use crate::{
    app::App,
    domain::{KeySource, Lineage, MOST_SOURCES_PER_TREE, OrganizationId, Trust},
    manage::{Judged, Rejection, key_set},
    store::{self, Tx},
};

/// That nobody else can fulfil it, that its keys can be had, and that it hands on no more than the
/// asker has.
pub(super) async fn check(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    trust: &Trust,
) -> Result<(), Rejection> {
    trust.check()?;
    check_keys(app, trust)?;
    for role in trust.terms.roles.iter() {
        store::roles::hold(tx, trust.organization_id, role).await?;
    }
    let lineage = asker.organization(tx, trust.organization_id).await?;
    check_sources(tx, trust, &lineage).await?;
    if let Some(unknown) = trust.terms.roles.iter().find(|role| !lineage.knows(role)) {
        return Err(Rejection::UnknownRole(unknown.clone()));
    }
    let Some(bounds) = asker.authority.bounds() else { return Ok(()) };
    bounds.check_scopes(&lineage.scopes_of(&trust.terms.roles))?;
    bounds.check_expiry(trust.terms.expires_at)?;
    Ok(bounds.check_networks(&trust.terms.allowed_networks)?)
}

/// A token is held against the keys of all rules for its issuer, so that a tree has but a few of them.
async fn check_sources(tx: &mut Tx, trust: &Trust, lineage: &Lineage) -> Result<(), Rejection> {
    if matches!(trust.terms.keys, KeySource::Issuer(_)) {
        return Ok(());
    }
    let root = root_of(lineage);
    let mut sources = HashSet::from([trust.terms.keys.clone()]);
    for other in store::trusts::of_issuer(tx, &trust.issuer).await? {
        let keys = &other.terms.keys;
        if other.id == trust.id || matches!(keys, KeySource::Issuer(_)) || sources.contains(keys) {
            continue;
        }
        let theirs = store::organizations::lineage(tx, other.organization_id).await?;
        if theirs.as_ref().and_then(root_of) == root {
            sources.insert(other.terms.keys);
        }
    }
    if sources.len() > MOST_SOURCES_PER_TREE {
        return Err(Rejection::TooManyKeySources { issuer: trust.issuer.clone() });
    }
    Ok(())
}

fn root_of(lineage: &Lineage) -> Option<OrganizationId> {
    lineage.line.last().map(|organization| organization.id)
}

fn check_keys(app: &App, trust: &Trust) -> Result<(), Rejection> {
    if trust.issuer.starts_with("http://") {
        app.outbound.check(&trust.issuer)?;
    }
    match &trust.terms.keys {
        KeySource::Uri(url) | KeySource::Issuer(url) => app.outbound.check(url).map(drop)?,
        KeySource::Pinned(jwks) => key_set::check(jwks)?,
    }
    Ok(())
}
