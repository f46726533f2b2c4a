//! One connection from its accept to its end.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Router, http::HeaderValue, middleware};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{
    Limits,
    answers::{Caller, Progress, Room},
    host::one_host,
    paced::Paced,
    patience::{Over, Patience},
};

/// The most bytes of header, in either version.
const LONGEST_HEADER: u32 = 64 * 1024;
const MOST_STREAMS: u32 = 200;
/// How often a silent HTTP/2 peer is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct Server {
    limits: Limits,
    tls: Option<TlsAcceptor>,
    protocol: Builder<TokioExecutor>,
    service: Router,
    room: Arc<Room>,
}

impl Server {
    pub(super) fn new(
        limits: Limits,
        permits: Arc<Semaphore>,
        tls: Option<Arc<ServerConfig>>,
        service: Router,
    ) -> Self {
        // Without a timer hyper never ends a connection for its silence.
        let mut protocol = Builder::new(TokioExecutor::new());
        protocol
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.next_request_within)
            // At most 100 headers is the default: saying so would cost an allocation a request.
            .max_buf_size(LONGEST_HEADER as usize);
        protocol
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(LONGEST_HEADER)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN);
        let service = service.layer(middleware::from_fn(one_host));
        let seconds = limits.next_request_within.as_secs().saturating_sub(1);
        let kept = HeaderValue::from_str(&format!("timeout={seconds}")).ok();
        let kept = kept.filter(|_| seconds > 0);
        let room = Room { permits, connections: limits.connections, kept };
        let tls = tls.map(TlsAcceptor::from);
        Self { limits, tls, protocol, service, room: Arc::new(room) }
    }

    /// Returns when the connection is over. A change of `stopping` asks it to end, its sender's
    /// absence ends it at once.
    pub(super) async fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stopping: watch::Receiver<()>,
    ) {
        let deadline = Instant::now() + self.limits.first_request_within;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot send small answers at once");
        }
        // Below TLS: a handshake has to be read, too.
        let stream = Paced::new(stream, self.limits.read_within);
        let Some(tls) = &self.tls else {
            return self.speak_http(stream, peer, deadline, stopping).await;
        };
        match timeout_at(deadline, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.speak_http(stream, peer, deadline, stopping).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS session"),
            Err(_) => tracing::debug!(%peer, "no TLS session in time"),
        }
    }

    async fn speak_http<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        deadline: Instant,
        mut stopping: watch::Receiver<()>,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let progress = Arc::new(Progress::new());
        let (service, room) = (self.service.clone(), Arc::clone(&self.room));
        let service = Caller { peer, progress: Arc::clone(&progress), service, room };
        let connection = self.protocol.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut deadline = std::pin::pin!(sleep_until(deadline));
        let mut patience = Patience::new(&self.limits, &progress);
        loop {
            tokio::select! {
                biased;
                stop = stopping.changed() => {
                    if stop.is_err() {
                        return;
                    }
                    if progress.is_http2.load(Ordering::Relaxed) {
                        connection.as_mut().graceful_shutdown();
                    }
                    let until = patience.drain(deadline.deadline());
                    deadline.as_mut().reset(until);
                }
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error = &*error, "a connection broke");
                    }
                    return;
                }
                () = deadline.as_mut(), if patience.waits => match patience.is_over() {
                    Over::HangUp(why) => {
                        tracing::debug!(%peer, "{why}");
                        return;
                    }
                    Over::WaitUntil(until) => deadline.as_mut().reset(until),
                    Over::AskToEnd(until) => {
                        connection.as_mut().graceful_shutdown();
                        if let Some(until) = until {
                            deadline.as_mut().reset(until);
                        }
                    }
                },
            }
        }
    }
}
