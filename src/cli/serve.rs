//! `keyturn serve`: listens, and does in the background what has to be done.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::bail;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    background::{self, Background},
    descriptors,
    door::Door,
    github,
    reload::Reload,
    start,
};
use crate::{
    app::App,
    config::{Config, GithubKeys},
    domain::Retention,
    http,
    ledger::{Fold, Writer},
    listener,
    manage::{upkeep::Upkeep, watch::watch},
    metrics::Process,
    peers::Reporters,
};

const UPKEEP_EVERY: Duration = Duration::from_mins(1);
const WATCH_EVERY: Duration = Duration::from_hours(1);

pub(super) async fn run(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let door = Door::open(config, file).await?;
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
    let github_keys = Arc::new(match config.leaks.github_keys.clone() {
        GithubKeys::Url(url) => Reporters::fetched(url, app.outbound.clone(), app.clock.clone()),
        from => Reporters::known(github::read(&from)?),
    });
    let courier = start::courier(config, &app)?;
    if !config.outbound_allow.is_empty() {
        tracing::info!(networks = ?config.outbound_allow, "requests may go to what is not public");
    }
    let process = Process { lost_log_lines: door.log.lost_lines(), ..Process::default() };
    let mut background = Background::new(background::PAUSE, Arc::clone(&process.restarted_tasks));
    background.vital("ledger", writer.run());
    repeat_all(&mut background, config, &app, &github_keys);
    let of = courier.clone();
    background.repeat("courier", move || of.clone().run());
    let reload = Arc::new(Reload {
        config: config.clone(),
        file: door.file,
        tls: door.tls.clone(),
        certificate_expires_at: Arc::clone(&process.certificate_expires_at),
        github_keys: Arc::clone(&github_keys),
        store: app.store.clone(),
        courier,
    });
    reload.tell_certificate();
    background.repeat("files", move || Arc::clone(&reload).run());

    let router = http::router(app.clone(), edge(config, github_keys, process));
    let mut ended = None;
    let stop = async {
        tokio::select! {
            () = door.stop => (),
            task = background.vital_task_ended() => ended = Some(task),
        }
    };
    let tls = door.tls.map(|identity| identity.config());
    let limits = descriptors::limits(config);
    listener::serve_within(limits, door.listener, tls, router, stop).await?;

    background.end(app.ledger.close()).await?;
    match ended {
        None => Ok(()),
        Some(task) => bail!(task),
    }
}

fn repeat_all(
    background: &mut Background,
    config: &Config,
    app: &App,
    github_keys: &Arc<Reporters>,
) {
    let (of, retention) = (app.clone(), config.retention);
    background.repeat("change feed", move || of.clone().follow());
    let of = app.clone();
    background.repeat("watch over the database", move || of.store.clone().watch());
    let of = app.clone();
    background.repeat("usage journal", move || {
        let fold = Fold::new(of.store.patient(), of.clock.clone());
        fold.counting(Arc::clone(of.ledger.quarantined())).run()
    });
    let of = app.clone();
    background.repeat("upkeep", move || keep_up(of.clone(), retention));
    let of = app.clone();
    background.repeat("watch over keys", move || keep_watch(of.clone()));
    if let GithubKeys::Url(_) = config.leaks.github_keys {
        let keys = Arc::clone(github_keys);
        background.repeat("GitHub's public keys", move || github::follow(Arc::clone(&keys)));
    }
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

fn edge(config: &Config, github_keys: Arc<Reporters>, process: Process) -> http::Settings {
    http::Settings {
        trusted_proxies: config.http.trusted_proxies.clone(),
        cors_origins: config.http.cors_origins.clone(),
        metrics: http::Metrics {
            networks: config.metrics.networks.clone(),
            token: config.metrics.token.clone(),
        },
        github_keys,
        process,
    }
}
