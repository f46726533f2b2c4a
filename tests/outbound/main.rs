//! Requests to servers of others: what the guard lets through, and what mails look like.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod bodies;
#[path = "../support/foreign.rs"]
mod foreign;
mod guard;
mod keys_of_others;
mod mail;
#[path = "../support/peers.rs"]
mod peers;

use std::{net::IpAddr, sync::Arc};

use keyturn::{
    clock::{self, Clock, Timestamp},
    outbound::{Names, Outbound},
};

fn now() -> Timestamp {
    clock::timestamp(1_800_000_000).unwrap()
}

/// One that may go to these networks, and is told this of names.
fn outbound(
    allow: &[&str],
    tell: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static,
) -> Outbound {
    let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
    Outbound::new(allow, Names::Told(Arc::new(tell)), Clock::fixed(now()))
}

/// One that may go to this machine by its address.
fn outbound_to_loopback() -> Outbound {
    outbound(&["127.0.0.0/8"], |_| Vec::new())
}
