//! `keyturn trust test`: what each rule makes of a token, without using it up.

use std::{fmt::Write as _, io::Read as _};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
    },
    domain::{Finding, TrustId},
    exchange::{self, KeysFrom, Outcome, Trial},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The token of the issuer; `-` reads it from the standard input
    token: String,
    /// Only rules of this organization
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
    /// Fetch no keys: only trust policies with pinned keys are tried
    #[arg(long)]
    offline: bool,
}

#[derive(Serialize)]
struct Shown {
    id: TrustId,
    name: String,
    organization: String,
    holds: bool,
    enabled: bool,
    /// What went wrong before any condition was looked at.
    problem: Option<String>,
    conditions: Vec<Finding>,
}

impl Shown {
    fn new(trial: &Trial, names: &Names) -> Self {
        let rule = &trial.rule;
        let (problem, conditions) = match &trial.outcome {
            Outcome::Judged { findings, .. } => (None, findings.clone()),
            _ => (Some(trial.why()), Vec::new()),
        };
        Self {
            id: rule.id,
            name: rule.name.to_string(),
            organization: names.organization(rule.organization_id),
            holds: trial.holds(),
            enabled: rule.disabled_at.is_none(),
            problem,
            conditions,
        }
    }

    fn text(&self) -> String {
        let outcome = match (self.holds, self.enabled) {
            (true, true) => "holds",
            (true, false) => "would hold, but is disabled",
            (false, _) => "does not hold",
        };
        let mut text = format!("Rule {} of {} {outcome}:\n", self.name, self.organization);
        for finding in &self.conditions {
            let _ = writeln!(text, "  {:3}  {finding}", if finding.holds { "yes" } else { "no" });
        }
        if let Some(problem) = &self.problem {
            let _ = writeln!(text, "  no   {problem}");
        }
        text
    }
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let organization = match &args.org {
        Some(org) => Some(named::organization(app, org).await?.id),
        None => None,
    };
    let token = if args.token == "-" { standard_input()? } else { args.token };
    let keys = if args.offline { KeysFrom::PinnedOnly } else { KeysFrom::Anywhere };
    let trials = exchange::try_out(app, token.trim(), organization, keys).await??;
    let names = Names::read(app).await?;
    let shown: Vec<_> = trials.iter().map(|trial| Shown::new(trial, &names)).collect();
    let text: Vec<_> = shown.iter().map(Shown::text).collect();
    output.say(&text.join("\n"), &shown)?;
    match shown.iter().filter(|it| it.holds && it.enabled).count() {
        0 => bail!("no rule holds: this token gets nothing here"),
        1 => Ok(()),
        _ if organization.is_none() => {
            bail!("several rules hold: a request has to name the organization by organizationId")
        }
        _ => bail!("several rules of the organization hold: this token gets nothing here"),
    }
}

fn standard_input() -> anyhow::Result<String> {
    const LONGEST: u64 = 64 * 1024;
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.context("cannot read the token from the standard input")?;
    Ok(text)
}
