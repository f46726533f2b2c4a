//! What a server has to have before it makes anything: its address, its certificate, its signals.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    config::Config,
    listener::tls::{self, Identity},
    telemetry::{self, Logging},
};

/// What a shell says of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Identity>,
    /// The configuration file, where one was named.
    pub(super) file: Option<PathBuf>,
    /// Ready when the process is asked to end.
    pub(super) stop: Pin<Box<dyn Future<Output = ()>>>,
    /// Dropped last: until then there is something to log.
    pub(super) log: Logging,
}

impl Door {
    /// Begins to log. A second server on the address fails here and has changed nothing.
    pub(super) async fn open(config: &Config, file: Option<&Path>) -> anyhow::Result<Self> {
        let log = telemetry::init(&config.log).map_err(anyhow::Error::from_boxed)?;
        keep_out_of_core_files();
        // Before anyone could send one: it asks for files to be read again, and ends nothing.
        let _ = signal(SignalKind::hangup())?;
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("cannot listen on {} (setting `listen`, or KEYTURN_LISTEN)", config.listen)
        })?;
        let tls = config.tls.as_ref();
        let tls = tls.map(|files| tls::load(&files.certificate, &files.key)).transpose()?;
        let file = file.map(Path::to_owned);
        Ok(Self { listener, tls, file, stop: Box::pin(stop()?), log })
    }
}

fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
        tracing::info!(
            "stopping: no new connections, requests under way are answered; Ctrl-C ends at once"
        );
        tokio::spawn(async move {
            interrupt.recv().await;
            tracing::warn!("interrupted: requests under way are not answered");
            std::process::exit(INTERRUPTED);
        });
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
