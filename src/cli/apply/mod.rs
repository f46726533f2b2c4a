//! `keyturn apply`: makes keyturn what a file says, all or nothing, or shows what that would change.

mod secret_files;
mod show;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use self::{secret_files::SecretFiles, show::Shown};
use super::{output::Output, start};
use crate::{
    app::App,
    config::Config,
    declare::{File, Plan, Wanted},
    manage::declared::{self, CommitFailed, Present, Refused},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// What keyturn is to look like, as `keyturn export` writes it; `-` for standard input
    file: PathBuf,
    /// Change nothing and show what would be changed; then the exit code is 5, or 0 if nothing would
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    output: Output,
}

/// There is something to do, and `--plan` does nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0} to make: run this again without --plan")]
pub(super) struct Differs(String);

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let source = Source::read(&args.file)?;
    let app = start::manage(config).await?;
    let present = declared::read(&app, &start::asker()).await?;
    let Wanted { state, secret_files } =
        source.file.over(&present.state).map_err(|malformed| source.error(&malformed))?;
    let plan = Plan::between(&present.state, &state);
    let files = SecretFiles::new(secret_files, &args.file);
    let shown = Shown::new(&plan, &files);
    if args.plan {
        rehearse(&app, present, &plan, &source).await?;
        files.check()?;
        return show_plan(&shown, args.output);
    }
    if !shown.changes.is_empty() {
        carry_out(app, present, &plan, &source, files, config).await?;
    }
    args.output.say(&shown.as_done(), &shown.json("applied"))
}

/// The file, and what it is called in messages.
struct Source {
    file: File,
    name: String,
}

impl Source {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let is_input = path == Path::new("-");
        let name = if is_input { "standard input".to_owned() } else { path.display().to_string() };
        let text =
            if is_input { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
        let text = text.with_context(|| format!("cannot read {name}"))?;
        let file = File::read(&text).map_err(|malformed| anyhow!("{name}, {malformed}"))?;
        Ok(Self { file, name })
    }

    fn error(&self, problem: &impl std::fmt::Display) -> anyhow::Error {
        anyhow!("{}, {problem}", self.name)
    }

    /// Says where the thing stands.
    fn refused(&self, refused: Refused) -> anyhow::Error {
        let Refused { thing, rejection } = refused;
        let error = anyhow::Error::from(rejection);
        if thing.is_empty() {
            return error;
        }
        let place = self.file.place_of(&thing);
        error.context(format!("{}, {place}: {thing}", self.name))
    }
}

async fn rehearse(app: &App, present: Present, plan: &Plan, source: &Source) -> anyhow::Result<()> {
    let rehearsed = declared::rehearse(app, &start::asker(), present, plan).await;
    rehearsed.map_err(|refused| source.refused(refused))
}

fn show_plan(shown: &Shown, output: Output) -> anyhow::Result<()> {
    output.say(&shown.as_plan(), &shown.json("planned"))?;
    if shown.changes.is_empty() { Ok(()) } else { Err(Differs(shown.count()).into()) }
}

async fn carry_out(
    app: App,
    present: Present,
    plan: &Plan,
    source: &Source,
    files: SecretFiles,
    config: &Config,
) -> anyhow::Result<()> {
    // A key that wraps signing keys is looked for only where one has to be made.
    let missing = declared::missing_signing_keys(&app, plan).await?;
    let app = if missing.is_empty() { app } else { start::manage_signing_keys(config).await? };
    let begun = declared::begin(&app, &start::asker(), present, plan).await;
    let begun = begun.map_err(|refused| source.refused(refused))?;
    // Before the commit: a key whose secret no one has is of no use, a secret without a key is.
    let written = files.write(&begun.secrets)?;
    match begun.commit(&app).await {
        Ok(()) => {
            written.keep();
            Ok(())
        }
        Err(error @ CommitFailed::NothingChanged(_)) => {
            drop(written);
            Err(error.into())
        }
        Err(error @ CommitFailed::Unknown(_)) => {
            let files = written.keep();
            if files.is_empty() {
                return Err(error.into());
            }
            let error = anyhow::Error::from(error);
            Err(error.context(format!("these files stay, with secrets that may work: {files}")))
        }
    }
}
