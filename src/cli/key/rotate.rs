//! `keyturn key rotate` and `keyturn key rotation`: a new secret, and the end of the old one.

use std::{path::PathBuf, str::FromStr};

use chrono::TimeDelta;
use serde_json::json;

use super::{advice::with_advice, secret, shown::Shown};
use crate::{
    app::App,
    cli::{
        again::again,
        expires::Expires,
        named::{self, Names},
        output::Output,
        secret_file::SecretFile,
        start, words,
    },
    domain::Expected,
    manage::api_keys::{self, OldSecret, Rotation},
};

#[derive(clap::Args)]
pub(super) struct RotateArgs {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    /// How many hours the old secret goes on working: 1 to 168, or `now` to end it at once
    #[arg(long, value_name = "HOURS|now", default_value = "24")]
    old_secret_lives: Grace,
    /// Rotate again before the last rotation is over, which ends the old secret at once
    #[arg(long)]
    force: bool,
    /// When the key expires from here on [default: when it did before]
    #[arg(long, value_name = "WHEN|never")]
    expires: Option<Expires>,
    /// Write the secret into this new file, as JSON, instead of showing it
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct RotationArgs {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    #[command(flatten)]
    end: End,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct End {
    /// End the old secret now
    #[arg(long)]
    finish: bool,
    /// How many hours from now the old secret goes on working; 7 days after the rotation at most
    #[arg(long, value_name = "HOURS|now")]
    old_secret_lives: Option<Grace>,
}

/// How long an old secret goes on working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grace(TimeDelta);

#[derive(Debug, thiserror::Error)]
#[error("say a number of hours up to 168, or `now`")]
struct MalformedGrace;

impl FromStr for Grace {
    type Err = MalformedGrace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            return Ok(Self(TimeDelta::zero()));
        }
        let hours = text.parse::<u8>().ok().filter(|hours| *hours <= 168);
        hours.map(|hours| Self(TimeDelta::hours(hours.into()))).ok_or(MalformedGrace)
    }
}

pub(super) async fn rotate(app: &App, args: &RotateArgs, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let rotation = Rotation {
        old_secret: OldSecret::DiesAfter(args.old_secret_lives.0),
        lifetime: args.expires.map(|expires| expires.lifetime(app.clock.now())),
        force: args.force,
    };
    // Before the secret: one that cannot be kept must not be made.
    let file = args.file.as_deref().map(SecretFile::create).transpose()?;
    let asker = start::asker();
    let rotate = async || api_keys::rotate(app, &asker, key.id, &Expected::Any, rotation).await;
    let rotated = match again(rotate).await {
        Ok(rotated) => rotated,
        Err(error) => {
            file.map(SecretFile::remove).transpose()?;
            return Err(with_advice(error, &key.name));
        }
    };
    let (now, name) = (app.clock.now(), words::argument(key.name.as_str()));
    let old = match rotated.old_secret_dies_at {
        Some(end) if end > now => format!(
            "The old secret works until {}, {} from now. `keyturn key show {name}` tells whether \
             it is still used, `keyturn key rotation {name} --finish` ends it.",
            words::moment(end),
            words::span(end - now)
        ),
        Some(_) => "The old secret no longer works.".to_owned(),
        None => "No old secret worked any more.".to_owned(),
    };
    let end = words::end(rotated.key.expires_at, now);
    let text = format!("Key {} has a new secret and {end}.\n{old}", key.name);
    let json = json!({
        "id": key.id,
        "name": key.name,
        "expires_at": rotated.key.expires_at,
        "old_secret_dies_at": rotated.old_secret_dies_at,
    });
    secret::hand_over(app, &rotated.key, &rotated.secret, file, (text, json), output)
}

pub(super) async fn set_end(app: &App, args: &RotationArgs, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let mut names = Names::default();
    names.learn_owner(app, key.owner).await?;
    let asker = start::asker();
    let before = Shown::new(app, &names, api_keys::show(app, &asker, key.id).await?);
    let dies_at = app.clock.now() + args.end.old_secret_lives.map_or(TimeDelta::zero(), |it| it.0);
    let set =
        async || api_keys::set_rotation_end(app, &asker, key.id, &Expected::Any, dies_at).await;
    again(set).await.map_err(|error| with_advice(error, &key.name))?;
    let now = app.clock.now();
    let end = if dies_at > now {
        let (end, left) = (words::moment(dies_at), words::span(dies_at - now));
        format!("The old secret of {} works until {end}, {left} from now.", key.name)
    } else {
        format!("The old secret of {} no longer works.", key.name)
    };
    let seen = before.rotation.and_then(|rotation| rotation.last_use(now));
    let seen = seen.map(|seen| format!("\nIt was last seen {seen}: the new one is needed there."));
    let json = json!({ "id": key.id, "name": key.name, "old_secret_dies_at": dies_at });
    output.say(&(end + &seen.unwrap_or_default()), &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_secret_lives_some_hours_or_dies_now() {
        assert_eq!("now".parse::<Grace>().unwrap(), Grace(TimeDelta::zero()));
        assert_eq!("168".parse::<Grace>().unwrap(), Grace(TimeDelta::days(7)));
        for text in ["", "169", "never", "-1", "1h"] {
            assert!(text.parse::<Grace>().is_err(), "{text}");
        }
    }
}
