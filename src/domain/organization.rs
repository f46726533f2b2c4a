//! Organizations: a tree whose branches inherit roles.

use std::{collections::BTreeMap, sync::Arc};

use super::{OrganizationId, OrganizationName, RoleName, Roles, Scopes, Version};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub id: OrganizationId,
    /// `None`: the root of a tree.
    pub parent_id: Option<OrganizationId>,
    pub name: OrganizationName,
    pub created_at: Timestamp,
    /// Disables everything below as well.
    pub disabled_at: Option<Timestamp>,
    pub version: Version,
}

impl Organization {
    /// Levels of a tree, its root among them: each exchange looks at all that are above.
    pub const DEEPEST: usize = 32;
}

/// An organization with what it has from its ancestors.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// The organization itself, then its parent, up to the root. Never empty.
    pub line: Vec<Organization>,
    /// The roles defined here or above; the nearest definition of a name counts.
    pub roles: BTreeMap<RoleName, Arc<Scopes>>,
}

impl Lineage {
    pub fn id(&self) -> OrganizationId {
        self.line[0].id
    }

    /// The top of the tree.
    pub fn root(&self) -> OrganizationId {
        self.line[self.line.len() - 1].id
    }

    pub fn is_enabled(&self) -> bool {
        self.line.iter().all(|organization| organization.disabled_at.is_none())
    }

    /// Whether it is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: OrganizationId) -> bool {
        self.line.iter().any(|organization| organization.id == ancestor)
    }

    /// What the roles mean here, together. An unknown name means nothing.
    pub fn scopes_of(&self, roles: &Roles) -> Scopes {
        let mut names = roles.iter().filter_map(|name| self.role(name));
        let Some(first) = names.next() else { return Scopes::default() };
        names.fold(first, |all, scopes| all.union(&scopes))
    }

    /// Whether the role is built in, or defined here or above.
    pub fn knows(&self, name: &RoleName) -> bool {
        name.built_in().is_some() || self.roles.contains_key(name)
    }

    fn role(&self, name: &RoleName) -> Option<Scopes> {
        name.built_in().or_else(|| self.roles.get(name).map(|scopes| Scopes::clone(scopes)))
    }
}
