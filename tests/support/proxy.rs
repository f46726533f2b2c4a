//! A proxy in front of PostgreSQL that cuts connections and can be pointed elsewhere.
//!
//! Include it with `#[path = "../support/proxy.rs"] mod proxy;`.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Tcp(String),
    Unix(PathBuf),
}

impl Target {
    /// Where a URL leads to, and the URL with another address in its place.
    pub(crate) fn of(url: &str) -> (Self, impl Fn(SocketAddr) -> String + use<>) {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let rest = address.split_once("://").unwrap().1;
        let (authority, database) = rest.split_once('/').unwrap();
        let (user, host) = authority.split_once('@').unwrap();
        let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
        let target = match socket {
            Some(folder) => Self::Unix(format!("{folder}/.s.PGSQL.5432").into()),
            None if host.contains(':') => Self::Tcp(host.to_owned()),
            None => Self::Tcp(format!("{host}:5432")),
        };
        let (user, database) = (user.to_owned(), database.to_owned());
        (target, move |address| format!("postgres://{user}@{address}/{database}"))
    }
}

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<Target>,
    live: Mutex<Vec<Arc<Pair>>>,
    /// Pieces that still pass before a connection is cut.
    left: AtomicI64,
}

/// Both ends of one connection.
struct Pair {
    client: TcpStream,
    server: Stream,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn open(target: &Target) -> io::Result<Self> {
        match target {
            Target::Tcp(address) => TcpStream::connect(address).map(Self::Tcp),
            Target::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        }
    }

    fn shutdown(&self) {
        // An end that is gone already needs no cutting.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).read(buffer),
            Stream::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).write(buffer),
            Stream::Unix(stream) => (&mut &*stream).write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pair {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        self.server.shutdown();
    }
}

impl Proxy {
    pub(crate) fn to(target: Target) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            live: Mutex::default(),
            left: AtomicI64::new(i64::MAX),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.accept(client);
            }
        });
        Self { address, shared }
    }

    /// Cuts the connection over which the piece of this number would pass, in either direction.
    pub(crate) fn cut_after(&self, pieces: i64) {
        self.shared.left.store(pieces, Ordering::SeqCst);
    }

    /// From here on all pieces pass. Tells whether a connection was cut.
    pub(crate) fn calm(&self) -> bool {
        self.shared.left.swap(i64::MAX, Ordering::SeqCst) <= 0
    }

    /// Cuts all connections; new ones lead there.
    #[allow(dead_code, reason = "not every test binary points it elsewhere")]
    pub(crate) fn lead_to(&self, target: Target) {
        *self.shared.target.lock().unwrap() = target;
        self.shared.live.lock().unwrap().drain(..).for_each(|pair| pair.cut());
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, client: TcpStream) {
        let target = self.target.lock().unwrap().clone();
        let Ok(server) = Stream::open(&target) else { return };
        let _ = client.set_nodelay(true);
        let pair = Arc::new(Pair { client, server });
        self.live.lock().unwrap().push(Arc::clone(&pair));
        let (there, back) = (Arc::clone(&pair), pair);
        let (one, other) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || one.carry(&there, &there.client, &there.server));
        thread::spawn(move || other.carry(&back, &back.server, &back.client));
    }

    fn carry(&self, pair: &Pair, mut from: impl Read, mut to: impl Write) {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let is_cut = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
            if is_cut || to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        pair.cut();
    }
}
