//! Reads a secret: hidden at a terminal, else a line of standard input. Never an argument, which
//! every user of the machine can read.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    thread,
};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use zeroize::Zeroizing;

const LONGEST: u64 = 64 * 1024;

pub(super) async fn secret(question: &str) -> anyhow::Result<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return line();
    }
    // Listened for before anything is hidden: the terminal must not stay as it is then.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let hidden = Hidden::begin()?;
    eprint!("{question}");
    io::stderr().flush()?;
    // A thread of its own: an interrupted program must not wait for the line.
    let (sender, read) = oneshot::channel();
    thread::spawn(move || sender.send(line()));
    let secret = tokio::select! {
        secret = read => secret.context("nothing was read"),
        _ = interrupted.recv() => Err(anyhow::anyhow!("interrupted")),
    };
    drop(hidden);
    eprintln!();
    secret?
}

/// The first line. What follows must be empty: half of a credential is none.
fn line() -> anyhow::Result<Zeroizing<String>> {
    let mut input = io::stdin().lock().take(LONGEST);
    let mut line = Zeroizing::new(String::new());
    input.read_line(&mut line).context("cannot read the credential")?;
    if io::stdin().is_terminal() {
        return Ok(line);
    }
    let mut rest = Zeroizing::new(String::new());
    input.read_to_string(&mut rest).context("cannot read the credential")?;
    if !rest.trim().is_empty() {
        bail!("standard input has more than one line; a credential is one");
    }
    Ok(line)
}

/// While it lives the terminal shows nothing of what is typed.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let shown = tcgetattr(io::stdin())?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(shown))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
