//! `keyturn signing-key`: the keys that tokens are signed with.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{output::Output, start};
use crate::{
    app::App,
    clock::Timestamp,
    config::Config,
    domain::{Algorithm, SigningKey, SigningKeyState},
    manage::{Rejection, signing_keys},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// List all signing keys and when each signs
    List,
    /// Make the next key: published at once, it signs when every verifier can know it
    Rotate {
        /// `ES256`, `RS256` or `EdDSA` [default: all that are in use]
        #[arg(long)]
        algorithm: Option<Algorithm>,
    },
    /// Take a key out at once: tokens that it signed are no longer good
    Revoke {
        #[arg(value_name = "KID")]
        signing_key_id: String,
    },
    /// Make a private key from a PEM file the next one of its algorithm
    Import { file: PathBuf },
}

#[derive(Serialize)]
struct Shown {
    kid: String,
    algorithm: Algorithm,
    state: SigningKeyState,
    created_at: Timestamp,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
    published_until: Option<Timestamp>,
}

impl Shown {
    fn new(app: &App, key: SigningKey) -> Self {
        Self {
            state: key.state(app.clock.now()),
            kid: key.signing_key_id,
            algorithm: key.algorithm,
            created_at: key.created_at,
            signs_from: key.activates_at,
            signs_until: key.revoked_at.or(key.retires_at),
            published_until: key.revoked_at.or(key.gone_at),
        }
    }

    fn text(&self) -> String {
        let Self { kid, algorithm, signs_from, .. } = self;
        format!("The next {algorithm} key is {kid}: published now, it signs from {signs_from}.")
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    match command {
        Command::List => list(&start::manage(config).await?, output).await,
        Command::Rotate { algorithm } => {
            rotate(&start::manage_signing_keys(config).await?, algorithm, output).await
        }
        Command::Revoke { signing_key_id } => {
            let app = start::replace_signing_keys(config).await?;
            revoke(&app, &signing_key_id, output).await
        }
        Command::Import { file } => {
            let pem = fs::read_to_string(&file).map(Zeroizing::new);
            let pem = pem.with_context(|| format!("cannot read {}", file.display()))?;
            let app = start::manage_signing_keys(config).await?;
            let made = signing_keys::import(&app, &start::asker(), &pem).await?;
            let shown = Shown::new(&app, made);
            output.say(&shown.text(), &shown)
        }
    }
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let all = signing_keys::list(app, &start::asker()).await?.into_iter();
    let shown: Vec<_> = all.map(|key| Shown::new(app, key)).collect();
    let head = ["ALGORITHM", "STATE", "SIGNS FROM", "SIGNS UNTIL", "PUBLISHED UNTIL", "KID"];
    let none = "There are no signing keys yet: `keyturn serve` makes them when it starts.";
    output.list(none, head, &shown, |key| {
        let until = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        [
            key.algorithm.to_string(),
            format!("{:?}", key.state).to_lowercase(),
            key.signs_from.to_string(),
            until(key.signs_until),
            until(key.published_until),
            key.kid.clone(),
        ]
    })
}

async fn rotate(app: &App, algorithm: Option<Algorithm>, output: Output) -> anyhow::Result<()> {
    let algorithms = match algorithm {
        Some(algorithm) => vec![algorithm],
        None => in_use(app).await?,
    };
    if algorithms.is_empty() {
        bail!("there are no signing keys yet: `keyturn serve` makes them when it starts");
    }
    let (mut made, mut on_their_way) = (Vec::new(), Vec::new());
    for algorithm in algorithms {
        match signing_keys::rotate(app, &start::asker(), algorithm).await {
            Ok(key) => made.push(Shown::new(app, key)),
            Err(error @ Rejection::AlreadyRotating(_)) => on_their_way.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    // Where some could be made, the others are as good as made.
    if let (true, Some(error)) = (made.is_empty(), on_their_way.pop()) {
        return Err(error.into());
    }
    let text: Vec<_> = made.iter().map(Shown::text).collect();
    output.say(&text.join("\n"), &made)
}

async fn in_use(app: &App) -> anyhow::Result<Vec<Algorithm>> {
    let now = app.clock.now();
    let keys = signing_keys::list(app, &start::asker()).await?;
    let is_used = |algorithm: &Algorithm| {
        let of_algorithm = keys.iter().filter(|key| key.algorithm == *algorithm);
        of_algorithm.map(|key| key.state(now)).any(|state| state != SigningKeyState::Gone)
    };
    Ok(Algorithm::ALL.into_iter().filter(is_used).collect())
}

async fn revoke(app: &App, signing_key_id: &str, output: Output) -> anyhow::Result<()> {
    let revoked = match signing_keys::revoke(app, &start::asker(), signing_key_id).await {
        Err(Rejection::NotFound(what)) => {
            bail!("there is no {what} {signing_key_id}: `keyturn signing-key list` shows them all")
        }
        revoked => revoked?,
    };
    let shown = Shown::new(app, revoked);
    output.say(&format!("Signing key {signing_key_id} is out: nothing is signed by it."), &shown)
}
