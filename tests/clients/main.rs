//! Clients that others wrote, as they are published, against the real program over TLS: whether what
//! we say is standard is so to those who know only the standard.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod crates;
#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../cli/http.rs"]
#[expect(dead_code, reason = "the tests of commands need more of it")]
mod http;
mod installed;
mod issuer;
mod java;
#[expect(unreachable_pub, reason = "it reads as it does in a crate of its own")]
mod rust;
mod scripts;
mod snippets;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "the tests of commands need more of it")]
mod support;
mod webhooks;
mod world;
