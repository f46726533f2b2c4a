//! `keyturn serve`: listens, and does in the background what has to be done.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{door::Door, github, start};
use crate::{
    app::App,
    config::Config,
    domain::Retention,
    http,
    ledger::{Fold, Writer},
    listener,
    manage::{upkeep::Upkeep, watch::watch},
    signing::ReporterKeys,
};

const UPKEEP_EVERY: Duration = Duration::from_mins(1);
const WATCH_EVERY: Duration = Duration::from_hours(1);

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let door = Door::open(config).await?;
    let (app, writer) = start::open(config).await?;
    start::load(&app).await?;
    serve(config, door, app, writer).await
}

/// Serves until SIGTERM or SIGINT, then answers what is under way and writes what is recorded.
pub(super) async fn serve(
    config: &Config,
    door: Door,
    app: App,
    writer: Writer,
) -> anyhow::Result<()> {
    let github_keys = Arc::new(github::read(&config.leaks.github_keys)?);
    let courier = start::courier(config, &app)?;
    let writing = tokio::spawn(writer.run());
    if !config.outbound_allow.is_empty() {
        tracing::info!(networks = ?config.outbound_allow, "requests may go to what is not public");
    }
    let mut background = JoinSet::new();
    background.spawn(app.clone().follow());
    background.spawn(Fold::new(app.store.clone(), app.clock.clone()).run());
    background.spawn(keep_up(app.clone(), config.retention));
    background.spawn(keep_watch(app.clone()));
    background.spawn(courier.run());
    let from = config.leaks.github_keys.clone();
    background.spawn(github::follow(from, Arc::clone(&github_keys), app.outbound.clone()));

    let router = http::router(app.clone(), edge(config, github_keys));
    listener::serve(door.listener, door.tls, router, door.stop).await?;

    background.shutdown().await;
    app.ledger.close().await;
    Ok(writing.await?)
}

async fn keep_up(app: App, retention: Retention) {
    let mut upkeep = Upkeep::new(retention);
    let mut ticks = interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = upkeep.run(&app).await {
            tracing::warn!(%error, "upkeep failed and is tried again in a minute");
        }
    }
}

async fn keep_watch(app: App) {
    let mut ticks = interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = watch(&app).await {
            tracing::warn!(%error, "watching over keys failed and is tried again in an hour");
        }
    }
}

fn edge(config: &Config, github_keys: Arc<ReporterKeys>) -> http::Settings {
    http::Settings {
        trusted_proxies: config.http.trusted_proxies.clone(),
        cors_origins: config.http.cors_origins.clone(),
        metrics_for: config.metrics_for.clone(),
        github_keys,
    }
}
