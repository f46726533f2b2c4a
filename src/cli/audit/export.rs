//! `keyturn audit export`: the trail without gaps, as JSON lines.

use anyhow::Context as _;

use super::shown::Shown;
use crate::{
    app::App,
    cli::{output, start, when::When},
    manage::audit_trail,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// From the first change of the last days on, or from that since a date
    #[arg(long, value_name = "DAYS|DATE")]
    since: Option<When>,
}

pub(super) async fn run(app: &App, args: &Args) -> anyhow::Result<()> {
    let asker = start::asker();
    let mut after = match args.since {
        None => 0,
        Some(when) => {
            let since = when.back(app.clock.now());
            match audit_trail::first_since(app, &asker, since).await? {
                None => return Ok(()),
                Some(first) => first - 1,
            }
        }
    };
    loop {
        let found = audit_trail::onwards(app, &asker, after).await;
        let found = found.context("an event cannot be read, see `keyturn audit verify`")?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.number;
        let mut lines = String::new();
        for event in found {
            lines += &serde_json::to_string(&Shown::from(event))?;
            lines.push('\n');
        }
        if output::write(&lines)?.is_break() {
            return Ok(());
        }
    }
}
