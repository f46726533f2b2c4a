//! One connection from its accept to its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Version, header::CONNECTION},
    middleware,
    response::Response,
    routing::future::RouteFuture,
};
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{Limits, host::one_host};

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
}

impl Server {
    pub(super) fn new(limits: Limits, tls: Option<Arc<ServerConfig>>, service: Router) -> Self {
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
        Self { limits, tls: tls.map(TlsAcceptor::from), protocol, service }
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
        let progress = Arc::new(Progress::default());
        let has_asked = || progress.has_asked.load(Ordering::Relaxed);
        let service =
            Caller { peer, progress: Arc::clone(&progress), service: self.service.clone() };
        let connection = self.protocol.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut deadline = std::pin::pin!(sleep_until(deadline));
        let mut waits = true;
        let mut drains = false;
        loop {
            tokio::select! {
                biased;
                stop = stopping.changed() => {
                    if stop.is_err() {
                        return;
                    }
                    drains = true;
                    progress.drains.store(true, Ordering::Relaxed);
                    if progress.is_http2.load(Ordering::Relaxed) {
                        connection.as_mut().graceful_shutdown();
                    }
                    // HTTP/1 cannot say that it is over but in an answer, and hyper would hang up
                    // on a request that is already on its way: the next answer is the last.
                    let last = Instant::now() + self.limits.last_request_within;
                    let first = if has_asked() { last } else { deadline.deadline() };
                    deadline.as_mut().reset(first.min(last));
                    waits = true;
                }
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error = &*error, "a connection broke");
                    }
                    return;
                }
                () = deadline.as_mut(), if waits => {
                    if !has_asked() {
                        tracing::debug!(%peer, "no request in time");
                        return;
                    }
                    waits = false;
                    if drains {
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

/// How far a connection has come.
#[derive(Default)]
struct Progress {
    has_asked: AtomicBool,
    is_http2: AtomicBool,
    /// The server was asked to stop.
    drains: AtomicBool,
}

/// Answers one caller's requests.
struct Caller {
    peer: SocketAddr,
    progress: Arc<Progress>,
    service: Router,
}

impl Service<Request<Incoming>> for Caller {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.progress.has_asked.store(true, Ordering::Relaxed);
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 {
            self.progress.is_http2.store(true, Ordering::Relaxed);
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = tower::Service::call(&mut self.service.clone(), request);
        Answering { answer, progress: (!is_http2).then(|| Arc::clone(&self.progress)) }
    }
}

/// An answer under way, which says so if it is the last on its connection (RFC 9112, section 9.6).
struct Answering {
    answer: RouteFuture<Infallible>,
    /// `None` for HTTP/2, which has another way to say it.
    progress: Option<Arc<Progress>>,
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.answer).poll(context));
        let is_last = self.progress.as_ref().is_some_and(|it| it.drains.load(Ordering::Relaxed));
        Poll::Ready(answered.map(|mut answer| {
            if is_last {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }))
    }
}
