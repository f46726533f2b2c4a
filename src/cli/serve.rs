//! `keyturn serve`: listens, and does in the background what has to be done.

use std::time::Duration;

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::start;
use crate::{
    app::App,
    config::Config,
    http,
    ledger::{Fold, Writer},
    listener,
    manage::upkeep::{Retention, upkeep},
    telemetry,
};

const UPKEEP_EVERY: Duration = Duration::from_mins(1);

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::init(&config.log).map_err(anyhow::Error::from_boxed)?;
    let listener = listen(config).await?;
    let (app, writer) = start::open(config).await?;
    serve(config, listener, app, writer).await
}

/// Takes the address before anything is made: a second server on it loses nothing.
pub(super) async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(config.listen).await;
    bound.with_context(|| format!("cannot listen on {} (setting `listen`)", config.listen))
}

/// Serves until SIGTERM or SIGINT, then answers what is under way and writes what is recorded.
pub(super) async fn serve(
    config: &Config,
    listener: TcpListener,
    app: App,
    writer: Writer,
) -> anyhow::Result<()> {
    keep_out_of_core_files();
    let tls = config.tls.as_ref();
    let tls = tls.map(|tls| listener::tls::load(&tls.certificate, &tls.key)).transpose()?;
    start::load(&app).await?;

    let writing = tokio::spawn(writer.run());
    let mut background = JoinSet::new();
    background.spawn(app.clone().follow());
    background.spawn(Fold::new(app.store.clone(), app.clock.clone()).run());
    background.spawn(keep_up(app.clone(), retention(config)));

    let router = http::router(app.clone(), edge(config));
    listener::serve(listener, tls, router, stop()?).await?;

    background.shutdown().await;
    app.ledger.close().await;
    Ok(writing.await?)
}

async fn keep_up(app: App, retention: Retention) {
    let mut ticks = interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = upkeep(&app, retention).await {
            tracing::warn!(%error, "upkeep failed and is tried again in a minute");
        }
    }
}

fn retention(config: &Config) -> Retention {
    Retention { usage: config.retention.usage, refusals: config.retention.refusals }
}

fn edge(config: &Config) -> http::Settings {
    http::Settings {
        trusted_proxies: config.http.trusted_proxies.clone(),
        cors_origins: config.http.cors_origins.clone(),
        metrics_for: config.metrics_for.clone(),
        jwks_max_age: config.signing.jwks_max_age,
    }
}

/// Ready when the process is asked to end.
fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
        tracing::info!("stopping: no new connections, requests under way are answered");
    })
}

/// A crash must not write private keys to a disk.
fn keep_out_of_core_files() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "a crash may write secrets to a core file");
    }
}
