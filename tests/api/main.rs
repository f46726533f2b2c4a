//! What callers of the HTTP API see.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod api_key;
mod support;
