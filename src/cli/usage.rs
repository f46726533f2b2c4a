//! `keyturn usage`: how often keys are used, from where, with which outcome.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use clap::ValueEnum;
use serde::Serialize;

use super::{named, output::Output, start};
use crate::{
    app::App,
    clock::{Timestamp, timestamp},
    config::Config,
    domain::{ApiKeyId, KeyName, SecretId, Step, Use},
    manage::usage::{self, Total, Wanted},
    store::Page,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The key's name, or its id [default: the sums of all keys]
    #[arg(value_name = "NAME|ID")]
    key: Option<String>,
    /// How many days to look back
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    since: u16,
    /// What the counts of a key are summed up by, in UTC
    #[arg(long, default_value = "day", requires = "key")]
    by: By,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Minute,
    Hour,
    Day,
}

impl From<By> for Step {
    fn from(by: By) -> Self {
        match by {
            By::Minute => Self::Minute,
            By::Hour => Self::Hour,
            By::Day => Self::Day,
        }
    }
}

/// How one secret of a key was used in a step of time.
#[derive(Serialize)]
struct Count {
    /// The beginning of the step.
    at: Option<Timestamp>,
    secret_id: SecretId,
    source: String,
    user_agent: String,
    outcome: String,
    uses: i64,
}

impl From<(Use, i64)> for Count {
    fn from((Use { secret_id, circumstances: of }, uses): (Use, i64)) -> Self {
        Self {
            at: timestamp(of.minute * 60),
            secret_id,
            source: of.source.to_string(),
            user_agent: of.user_agent.as_str().to_owned(),
            outcome: of.outcome.into_owned(),
            uses,
        }
    }
}

impl Count {
    fn row(&self) -> [String; 5] {
        [
            self.at.map(|at| at.to_string()).unwrap_or_default(),
            self.source.clone(),
            self.outcome.clone(),
            self.uses.to_string(),
            self.user_agent.clone(),
        ]
    }
}

/// The sums of a key.
#[derive(Serialize)]
struct Sum {
    id: ApiKeyId,
    name: KeyName,
    issued: i64,
    refused: i64,
    last_used_at: Option<Timestamp>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let app = start::manage(config).await?;
    let from = app.clock.now() - TimeDelta::days(args.since.into());
    match args.key {
        Some(key) => counts(&app, &key, from, args.by.into(), args.output).await,
        None => sums(&app, from, args.output).await,
    }
}

async fn counts(
    app: &App,
    key: &str,
    from: Timestamp,
    step: Step,
    output: Output,
) -> anyhow::Result<()> {
    let api_key_id = named::api_key(app, key).await?.id;
    let until = app.clock.now() + TimeDelta::seconds(1);
    let wanted = Wanted { api_key_id, from, until, step };
    let none = "The key was not used in that time.";
    let head = ["FROM", "ADDRESS", "OUTCOME", "USES", "USER AGENT"];
    let (mut listing, mut after) = (output.listing(none, head), None);
    loop {
        let page = Page { after, most: 1000 };
        let part = usage::counts(app, &start::asker(), wanted, page).await?;
        let counts: Vec<_> = part.counts.into_iter().map(Count::from).collect();
        if listing.page(&counts, Count::row)?.is_break() {
            return Ok(());
        }
        after = part.next;
        if after.is_none() {
            return listing.end();
        }
    }
}

async fn sums(app: &App, from: Timestamp, output: Output) -> anyhow::Result<()> {
    let mut sums: BTreeMap<ApiKeyId, Sum> = BTreeMap::new();
    for total in usage::totals(app, &start::asker(), from).await? {
        let Total { api_key_id: id, name, outcome, uses, minute } = total;
        let empty = Sum { id, name, issued: 0, refused: 0, last_used_at: None };
        let sum = sums.entry(id).or_insert(empty);
        if outcome == "issued" {
            sum.issued += uses;
            sum.last_used_at = timestamp(minute * 60);
        } else {
            sum.refused += uses;
        }
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.issued + sum.refused));
    let none = "No key was used in that time.";
    output.list(none, ["KEY", "ID", "ISSUED", "REFUSED", "LAST USED"], &sums, |sum| {
        [
            sum.name.to_string(),
            sum.id.to_string(),
            sum.issued.to_string(),
            sum.refused.to_string(),
            sum.last_used_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    })
}
