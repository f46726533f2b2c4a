//! The request that a gateway asks about: for that a proof has to be made, not for the one that asks.

use axum::http::{HeaderMap, request::Parts};

use super::asked::{Asked, only};
use crate::{
    exchange::Untold,
    http::{paths::VERIFY, presented},
};

/// By headers, as several gateways write them of their own accord. They count only where the
/// gateway says what it is called: that shows it was set up to write them, and not its visitor.
pub(super) fn by_headers<'a>(
    asked: &Asked,
    headers: &'a HeaderMap,
) -> Result<presented::Asked<'a>, Untold> {
    let origin = asked.origin.as_ref().ok_or(Untold::Origin)?;
    // Of several no one could say which one is the gateway's.
    let said = |name| only(headers, name).ok().flatten();
    let method = said("x-forwarded-method").ok_or(Untold::Method)?;
    let path = said("x-forwarded-uri").filter(|path| path.starts_with('/'));
    let path = path.ok_or(Untold::Path)?;
    Ok(presented::Asked { headers, method, url: format!("{origin}{path}") })
}

/// By asking with the method of the request, and its path behind ours.
pub(super) fn by_path<'a>(asked: &Asked, parts: &'a Parts) -> Result<presented::Asked<'a>, Untold> {
    let origin = asked.origin.as_ref().ok_or(Untold::Origin)?;
    let path = parts.uri.path().strip_prefix(VERIFY).ok_or(Untold::Path)?;
    let (headers, method) = (&parts.headers, parts.method.as_str());
    Ok(presented::Asked { headers, method, url: format!("{origin}{path}") })
}
