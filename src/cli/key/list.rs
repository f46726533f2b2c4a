//! `keyturn key list`: page by page, however many keys there are.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::shown::Shown;
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
        when::When,
    },
    domain::{Email, KeyName, Status},
    manage::api_keys::{self, Filter},
    store::Page,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Keys that this organization owns itself
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
    /// Keys of this user
    #[arg(long, value_name = "EMAIL", conflicts_with = "org")]
    user: Option<Email>,
    /// Keys of this name, of any owner
    #[arg(long)]
    name: Option<KeyName>,
    /// Keys in this state
    #[arg(long, value_parser = status())]
    status: Option<Status>,
    /// Keys that were neither created nor used for so many days, or since a date
    #[arg(long, value_name = "DAYS|DATE")]
    unused_since: Option<When>,
    /// Keys that will have expired in so many days, or at a date; those that have are among them
    #[arg(long, value_name = "DAYS|DATE")]
    expires_before: Option<When>,
}

fn status() -> impl clap::builder::TypedValueParser<Value = Status> {
    const ALL: [Status; 4] = [Status::Active, Status::Expired, Status::Disabled, Status::Revoked];
    PossibleValuesParser::new(ALL.map(Status::as_str)).map(|text| {
        let named = ALL.into_iter().find(|status| status.as_str() == text);
        named.expect("clap lets nothing else through")
    })
}

/// How many keys are read at once.
const PAGE: i64 = 500;

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let filter = filter(app, args).await?;
    let asker = start::asker();
    let none = "There are no such keys. Make one by `keyturn key create NAME`.";
    let mut listing = output.listing(none, Shown::HEAD);
    let mut names = Names::default();
    let mut page = Page { after: None, most: PAGE };
    loop {
        let found = api_keys::list(app, &asker, &filter, page).await?;
        let Some(last) = found.last() else { return listing.end() };
        page.after = Some(last.key.id);
        let mut shown = Vec::new();
        for listed in found {
            names.learn_owner(app, listed.key.owner).await?;
            shown.push(Shown::new(app, &names, listed));
        }
        if listing.page(&shown, Shown::row)?.is_break() {
            return Ok(());
        }
    }
}

async fn filter(app: &App, args: Args) -> anyhow::Result<Filter> {
    let now = app.clock.now();
    let organization = match args.org {
        Some(name) => Some(named::organization(app, &name).await?.id),
        None => None,
    };
    let user = match args.user {
        Some(email) => Some(named::user(app, &email).await?.id),
        None => None,
    };
    Ok(Filter {
        organization,
        user,
        name: args.name,
        status: args.status,
        expires_by: args.expires_before.map(|when| when.ahead(now)),
        unused_since: args.unused_since.map(|when| when.back(now)),
    })
}
