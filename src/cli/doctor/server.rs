//! Whether callers find a server where the issuer says it is.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Url, redirect};
use tokio::{net::lookup_host, time::timeout};

use super::{report::Report, with_causes};
use crate::config::Config;

const WITHIN: Duration = Duration::from_secs(3);

/// A server need not run while its database is looked at.
pub(super) async fn check(config: &Config, report: &mut Report) {
    match ask(&config.issuer).await {
        Ok(()) => report.ok("server", format!("{}/readyz says that it is ready", config.issuer)),
        Err(error) => report.warning(
            "server",
            format!(
                "{}: is `keyturn serve` running, and does the name in `issuer` lead to it?",
                with_causes(&error)
            ),
        ),
    }
}

async fn ask(issuer: &str) -> anyhow::Result<()> {
    let url = Url::parse(&format!("{issuer}/readyz"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let address = (host.as_str(), url.port_or_known_default().unwrap_or_default());
    let found = timeout(WITHIN, lookup_host(address)).await;
    let found = found.with_context(|| format!("the name {host} was not resolved in time"))?;
    if found.with_context(|| format!("{host} cannot be found"))?.next().is_none() {
        bail!("{host} has no address");
    }
    match status(&url).await? {
        200 if url.path() == "/readyz" => Ok(()),
        200 => has_its_path(issuer).await,
        503 => bail!("{url} says that the server is not ready: its log says why"),
        status => bail!("{url} answers {status}"),
    }
}

/// Whether requests arrive with the path of the issuer: without it, only the probes answer.
async fn has_its_path(issuer: &str) -> anyhow::Result<()> {
    let url = Url::parse(&format!("{issuer}/.well-known/openid-configuration"))?;
    match status(&url).await? {
        200 => Ok(()),
        status => bail!(
            "{url} answers {status}: a proxy in front must pass the path of the issuer on and not \
             remove it"
        ),
    }
}

/// Straight there: what a proxy of the environment answers says nothing about the server.
async fn status(url: &Url) -> anyhow::Result<u16> {
    let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(WITHIN);
    let answer = client.build()?.get(url.clone()).send().await;
    let answer = answer
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("{url} does not answer"))?;
    Ok(answer.status().as_u16())
}
