//! Holds a rule of trust against what would be unsafe, and against what its maker may hand on.

use crate::{
    app::App,
    domain::{KeySource, Trust},
    manage::{Judged, Rejection},
    signing::ForeignKeys,
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
    if let Some(unknown) = trust.terms.roles.iter().find(|role| !lineage.knows(role)) {
        return Err(Rejection::UnknownRole(unknown.clone()));
    }
    let Some(bounds) = asker.authority.bounds() else { return Ok(()) };
    bounds.check_scopes(&lineage.scopes_of(&trust.terms.roles))?;
    bounds.check_expiry(trust.terms.expires_at)?;
    Ok(bounds.check_networks(&trust.terms.allowed_networks)?)
}

fn check_keys(app: &App, trust: &Trust) -> Result<(), Rejection> {
    if trust.issuer.starts_with("http://") {
        app.outbound.check(&trust.issuer)?;
    }
    match &trust.terms.keys {
        KeySource::Uri(url) | KeySource::Issuer(url) => app.outbound.check(url).map(drop)?,
        KeySource::Pinned(jwks) => {
            let keys = ForeignKeys::parse(jwks.as_bytes())?;
            if keys.is_empty() {
                return Err(Rejection::NoUsableKey);
            }
        }
    }
    Ok(())
}
