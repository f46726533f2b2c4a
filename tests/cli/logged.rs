//! The log: where it cannot be written the server goes on, and bad requests do not fill it.

use std::{
    fs::File,
    io::{Read as _, pipe},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::support::{Key, Place, Server, said};

/// Makes more lines than a pipe has room for.
fn goes_on(server: &Server<'_>, key: &Key) {
    let wrong = Key { secret: "ktk_x".to_owned(), ..key.clone() };
    for _ in 0..500 {
        assert_eq!(server.exchange(&wrong).status, 401);
    }
    assert_eq!(server.exchange(key).status, 200);
    assert_eq!(server.get("/healthz").unwrap().status, 200);
}

fn metric(server: &Server<'_>, name: &str) -> u64 {
    let text = server.get("/metrics").unwrap().body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("keyturn_{name} ")));
    line.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
}

fn set_up() -> (Place, Key) {
    Place::with_key_and(&[("LIMITS__FAILURES_PER_MINUTE", "100000"), ("LOG__LEVEL", "trace")])
}

#[test]
fn fx_45a_a_server_whose_log_nobody_reads_any_more_goes_on() {
    let (place, key) = set_up();
    let (reader, writer) = pipe().unwrap();
    let server = place.serve_logging_to(writer);
    drop(reader);

    goes_on(&server, &key);

    assert!(metric(&server, "lost_log_lines") > 0);
    server.stop();
}

#[test]
fn fx_45b_a_server_whose_log_is_stuck_goes_on_and_ends() {
    let (place, key) = set_up();
    let (mut reader, writer) = pipe().unwrap();
    let server = place.serve_logging_to(writer);

    goes_on(&server, &key);

    server.stop();
    let mut held = Vec::new();
    reader.read_to_end(&mut held).unwrap();
    assert!(held.len() > 60_000, "the pipe was not full: {}", held.len());
}

#[test]
fn fx_45c_a_server_whose_log_is_on_a_full_disk_goes_on() {
    let (place, key) = set_up();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let server = place.serve_logging_to(full);

    goes_on(&server, &key);

    assert!(metric(&server, "lost_log_lines") > 0);
    server.stop();
}

#[test]
fn fx_45g_what_is_logged_last_is_written_before_the_end() {
    let (place, _) = Place::with_key();
    let (mut reader, writer) = pipe().unwrap();

    place.serve_logging_to(writer).stop();

    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    assert!(log.lines().last().unwrap().contains("stopping"), "{log}");
}

#[test]
fn fx_46a_bad_requests_of_one_source_are_summed_up() {
    let (place, key) = Place::with_key_and(&[("LIMITS__FAILURES_PER_MINUTE", "300")]);
    let (mut reader, writer) = pipe().unwrap();
    let server = place.serve_logging_to(writer);
    let wrong = Key { secret: "ktk_x".to_owned(), ..key };

    let statuses: Vec<_> = (0..1000).map(|_| server.exchange(&wrong).status).collect();
    let throttled = metric(&server, "throttled");
    server.stop();

    let refused = statuses.iter().filter(|status| **status == 401).count() as u64;
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.filter(|it| it["message"].as_str().unwrap().starts_with("refused a token"));
    let (sums, ones): (Vec<_>, Vec<_>) = told.partition(|it| it["more"].is_number());
    let more: u64 = sums.iter().map(|it| it["more"].as_u64().unwrap()).sum();
    assert!(ones.len() <= 10 && sums.len() <= 2, "{log}");
    assert_eq!(ones.len() as u64 + more, refused);
    assert_eq!(sums[0]["source"], "127.0.0.1");
    // Whoever is told to slow down is counted elsewhere.
    assert_eq!(throttled, 1000 - refused);
    assert!(!log.contains("too_many_failures"), "{log}");
}

#[test]
fn fx_54a_a_file_that_may_not_grow_is_an_error_and_no_end_by_a_signal() {
    let place = Place::new();
    let script = "ulimit -f 16; exec keyturn migrate";
    let mut command: Command = place.program("sh", &["-c", script]);

    let output = command.stdin(Stdio::null()).output().unwrap();

    assert!(output.status.code().is_some(), "{output:?}");
    assert!(!output.status.success() && said(&output).contains("keyturn: "), "{output:?}");
}
