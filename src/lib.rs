//! keyturn turns a long-lived API key into a six-minute signed token.
//!
//! Read the modules in this order; `docs/ARCHITECTURE.md` says which may use which.

pub mod clock;
pub mod random;

pub mod declare;
pub mod domain;
pub mod signing;
pub mod store;

pub mod outbound;
pub mod peers;

pub mod directory;
pub mod ledger;

pub mod courier;

pub mod app;

pub mod announce;
pub mod authorize;
pub mod exchange;
pub mod manage;

pub mod http;
pub mod listener;
pub mod metrics;

pub mod config;
pub mod telemetry;

pub mod cli;
