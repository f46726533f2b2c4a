//! Reads the files again that the configuration names: when they have changed, and at SIGHUP.

use std::{
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use secrecy::ExposeSecret as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{github, start, with_causes};
use crate::{
    config::{Config, GithubKeys},
    courier::Courier,
    listener::tls::Identity,
    outbound::Mail,
    peers::Reporters,
    store::Store,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Reload {
    pub(super) config: Config,
    pub(super) file: Option<PathBuf>,
    pub(super) tls: Option<Identity>,
    pub(super) certificate_expires_at: Arc<AtomicI64>,
    pub(super) github_keys: Arc<Reporters>,
    pub(super) store: Store,
    pub(super) courier: Courier,
}

/// Device, inode, size, and both times in nanoseconds: whatever replaces or writes a file changes
/// one of them. `None` where there is no file.
type Identities = Vec<Option<(u64, u64, u64, i128, i128)>>;

impl Reload {
    /// Looks until the process ends. What is wrong is logged, and what was read before is used on.
    pub(super) async fn run(self: Arc<Self>) {
        let mut asked = match signal(SignalKind::hangup()) {
            Ok(asked) => asked,
            Err(error) => {
                tracing::warn!(%error, "SIGHUP is not heard");
                return std::future::pending().await;
            }
        };
        let files = self.files();
        let mut read = identities(&files).await;
        let mut last = read.clone();
        loop {
            let is_asked = tokio::select! {
                _ = asked.recv() => true,
                () = sleep(LOOK_EVERY) => false,
            };
            let now = identities(&files).await;
            // Not in the middle of a change: a certificate comes before its key, or after it.
            if is_asked || (now != read && now == last) {
                read.clone_from(&now);
                self.read_again();
            }
            last = now;
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.config.value_files.clone();
        if let Some(tls) = &self.config.tls {
            files.extend([tls.certificate.clone(), tls.key.clone()]);
        }
        if let GithubKeys::File(file) = &self.config.leaks.github_keys {
            files.push(file.clone());
        }
        files
    }

    fn read_again(&self) {
        tracing::info!("reads files again");
        self.read_certificate();
        if let GithubKeys::File(file) = &self.config.leaks.github_keys
            && let Err(error) = github::read_file(&self.github_keys, file)
        {
            let error = with_causes(&error);
            tracing::error!(error, "GitHub's public keys stay as they were");
        }
        if !self.config.value_files.is_empty()
            && let Err(error) = self.read_secrets()
        {
            let error = with_causes(&error);
            tracing::error!(error, "logins stay as they were");
        }
    }

    fn read_certificate(&self) {
        let Some(tls) = &self.tls else { return };
        match tls.reload() {
            Ok(true) => tracing::info!("serves another TLS certificate"),
            Ok(false) => (),
            Err(error) => {
                let error = with_causes(&error.into());
                tracing::error!(error, "the TLS certificate stays as it was");
            }
        }
        self.tell_certificate();
    }

    /// Sets the metric.
    pub(super) fn tell_certificate(&self) {
        let expires_at = self.tls.as_ref().and_then(Identity::expires_at).unwrap_or_default();
        self.certificate_expires_at.store(expires_at, Ordering::Relaxed);
    }

    /// The passwords of the database and of the mail server. All other settings count from the next
    /// start.
    fn read_secrets(&self) -> anyhow::Result<()> {
        let config = start::read_config(self.file.as_deref())?;
        self.store.log_in_by(config.database.url.expose_secret())?;
        if let Some(mail) = &config.mail {
            self.courier.replace_mail(Mail::new(&mail.smtp_url, &mail.from)?);
        }
        Ok(())
    }
}

async fn identities(files: &[PathBuf]) -> Identities {
    let mut identities = Vec::with_capacity(files.len());
    for file in files {
        let metadata = tokio::fs::metadata(file).await.ok();
        identities.push(metadata.map(|it| {
            let nanos =
                |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            let written = nanos(it.mtime(), it.mtime_nsec());
            (it.dev(), it.ino(), it.size(), written, nanos(it.ctime(), it.ctime_nsec()))
        }));
    }
    identities
}
