//! A server as a process of its own: started, measured by what the kernel says of it, ended.

use std::{
    ffi::OsStr,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{cell::Reuse, clients::Client, pinning::Pinning};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the end of the first good answer.
    pub(crate) started_within: Duration,
}

/// An address of this machine that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Server {
    /// Starts a program without any environment but this, and asks until it answers.
    pub(crate) async fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        address: SocketAddr,
        pinning: &Pinning,
        folder: &Path,
        first_request: &[u8],
    ) -> anyhow::Result<Self> {
        let name = program.file_name().unwrap_or(program.as_os_str());
        let log = folder.join(name).with_extension("log");
        let began = Instant::now();
        let child = pinning
            .server(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self { child, address, started_within: Duration::ZERO };
        while !server.answers(first_request).await {
            if let Some(status) = server.child.try_wait()? {
                bail!("{} ended: {status}; see {}", program.display(), log.display());
            }
            if began.elapsed() > Duration::from_mins(1) {
                bail!("{} does not answer", program.display());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.started_within = began.elapsed();
        Ok(server)
    }

    async fn answers(&self, request: &[u8]) -> bool {
        let mut client = Client::new(self.address, Reuse::New);
        client.ask(request).await.is_ok_and(crate::clients::is_ok)
    }

    /// The processor time it has taken so far, all threads together. Counted in steps of 10 ms.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        const TICK: Duration = Duration::from_millis(10);
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is a name that may hold anything; `utime` and `stime` are the 14th and
        // 15th (`proc_pid_stat(5)`).
        let (_, rest) = text.rsplit_once(')').context("the name ends with a parenthesis")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(ticks.sum::<Result<u32, _>>().map(|ticks| TICK * ticks)?)
    }

    /// The memory that is its alone, in MiB: anonymous pages (`RssAnon` of `proc_pid_status(5)`).
    pub(crate) fn private_mib(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("RssAnon")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a short command, where there is such a command.
pub(crate) fn output(program: &str, arguments: &[impl AsRef<OsStr>]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
