//! Proxies of others in front of a server: the real programs, from Debian's packages.
#![expect(
    clippy::disallowed_methods,
    reason = "only the environment says whether they may be missing"
)]

use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command},
};

use super::{
    http::Connection,
    support::{Place, free_port, wait},
};

/// A running gateway. Killed when it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    pub(crate) fn start(address: SocketAddr, command: &mut Command) -> Self {
        let gateway = Self { address, child: command.spawn().unwrap() };
        let listens = || Connection::open(address).is_ok();
        wait(listens, || "the gateway does not listen".to_owned());
        gateway
    }
}

/// Debian keeps servers where not everybody looks for programs.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.exists()).unwrap_or(name.into())
}

/// Tells, with a word to whoever reads the log, where a program is missing.
pub(crate) fn is_missing(name: &str) -> bool {
    let missing = Command::new(program(name)).arg("-v").output().is_err();
    let required = env::var("KEYTURN_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!missing || !required, "there is no {name}, and KEYTURN_REQUIRE_CLIENTS=1");
    if missing {
        eprintln!("skipped: there is no {name}");
    }
    missing
}

pub(crate) fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// nginx with this configuration, which listens at the address.
pub(crate) fn nginx(place: &Place, address: SocketAddr, text: &str) -> Gateway {
    let folder = place.path();
    // What the package keeps in folders of its own.
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let kept = kinds.map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display()));
    let text = text.replace("http {", &format!("http {{ access_log off; {}", kept.join(" ")));
    let file = folder.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let pid = folder.join("nginx.pid");
    let alone = format!("daemon off; master_process off; pid {};", pid.display());
    let mut command = Command::new(program("nginx"));
    command.arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log"));
    Gateway::start(address, command.arg("-c").arg(file).args(["-g", &alone]))
}
