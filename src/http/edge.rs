//! What handlers work with: the app, and what only concerns HTTP.

use std::{ops::Deref, sync::Arc};

use ipnet::IpNet;

use crate::{
    app::App,
    metrics::{Metrics, Process},
    peers::Reporters,
};

#[derive(Clone)]
pub(super) struct Edge(Arc<Parts>);

pub(super) struct Parts {
    pub(super) app: App,
    pub(super) metrics: Metrics,
    pub(super) settings: Settings,
}

#[derive(Clone)]
pub struct Settings {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may post to the token endpoints.
    pub cors_origins: Vec<String>,
    /// Who may read `/metrics`.
    pub metrics_for: Vec<IpNet>,
    /// Whose reports of found secrets are believed; none, where GitHub is not a finder of ours.
    pub github_keys: Arc<Reporters>,
    /// What is counted outside the router, for `/metrics`.
    pub process: Process,
}

impl Edge {
    pub(super) fn new(app: App, settings: Settings) -> Self {
        Self(Arc::new(Parts { app, metrics: Metrics::default(), settings }))
    }

    /// `Cache-Control` of what anybody may keep for as long as a signing key is published before
    /// it signs.
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
