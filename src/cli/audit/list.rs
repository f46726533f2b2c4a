//! `keyturn audit list`: the newest changes, by who made them, to what, and when.

use std::num::NonZeroU32;

use super::shown::Shown;
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
        when::When,
    },
    domain::{Actor, ApiKeyId, Email},
    manage::{
        Rejection,
        audit_trail::{self, Filter},
        users,
    },
    store::Page,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Changes to this key; of one that was deleted, by its id
    #[arg(long, value_name = "NAME|ID")]
    key: Option<String>,
    /// Changes by this one: the e-mail address of a user or the audit e-mail of a key, `key:` and a name or id, `operator:` and a name,
    /// or `keyturn`
    #[arg(long)]
    actor: Option<String>,
    /// Changes in this very organization
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
    /// Changes of this kind, like `api_key.created`
    #[arg(long)]
    action: Option<String>,
    /// Changes of the last days, or since a date
    #[arg(long, value_name = "DAYS|DATE")]
    since: Option<When>,
    /// Changes until so many days ago, or before a date
    #[arg(long, value_name = "DAYS|DATE")]
    until: Option<When>,
    /// How many at most
    #[arg(long, default_value = "100")]
    limit: NonZeroU32,
}

const PAGE: i64 = 500;

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let filter = filter(app, &args).await?;
    let mut listing = output.listing("There are no such changes.", Shown::HEAD);
    let mut names = Names::default();
    let mut left = i64::from(args.limit.get());
    let mut after = None;
    loop {
        let page = Page { after, most: left.min(PAGE) };
        let found = audit_trail::list(app, &start::asker(), &filter, page).await?;
        let shown: Vec<_> = found.into_iter().map(Shown::from).collect();
        left -= i64::try_from(shown.len())?;
        after = shown.last().map(|last| last.number);
        for event in &shown {
            event.learn(app, &mut names).await?;
        }
        if listing.page(&shown, |event| event.row(&names))?.is_break() {
            return Ok(());
        }
        if left == 0 || i64::try_from(shown.len())? < page.most {
            return listing.end();
        }
    }
}

async fn filter(app: &App, args: &Args) -> anyhow::Result<Filter> {
    let now = app.clock.now();
    let organization = match &args.org {
        Some(name) => Some(named::organization(app, name).await?.id),
        None => None,
    };
    let subject = match &args.key {
        Some(key) => Some(format!("key:{}", key_id(app, key).await?)),
        None => None,
    };
    let (actor, actor_email) = match &args.actor {
        Some(text) => actor(app, text).await?,
        None => (None, None),
    };
    Ok(Filter {
        organization,
        subject,
        actor,
        actor_email,
        action: args.action.clone(),
        from: args.since.map(|when| when.back(now)),
        until: args.until.map(|when| when.back(now)),
    })
}

/// An id need not be that of a key that is still there.
async fn key_id(app: &App, text: &str) -> anyhow::Result<ApiKeyId> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(named::api_key(app, text).await?.id),
    }
}

/// Of an e-mail address that no user has: the key whose audit address it is.
async fn actor(app: &App, text: &str) -> anyhow::Result<(Option<Actor>, Option<String>)> {
    if let Some(key) = text.strip_prefix("key:") {
        return Ok((Some(Actor::ApiKey(key_id(app, key).await?)), None));
    }
    if let (false, Ok(email)) = (text.contains(':'), text.parse::<Email>()) {
        return match users::find_by_email(app, &email).await {
            Ok(user) => Ok((Some(Actor::User(user.id)), None)),
            Err(Rejection::NotFound(_)) => Ok((None, Some(email.to_string()))),
            Err(error) => Err(error.into()),
        };
    }
    Ok((Some(text.parse()?), None))
}
