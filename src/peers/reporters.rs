//! The public keys of a finder of secrets: fetched every hour, and at once when a report is signed
//! by a key that is not known yet.

use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;

use crate::{
    clock::Clock,
    outbound::{BODY_LIMIT, Outbound, RequestFailed},
    signing::{MalformedReporterKeys, ReporterKeys, Signed},
};

/// The server is not asked more often, whatever names of keys a report makes up.
const NOT_AGAIN_FOR: Duration = Duration::from_secs(30);

/// Without a source the keys stay as they are.
#[derive(Default)]
pub struct Reporters {
    keys: ReporterKeys,
    source: Option<Source>,
    /// When the source was last asked, as a time that this process had run. Held while asking.
    asked: Mutex<Option<Duration>>,
}

struct Source {
    url: String,
    outbound: Outbound,
    clock: Clock,
}

/// Says nothing that the server sent.
#[derive(Debug, thiserror::Error)]
pub enum CannotFetch {
    #[error(transparent)]
    Request(#[from] RequestFailed),
    #[error("the answer is no JSON with status 200")]
    NotJson,
    #[error("the answer is no list of public keys")]
    NoKeys,
}

impl Reporters {
    pub fn known(keys: ReporterKeys) -> Self {
        Self { keys, ..Self::default() }
    }

    pub fn fetched(url: String, outbound: Outbound, clock: Clock) -> Self {
        Self { source: Some(Source { url, outbound, clock }), ..Self::default() }
    }

    /// Takes a list of keys that was read from a file. A malformed one changes nothing.
    pub fn replace(&self, document: &str) -> Result<(), MalformedReporterKeys> {
        self.keys.replace(document)
    }

    /// Whether reports are taken at all.
    pub fn is_on(&self) -> bool {
        self.source.is_some() || !self.keys.is_empty()
    }

    /// A key that is not known may be a new one: the list is fetched again, at most twice a minute.
    pub async fn verify(self: &Arc<Self>, key: &str, signature: &str, body: &[u8]) -> Signed {
        match self.keys.verify(key, signature, body) {
            Signed::ByUnknownKey if self.source.is_some() => {
                // To its end, even if the sender of the report hangs up.
                let reporters = Arc::clone(self);
                let fetching =
                    tokio::spawn(async move { reporters.fetch_unless_just_done().await });
                if fetching.await.is_err() {
                    tracing::error!("fetching the public keys of a finder panicked");
                }
                self.keys.verify(key, signature, body)
            }
            known => known,
        }
    }

    async fn fetch_unless_just_done(&self) {
        let Some(source) = &self.source else { return };
        let mut asked = self.asked.lock().await;
        let now = source.clock.uptime();
        if asked.is_none_or(|at| now.saturating_sub(at) >= NOT_AGAIN_FOR) {
            *asked = Some(now);
            if let Err(error) = self.ask(source).await {
                tracing::warn!(%error, "cannot fetch the public keys of a finder of secrets");
            }
        }
    }

    /// Fetches the list, where there is a source. When it fails, the keys of before stay.
    pub async fn fetch(&self) -> Result<(), CannotFetch> {
        let Some(source) = &self.source else { return Ok(()) };
        let mut asked = self.asked.lock().await;
        *asked = Some(source.clock.uptime());
        self.ask(source).await
    }

    async fn ask(&self, source: &Source) -> Result<(), CannotFetch> {
        let answer = source.outbound.get(&source.url, BODY_LIMIT).await?;
        if answer.status != 200 || answer.content_type != "application/json" {
            return Err(CannotFetch::NotJson);
        }
        // Not in the words of the parser: it could quote a stranger.
        let document = String::from_utf8(answer.body).map_err(|_| CannotFetch::NoKeys)?;
        self.keys.replace(&document).map_err(|_| CannotFetch::NoKeys)
    }
}
