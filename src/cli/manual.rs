//! `keyturn completions` and `keyturn man`: made from the command line itself, for packages.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ValueEnum;
use clap_complete::{Shell, generate};

use super::output;

/// The shells whose completions we try out.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// Where the pages go; made if it is not there
    #[arg(value_name = "DIRECTORY")]
    folder: PathBuf,
}

pub(super) fn completions(shell: KnownShell, mut command: clap::Command) -> anyhow::Result<()> {
    let shell = match shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut command, "keyturn", &mut script);
    output::print(&String::from_utf8(script)?)
}

pub(super) fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<()> {
    write_pages(&args.folder, command)
        .with_context(|| format!("cannot write into {}", args.folder.display()))
}

/// One page a command: `keyturn.1`, `keyturn-key.1`, `keyturn-key-create.1` and so on.
fn write_pages(folder: &Path, command: clap::Command) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)
}
