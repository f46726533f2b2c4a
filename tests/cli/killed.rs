//! Servers killed under load: whatever was acknowledged is there afterwards.
#![expect(clippy::disallowed_methods, reason = "how many rounds is said by a variable")]

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use keyturn::{
    clock::Clock,
    ledger::Fold,
    store::{self, Options, Store},
};
use sqlx::Connection as _;

use super::{
    http::Connection,
    support::{Key, Place, Server, below, free_port, wait},
};

const THREADS: usize = 4;

fn rounds() -> usize {
    env::var("KEYTURN_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Counts tokens until the connection dies.
fn ask(server: &Server<'_>, key: &Key, acknowledged: &AtomicU64) {
    let Ok(mut connection) = Connection::open(server.address) else { return };
    while let Ok(answer) = connection.exchange(&key.name, &key.secret) {
        assert_eq!(answer.status, 200, "{}", answer.body);
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

/// One life of the server, ended at a random moment while it works and a key is made beside it.
fn round(place: &Place, port: u16, key: &Key, acknowledged: &AtomicU64, name: &str) -> Key {
    let server = place.serve_on(port);
    let before = acknowledged.load(Ordering::Relaxed);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| ask(&server, key, acknowledged));
        }
        let made = scope.spawn(|| place.key(name));
        let enough = before + 1 + below(400);
        wait(|| acknowledged.load(Ordering::Relaxed) > enough, || "no load".to_owned());
        server.signal(rustix::process::Signal::KILL);
        made.join().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn fi_02_what_was_acknowledged_survives_kill_9() {
    let (place, key) = Place::with_key();
    let (port, rounds) = (free_port(), rounds());
    let acknowledged = AtomicU64::new(0);
    let made = Mutex::new(Vec::new());
    let began = Instant::now();

    for number in 0..rounds {
        let key = round(&place, port, &key, &acknowledged, &format!("round-{number}"));
        made.lock().unwrap().push(key);
    }

    let server = place.serve_on(port);
    let made = made.into_inner().unwrap();
    for key in &made {
        assert_eq!(server.exchange(key).status, 200, "{} is gone", key.name);
    }
    server.stop();
    let acknowledged = acknowledged.into_inner();
    let counted = counted(&place, &key).await;
    println!(
        "{rounds} rounds in {:?}: {acknowledged} tokens acknowledged, {counted} counted, {} keys made",
        began.elapsed(),
        made.len()
    );
    assert!(counted >= acknowledged, "{} uses were lost", acknowledged - counted);
    // What a round has in flight when it dies may have been written and not been told.
    assert!(counted <= acknowledged + (rounds * THREADS) as u64);
    check_integrity(&place).await;
}

fn url(place: &Place) -> String {
    format!("sqlite:{}", place.path().join("keyturn.db").display())
}

/// How many uses of the key are recorded.
async fn counted(place: &Place, key: &Key) -> u64 {
    let store = Store::open(&url(place), Options::default()).await.unwrap();
    Fold::new(store.clone(), Clock::system()).fold_all().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let uses = store::usage::of_key(&mut tx, key.id.parse().unwrap()).await.unwrap();
    let issued = uses.iter().filter(|(used, _)| used.circumstances.outcome == "issued");
    issued.map(|(_, count)| u64::try_from(*count).unwrap()).sum()
}

async fn check_integrity(place: &Place) {
    let mut connection = sqlx::SqliteConnection::connect(&url(place)).await.unwrap();
    let answer: String =
        sqlx::query_scalar("pragma integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(answer, "ok");
}
