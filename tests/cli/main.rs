//! The commands from end to end: the real program, in folders of its own, killed where it hurts.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod api_examples;
mod audit;
mod auth;
mod beside;
mod clients;
mod copies;
mod declared;
mod descriptors;
mod doctor;
mod documents;
mod explain;
mod faults;
#[path = "../support/foreign.rs"]
mod foreign;
mod fuzzed;
mod gateways;
mod habits;
mod hostile;
mod http;
mod issuer_path;
mod keys;
mod killed;
mod leaked;
mod logged;
mod lost_key;
mod narrowing;
mod nodes;
mod organizations;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/postgres.rs"]
mod postgres;
mod proxies;
#[path = "../support/proxy.rs"]
mod proxy;
mod quickstart;
mod refreshed;
mod reloaded;
mod restored;
mod revoked;
mod rotation;
mod settings;
mod stopped;
mod support;
mod terminal;
mod tls;
mod told;
mod trust;
mod used;
