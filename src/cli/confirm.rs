//! Asks a person at a terminal before a command ends something for good.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// Commands of these names end something, whatever it is.
const ENDS: [&str; 3] = ["delete", "remove", "revoke"];
const YES: &str = "yes";

/// Adds `--yes` to every command that ends something.
pub(super) fn with_yes(command: Command) -> Command {
    let command = if ENDS.contains(&command.get_name()) {
        let yes = Arg::new(YES).short('y').long(YES).action(ArgAction::SetTrue);
        command.arg(yes.help("Do not ask"))
    } else {
        command
    };
    command.mut_subcommands(with_yes)
}

/// Fails where the answer is not yes. A script, which has no terminal, is not asked.
pub(super) fn ask(matches: &ArgMatches) -> anyhow::Result<()> {
    let (mut name, mut last) = ("", matches);
    while let Some((inner, below)) = last.subcommand() {
        (name, last) = (inner, below);
    }
    let ends = ENDS.contains(&name);
    if !ends || last.get_flag(YES) || !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(());
    }
    let words: Vec<_> = std::env::args().skip(1).collect();
    eprint!("`keyturn {}` cannot be undone. Continue? [y/N] ", words.join(" "));
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        bail!("nothing was changed: the answer was not `y`");
    }
    Ok(())
}
