//! What people call organizations, users and keys, for the text of an answer.

use std::collections::{HashMap, hash_map::Entry};

use super::start;
use crate::{
    app::App,
    domain::{ApiKeyId, Organization, OrganizationId, Owner, UserId},
    manage::{Rejection, api_keys, organizations, users},
    store::Page,
};

/// Names that are known already. One that is not there any more is called by its id.
#[derive(Default)]
pub(super) struct Names {
    organizations: HashMap<OrganizationId, String>,
    users: HashMap<UserId, String>,
    api_keys: HashMap<ApiKeyId, String>,
}

impl Names {
    /// Of all organizations and users.
    pub(super) async fn read(app: &App) -> anyhow::Result<Self> {
        let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
        let paths = Paths::new(&all);
        let organizations = all.iter().map(|it| (it.id, paths.of(it))).collect();
        let people = users::list(app, &start::asker(), Page::ALL).await?.into_iter();
        let users = people.map(|it| (it.user.id, it.user.email.to_string())).collect();
        Ok(Self { organizations, users, api_keys: HashMap::new() })
    }

    /// `acme/team`.
    pub(super) fn organization(&self, id: OrganizationId) -> String {
        self.organizations.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(super) fn user(&self, id: UserId) -> String {
        self.users.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(super) fn api_key(&self, id: ApiKeyId) -> String {
        self.api_keys.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    pub(super) fn owner(&self, owner: Owner) -> String {
        match owner {
            Owner::Organization(id) => self.organization(id),
            Owner::User(id) => self.user(id),
        }
    }

    /// Looks the owner up, unless it is known already.
    pub(super) async fn learn_owner(&mut self, app: &App, owner: Owner) -> anyhow::Result<String> {
        match owner {
            Owner::Organization(id) => self.learn_organization(app, id).await?,
            Owner::User(id) => self.learn_user(app, id).await?,
        }
        Ok(self.owner(owner))
    }

    pub(super) async fn learn_organization(
        &mut self,
        app: &App,
        id: OrganizationId,
    ) -> anyhow::Result<()> {
        if let Entry::Vacant(unknown) = self.organizations.entry(id) {
            let found = if_there(organizations::show(app, &start::asker(), id).await)?;
            let name = found.map_or_else(|| id.to_string(), |found| path(&found.line));
            unknown.insert(name);
        }
        Ok(())
    }

    pub(super) async fn learn_user(&mut self, app: &App, id: UserId) -> anyhow::Result<()> {
        if let Entry::Vacant(unknown) = self.users.entry(id) {
            let found = if_there(users::show(app, &start::asker(), id).await)?;
            let name = found.map_or_else(|| id.to_string(), |it| it.user.email.to_string());
            unknown.insert(name);
        }
        Ok(())
    }

    pub(super) async fn learn_api_key(&mut self, app: &App, id: ApiKeyId) -> anyhow::Result<()> {
        if let Entry::Vacant(unknown) = self.api_keys.entry(id) {
            let found = if_there(api_keys::show(app, &start::asker(), id).await)?;
            let name = found.map_or_else(|| id.to_string(), |it| it.key.name.to_string());
            unknown.insert(name);
        }
        Ok(())
    }
}

fn if_there<T>(found: Result<T, Rejection>) -> Result<Option<T>, Rejection> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Rejection::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names from the root down, with slashes between: no name has one in it. The line begins below.
pub(super) fn path(line: &[Organization]) -> String {
    let names: Vec<_> = line.iter().rev().map(|it| it.name.as_str()).collect();
    names.join("/")
}

/// Where each of all organizations stands in its tree.
pub(super) struct Paths<'a>(HashMap<OrganizationId, &'a Organization>);

impl<'a> Paths<'a> {
    pub(super) fn new(all: &'a [Organization]) -> Self {
        Self(all.iter().map(|it| (it.id, it)).collect())
    }

    pub(super) fn of(&self, organization: &Organization) -> String {
        path(&self.line(organization))
    }

    /// The organization, then its parent, up to the root.
    pub(super) fn line(&self, organization: &Organization) -> Vec<Organization> {
        let parent = |it: &&'a Organization| it.parent_id.and_then(|id| self.0.get(&id).copied());
        let first = self.0.get(&organization.id).copied();
        std::iter::successors(first, parent).cloned().collect()
    }
}
