//! Lays a file over what there is: whether what it names is there, and what is wanted.

use std::{collections::BTreeMap, path::PathBuf};

use toml::Spanned;

use super::{
    Content, File, Malformed, Wanted,
    entries::Entry,
    problem::{Place, Problem},
};
use crate::{
    declare::{
        ApiKey, Client, ClientOf, KeyOf, Member, Organization, OrganizationPath, OwnerName, Reach,
        Role, State, Thing, Trust,
    },
    domain::Email,
};

impl File {
    /// What is to be where this is what there is. Things that the file does not name are not in it.
    pub fn over(&self, present: &State) -> Result<Wanted, Malformed> {
        let Content {
            organizations,
            roles,
            resources,
            users,
            members,
            api_keys,
            clients,
            trusts,
            ..
        } = &self.content;
        let default_resource = self.content.default_resource.as_ref();
        let state = State {
            operators: self.operators(present),
            organizations: over(organizations, &present.organizations),
            roles: over(roles, &present.roles),
            resources: over(resources, &present.resources),
            default_resource: default_resource.map(|it| it.as_ref().0.clone()),
            users: over(users, &present.users),
            members: over(members, &present.members),
            api_keys: over(api_keys, &present.api_keys),
            clients: over(clients, &present.clients),
            trusts: over(trusts, &present.trusts),
            revoked: present.revoked.clone(),
        };
        let mut secret_files = of_new(api_keys, &state.api_keys, &present.api_keys);
        secret_files.extend(of_new(clients, &state.clients, &present.clients));
        let wanted = Wanted { state, secret_files };
        Check { file: self, present, wanted: &wanted }.all()?;
        Ok(wanted)
    }
}

impl File {
    /// The organization that is to run the server. Where none does yet and the file does not say
    /// it, the first root organization in the order of the file, whatever the alphabet says.
    fn operators(&self, present: &State) -> Option<OrganizationPath> {
        let said = self.content.server.as_ref().and_then(|it| it.operators.as_ref());
        let first = || {
            let paths = self.content.organizations.iter().filter_map(|it| it.as_ref().name().ok());
            paths.into_iter().find(|path| path.parent().is_none())
        };
        match (said, &present.operators) {
            (Some(path), _) => Some(path.as_ref().0.clone()),
            (None, Some(_)) => None,
            (None, None) => first(),
        }
    }
}

fn over<E: Entry>(
    entries: &[Spanned<E>],
    present: &BTreeMap<<E::Thing as Thing>::Name, E::Thing>,
) -> BTreeMap<<E::Thing as Thing>::Name, E::Thing> {
    let named = entries.iter().filter_map(|entry| Some((entry.as_ref().name().ok()?, entry)));
    named
        .map(|(name, entry)| {
            let thing = entry.as_ref().over(present.get(&name));
            (name, thing)
        })
        .collect()
}

/// Where the secrets go of those that are not there yet.
fn of_new<E: Entry>(
    entries: &[Spanned<E>],
    wanted: &BTreeMap<<E::Thing as Thing>::Name, E::Thing>,
    present: &BTreeMap<<E::Thing as Thing>::Name, E::Thing>,
) -> BTreeMap<String, PathBuf> {
    let entries = entries.iter().map(Spanned::as_ref);
    let files = entries.filter_map(|entry| {
        let name = entry.name().ok().filter(|name| !present.contains_key(name))?;
        Some((E::Thing::describe(&name), entry.secret_file(wanted.get(&name)?)?.clone()))
    });
    files.collect()
}

/// That whatever a thing refers to stands in the file or is there already.
struct Check<'a> {
    file: &'a File,
    present: &'a State,
    wanted: &'a Wanted,
}

impl Check<'_> {
    fn all(&self) -> Result<(), Malformed> {
        let state = &self.wanted.state;
        for path in state.organizations.keys() {
            let place = self.file.place_of(&Organization::describe(path));
            path.parent().map_or(Ok(()), |above| self.organization(&above, place))?;
        }
        if let Some(path) = &state.operators {
            let place = self.file.place_of("server operators");
            self.organization(path, place)?;
            ensure(path.parent().is_none(), place, || Problem::NotARoot(path.clone()))?;
        }
        for role in state.roles.keys() {
            let place = self.file.place_of(&Role::describe(role));
            self.organization(&role.organization, place)?;
        }
        for member in state.members.keys() {
            let place = self.file.place_of(&Member::describe(member));
            self.organization(&member.organization, place)?;
            self.user(&member.user, place)?;
        }
        for (name, key) in &state.api_keys {
            self.api_key(name, key)?;
        }
        for (name, client) in &state.clients {
            self.client(name, client)?;
        }
        for rule in state.trusts.keys() {
            self.organization(&rule.organization, self.file.place_of(&Trust::describe(rule)))?;
        }
        let Some(resource) = &state.default_resource else { return Ok(()) };
        let known = |state: &State| state.resources.contains_key(resource);
        let place = self.file.place_of("default resource");
        let problem = || Problem::NoResource(resource.clone());
        ensure(known(state) || known(self.present), place, problem)
    }

    fn api_key(&self, name: &KeyOf, key: &ApiKey) -> Result<(), Malformed> {
        let described = ApiKey::describe(name);
        let place = self.file.place_of(&described);
        match &name.owner {
            OwnerName::Organization(path) => self.organization(path, place)?,
            OwnerName::User(email) => self.user(email, place)?,
        }
        if let Reach::Listed(paths) = &key.reach {
            paths.iter().try_for_each(|path| self.organization(path, place))?;
            // All that was listed may have been deleted since: then it stays as it is.
            let before = self.present.api_keys.get(name).map(|before| &before.reach);
            let is_fine = !paths.is_empty() || before == Some(&key.reach);
            ensure(is_fine, place, || Problem::EmptyReach(described.clone()))?;
        }
        let is_revoked = self.present.revoked.contains(name);
        ensure(!is_revoked, place, || Problem::Revoked(described.clone()))?;
        let is_there = self.present.api_keys.contains_key(name);
        let has_place = self.wanted.secret_files.contains_key(&described);
        ensure(is_there || has_place, place, || Problem::NoPlaceForSecret(described.clone()))
    }

    fn client(&self, name: &ClientOf, client: &Client) -> Result<(), Malformed> {
        let described = Client::describe(name);
        let place = self.file.place_of(&described);
        self.organization(&name.organization, place)?;
        let is_there = self.present.clients.contains_key(name);
        let has_place = self.wanted.secret_files.contains_key(&described);
        let needs_none = is_there || has_place || !client.terms.authentication.has_secret();
        ensure(needs_none, place, || Problem::NoPlaceForSecret(described.clone()))
    }

    fn organization(&self, path: &OrganizationPath, place: Place) -> Result<(), Malformed> {
        let known = |state: &State| state.organizations.contains_key(path);
        let problem = || Problem::NoOrganization(path.clone());
        ensure(known(&self.wanted.state) || known(self.present), place, problem)
    }

    fn user(&self, email: &Email, place: Place) -> Result<(), Malformed> {
        let known = |state: &State| state.users.contains_key(email);
        let problem = || Problem::NoUser(email.clone());
        ensure(known(&self.wanted.state) || known(self.present), place, problem)
    }
}

fn ensure(is_so: bool, place: Place, problem: impl FnOnce() -> Problem) -> Result<(), Malformed> {
    if is_so { Ok(()) } else { Err(Malformed { place, problem: problem() }) }
}
