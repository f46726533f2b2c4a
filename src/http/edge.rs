//! What handlers work with: the app, and what only concerns HTTP.

use std::{ops::Deref, sync::Arc};

use ipnet::IpNet;
use secrecy::SecretString;

use crate::{
    app::App,
    metrics::{self, Process},
    peers::Reporters,
};

#[derive(Clone)]
pub(super) struct Edge(Arc<Parts>);

pub(super) struct Parts {
    pub(super) app: App,
    pub(super) metrics: metrics::Metrics,
    pub(super) settings: Settings,
}

#[derive(Clone)]
pub struct Settings {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may post to the token endpoints.
    pub cors_origins: Vec<String>,
    /// Who may read `/metrics`.
    pub metrics: Metrics,
    /// Whose reports of found secrets are believed; none, where GitHub is not a finder of ours.
    pub github_keys: Arc<Reporters>,
    /// What is counted outside the router, for `/metrics`.
    pub process: Process,
}

/// Who may read `/metrics`.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Addresses that send the request themselves.
    pub networks: Vec<IpNet>,
    /// Where there is one it decides, not the networks.
    pub token: Option<SecretString>,
}

impl Edge {
    pub(super) fn new(app: App, settings: Settings) -> Self {
        Self(Arc::new(Parts { app, metrics: metrics::Metrics::default(), settings }))
    }

    /// `Cache-Control` of what anyone may keep for as long as a signing key is published before it
    /// signs.
    pub(super) fn cache_control(&self) -> String {
        format!("public, max-age={}", self.app.settings.rotation.jwks_max_age.num_seconds())
    }
}

impl Deref for Edge {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
