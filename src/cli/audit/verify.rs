//! `keyturn audit verify`: finds the first record that was altered or taken out.

use std::str::FromStr;

use anyhow::bail;
use serde_json::json;

use super::shown::hex;
use crate::{
    app::App,
    cli::{output::Output, start},
    manage::audit_trail::{self, Chain},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A head that an earlier run printed: fail unless the trail still leads there
    #[arg(long, value_name = "HEAD")]
    expect: Option<Head>,
}

/// The hash of an event, which stands for all events up to it.
#[derive(Clone)]
struct Head(Vec<u8>);

#[derive(Debug, thiserror::Error)]
#[error("a head is 64 hexadecimal digits")]
struct MalformedHead;

impl FromStr for Head {
    type Err = MalformedHead;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(MalformedHead)?;
        let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]);
        let bytes: Result<_, _> = digits.chunks(2).map(byte).collect();
        bytes.map(Self).map_err(|_| MalformedHead)
    }
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let asker = start::asker();
    let (events, unchained, head) = match audit_trail::verify(app, &asker).await? {
        Chain::Whole { events, unchained, head } => (events, unchained, hex(&head)),
        Chain::Altered { number, id } => {
            let json = json!({ "outcome": "altered", "number": number, "id": id });
            output.only_json(&json)?;
            let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
            bail!("event {number} of the audit trail{id} is not what was written")
        }
        Chain::Missing { number } => {
            output.only_json(&json!({ "outcome": "missing", "number": number }))?;
            bail!("event {number} of the audit trail is missing, and maybe some after it")
        }
    };
    let mut text = vec![format!("All {events} events are as they were written.\nHead: {head}")];
    if unchained > 0 {
        text.push(format!(
            "{unchained} events cannot be verified: they are older than the chain of hashes."
        ));
    }
    let mut json =
        json!({ "outcome": "whole", "events": events, "unchained": unchained, "head": head });
    if let Some(Head(expected)) = args.expect {
        let Some(number) = audit_trail::number_of(app, &asker, &expected).await? else {
            output.only_json(&json!({ "outcome": "other", "head": head }))?;
            bail!(
                "no event has the hash {}: the audit trail was written anew, or that event is so \
                 old that it was deleted (setting retention.audit_days)",
                hex(&expected)
            )
        };
        text.push(format!("The head that you expect is that of event {number}."));
        json["expected_number"] = number.into();
    }
    output.say(&text.join("\n"), &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let text = "00ff".repeat(16);
        let head: Head = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(hex(&head.0), text);
        assert!(text[1..].parse::<Head>().is_err());
        assert!("0g".repeat(32).parse::<Head>().is_err());
    }
}
