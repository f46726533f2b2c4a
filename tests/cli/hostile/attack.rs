//! What attackers do. Each attack comes from an address of its own, and goes on until it is told to
//! stop.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use keyturn::{domain::Secret, random::Random};
use serde_json::json;

use super::{
    callers::{self, Held},
    good::Times,
    process::Used,
};
use crate::support::Key;

pub(super) struct Attack {
    pub(super) name: &'static str,
    /// Threads that do it.
    threads: usize,
    once: fn(&Target, &mut Attacker),
    /// How often it has to be done until the attack is under way.
    begins: fn(&Target) -> usize,
}

/// Whom it is against.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) revoked: Key,
    pub(super) leaked: Key,
    /// Connections of an attack that holds many.
    pub(super) connections: usize,
}

/// One thread of an attack.
pub(super) struct Attacker {
    /// Where its requests come from.
    pub(super) source: Ipv4Addr,
    pub(super) number: u64,
    pub(super) held: Held,
}

pub(super) const ATTACKS: &[Attack] = &[
    Attack { name: "unknown secrets", threads: 4, once: unknown_secret, begins: at_once },
    Attack { name: "malformed bodies", threads: 4, once: malformed_body, begins: at_once },
    Attack { name: "a revoked key, random agents", threads: 4, once: revoked_key, begins: at_once },
    Attack { name: "reports of one secret", threads: 4, once: leak_report, begins: at_once },
    Attack { name: "idle HTTP/2", threads: 1, once: idle_http_2, begins: |_| HELD },
    Attack { name: "slow senders", threads: 1, once: slow_sender, begins: |_| HELD },
    Attack { name: "slow readers", threads: 1, once: slow_reader, begins: |_| HELD },
    Attack {
        name: "idle connections",
        threads: 2,
        once: idle_connection,
        begins: |target| target.connections,
    },
];

fn at_once(_: &Target) -> usize {
    1
}

/// Addresses that attacks come from.
pub(super) fn addresses() -> usize {
    ATTACKS.iter().map(|attack| attack.threads).sum()
}

impl Attack {
    /// Goes on while this is done, and tells it whether the attack is under way. Gives how often it
    /// was carried out.
    pub(super) fn beside(
        &self,
        target: &Target,
        good: impl FnOnce(&dyn Fn() -> bool) -> (Times, Used),
    ) -> (Times, Used, u64) {
        let (stopped, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let place = ATTACKS.iter().position(|it| it.name == self.name).unwrap();
        let (times, used) = thread::scope(|scope| {
            for thread in 0..self.threads {
                // Loopback has more addresses than 127.0.0.1.
                let source =
                    [127, 0, u8::try_from(place).unwrap() + 1, u8::try_from(thread).unwrap() + 1];
                let (stopped, done) = (&stopped, &done);
                scope.spawn(move || {
                    let held = Held::default();
                    let mut attacker = Attacker { source: source.into(), number: 0, held };
                    while !stopped.load(Ordering::Relaxed) {
                        (self.once)(target, &mut attacker);
                        attacker.number += 1;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let begun = (self.begins)(target) as u64;
            let outcome = good(&|| done.load(Ordering::Relaxed) >= begun);
            stopped.store(true, Ordering::Relaxed);
            outcome
        });
        (times, used, done.into_inner())
    }
}

/// Connections that one attacker holds who does more than to be there.
const HELD: usize = 50;

fn unknown_secret(target: &Target, attacker: &mut Attacker) {
    let secret = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let form = format!("name=ci&secret={}", secret.reveal());
    callers::post(target, attacker, "/auth/v1/api-key/token", callers::FORM, &form);
}

fn malformed_body(target: &Target, attacker: &mut Attacker) {
    let (kind, body) = match attacker.number % 4 {
        0 => (callers::FORM, "grant_type=a&grant_type=b"),
        1 => (callers::FORM, "%ff%fe=%00&&&=;"),
        2 => ("Content-Type: application/json\r\n", "{\"grant_type\":[[[[[[[[[[[["),
        _ => ("Content-Type: text/plain\r\n", "\u{202e}"),
    };
    callers::post(target, attacker, "/oauth2/token", kind, body);
}

fn revoked_key(target: &Target, attacker: &mut Attacker) {
    let form = format!("name={}&secret={}", target.revoked.name, target.revoked.secret);
    let agent = Random::System.base62(20);
    let headers = format!("{}User-Agent: {agent}\r\n", callers::FORM);
    callers::post(target, attacker, "/auth/v1/api-key/token", &headers, &form);
}

fn leak_report(target: &Target, attacker: &mut Attacker) {
    let body = json!({ "secrets": vec![&target.leaked.secret; 1000] }).to_string();
    let kind = "Content-Type: application/json\r\n";
    callers::post(target, attacker, "/auth/v1/api-key/revoke-found", kind, &body);
}

fn idle_http_2(target: &Target, attacker: &mut Attacker) {
    attacker.held.http_2(target.address, attacker.source, HELD);
}

fn slow_sender(target: &Target, attacker: &mut Attacker) {
    attacker.held.one_more_byte(target.address, attacker.source, HELD);
}

fn slow_reader(target: &Target, attacker: &mut Attacker) {
    attacker.held.unread(target.address, attacker.source, HELD);
}

fn idle_connection(target: &Target, attacker: &mut Attacker) {
    attacker.held.idle(target.address, attacker.source, target.connections / 2);
}
