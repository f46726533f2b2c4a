//! Compares what there is with what is wanted.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    name::OrganizationPath,
    state::{ApiKey, Client, Member, Organization, Resource, Role, State, Trust, User},
    thing::Thing,
};
use crate::domain::ResourceIdentifier;

/// What has to be done, in an order in which it can be: nothing needs what comes after it.
#[derive(Debug, Default)]
pub struct Plan {
    pub organizations: Vec<Step<Organization>>,
    pub operators: Option<NewOperators>,
    pub roles: Vec<Step<Role>>,
    pub resources: Vec<Step<Resource>>,
    pub default_resource: Option<NewDefault>,
    pub users: Vec<Step<User>>,
    pub members: Vec<Step<Member>>,
    pub api_keys: Vec<Step<ApiKey>>,
    pub clients: Vec<Step<Client>>,
    pub trusts: Vec<Step<Trust>>,
    /// What is there and stays as it is, because no one has named it.
    pub unnamed: Vec<String>,
}

/// One thing that is to be made, or to be other than it is.
#[derive(Debug)]
pub struct Step<T: Thing> {
    pub name: T::Name,
    /// `None`: it is to be made.
    pub before: Option<T>,
    pub after: T,
}

#[derive(Debug)]
pub struct NewOperators {
    pub before: Option<OrganizationPath>,
    pub after: OrganizationPath,
}

#[derive(Debug)]
pub struct NewDefault {
    pub before: Option<ResourceIdentifier>,
    pub after: ResourceIdentifier,
}

/// A step for people and programs.
#[derive(Debug, Serialize)]
pub struct Planned {
    pub action: &'static str,
    pub kind: &'static str,
    pub thing: String,
    /// Those that change; of a new thing all.
    pub fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
pub struct Field {
    pub name: &'static str,
    /// `None` of a new thing.
    pub from: Option<Value>,
    pub to: Value,
}

impl Plan {
    pub fn between(present: &State, wanted: &State) -> Self {
        let mut plan = Self::default();
        let unnamed = &mut plan.unnamed;
        plan.organizations = steps(&present.organizations, &wanted.organizations, unnamed);
        plan.roles = steps(&present.roles, &wanted.roles, unnamed);
        plan.resources = steps(&present.resources, &wanted.resources, unnamed);
        plan.users = steps(&present.users, &wanted.users, unnamed);
        plan.members = steps(&present.members, &wanted.members, unnamed);
        plan.api_keys = steps(&present.api_keys, &wanted.api_keys, unnamed);
        plan.clients = steps(&present.clients, &wanted.clients, unnamed);
        plan.trusts = steps(&present.trusts, &wanted.trusts, unnamed);
        let operators = wanted.operators.clone();
        let operators = operators.filter(|_| wanted.operators != present.operators);
        plan.operators =
            operators.map(|after| NewOperators { before: present.operators.clone(), after });
        let other = wanted.default_resource.as_ref();
        let other = other.filter(|_| wanted.default_resource != present.default_resource);
        plan.default_resource = other.map(|after| NewDefault {
            before: present.default_resource.clone(),
            after: after.clone(),
        });
        plan
    }

    /// In the order in which it is done.
    pub fn list(&self) -> Vec<Planned> {
        let default = self.default_resource.iter().map(|NewDefault { before, after }| Planned {
            action: "change",
            kind: "default_resource",
            thing: "default resource".to_owned(),
            fields: vec![Field {
                name: "default_resource",
                from: before.as_ref().map(|before| before.as_str().into()),
                to: after.as_str().into(),
            }],
        });
        let operators = self.operators.iter().map(|NewOperators { before, after }| Planned {
            action: "change",
            kind: "operators",
            thing: "server operators".to_owned(),
            fields: vec![Field {
                name: "operators",
                from: before.as_ref().map(|before| before.to_string().into()),
                to: after.to_string().into(),
            }],
        });
        let mut all = Vec::new();
        all.extend(self.organizations.iter().map(Step::show));
        all.extend(operators);
        all.extend(self.roles.iter().map(Step::show));
        all.extend(self.resources.iter().map(Step::show));
        all.extend(default);
        all.extend(self.users.iter().map(Step::show));
        all.extend(self.members.iter().map(Step::show));
        all.extend(self.api_keys.iter().map(Step::show));
        all.extend(self.clients.iter().map(Step::show));
        all.extend(self.trusts.iter().map(Step::show));
        all
    }
}

/// What of one kind is to be done, by name. Adds what is not wanted to `unnamed`.
fn steps<T: Thing>(
    present: &BTreeMap<T::Name, T>,
    wanted: &BTreeMap<T::Name, T>,
    unnamed: &mut Vec<String>,
) -> Vec<Step<T>> {
    let not_named = present.keys().filter(|name| !wanted.contains_key(name));
    unnamed.extend(not_named.map(T::describe));
    let others = wanted.iter().filter(|(name, after)| present.get(name) != Some(after));
    let step = |(name, after): (&T::Name, &T)| Step {
        name: name.clone(),
        before: present.get(name).cloned(),
        after: after.clone(),
    };
    others.map(step).collect()
}

impl<T: Thing> Step<T> {
    fn show(&self) -> Planned {
        let before = self.before.as_ref().map(T::fields);
        let field = |(position, (name, to)): (usize, (&'static str, Value))| {
            let from = before.as_ref().map(|before| before[position].1.clone());
            Field { name, from, to }
        };
        let fields = self.after.fields().into_iter().enumerate().map(field);
        Planned {
            action: if self.before.is_some() { "change" } else { "make" },
            kind: T::KIND,
            thing: T::describe(&self.name),
            fields: fields.filter(|field| field.from.as_ref() != Some(&field.to)).collect(),
        }
    }
}
