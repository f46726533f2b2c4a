//! Who is given refresh tokens, and what has to guard them.

use crate::{
    app::App,
    domain::{Authentication, GrantType, RefreshTerms},
    exchange::identity::{Holder, Identity},
};

/// How refresh tokens for this identity live, as of now; `None`: there are to be none. A client that
/// asks for itself asks again with its own credential (RFC 6749, section 4.4.3).
pub(super) fn terms<'a>(app: &'a App, identity: &'a Identity) -> Option<&'a RefreshTerms> {
    match (&identity.client, &identity.holder) {
        (Some(known), _) => {
            let terms = &known.client.terms;
            let may_refresh = terms.grants.contains(&GrantType::RefreshToken);
            terms.refresh.as_ref().filter(|_| may_refresh)
        }
        (None, Holder::Key(_)) => app.settings.refresh.for_api_keys.as_ref(),
        (None, Holder::Client(_) | Holder::Workload(..)) => None,
    }
}

pub(super) fn is_public(identity: &Identity) -> bool {
    let registered = identity.registered();
    registered.is_some_and(|known| known.client.terms.authentication == Authentication::None)
}

/// A refresh token that needs no authentication is bound to a key or replaced at each use (RFC 9700,
/// section 2.2.2).
pub(super) fn is_guarded(identity: &Identity, terms: &RefreshTerms, is_bound: bool) -> bool {
    !is_public(identity) || terms.rotates || is_bound
}
