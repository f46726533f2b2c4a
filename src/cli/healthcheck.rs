//! `keyturn healthcheck`: asks the server on this machine whether it is ready.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::config::Config;

const WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let address = reachable(config.listen);
    let connected = timeout(WITHIN, TcpStream::connect(address)).await;
    let mut stream =
        connected.context("no answer in time")?.with_context(|| address.to_string())?;
    if config.tls.is_some() {
        // Its certificate names the public host, not this address: that it listens must do.
        return Ok(());
    }
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(WITHIN, stream.read_to_string(&mut answer)).await.context("no answer in time")??;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    bail!("not ready: {}", answer.lines().last().unwrap_or("an empty answer"));
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
