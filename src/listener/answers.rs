//! The answers of one connection: how far it has come, and what each answer says of its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header::CONNECTION},
    response::Response,
    routing::future::RouteFuture,
};
use hyper::{body::Incoming, service::Service};
use tokio::{sync::Semaphore, time::Instant};

/// Where less than this part of the connections is left, callers are asked to end theirs.
const CROWDED: usize = 10;
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// How many connections there may be, and what callers are told of how long one is kept.
pub(super) struct Room {
    pub(super) permits: Arc<Semaphore>,
    pub(super) connections: usize,
    /// `timeout=75`
    pub(super) kept: Option<HeaderValue>,
}

impl Room {
    fn is_crowded(&self) -> bool {
        self.permits.available_permits() < self.connections / CROWDED
    }
}

/// How far a connection has come.
pub(super) struct Progress {
    began: Instant,
    /// Requests that are being answered.
    under_way: AtomicUsize,
    /// When there was the last answer, in milliseconds since the beginning.
    last_answer: AtomicU64,
    pub(super) has_asked: AtomicBool,
    pub(super) is_http2: AtomicBool,
    /// The server was asked to stop.
    pub(super) drains: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            under_way: AtomicUsize::new(0),
            last_answer: AtomicU64::new(0),
            has_asked: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            drains: AtomicBool::new(false),
        }
    }

    /// Since when nothing is being answered: now, where something is.
    pub(super) fn idle_since(&self, now: Instant) -> Instant {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return now;
        }
        self.began + Duration::from_millis(self.last_answer.load(Ordering::Relaxed))
    }
}

/// A request under way on a connection of HTTP/2.
struct UnderWay(Arc<Progress>);

impl UnderWay {
    fn begin(progress: &Arc<Progress>) -> Self {
        progress.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(progress))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let millis = self.0.began.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.0.last_answer.store(millis, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers one caller's requests.
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    pub(super) room: Arc<Room>,
    pub(super) progress: Arc<Progress>,
    pub(super) service: Router,
}

impl Service<Request<Incoming>> for Caller {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.progress.has_asked.store(true, Ordering::Relaxed);
        let version = match request.version() {
            Version::HTTP_2 => {
                self.progress.is_http2.store(true, Ordering::Relaxed);
                Spoken::Http2(UnderWay::begin(&self.progress))
            }
            version => Spoken::Http1 {
                progress: Arc::clone(&self.progress),
                room: Arc::clone(&self.room),
                may_be_kept: version == Version::HTTP_11 && may_be_kept(request.headers()),
            },
        };
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = tower::Service::call(&mut self.service.clone(), request);
        Answering { answer, version }
    }
}

/// Whether the caller does not mean to end the connection after this request.
fn may_be_kept(headers: &HeaderMap) -> bool {
    let is_keep_alive = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    headers.get(CONNECTION).is_none_or(is_keep_alive)
}

/// An answer under way.
pub(super) struct Answering {
    answer: RouteFuture<Infallible>,
    version: Spoken,
}

enum Spoken {
    /// An answer says if it is the last on its connection (RFC 9112, section 9.6), else for how long
    /// the connection is kept.
    Http1 { progress: Arc<Progress>, room: Arc<Room>, may_be_kept: bool },
    /// Has another way to say it.
    Http2(#[expect(dead_code, reason = "its end is what matters")] UnderWay),
}

impl Spoken {
    fn tell(&self, headers: &mut HeaderMap) {
        let Self::Http1 { progress, room, may_be_kept } = self else { return };
        if progress.drains.load(Ordering::Relaxed) || room.is_crowded() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        } else if let Some(kept) = room.kept.as_ref().filter(|_| *may_be_kept)
            && !headers.contains_key(CONNECTION)
        {
            headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
            headers.insert(KEEP_ALIVE, kept.clone());
        }
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answered.map(|mut answer| {
            self.version.tell(answer.headers_mut());
            answer
        }))
    }
}
