//! The file: TOML, read strictly, so that a slip of the pen is an error and not a default.

mod client_entry;
mod entries;
mod over;
mod problem;
mod trust_entry;
mod values;
mod write;

use std::{
    collections::{BTreeMap, btree_map::Entry as Slot},
    path::PathBuf,
};

use serde::Deserialize;
use toml::Spanned;

use self::{
    client_entry::ClientEntry,
    entries::{
        Entry, KeyEntry, MemberEntry, OrganizationEntry, ResourceEntry, RoleEntry, UserEntry,
    },
    trust_entry::TrustEntry,
    values::Parsed,
};
pub use self::{
    problem::{Malformed, Place, Problem},
    write::write,
};
use super::{OrganizationPath, State, Thing};
use crate::domain::ResourceIdentifier;

/// A file that is well formed. Whether what it says can be is up to what there is.
#[derive(Debug)]
pub struct File {
    content: Content,
    /// Where each thing stands, by what people call it.
    places: BTreeMap<String, Place>,
}

/// What a file wants.
#[derive(Debug)]
pub struct Wanted {
    pub state: State,
    /// Where the secrets of things go that are to be made, by what people call these.
    pub secret_files: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    server: Option<ServerEntry>,
    default_resource: Option<Spanned<Parsed<ResourceIdentifier>>>,
    #[serde(default, rename = "organization")]
    organizations: Vec<Spanned<OrganizationEntry>>,
    #[serde(default, rename = "role")]
    roles: Vec<Spanned<RoleEntry>>,
    #[serde(default, rename = "resource")]
    resources: Vec<Spanned<ResourceEntry>>,
    #[serde(default, rename = "user")]
    users: Vec<Spanned<UserEntry>>,
    #[serde(default, rename = "member")]
    members: Vec<Spanned<MemberEntry>>,
    #[serde(default, rename = "key")]
    api_keys: Vec<Spanned<KeyEntry>>,
    #[serde(default, rename = "client")]
    clients: Vec<Spanned<ClientEntry>>,
    #[serde(default, rename = "trust")]
    trusts: Vec<Spanned<TrustEntry>>,
}

/// What belongs to the whole server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerEntry {
    operators: Option<Spanned<Parsed<OrganizationPath>>>,
}

impl File {
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let content: Content = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let problem = Problem::Syntax(error.message().trim().to_owned());
            Malformed { place: Place::of(text, start), problem }
        })?;
        let mut places = Places { text, known: BTreeMap::new() };
        places.add(&content.organizations)?;
        places.add(&content.roles)?;
        places.add(&content.resources)?;
        places.add(&content.users)?;
        places.add(&content.members)?;
        places.add(&content.api_keys)?;
        places.add(&content.clients)?;
        places.add(&content.trusts)?;
        if let Some(path) = content.server.as_ref().and_then(|it| it.operators.as_ref()) {
            let place = Place::of(text, path.span().start);
            places.known.insert("server operators".to_owned(), place);
        }
        if let Some(resource) = &content.default_resource {
            let place = Place::of(text, resource.span().start);
            places.known.insert("default resource".to_owned(), place);
        }
        Ok(Self { places: places.known, content })
    }

    /// Where a thing of this description stands; the beginning, if it does not stand here.
    pub fn place_of(&self, thing: &str) -> Place {
        self.places.get(thing).copied().unwrap_or_default()
    }
}

struct Places<'a> {
    text: &'a str,
    known: BTreeMap<String, Place>,
}

impl Places<'_> {
    fn add<E: Entry>(&mut self, entries: &[Spanned<E>]) -> Result<(), Malformed> {
        for entry in entries {
            let place = Place::of(self.text, entry.span().start);
            let name = entry.as_ref().name();
            let name = name.map_err(|problem| Malformed { place, problem })?;
            match self.known.entry(E::Thing::describe(&name)) {
                Slot::Vacant(free) => free.insert(place),
                Slot::Occupied(first) => {
                    let (thing, first) = (first.key().clone(), *first.get());
                    return Err(Malformed { place, problem: Problem::Twice { thing, first } });
                }
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
