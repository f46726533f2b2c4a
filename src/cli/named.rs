//! Finds what a command line names: by its id, or by a name that only one has.

use std::collections::HashMap;

use anyhow::{Context as _, bail};

use super::start;
use crate::{
    app::App,
    domain::{ApiKey, ApiKeyId, KeyName, Organization, OrganizationId, Owner, Reach, UserId},
    manage::{api_keys, organizations, users},
    store::Page,
};

/// What people call organizations and users, for the text of an answer.
pub(super) struct Names {
    organizations: HashMap<OrganizationId, String>,
    users: HashMap<UserId, String>,
}

impl Names {
    pub(super) async fn read(app: &App) -> anyhow::Result<Self> {
        let organizations = organizations::list(app, &start::asker(), None, Page::ALL).await?;
        let paths = organizations.iter().map(|it| (it.id, path(it, &organizations))).collect();
        let people = users::list(app, &start::asker(), Page::ALL).await?.into_iter();
        let users = people.map(|it| (it.user.id, it.user.email.to_string())).collect();
        Ok(Self { organizations: paths, users })
    }

    /// `acme/team`; the id of one that is not there any more.
    pub(super) fn organization(&self, id: OrganizationId) -> String {
        self.organizations.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(super) fn owner(&self, owner: Owner) -> String {
        match owner {
            Owner::Organization(id) => self.organization(id),
            Owner::User(id) => self.users.get(&id).cloned().unwrap_or_else(|| id.to_string()),
        }
    }
}

/// Names from the root down, with slashes between: no name has one in it.
fn path(of: &Organization, all: &[Organization]) -> String {
    let parent = of.parent_id.and_then(|id| all.iter().find(|it| it.id == id));
    match parent {
        Some(parent) => format!("{}/{}", path(parent, all), of.name),
        None => of.name.to_string(),
    }
}

/// By id, by path from the root, or by a name that only one has.
pub(super) async fn organization(app: &App, text: &str) -> anyhow::Result<Organization> {
    let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
    let id = text.parse::<OrganizationId>().ok();
    let exact = |it: &&Organization| Some(it.id) == id || path(it, &all) == text;
    if let Some(found) = all.iter().find(exact) {
        return Ok(found.clone());
    }
    let named: Vec<_> = all.iter().filter(|it| it.name.as_str() == text).collect();
    match named[..] {
        [one] => Ok(one.clone()),
        [] => bail!("there is no organization {text}: `keyturn organization list` shows them all"),
        _ => bail!("several organizations are called {text}: say which\n{}", list(&named, &all)),
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
        [] => bail!("there is no organization yet: make one by `keyturn organization create NAME`"),
        _ => {
            let every: Vec<_> = all.iter().collect();
            bail!("there are several organizations: say which by --org\n{}", list(&every, &all))
        }
    }
}

fn list(these: &[&Organization], all: &[Organization]) -> String {
    let lines = these.iter().map(|it| format!("    {}  {}", it.id, path(it, all)));
    lines.collect::<Vec<_>>().join("\n")
}

/// By id, or by a name that only one key has.
pub(super) async fn api_key(app: &App, text: &str) -> anyhow::Result<ApiKey> {
    if let Ok(id) = text.parse::<ApiKeyId>() {
        return Ok(api_keys::show(app, &start::asker(), id)
            .await
            .with_context(|| text.to_owned())?
            .key);
    }
    let name: KeyName = text.parse()?;
    let mut named = api_keys::named(app, &name).await?;
    if named.len() > 1 {
        let known = Names::read(app).await?;
        let lines =
            named.iter().map(|key| format!("    {}  of {}", key.id, known.owner(key.owner)));
        let lines = lines.collect::<Vec<_>>().join("\n");
        bail!("several keys are called {name}: say which by its id\n{lines}");
    }
    named
        .pop()
        .with_context(|| format!("there is no key {name}: `keyturn key list` shows them all"))
}

/// `own`, `subtree`, or organizations with commas between them.
pub(super) async fn reach(app: &App, text: &str) -> anyhow::Result<Reach> {
    if let "own" | "subtree" = text {
        return Ok(text.parse()?);
    }
    let mut listed = Vec::new();
    for name in text.split(',') {
        listed.push(organization(app, name.trim()).await?.id);
    }
    Ok(Reach::Listed(listed))
}
