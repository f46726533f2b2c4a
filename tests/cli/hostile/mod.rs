//! Hostile callers beside good ones, against the real server: what is good is answered, and nothing
//! grows beyond its bound.
//!
//! The short form is a test like any other. The long form measures: set `KEYTURN_HOSTILE_SECONDS` to
//! the seconds of each attack, as docs/PERFORMANCE.md does.

mod attack;
mod callers;
mod good;
mod process;

use std::{env, time::Duration};

use keyturn::store::{Options, Store};

use self::{
    attack::{ATTACKS, Attack, Target},
    good::Good,
    process::Used,
};
use super::support::{Key, Place, Server};

/// The revoked key has at most 17, and the good callers share one.
const MOST_USAGE_A_MINUTE: usize = 18;
/// Of one address; as many may come at once at the start.
const MOST_REFUSALS_A_MINUTE: usize = 600;
/// What setting up the place does, and one event for the secret that was reported.
const MOST_AUDIT_EVENTS: usize = 30;
/// A server with few keys takes 30 MiB, 80 where it was built without optimization. The rest is for
/// what waits: 2,000 connections with 16 KiB each, 16,384 records of the ledger with 1 KiB each.
const MOST_MEMORY: u64 = 192 * 1024 * 1024;
/// The database, the log, the good callers, and what the attack before has left.
const FILES_BESIDE_CONNECTIONS: usize = 128;

/// How much of everything there is.
#[derive(Clone, Copy)]
struct Scale {
    /// How long each attack goes on; `None`: until the good callers have done their requests.
    lasts: Option<Duration>,
    /// Requests of the good callers, where nothing else ends an attack.
    requests: usize,
    connections: usize,
}

impl Scale {
    fn wanted() -> Self {
        let seconds = env::var_os("KEYTURN_HOSTILE_SECONDS");
        let seconds = seconds.map(|seconds| seconds.to_str().unwrap().parse().unwrap());
        match seconds {
            Some(seconds) => Self {
                lasts: Some(Duration::from_secs(seconds)),
                requests: usize::MAX,
                connections: 2000,
            },
            None => Self { lasts: None, requests: 120, connections: 200 },
        }
    }
}

struct World {
    good: Key,
    revoked: Key,
    leaked: Key,
}

fn set_up() -> (Place, World) {
    // Each attack has an address of its own; the defaults are what is tested.
    let (place, good) = Place::with_key_and(&[("LOG__LEVEL", "warn")]);
    let (revoked, leaked) = (place.key("revoked"), place.key("leaked"));
    place.succeeds(&["key", "revoke", "revoked"]);
    (place, World { good, revoked, leaked })
}

#[test]
fn hostile_callers_keep_no_good_one_out_and_nothing_grows_beyond_its_bound() {
    let scale = Scale::wanted();
    let (place, world) = set_up();
    let server = place.serve();
    let good = Good { address: server.address, key: world.good.clone() };

    let (alone, mut used) = good.alone(scale, || process::used(server.process()));
    alone.print("alone", None, &used);
    for attack in ATTACKS {
        used = used.max(under(attack, &server, &world, &good, scale));
    }
    let minutes = server_minutes(&used);
    server.stop();

    let most_files = scale.connections + FILES_BESIDE_CONNECTIONS;
    assert!(used.files <= most_files, "{} files of {most_files}", used.files);
    assert!(used.memory <= MOST_MEMORY, "{} of {MOST_MEMORY} bytes", used.memory);
    check_rows(&place, minutes);
}

/// One attack beside good callers, all of whom are answered. Gives what the server used at most.
fn under(attack: &Attack, server: &Server<'_>, world: &World, good: &Good, scale: Scale) -> Used {
    let target = Target {
        address: server.address,
        revoked: world.revoked.clone(),
        leaked: world.leaked.clone(),
        connections: scale.connections,
    };
    let (times, used, done) = attack.beside(&target, |is_under_way| {
        good.until(scale, is_under_way, || process::used(server.process()))
    });
    times.print(attack.name, Some(done), &used);
    assert_eq!(times.refused, Vec::<u16>::new(), "good callers under {}", attack.name);
    used
}

/// How many minutes the server has counted in, the first and the last included.
fn server_minutes(used: &Used) -> usize {
    usize::try_from(used.uptime.as_secs() / 60).unwrap() + 2
}

fn check_rows(place: &Place, minutes: usize) {
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&url, Options::default()).await.unwrap();
        let Store::Sqlite { pool, .. } = &store else { unreachable!("a file") };
        for (table, most) in [
            ("usage", minutes * MOST_USAGE_A_MINUTE),
            ("refusals", minutes * MOST_REFUSALS_A_MINUTE * attack::addresses()),
            ("audit_events", MOST_AUDIT_EVENTS),
            ("usage_quarantine", 0),
        ] {
            let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
            let rows: i64 = sqlx::query_scalar(count).fetch_one(pool).await.unwrap();
            println!("{table}: {rows} rows of {most} at most");
            assert!(
                usize::try_from(rows).unwrap() <= most,
                "{table}: {rows} rows of {most} at most"
            );
        }
    });
}
