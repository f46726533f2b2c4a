//! A server that is asked to end answers what it was asked.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    http::Connection,
    support::{Key, Place, Server, wait},
};

/// Asks on one connection until the server says that it was the last answer, or on a new one
/// every time until nobody listens. Gives how often there was no token for a request.
fn ask(server: &Server<'_>, key: &Key, keeps: bool, answered: &AtomicU64) -> Vec<String> {
    let mut failed = Vec::new();
    let mut open: Option<Connection> = None;
    loop {
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => match Connection::open(server.address) {
                Ok(connection) => connection,
                Err(_) => return failed,
            },
        };
        match connection.exchange(&key.name, &key.secret) {
            Ok(answer) if answer.status == 200 => {
                answered.fetch_add(1, Ordering::Relaxed);
                if answer.is_last {
                    return failed;
                }
            }
            Ok(answer) => failed.push(format!("{} {}", answer.status, answer.body)),
            // The system may let in a last one between our last look and the end.
            Err(error) if !keeps && error.kind() == ErrorKind::ConnectionReset => return failed,
            Err(error) => {
                failed.push(format!("{error} (kept: {keeps})"));
                return failed;
            }
        }
        open = keeps.then_some(connection);
    }
}

#[test]
fn fi_20_no_request_fails_when_the_server_is_asked_to_end() {
    let (place, key) = Place::with_key();
    let mut server = place.serve();
    let answered = AtomicU64::new(0);

    let (failed, took) = thread::scope(|scope| {
        let running = &server;
        let start = |keeps| {
            scope.spawn({
                let (key, answered) = (&key, &answered);
                move || ask(running, key, keeps, answered)
            })
        };
        let askers: Vec<_> = [true, true, true, false, false].map(start).into();
        wait(|| answered.load(Ordering::Relaxed) > 300, || "no load".to_owned());
        let began = Instant::now();
        running.signal(Signal::TERM);
        let failed: Vec<_> = askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
        (failed, began.elapsed())
    });
    server.ends_well();

    assert!(failed.is_empty(), "{failed:?}");
    assert!(took < Duration::from_secs(10), "it took {took:?} to end");
}
