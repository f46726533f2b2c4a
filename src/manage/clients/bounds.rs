//! Holds a client against what whoever asks may hand on.

use super::{Judged, Rejection};
use crate::{
    app::App,
    domain::{Authentication, Client, ClientTerms, KeySource, Networks},
    manage::key_set,
};

/// The terms as they are kept, if they are terms at all.
pub(super) fn checked(app: &App, terms: ClientTerms) -> Result<ClientTerms, Rejection> {
    let mut terms = terms.checked()?;
    let Authentication::PrivateKeyJwt { keys, .. } = &mut terms.authentication else {
        return Ok(terms);
    };
    match keys {
        KeySource::Uri(uri) | KeySource::Issuer(uri) => *uri = app.outbound.check(uri)?,
        KeySource::Pinned(set) => key_set::check(set)?,
    }
    Ok(terms)
}

/// That it may do no more than the asker. A client is used from anywhere, so that who is bound to
/// addresses cannot hand one on; like a membership it does not end with whoever made it.
pub(super) fn check(asker: &Judged, client: &Client) -> Result<(), Rejection> {
    let Some(bounds) = asker.authority.bounds() else { return Ok(()) };
    bounds.check_scopes(&client.terms.scopes)?;
    Ok(bounds.check_networks(&Networks::default())?)
}
