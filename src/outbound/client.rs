//! The guarded HTTP client: one request, no redirects, no cookies, no proxy, three seconds.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use reqwest::{Client, RequestBuilder, Response, header, redirect, retry};
use tokio::time::timeout;

use super::{
    Names, RefusedUrl, RequestFailed,
    address::{Allowed, Rule},
    destination::Destination,
    names::Vetted,
    turns::Turns,
};
use crate::clock::Clock;

/// From the look-up of the name to the last byte.
const WITHIN: Duration = Duration::from_secs(3);
/// For a turn.
const WAIT_WITHIN: Duration = Duration::from_secs(5);
/// The most that is read of an answer.
pub const BODY_LIMIT: usize = 64 * 1024;
/// A document that could not be fetched is not asked for again before.
const NOT_AGAIN_FOR: Duration = Duration::from_secs(30);
/// Most documents of which that is remembered.
const MOST_REMEMBERED: usize = 1000;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    allowed: Allowed,
    names: Names,
    clock: Clock,
    clients: OnceLock<Option<Clients>>,
    turns: Turns,
    /// URLs of documents that could not be fetched, and until when no one tries.
    failed: Mutex<HashMap<String, Duration>>,
}

struct Clients {
    public: Client,
    allowed: Client,
}

/// What came back. Its body is a stranger's: parse it, do not quote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// In lower case and without parameters.
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Outbound {
    /// `allow`: the networks that may be reached although they are not public, also without TLS.
    pub fn new(allow: Vec<IpNet>, names: Names, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            allowed: Allowed(allow),
            names,
            clock,
            clients: OnceLock::new(),
            turns: Turns::default(),
            failed: Mutex::default(),
        }))
    }

    /// The URL as it will be asked. That its name leads to no forbidden address shows only then.
    pub fn check(&self, url: &str) -> Result<String, RefusedUrl> {
        Ok(Destination::parse(url, &self.0.allowed)?.url.into())
    }

    /// Fetches a document of at most so many bytes. One that failed is not asked for again for half
    /// a minute, no matter who wants it.
    pub async fn get(&self, url: &str, most: usize) -> Result<Answer, RequestFailed> {
        if self.has_just_failed(url) {
            return Err(RequestFailed::FailedJustNow);
        }
        let destination = Destination::parse(url, &self.0.allowed)?;
        let fetched = self.exchange(destination, Client::get, |it| it, Some(most)).await;
        if fetched.is_err() {
            self.remember_failure(url);
        }
        fetched
    }

    /// Posts, and gives the status. Nothing else of the answer is read.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, RequestFailed> {
        let destination = Destination::parse(url, &self.0.allowed)?;
        let fill = |request: RequestBuilder| {
            headers.iter().fold(request, |it, (name, value)| it.header(*name, value)).body(body)
        };
        Ok(self.exchange(destination, Client::post, fill, None).await?.status)
    }

    /// Reads a body of at most so many bytes; none at all where that is `None`.
    async fn exchange(
        &self,
        to: Destination,
        begin: fn(&Client, url::Url) -> RequestBuilder,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
        most: Option<usize>,
    ) -> Result<Answer, RequestFailed> {
        let client = self.client(to.rule).ok_or(RequestFailed::NoTls)?;
        let turn = timeout(WAIT_WITHIN, self.0.turns.take(to.host())).await;
        let _turn = turn.map_err(|_| RequestFailed::Busy)?;
        let request = fill(begin(client, to.url));
        let exchange = async {
            let response = request.send().await.map_err(|error| why(&error))?;
            read(response, most).await
        };
        timeout(WITHIN, exchange).await.unwrap_or(Err(RequestFailed::TooSlow))
    }

    /// Made at the first request: reading the authorities' certificates takes a while.
    fn client(&self, rule: Rule) -> Option<&Client> {
        let make = |rule| {
            client(Vetted { names: self.0.names.clone(), allowed: self.0.allowed.clone(), rule })
        };
        let both = || Some(Clients { public: make(Rule::Public)?, allowed: make(Rule::Allowed)? });
        let clients = self.0.clients.get_or_init(both).as_ref()?;
        Some(match rule {
            Rule::Public => &clients.public,
            Rule::Allowed => &clients.allowed,
        })
    }

    fn has_just_failed(&self, url: &str) -> bool {
        let failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(url).is_some_and(|until| self.0.clock.uptime() < *until)
    }

    fn remember_failure(&self, url: &str) {
        let now = self.0.clock.uptime();
        let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, until| now < *until);
        if failed.len() < MOST_REMEMBERED {
            failed.insert(url.to_owned(), now + NOT_AGAIN_FOR);
        }
    }
}

fn client(names: Vetted) -> Option<Client> {
    let built = Client::builder()
        .dns_resolver(Arc::new(names))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .user_agent("keyturn")
        .http1_only()
        // The next request looks its name up anew.
        .pool_max_idle_per_host(0)
        .timeout(WITHIN)
        .build();
    built.inspect_err(|error| tracing::error!(%error, "cannot make requests")).ok()
}

/// Reads no more than may be, whatever length was announced. Nothing is unpacked: we ask for no
/// compression, and what comes compressed all the same is just bytes.
async fn read(mut response: Response, most: Option<usize>) -> Result<Answer, RequestFailed> {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default();
    let content_type = content_type.trim().to_ascii_lowercase();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let Some(most) = most else { return Ok(Answer { status, content_type, body }) };
    while let Some(part) = response.chunk().await.map_err(|error| why(&error))? {
        if body.len() + part.len() > most {
            return Err(RequestFailed::TooMuch);
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, content_type, body })
}

/// Our own resolver's reason, where it was that; else the kind of failure.
fn why(error: &reqwest::Error) -> RequestFailed {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<RequestFailed>() {
            return *ours;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        RequestFailed::TooSlow
    } else if error.is_connect() {
        RequestFailed::NoConnection
    } else {
        RequestFailed::Broken
    }
}
