//! A key gets a new secret, and nobody who uses it notices.
#![expect(clippy::disallowed_methods, reason = "how long the load lasts is said by a variable")]

use std::{
    env, fs, mem,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    http::Connection,
    support::{Key, Place, Server, below, wait},
};

#[test]
fn an_old_secret_dies_at_once_where_the_owner_says_so() {
    let (place, old) = Place::with_key();
    let server = place.serve();
    assert_eq!(server.exchange(&old).status, 200);

    let new = place.renewed(&old, &["key", "rotate", "ci", "--old-secret-lives", "now"]);
    server.until_status(&old, 401);

    assert_eq!(server.exchange(&new).status, 200);
    assert_eq!(place.json(&["key", "show", "ci"])["rotation"], serde_json::Value::Null);
}

#[test]
fn a_rotation_is_finished_early() {
    let (place, old) = Place::with_key();
    let server = place.serve();
    let new = place.renewed(&old, &["key", "rotate", "ci"]);
    assert_eq!((server.exchange(&old).status, server.exchange(&new).status), (200, 200));

    place.succeeds(&["key", "rotation", "ci", "--finish"]);
    server.until_status(&old, 401);

    assert_eq!(server.exchange(&new).status, 200);
    let again = place.fails(&["key", "rotation", "ci", "--finish"]);
    assert!(again.contains("`keyturn key rotate ci`"), "{again}");
}

#[test]
fn an_old_secret_is_given_more_time_or_less_but_not_more_than_a_week() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    place.renewed(&key, &["key", "rotate", "ci", "--old-secret-lives", "1"]);
    let lives = |hours: &str| place.json(&["key", "rotation", "ci", "--old-secret-lives", hours]);

    let longer = lives("100");
    let shorter = lives("2");

    assert!(longer["old_secret_dies_at"].as_str() > shorter["old_secret_dies_at"].as_str());
    let shown = place.succeeds(&["key", "show", "ci"]);
    assert!(shown.contains("dies in 119 min") || shown.contains("dies in 2 h"), "{shown}");
    assert_eq!(server.exchange(&key).status, 200);
    for mistake in
        [&["--old-secret-lives", "169"][..], &[], &["--finish", "--old-secret-lives", "1"]]
    {
        let arguments = [&["key", "rotation", "ci"], mistake].concat();
        assert_eq!(place.run(&arguments).status.code(), Some(2), "{mistake:?}");
    }
}

#[test]
fn the_owner_is_told_whether_the_old_secret_is_still_used() {
    let (place, old) = Place::with_key();
    let server = place.serve();
    let show = || place.succeeds(&["key", "show", "ci"]);

    let new = place.renewed(&old, &["key", "rotate", "ci"]);
    let unused = show();
    assert_eq!(server.exchange(&new).status, 200);
    let is_safe = || show().contains("old secret not used since the rotation: safe to finish by");
    wait(is_safe, || format!("never safe:\n{}", show()));
    assert_eq!(server.exchange(&old).status, 200);
    wait(|| show().contains("old secret last seen"), || format!("never seen:\n{}", show()));

    let (used, listed) = (show(), place.succeeds(&["key", "list"]));
    let finished = place.succeeds(&["key", "rotation", "ci", "--finish"]);
    assert!(unused.contains("neither secret used since the rotation"), "{unused}");
    assert!(used.contains("from 127.0.0.1; dies in 2"), "{used}");
    assert!(used.contains("`keyturn key rotation ci --finish`"), "{used}");
    assert!(listed.contains("rotating"), "{listed}");
    assert!(finished.contains("the new one is needed there"), "{finished}");
}

#[test]
fn a_new_secret_goes_into_a_new_file_of_its_owner_only() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let path = place.path().join("ci.json");

    let told = place.succeeds(&["key", "rotate", "ci", "-f", "ci.json", "--expires", "90"]);

    let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let new = Key { secret: file["secret"].as_str().unwrap().to_owned(), ..key.clone() };
    place.keep_out_of_logs(&new.secret);
    assert!(!told.contains(&new.secret), "{told}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((server.exchange(&key).status, server.exchange(&new).status), (200, 200));
    let refused = place.fails(&["key", "rotate", "ci", "-f", "ci.json"]);
    assert!(refused.contains("ci.json"), "{refused}");
    assert_eq!(place.json(&["key", "show", "ci"])["secrets"].as_array().unwrap().len(), 2);
    place.succeeds(&["key", "revoke", "ci"]);
    place.fails(&["key", "rotate", "ci", "-f", "other.json"]);
    assert!(!place.path().join("other.json").exists());
}

