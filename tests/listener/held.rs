//! Connections that are held without use: they end, and one source does not get all of them.

use std::io::{Read as _, Write as _};

use axum::{Router, routing::get};
use h2::client;
use tokio::net::TcpStream;

use super::{LAST_REQUEST, Limits, PATIENT, SOON, ask_quickly, connect, greeting, rest, start};

#[tokio::test(flavor = "multi_thread")]
async fn fx_17a_an_idle_http_2_caller_that_answers_pings_is_hung_up_on() {
    let limits = Limits {
        first_request_within: SOON,
        next_request_within: SOON,
        last_request_within: SOON,
        ..PATIENT
    };
    let server = start(limits, None, greeting()).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = client::handshake(stream).await.unwrap();
    // It answers every PING until the server ends it.
    let ended = tokio::spawn(connection);
    let request = axum::http::Request::get("http://h/").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);

    // With GOAWAY, or at once where that came too late.
    let _ = ended.await.unwrap();

    // Until here it was kept by us.
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_17b_a_caller_that_reads_nothing_is_hung_up_on() {
    let long = Router::new().route("/", get(async || "x".repeat(64 << 20)));
    let server = start(Limits { read_within: SOON, ..PATIENT }, None, long).await;
    let mut caller = connect(server.address);
    caller.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();

    // The server is done with the caller, who has not read a byte, as soon as it can end.
    server.stop.send(()).unwrap();
    server.served.await.unwrap().unwrap();

    assert!(rest(caller).len() < 64 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_17c_one_source_has_no_more_connections_than_it_may() {
    let limits = Limits { connections_per_source: 2, ..PATIENT };
    let server = start(limits, None, greeting()).await;
    let mut held = [connect(server.address), connect(server.address)];
    // Both are accepted: each is answered.
    for caller in &mut held {
        caller.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        caller.read_exact(&mut [0; 12]).unwrap();
    }

    let mut third = connect(server.address);
    let _ = third.write_all(LAST_REQUEST);

    assert_eq!(rest(third), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_17d_a_proxy_has_as_many_as_it_likes_and_places_are_given_back() {
    let limits = Limits {
        connections_per_source: 1,
        unlimited: vec!["127.0.0.0/8".parse().unwrap()],
        ..PATIENT
    };
    let proxied = start(limits, None, greeting()).await;
    let _held = connect(proxied.address);
    let alone = start(Limits { connections_per_source: 1, ..PATIENT }, None, greeting()).await;

    for address in [proxied.address, alone.address] {
        for _ in 0..10 {
            // The place of the last one is free a moment after its end.
            loop {
                let mut caller = connect(address);
                let _ = caller.write_all(LAST_REQUEST);
                if rest(caller).starts_with("HTTP/1.1 200 OK") {
                    break;
                }
                assert_eq!(address, alone.address);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_54b_a_caller_is_told_how_long_its_connection_is_kept() {
    let quick = Router::new().route("/quick", get(async || "quick"));
    let server = start(PATIENT, None, quick).await;
    let mut caller = connect(server.address);

    let kept = ask_quickly(&mut caller);
    caller.write_all(b"GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let last = rest(caller);

    assert!(kept.contains("connection: keep-alive\r\nkeep-alive: timeout=59\r\n"), "{kept}");
    assert!(!last.contains("keep-alive"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_17e_where_connections_are_few_none_is_kept() {
    let quick = Router::new().route("/quick", get(async || "quick"));
    let server = start(Limits { connections: 10, ..PATIENT }, None, quick).await;
    let mut first = connect(server.address);
    assert!(ask_quickly(&mut first).contains("connection: keep-alive"));
    let mut held: Vec<_> = (0..8).map(|_| connect(server.address)).collect();
    for caller in &mut held {
        ask_quickly(caller);
    }

    let mut last = connect(server.address);

    assert!(ask_quickly(&mut last).contains("connection: close"));
}
