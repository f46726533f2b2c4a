//! `keyturn healthcheck`: asks the server on this machine whether it is ready.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use reqwest::{Client, StatusCode, redirect};

use crate::config::Config;

const WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/readyz", reachable(config.listen));
    // The certificate names the public host, not this address, and nothing secret is sent.
    let client = Client::builder().tls_danger_accept_invalid_certs(true);
    let client = client.no_proxy().redirect(redirect::Policy::none()).timeout(WITHIN).build()?;
    let answer = client.get(&url).send().await;
    let answer = answer
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("{url} does not answer"))?;
    if answer.status() == StatusCode::OK {
        return Ok(());
    }
    bail!("not ready: {}", answer.text().await.unwrap_or_default());
}

/// An address that means "any" cannot be connected to everywhere.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, listen.port())
}
