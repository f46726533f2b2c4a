//! The connections of attackers: over each, requests that are complete, or that never are.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use h2::client;
use tokio::{
    net::TcpSocket,
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::attack::{Attacker, Target};
use crate::http::Connection;

pub(super) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
/// Between two rounds of what holds its connections.
const PAUSE: Duration = Duration::from_millis(10);

/// What an attacker keeps open.
#[derive(Default)]
pub(super) struct Held {
    kept: Option<Connection>,
    streams: Vec<TcpStream>,
    http_2: Vec<Http2>,
    /// Answers the PINGs of the server.
    runtime: Option<Runtime>,
}

/// A connection of HTTP/2, and what is done when it has ended.
struct Http2(
    #[expect(dead_code, reason = "is open as long as it is there")] Sender,
    JoinHandle<()>,
);

type Sender = client::SendRequest<&'static [u8]>;

/// Posts over a connection that is kept. What the server answers, or whether it does, is up to it.
pub(super) fn post(
    target: &Target,
    attacker: &mut Attacker,
    path: &str,
    headers: &str,
    body: &str,
) {
    let source = attacker.source;
    let kept = attacker.held.kept.take();
    let Some(mut connection) = kept.or_else(|| {
        let stream = connect(target.address, source)?;
        Some(Connection::over(stream))
    }) else {
        return;
    };
    if connection.post(path, headers, body).is_ok_and(|answer| !answer.is_last) {
        attacker.held.kept = Some(connection);
    }
}

/// From this address of loopback.
fn connect(address: SocketAddr, source: Ipv4Addr) -> Option<TcpStream> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        socket.connect(address).await?.into_std()
    });
    let stream = stream.ok()?;
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    Some(stream)
}

impl Held {
    /// Connections over which nothing is ever sent. Those that the server has ended are replaced.
    pub(super) fn idle(&mut self, address: SocketAddr, source: Ipv4Addr, most: usize) {
        self.fill(address, source, most, b"");
    }

    /// Requests that are sent byte by byte.
    pub(super) fn one_more_byte(&mut self, address: SocketAddr, source: Ipv4Addr, most: usize) {
        let begun =
            b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n";
        self.fill(address, source, most, begun);
        self.streams.retain_mut(|stream| stream.write_all(b"a").is_ok());
    }

    /// Requests for what is long, whose answers are not read.
    pub(super) fn unread(&mut self, address: SocketAddr, source: Ipv4Addr, most: usize) {
        let ask = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.fill(address, source, most, ask);
        for stream in &mut self.streams {
            stream.set_nonblocking(true).unwrap();
        }
        self.streams.retain_mut(|stream| match stream.write_all(ask) {
            Ok(()) => true,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        });
    }

    /// Connections of HTTP/2 that have asked once, and from then on only say that they are there.
    pub(super) fn http_2(&mut self, address: SocketAddr, source: Ipv4Addr, most: usize) {
        self.http_2.retain(|Http2(_, ended)| !ended.is_finished());
        if self.http_2.len() >= most {
            thread::park_timeout(PAUSE);
            return;
        }
        let runtime = self.runtime.get_or_insert_with(|| {
            Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
        });
        let Some(stream) = connect(address, source) else { return };
        self.http_2.extend(runtime.block_on(async {
            stream.set_nonblocking(true).ok()?;
            let stream = tokio::net::TcpStream::from_std(stream).ok()?;
            let (mut sender, connection) = client::Builder::new().handshake(stream).await.ok()?;
            let ended = tokio::spawn(async move { drop(connection.await) });
            let request = axum::http::Request::get("http://localhost/healthz").body(()).unwrap();
            let (answer, _) = sender.send_request(request, true).ok()?;
            answer.await.ok()?;
            Some(Http2(sender, ended))
        }));
    }

    /// One more connection as long as there are fewer, with the first bytes of it.
    fn fill(&mut self, address: SocketAddr, source: Ipv4Addr, most: usize, first: &[u8]) {
        if self.streams.len() >= most {
            thread::park_timeout(PAUSE);
            self.streams.retain(is_open);
            return;
        }
        let Some(mut stream) = connect(address, source) else {
            thread::park_timeout(PAUSE);
            return;
        };
        if stream.write_all(first).is_ok() {
            self.streams.push(stream);
        }
    }
}

/// Whether the server has not ended it. Reads nothing.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    match seen {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    }
}
