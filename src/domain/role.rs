//! Roles: named sets of scopes, built in or defined by an organization.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};

use super::{Item, OrganizationId, Scopes, Version};

/// 1 to 64 of `a-z 0-9 - _ .`: plain, so that a list of roles can be written with spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleName(Arc<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 64 of a-z, 0-9, '-', '_' and '.'")]
pub struct MalformedRole;

/// A role as an organization defines it, for itself and everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub organization_id: OrganizationId,
    pub name: RoleName,
    pub scopes: Scopes,
    pub version: Version,
}

/// The roles every organization has; none of them can be redefined. Each contains the one before
/// it. What of this reaches a token is up to the resource it is for.
const BUILT_IN: [(&str, &str); 3] = [
    ("viewer", "keys:read organizations:read read usage:read"),
    ("manager", "keys:read keys:write organizations:read read usage:read write"),
    (
        "owner",
        "admin audit:read clients:read clients:write keys:read keys:write members:read \
         members:write organizations:read organizations:write read resources:read resources:write \
         roles:read roles:write signing-keys:read signing-keys:write trusts:read trusts:write \
         usage:read write",
    ),
];

impl RoleName {
    pub fn viewer() -> Self {
        Self("viewer".into())
    }

    pub fn owner() -> Self {
        Self("owner".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The built-in roles with their scopes.
    pub fn all_built_in() -> impl Iterator<Item = (Self, Scopes)> {
        BUILT_IN.iter().filter_map(|(name, _)| {
            let name = Self((*name).into());
            let scopes = name.built_in()?;
            Some((name, scopes))
        })
    }

    /// The scopes of a built-in role; `None` for every other name.
    pub fn built_in(&self) -> Option<Scopes> {
        /// Read once: every exchange asks.
        static SCOPES: LazyLock<[Scopes; 3]> = LazyLock::new(|| {
            BUILT_IN.map(|(_, scopes)| scopes.parse().expect("built-in scopes are well formed"))
        });
        let position = BUILT_IN.iter().position(|(name, _)| *name == &*self.0)?;
        Some(SCOPES[position].clone())
    }
}

impl FromStr for RoleName {
    type Err = MalformedRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain =
            text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !plain || !(1..=64).contains(&text.len()) {
            return Err(MalformedRole);
        }
        Ok(Self(text.into()))
    }
}

impl Item for RoleName {
    const MEMBER: &'static str = "roles";
    const EXAMPLE: &'static str = "viewer";
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles a key was given, sorted; written with spaces between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(Arc<[RoleName]>);

impl Roles {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &RoleName> {
        self.0.iter()
    }
}

impl FromIterator<RoleName> for Roles {
    fn from_iter<I: IntoIterator<Item = RoleName>>(roles: I) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        Self(roles.into())
    }
}

impl FromStr for Roles {
    type Err = MalformedRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(RoleName::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_role_contains_the_one_before() {
        let scopes =
            BUILT_IN.map(|(name, _)| name.parse::<RoleName>().unwrap().built_in().unwrap());
        for pair in scopes.windows(2) {
            assert!(pair[0].iter().all(|scope| pair[1].contains(scope)));
        }
    }

    #[test]
    fn a_list_of_roles_is_sorted_and_has_no_twins() {
        let roles: Roles = "viewer deployer viewer".parse().unwrap();
        assert_eq!(roles.to_string(), "deployer viewer");
        assert_eq!("Viewer".parse::<Roles>(), Err(MalformedRole));
    }
}
