//! Holds a client against what the principal has.

use super::{Judged, Rejection};
use crate::{
    app::App,
    domain::{Authentication, Client, ClientTerms, Credential, Given, KeySource, Networks, Reach},
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

/// A client that a principal makes ends when the principal does, and gets tokens for the resources
/// for which the principal does, unless the terms say it themselves.
pub(super) fn completed(asker: &Judged, terms: ClientTerms) -> ClientTerms {
    let Some(own) = asker.authority.bounds() else { return terms };
    ClientTerms {
        expires_at: terms.expires_at.or(own.expires_at),
        resources: terms.resources.or_else(|| Some(own.resources.as_ref()?.resources.clone())),
        ..terms
    }
}

/// That the principal has what the client gives: as it is to be, and as it was, where that is
/// something else. A client is used from anywhere, so that a principal that is bound to addresses
/// cannot hand one on.
pub(super) fn check(
    asker: &Judged,
    before: Option<&Client>,
    client: &Client,
) -> Result<(), Rejection> {
    let given: Vec<_> = [client].into_iter().chain(before).map(given).collect();
    asker.must_hold(&given)
}

fn given(client: &Client) -> Given {
    Given {
        scopes: client.terms.scopes.clone(),
        reach: Reach::Own,
        credential: Some(Credential {
            expires_at: client.terms.expires_at,
            resources: client.terms.resources.clone(),
        }),
        networks: Networks::default(),
        proof: client.terms.proof.clone(),
    }
}
