//! Finds what a command line names: by its id, or by a name that only one has.

use std::{convert::Infallible, str::FromStr};

use anyhow::{Context as _, bail};

pub(super) use super::names::Names;
use super::{names::Paths, start};
use crate::{
    app::App,
    domain::{
        ApiKey, ApiKeyId, Client, ClientId, Email, Item, KeyName, Organization, OrganizationId,
        Reach, User, items,
    },
    manage::{Rejection, api_keys, clients, organizations, users},
    store::Page,
};

/// By id, by path from the root, or by a name that only one has.
pub(super) async fn organization(app: &App, text: &str) -> anyhow::Result<Organization> {
    let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
    let paths = Paths::new(&all);
    let id = text.parse::<OrganizationId>().ok();
    let exact = |it: &&Organization| Some(it.id) == id || paths.of(it) == text;
    if let Some(found) = all.iter().find(exact) {
        return Ok(found.clone());
    }
    let named: Vec<_> = all.iter().filter(|it| it.name.as_str() == text).collect();
    match named[..] {
        [one] => Ok(one.clone()),
        [] => bail!("there is no organization {text}: `keyturn org list` shows them all"),
        _ => bail!("several organizations are called {text}: say which\n{}", list(&named, &paths)),
    }
}

/// The one named, or the only one there is.
pub(super) async fn organization_or_only(
    app: &App,
    name: Option<&str>,
) -> anyhow::Result<Organization> {
    match name {
        Some(name) => organization(app, name).await,
        None => only_organization(app).await,
    }
}

async fn only_organization(app: &App) -> anyhow::Result<Organization> {
    let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
    match &all[..] {
        [one] => Ok(one.clone()),
        [] => bail!("there is no organization yet: make one by `keyturn org create NAME`"),
        _ => {
            let every: Vec<_> = all.iter().collect();
            let list = list(&every, &Paths::new(&all));
            bail!("there are several organizations: say which by --org\n{list}")
        }
    }
}

fn list(these: &[&Organization], paths: &Paths<'_>) -> String {
    let lines = these.iter().map(|it| format!("    {}  {}", it.id, paths.of(it)));
    lines.collect::<Vec<_>>().join("\n")
}

/// By id, or by a name that only one key has.
pub(super) async fn api_key(app: &App, text: &str) -> anyhow::Result<ApiKey> {
    let unknown = || format!("there is no key {text}: `keyturn key list` shows them all");
    if let Ok(id) = text.parse::<ApiKeyId>() {
        return match api_keys::show(app, &start::asker(), id).await {
            Err(Rejection::NotFound(_)) => bail!(unknown()),
            found => Ok(found?.key),
        };
    }
    let name: KeyName = text.parse()?;
    let mut named = api_keys::named(app, &name).await?;
    if named.len() > 1 {
        let mut owners = Names::default();
        let mut lines = Vec::new();
        for key in named {
            let owner = owners.learn_owner(app, key.owner).await?;
            lines.push(format!("    {}  of {owner}", key.id));
        }
        bail!("several keys are called {name}: say which by its id\n{}", lines.join("\n"));
    }
    named.pop().with_context(unknown)
}

/// By id, or by a name that only one client has.
pub(super) async fn client(app: &App, text: &str) -> anyhow::Result<Client> {
    let unknown = || format!("there is no client {text}: `keyturn client list` shows them all");
    if let Ok(id) = text.parse::<ClientId>() {
        return match clients::show(app, &start::asker(), id).await {
            Err(Rejection::NotFound(_)) => bail!(unknown()),
            found => Ok(found?.client),
        };
    }
    let mut found = clients::named(app, &text.parse()?).await?;
    if found.len() > 1 {
        let names = Names::read(app).await?;
        let owner =
            |it: &Client| format!("    {}  of {}", it.id, names.organization(it.organization_id));
        let list: Vec<_> = found.iter().map(owner).collect();
        bail!("several clients are called {text}: say which by its id\n{}", list.join("\n"));
    }
    found.pop().with_context(unknown)
}

pub(super) async fn user(app: &App, email: &Email) -> anyhow::Result<User> {
    match users::find_by_email(app, email).await {
        Err(Rejection::NotFound(_)) => {
            bail!("there is no user {email}: `keyturn user list` shows them all")
        }
        found => Ok(found?),
    }
}

/// An organization by name or id.
struct Place(String);

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Item for Place {
    const MEMBER: &'static str = "--reach";
    const EXAMPLE: &'static str = "acme,partner";
}

/// `own`, `subtree`, or organizations with commas between them.
pub(super) async fn reach(app: &App, text: &str) -> anyhow::Result<Reach> {
    if let "own" | "subtree" = text {
        return Ok(text.parse()?);
    }
    let names: Vec<_> = text.split(',').map(str::trim).collect();
    let names: Vec<Place> = items("--reach", &names)?;
    let mut listed = Vec::new();
    for Place(name) in names {
        listed.push(organization(app, &name).await?.id);
    }
    Ok(Reach::Listed(listed))
}
