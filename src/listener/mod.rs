//! Accepts connections and gives each what it needs, and no more time than that.

mod answers;
mod connection;
mod host;
mod paced;
mod patience;
mod sources;
pub mod tls;
mod validity;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::rustls::ServerConfig;

use self::{connection::Server, sources::Sources};

/// How long to wait after the system had no file descriptor or memory left for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections the system may hold ready for us: the backlog that tokio asks for.
const BACKLOG: usize = 1024;

/// What one caller may use up.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the accept until the first request is read to the end of its header, TLS included.
    pub first_request_within: Duration,
    /// What is left of that, at most, once the server is asked to stop.
    pub last_request_within: Duration,
    /// From an answer until the next request is read to the end of its header. Callers are told a
    /// second less, so that none begins a request just then.
    pub next_request_within: Duration,
    /// For so long a caller may read nothing of what it is sent.
    pub read_within: Duration,
    /// How long requests may go on once the server is asked to stop.
    pub drain_within: Duration,
    /// Further connections wait in the system's queue.
    pub connections: usize,
    /// Of one source address; further ones are closed at once.
    pub connections_per_source: usize,
    /// Proxies, which may have as many as they like.
    pub unlimited: Vec<IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_request_within: Duration::from_secs(10),
            last_request_within: Duration::from_secs(1),
            next_request_within: Duration::from_secs(76),
            read_within: Duration::from_secs(10),
            drain_within: Duration::from_secs(10),
            connections: 10_000,
            connections_per_source: 1000,
            unlimited: Vec::new(),
        }
    }
}

/// Serves until `shutdown` is ready and the requests under way are answered, at most
/// [`Limits::drain_within`] later. Requests carry `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    service: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(Limits::default(), listener, tls, service, shutdown).await
}

/// [`serve`] with other limits. Fails only where the listener has no address to listen on.
pub async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    service: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "listening");
    let permits = Arc::new(Semaphore::new(limits.connections));
    let sources = Sources::new(limits.connections_per_source, limits.unlimited.clone());
    let (stop, stopping) = watch::channel(());
    let drain_within = limits.drain_within;
    let server = Arc::new(Server::new(limits, Arc::clone(&permits), tls, service));
    let start = |accepted: Accepted| {
        let Accepted { stream, peer, permit } = accepted;
        let Some(place) = sources.enter(peer.ip()) else {
            tracing::info!(source = %peer.ip(), "closed a connection: its source has too many");
            return;
        };
        let (server, stopping) = (Arc::clone(&server), stopping.clone());
        tokio::spawn(async move {
            server.serve(stream, peer, stopping).await;
            drop((permit, place));
        });
    };

    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits) => start(accepted),
        }
    }

    // A connection that the system has already accepted is served too: closing the listener would
    // cut them. The system is asked itself, as tokio hears of them only after a while.
    let listener = listener.into_std()?;
    for _ in 0..BACKLOG {
        match accept_at_once(&listener, &permits) {
            Ok(Some(accepted)) => start(accepted),
            Ok(None) => break,
            Err(error) => tracing::debug!(%error, "a last connection was lost"),
        }
    }
    drop((listener, stopping));
    stop.send_replace(());
    if timeout(drain_within, stop.closed()).await.is_err() {
        tracing::warn!(connections = stop.receiver_count(), "ended connections still in use");
    }
    Ok(())
}

struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

/// The next connection, when there is one and room for it. No error ends the waiting.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Accepted {
    let permit = Arc::clone(permits).acquire_owned().await.expect("it is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Accepted { stream, peer, permit },
            Err(error) if is_the_callers(&error) => (),
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(PAUSE).await;
            }
        }
    }
}

/// `None` where no connection waits, or there is no room for it.
fn accept_at_once(
    listener: &std::net::TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<Option<Accepted>> {
    let Ok(permit) = Arc::clone(permits).try_acquire_owned() else { return Ok(None) };
    match listener.accept() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        accepted => {
            let (stream, peer) = accepted?;
            stream.set_nonblocking(true)?;
            Ok(Some(Accepted { stream: TcpStream::from_std(stream)?, peer, permit }))
        }
    }
}

/// Whether the caller was gone before we came to it: nothing of ours is wrong.
fn is_the_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