const CONNECTIONS: u64 = 16;
/// Exchanges a second, all connections together.
const RATE: u64 = 500;
/// Both secrets of a rotation are used this often before the next one.
const BETWEEN: u64 = 60;

/// How long the load lasts: two seconds, unless somebody wants to see more.
fn duration() -> Duration {
    let seconds = env::var("KEYTURN_ROTATE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// What the clients of a key share.
struct Load {
    began: Instant,
    /// The secrets that are said to work.
    current: Mutex<Vec<Arc<Key>>>,
    /// Requests that were begun: the number of each says when it is due.
    begun: AtomicU64,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Load {
    fn some_secret(&self) -> Arc<Key> {
        let current = self.current.lock().unwrap();
        Arc::clone(&current[usize::try_from(below(current.len() as u64)).unwrap()])
    }

    /// Asks on one connection until told to stop, each request when it is due or as soon after.
    fn ask(&self, server: &Server<'_>) {
        let mut connection = Connection::open(server.address).unwrap();
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_nanos(number * (1_000_000_000 / RATE));
            // Pace, not waiting for a state.
            thread::park_timeout(due.saturating_sub(self.began.elapsed()));
            let key = self.some_secret();
            let answer = connection.exchange(&key.name, &key.secret);
            match answer {
                Ok(answer) if answer.status == 200 => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if answer.is_last {
                        connection = Connection::open(server.address).unwrap();
                    }
                }
                failed => self.failures.lock().unwrap().push(format!("{failed:?}")),
            }
        }
    }

    /// Rotates again and again. Both secrets are used for a while; then whoever has the old one
    /// turns to the new one, as clients have a day to do, and the next rotation may come.
    fn rotate(&self, place: &Place, first: Key) -> u64 {
        let _stop = StopAtEnd(&self.stop);
        let (mut newest, mut rotations) = (Arc::new(first), 0);
        while self.began.elapsed() < duration() {
            // The load has moved on: what the rotation before left ends unused.
            let next = Arc::new(place.renewed(&newest, &["key", "rotate", "ci", "--force"]));
            let old = mem::replace(&mut newest, next);
            self.current.lock().unwrap().push(Arc::clone(&newest));
            let enough = self.answered.load(Ordering::Relaxed) + BETWEEN;
            let is_used = || self.answered.load(Ordering::Relaxed) >= enough;
            wait(is_used, || format!("the load has stopped: {:?}", self.failures));
            *self.current.lock().unwrap() = vec![Arc::clone(&newest)];
            wait(|| Arc::strong_count(&old) == 1, || "somebody keeps the old secret".to_owned());
            rotations += 1;
        }
        rotations
    }
}

/// Ends the load also where the test fails: a scope waits for its threads.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn kx_10_rotation_under_load_fails_no_exchange() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let load = Load {
        began: Instant::now(),
        current: Mutex::new(vec![Arc::new(key.clone())]),
        begun: AtomicU64::new(0),
        answered: AtomicU64::new(0),
        failures: Mutex::default(),
        stop: AtomicBool::new(false),
    };

    let rotations = thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| load.ask(&server));
        }
        load.rotate(&place, key)
    });

    let (took, answered) = (load.began.elapsed(), load.answered.into_inner());
    let failures = load.failures.into_inner().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = answered as f64 / took.as_secs_f64();
    println!(
        "{rotations} rotations in {took:.1?}: {answered} tokens, {rate:.0} a second, {} failures",
        failures.len()
    );
    assert!(failures.is_empty(), "{failures:?}");
    assert!(rotations > 0 && answered >= rotations * BETWEEN);
}

/// Nobody can have a copy of the JWKS before a server has started.
#[test]
fn fx_20_before_the_first_start_a_key_signs_at_once_and_later_it_is_published_first() {
    let register = |place: &Place, algorithm: &str| {
        let name = algorithm.to_lowercase();
        let command = ["resource", "register", &name, "--scope", "read", "--algorithm", algorithm];
        place.json(&command)
    };
    let (empty, started) = (Place::new(), Place::new());
    empty.succeeds(&["migrate"]);
    started.succeeds(&["migrate"]);
    started.serve().stop();

    let at_once = register(&empty, "EdDSA");
    let later = register(&started, "EdDSA");
    let listed = started.succeeds(&["resource", "list"]);

    assert_eq!(at_once["algorithm_from"], serde_json::Value::Null, "{at_once}");
    assert_eq!(at_once["current_algorithm"], "EdDSA");
    assert!(later["algorithm_from"].is_string(), "{later}");
    assert_eq!(later["current_algorithm"], "ES256");
    assert!(listed.contains("ES256, EdDSA from"), "{listed}");
}
