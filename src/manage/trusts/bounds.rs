//! Holds a trust policy against what would be unsafe, and against what the principal has.

use std::collections::HashSet;

use crate::{
    app::App,
    domain::{
        Credential, Given, KeySource, Lineage, MOST_SOURCES_PER_TREE, OrganizationId, ProofDemand,
        Reach, Trust,
    },
    manage::{Judged, Rejection, key_set},
    store::{self, Tx},
};

/// That only those meant can fulfil it, that its keys can be had, and that the principal has what
/// it gives: as it is to be, and as it was, where that is something else.
pub(super) async fn check(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    before: Option<&Trust>,
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
    let given = |trust| given(&lineage, trust);
    let given: Vec<_> = [trust].into_iter().chain(before).map(given).collect();
    asker.must_hold(&given)
}

/// A workload proves no possession of a key.
fn given(lineage: &Lineage, trust: &Trust) -> Given {
    Given {
        scopes: lineage.scopes_of(&trust.terms.roles),
        reach: Reach::Own,
        credential: Some(Credential {
            expires_at: trust.terms.expires_at,
            resources: trust.terms.resources.clone(),
        }),
        networks: trust.terms.allowed_networks.clone(),
        proof: ProofDemand::None,
    }
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
