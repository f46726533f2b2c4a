//! The doors over real connections: checks TE-12, TE-22, FI-15 and FI-17.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use axum::http::Request;
use keyturn::{domain::Secret, listener};

use crate::support::{API_KEY, FORM, TestServer, encoded};

/// Long enough never to pass in a test that succeeds.
const NEVER: Duration = Duration::from_mins(1);

async fn listening() -> (SocketAddr, Secret) {
    let (server, secret) = TestServer::with_key().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        listener::serve(listener, None, server.router.clone(), std::future::pending()).await
    });
    (address, secret)
}

/// Sends the bytes, and reads until the server hangs up.
fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(NEVER)).unwrap();
    // It may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn head(more: &str) -> String {
    format!("POST {API_KEY} HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM}\r\n{more}\r\n")
}

fn with_length(body: &str, more: &str) -> String {
    head(&format!("Content-Length: {}\r\n{more}", body.len())) + body
}

/// In pieces of seven bytes.
fn chunked(body: &str) -> String {
    let mut text = head("Transfer-Encoding: chunked\r\nConnection: close\r\n");
    for chunk in body.as_bytes().chunks(7) {
        let chunk = str::from_utf8(chunk).unwrap();
        write!(text, "{:x}\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    text + "0\r\n\r\n"
}

/// Status, and the members of the body but what is new each time.
fn gist(answer: &str) -> (String, serde_json::Value) {
    let (head, body) = answer.rsplit_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split("HTTP/1.1 ").last().unwrap().lines().next().unwrap();
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(token) = body.get_mut("access_token") {
        *token = "a token".into();
    }
    (status[..3.min(status.len())].to_owned(), body)
}

/// The same over HTTP/2 without asking first whether it is spoken.
async fn by_http_2(address: SocketAddr, body: &str) -> (String, serde_json::Value) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let uri = format!("http://{address}{API_KEY}");
    let request = Request::post(uri).header("content-type", FORM).body(()).unwrap();
    let (response, mut upload) = client.send_request(request, false).unwrap();
    upload.send_data(body.to_owned().into(), true).unwrap();
    let mut response = response.await.unwrap();
    let mut text = Vec::new();
    while let Some(data) = response.body_mut().data().await {
        text.extend_from_slice(&data.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    gist(&format!("HTTP/1.1 {}\r\n\r\n{text}", response.status()))
}

#[tokio::test(flavor = "multi_thread")]
async fn te_22_however_a_form_arrives_the_answer_is_the_same() {
    let (address, secret) = listening().await;
    let cases = [
        (encoded(&[("name", "ci"), ("secret", secret.reveal())]), "200"),
        (encoded(&[("name", "ci"), ("secret", "wrong")]), "401"),
        ("name=a&name=b".to_owned(), "400"),
    ];

    for (body, status) in cases {
        let plain = gist(&say(address, with_length(&body, "Connection: close\r\n").as_bytes()));
        let expect = with_length(&body, "Expect: 100-continue\r\nConnection: close\r\n");
        let twice = with_length(&body, "") + &with_length(&body, "Connection: close\r\n");
        let twice = say(address, twice.as_bytes());

        assert_eq!(plain.0, status, "{}", plain.1);
        assert_eq!(gist(&say(address, chunked(&body).as_bytes())), plain, "chunked");
        assert_eq!(gist(&say(address, expect.as_bytes())), plain, "Expect");
        assert_eq!(twice.matches("HTTP/1.1 ").count(), 2, "pipelined: {twice}");
        assert_eq!(gist(&twice), plain, "the second of two");
        assert_eq!(by_http_2(address, &body).await, plain, "HTTP/2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn te_22_fi_17_a_request_that_two_could_read_differently_is_not_read() {
    let (address, secret) = listening().await;
    let body = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    let length = body.len();
    let smuggled = format!("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n{body}");
    let both = "Transfer-Encoding: chunked\r\n";
    let cases = [
        with_length("0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", both),
        head(&format!("Content-Length: {length}\r\nContent-Length: 0\r\n")) + &smuggled,
        head(&format!("Content-Length: {length}, 0\r\n")) + &body,
        head("Content-Length: -1\r\n") + &body,
        head(&format!("Content-Length: +{length}\r\n")) + &body,
        head("Content-Length: 0x10\r\n") + &body,
        head("Content-Length: 99999999999999999999\r\n") + &body,
        head("Transfer-Encoding: identity\r\n") + &smuggled,
        head("Transfer-Encoding: chunked, identity\r\n") + &smuggled,
        head("Transfer-Encoding : chunked\r\n") + &smuggled,
        head("Transfer-Encoding: chunked\r\n") + "zz\r\n" + &body,
        head(&format!("Content-Length: {length}\r\nx: a\0b\r\n")) + &body,
        head(&format!("Content-Length: {length}\r\nno colon\r\n")) + &body,
        head(&format!("Content-Length: {length}\r\nx: y\r\n folded\r\n")) + &body,
        format!("POST {API_KEY} HTTP/9.9\r\nHost: h\r\n\r\n"),
        format!("PO ST {API_KEY} HTTP/1.1\r\nHost: h\r\n\r\n"),
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n".to_owned(),
    ];

    for case in cases {
        let answer = say(address, case.as_bytes());

        let statuses: Vec<_> = answer.matches("HTTP/1.1 ").collect();
        assert!(statuses.len() <= 1, "answered what was smuggled in:\n{case}\n{answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{case}\n{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn te_12_a_body_too_large_is_refused_before_it_is_read() {
    let (address, _) = listening().await;

    let declared = say(address, head("Content-Length: 10000000\r\n").as_bytes());
    let mut endless = head("Transfer-Encoding: chunked\r\n");
    for _ in 0..80 {
        write!(endless, "400\r\n{}\r\n", "x".repeat(0x400)).unwrap();
    }
    let endless = say(address, endless.as_bytes());

    for answer in [declared, endless] {
        let (status, body) = gist(&answer);
        assert_eq!((status.as_str(), &body["error"]), ("413", &"invalid_request".into()));
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fi_15_a_bomb_in_a_header_or_a_url_is_refused() {
    let (address, _) = listening().await;
    let cases = [
        format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(100_000)),
        head(&"x: y\r\n".repeat(1000)),
        head(&format!("Cookie: {}\r\n", "x".repeat(1 << 20))),
        head(&format!("Authorization: Basic {}\r\n", "x".repeat(1 << 20))),
    ];

    for case in cases {
        let answer = say(address, case.as_bytes());

        let status = gist(&answer).0;
        let refused = ["", "400", "414", "431"].contains(&status.as_str());
        assert!(refused, "{}: {answer}", &case[..60]);
    }
    let alive = say(address, b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
}
