//! Two servers on one PostgreSQL database.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    http::Connection,
    postgres,
    support::{Key, Place, Server, free_port, wait},
};

/// A place whose database is on a server, and the setting that every node of it needs. `None` where
/// there is no PostgreSQL.
async fn place() -> Option<Place> {
    let mut place = Place::new();
    place.set("DATABASE__URL", &postgres::server()?.database().await);
    place.set("ISSUER", "http://127.0.0.1:8080");
    place.set("LIMITS__FAILURES_PER_MINUTE", "100000000");
    Some(place)
}

/// How many keys of each algorithm are in this state.
fn count(keys: &Value, algorithm: &str, state: &str) -> usize {
    let keys = keys.as_array().unwrap().iter();
    keys.filter(|key| key["algorithm"] == algorithm && key["state"] == state).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_make_one_key_of_each_algorithm() {
    let Some(place) = place().await else { return };

    let nodes = [free_port(), free_port(), free_port()].map(|port| place.spawn("serve", port));
    nodes.iter().for_each(Server::wait_until_ready);

    let keys = place.json(&["signing-key", "list"]);
    assert_eq!(keys.as_array().unwrap().len(), 2, "{keys}");
    assert_eq!((count(&keys, "ES256", "active"), count(&keys, "RS256", "active")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn quickstarts_at_once_make_one_key() {
    let Some(place) = place().await else { return };

    let nodes = [free_port(), free_port()].map(|port| place.spawn("quickstart", port));
    nodes.iter().for_each(Server::wait_until_ready);
    wait(|| nodes.iter().all(|node| node.printed("out").contains("Serving on")), String::new);

    let told = nodes.iter().filter(|node| node.printed("out").contains("ktk_")).count();
    assert_eq!(told, 1);
    assert_eq!(place.json(&["key", "list"]).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn jw_04_two_rotations_at_once_make_one_successor() {
    let Some(place) = place().await else { return };
    place.serve().stop();

    let rotate = || place.run(&["signing-key", "rotate", "--algorithm", "ES256"]).status.success();
    let (first, second) = thread::scope(|scope| {
        let other = scope.spawn(rotate);
        (rotate(), other.join().unwrap())
    });

    assert!(first ^ second, "one of the two makes it, the other is told so");
    let keys = place.json(&["signing-key", "list"]);
    assert_eq!((count(&keys, "ES256", "active"), count(&keys, "ES256", "pending")), (1, 1));
}

/// Asks a node for tokens until told to stop; keeps the moment of the last one.
fn ask(node: &Server<'_>, key: &Key, stop: &AtomicBool, tokens: &AtomicU64, last: &Mutex<Instant>) {
    let mut connection = Connection::open(node.address).unwrap();
    while !stop.load(Ordering::Relaxed) {
        let answer = connection.exchange(&key.name, &key.secret).unwrap();
        if answer.status == 200 {
            tokens.fetch_add(1, Ordering::Relaxed);
            let mut last = last.lock().unwrap();
            *last = Instant::now().max(*last);
        }
        if answer.is_last {
            connection = Connection::open(node.address).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_revoked_key_is_refused_by_every_node_within_a_second_under_load() {
    let Some(place) = place().await else { return };
    place.succeeds(&["migrate"]);
    place.succeeds(&["organization", "create", "acme"]);
    let nodes = [place.serve(), place.serve()];
    let mut worst = Duration::ZERO;
    for number in 0..5 {
        let key = place.key(&format!("key-{number}"));
        let tokens = AtomicU64::new(0);
        let (stop, last) = (AtomicBool::new(false), Mutex::new(Instant::now()));
        let returned = thread::scope(|scope| {
            for node in nodes.iter().cycle().take(6) {
                scope.spawn(|| ask(node, &key, &stop, &tokens, &last));
            }
            wait(|| tokens.load(Ordering::Relaxed) > 200, || "no load".to_owned());
            place.succeeds(&["key", "revoke", &key.name]);
            let returned = Instant::now();
            wait(|| returned.elapsed() > Duration::from_millis(1500), String::new);
            stop.store(true, Ordering::Relaxed);
            returned
        });
        worst = worst.max(last.into_inner().unwrap().saturating_duration_since(returned));
        for node in &nodes {
            assert_eq!(node.exchange(&key).status, 401);
        }
    }
    println!("the last token came {worst:?} after the revocation had returned");
    assert!(worst < Duration::from_secs(1), "a node went on for {worst:?}");
}
