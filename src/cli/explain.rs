//! `keyturn explain`: why a request was refused, in the words of the key's owner.

use anyhow::Context as _;
use serde::Serialize;
use uuid::Uuid;

use super::{output::Output, start};
use crate::{
    clock::{Timestamp, timestamp},
    config::Config,
    domain::{ApiKeyId, KeyName},
    exchange::{self, Explanation, NOTHING_RECORDED},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The header X-Request-Id of the answer
    #[arg(value_name = "REQUEST_ID")]
    request_id: Uuid,
    #[command(flatten)]
    output: Output,
}

/// An explanation as `--json` tells it.
#[derive(Serialize)]
struct Shown {
    request_id: Uuid,
    explanation: String,
    by_now: Option<String>,
    reason: String,
    at: Option<Timestamp>,
    door: String,
    source: String,
    user_agent: String,
    api_key_id: Option<ApiKeyId>,
    api_key_name: Option<KeyName>,
}

impl From<Explanation> for Shown {
    fn from(explanation: Explanation) -> Self {
        let Explanation { recorded, sentence, by_now, key } = explanation;
        Self {
            request_id: recorded.request_id,
            explanation: sentence,
            by_now,
            reason: recorded.reason,
            at: timestamp(recorded.at),
            door: recorded.door,
            source: recorded.source.to_string(),
            user_agent: recorded.user_agent.as_str().to_owned(),
            api_key_id: recorded.api_key_id,
            api_key_name: key.map(|key| key.name),
        }
    }
}

impl Shown {
    /// The sentence first, then one line to each thing.
    fn text(&self) -> String {
        let key = match (&self.api_key_name, self.api_key_id) {
            (Some(name), Some(id)) => format!("{name} ({id})"),
            (None, Some(id)) => id.to_string(),
            (_, None) => "not known".to_owned(),
        };
        let lines = [
            ("reason", self.reason.clone()),
            ("key", key),
            ("at", self.at.map(|at| at.to_string()).unwrap_or_default()),
            ("from", self.source.clone()),
            ("user agent", self.user_agent.clone()),
            ("door", self.door.clone()),
        ];
        let lines = lines.into_iter().map(|(what, value)| format!("{what:12}  {value}"));
        let told = [Some(self.explanation.clone()), self.by_now.clone(), Some(String::new())];
        let all = told.into_iter().flatten().chain(lines);
        all.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let app = start::manage(config).await?;
    let explanation = exchange::explain(&app, args.request_id).await?.context(NOTHING_RECORDED)?;
    let shown = Shown::from(explanation);
    args.output.say(&shown.text(), &shown)
}
