//! What callers of the HTTP API see.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod access_token;
mod advertised;
mod api_key;
mod assertions;
mod at_once;
mod attempts;
mod authority;
mod authorize;
mod bounds;
mod client_authentication;
mod client_credentials;
mod clients;
mod declared;
mod deletion;
mod doors;
mod dpop;
mod explain;
mod feed;
mod floods;
#[path = "../support/foreign.rs"]
mod foreign;
mod forgeries;
mod gateway;
mod incidents;
mod introspection;
mod jwks;
mod keyless;
mod leaks;
mod limits;
mod locked;
mod machines;
mod management;
mod metadata;
mod narrowing;
mod operations;
mod outside;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/proxy.rs"]
mod proxy;
mod refresh;
mod registration;
mod reports;
mod retention;
mod revocation;
mod rights;
mod rotation;
mod secrets;
mod spellings;
mod support;
mod token_endpoint;
mod token_exchange;
mod told;
mod unavailable;
mod upkeep;
mod usage;
mod wire;
mod work;
