//! What the listener promises to callers, good and bad. Clients block; the server has threads.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod held;
mod tls;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, routing::get};
use keyturn::listener::{self, Limits};
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tokio_rustls::rustls::ServerConfig;

/// Long enough never to pass in a test that does not wait for it.
const NEVER: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_millis(250);

const PATIENT: Limits = Limits {
    first_request_within: NEVER,
    last_request_within: NEVER,
    next_request_within: NEVER,
    read_within: NEVER,
    drain_within: NEVER,
    connections: 100,
    connections_per_source: 100,
    unlimited: Vec::new(),
};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn start(limits: Limits, tls: Option<Arc<ServerConfig>>, service: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let served = tokio::spawn(listener::serve_within(limits, listener, tls, service, shutdown));
    Running { address, stop, served }
}

fn greeting() -> Router {
    let greet = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    Router::new().route("/", get(greet))
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(NEVER)).unwrap();
    stream
}

/// All there is to read until the server hangs up.
fn rest(mut stream: impl Read) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

const LAST_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_knows_its_peer() {
    let server = start(PATIENT, None, greeting()).await;

    let mut caller = connect(server.address);
    caller.write_all(LAST_REQUEST).unwrap();
    let peer = caller.local_addr().unwrap().to_string();

    assert!(rest(caller).ends_with(&peer));
}

#[tokio::test(flavor = "multi_thread")]
async fn inc_21_who_does_not_ask_in_time_is_hung_up_on() {
    let limits = Limits { first_request_within: SOON, ..PATIENT };
    let server = start(limits, None, greeting()).await;
    let beginnings: [&[u8]; 5] = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ];

    for beginning in beginnings {
        let mut caller = connect(server.address);
        caller.write_all(beginning).unwrap();
        assert!(!rest(caller).contains("200 OK"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inc_21_a_connection_in_use_may_not_fall_silent_either() {
    let limits = Limits { next_request_within: SOON, ..PATIENT };
    let server = start(limits, None, greeting()).await;

    let mut caller = connect(server.address);
    caller.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();

    assert!(rest(caller).starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_take_longer_than_a_request() {
    let (may_answer, waits) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (answers, asked) = (Arc::clone(&may_answer), Arc::clone(&waits));
    let slow = Router::new().route(
        "/",
        get(async move || {
            asked.notify_one();
            answers.notified().await;
            "late"
        }),
    );
    let limits = Limits { first_request_within: SOON, next_request_within: SOON, ..PATIENT };
    let server = start(limits, None, slow).await;

    let mut caller = connect(server.address);
    caller.write_all(LAST_REQUEST).unwrap();
    waits.notified().await;
    // Hung up on after the time that the other caller's request had, too.
    assert_eq!(rest(connect(server.address)), "");
    may_answer.notify_one();

    assert!(rest(caller).ends_with("late"));
}

/// One of several requests on a connection, with the whole answer.
fn ask_quickly(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"quick") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fi_20_what_was_asked_before_the_end_is_answered() {
    let (may_answer, waits) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (answers, asked) = (Arc::clone(&may_answer), Arc::clone(&waits));
    let slow = Router::new().route(
        "/",
        get(async move || {
            asked.notify_one();
            answers.notified().await;
            "done"
        }),
    );
    let quick = Router::new().route("/quick", get(async || "quick"));
    let limits = Limits { last_request_within: Duration::from_secs(2), ..PATIENT };
    let server = start(limits, None, slow.merge(quick)).await;
    let mut silent = connect(server.address);
    let mut caller = connect(server.address);
    caller.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    waits.notified().await;
    let mut idle = connect(server.address);
    assert!(!ask_quickly(&mut idle).contains("connection: close"));

    server.stop.send(()).unwrap();
    // Answered until the server begins to stop, and then told so.
    while !ask_quickly(&mut idle).contains("connection: close") {}
    may_answer.notify_one();
    silent.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();

    assert!(rest(caller).ends_with("done"));
    assert!(rest(silent).starts_with("HTTP/1.1 200 OK"));
    server.served.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn fi_20_a_request_that_never_ends_does_not_keep_the_server() {
    let waits = Arc::new(Notify::new());
    let asked = Arc::clone(&waits);
    let endless = Router::new().route(
        "/",
        get(async move || {
            asked.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let server = start(Limits { drain_within: SOON, ..PATIENT }, None, endless).await;
    let mut caller = connect(server.address);
    caller.write_all(LAST_REQUEST).unwrap();
    waits.notified().await;

    server.stop.send(()).unwrap();

    server.served.await.unwrap().unwrap();
    assert_eq!(rest(caller), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_waits_for_room() {
    let limits = Limits { connections: 1, first_request_within: SOON, ..PATIENT };
    let server = start(limits, None, greeting()).await;

    let first = connect(server.address);
    let mut second = connect(server.address);
    second.write_all(LAST_REQUEST).unwrap();

    assert!(rest(second).starts_with("HTTP/1.1 200 OK"));
    assert_eq!(rest(first), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_has_a_limit() {
    let server = start(PATIENT, None, greeting()).await;

    for header in ["x: y\r\n".repeat(101), format!("x: {}\r\n", "y".repeat(70_000))] {
        let mut caller = connect(server.address);
        let _ = write!(caller, "GET / HTTP/1.1\r\n{header}\r\n");
        let mut status = [0; 12];
        caller.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 431");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_39d_a_request_names_one_host() {
    let server = start(PATIENT, None, greeting()).await;
    let said = |head: &str| {
        let mut caller = connect(server.address);
        caller.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).unwrap();
        rest(caller)
    };

    for hosts in
        ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n", "Host: a b\r\n", "Host: u@a\r\n"]
    {
        let answer = said(&format!("GET / HTTP/1.1\r\n{hosts}"));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
        assert!(answer.contains("send one Host header"), "{hosts:?}: {answer}");
        let elsewhere = said(&format!("GET /nowhere HTTP/1.1\r\n{hosts}"));
        assert!(elsewhere.starts_with("HTTP/1.1 400 "), "{hosts:?}: {elsewhere}");
    }
    for hosts in ["Host: a\r\n", "Host: [::1]:8080\r\n", "Host: keys.example.com:443\r\n"] {
        let answer = said(&format!("GET / HTTP/1.1\r\n{hosts}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{hosts:?}: {answer}");
    }
    let answer = said("GET / HTTP/1.0\r\n");
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}
