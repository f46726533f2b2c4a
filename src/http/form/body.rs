//! Reads a body whole: only so much of it, and only for so long.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

pub(in crate::http) const LONGEST_BODY: usize = 64 * 1024;
pub(in crate::http) const BODY_WITHIN: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum BadBody {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the connection ended within the body")]
    Broken,
}

/// The whole body. Refused unread where it declares itself to be longer than the limit.
pub(in crate::http) async fn read_body(
    body: Body,
    limit: usize,
    within: Duration,
) -> Result<Bytes, BadBody> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BadBody::TooLarge);
    }
    match timeout(within, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BadBody::TooLarge),
        Ok(Err(_)) => Err(BadBody::Broken),
        Err(_) => Err(BadBody::TooSlow),
    }
}
