//! An API key and the life it leads: active, then expired, disabled or revoked.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{
    ApiKeyId, KeyName, Networks, OrganizationId, ProofDemand, Roles, SecretHash, SecretId, Text,
    UserId, Version,
};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub owner: Owner,
    /// Never changes.
    pub name: KeyName,
    pub description: Text,
    /// `None`, for a user's key only: whatever the user may do at the time of use.
    pub roles: Option<Roles>,
    pub reach: Reach,
    pub allowed_networks: Networks,
    pub created_at: Timestamp,
    /// The first second in which the key is dead; `None`: it never expires.
    pub expires_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// While it is set nothing of the key is changed, nor is it deleted.
    pub locked_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub when_leaked: WhenLeaked,
    pub proof: ProofDemand,
    pub version: Version,
}

/// What happens to a key by itself when someone has found its secret where it does not belong. Its
/// owners are told in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenLeaked {
    Notify,
    Disable,
    Revoke,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is to happen to a leaked key is `notify`, `disable` or `revoke`")]
pub struct UnknownReaction;

impl WhenLeaked {
    const ALL: [Self; 3] = [Self::Notify, Self::Disable, Self::Revoke];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Disable => "disable",
            Self::Revoke => "revoke",
        }
    }
}

impl FromStr for WhenLeaked {
    type Err = UnknownReaction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownReaction)
    }
}

/// Whose key it is, and so whose rights bound it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Organization(OrganizationId),
    User(UserId),
}

/// The organizations a key may act in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The owning organization; for a user's key those the user is a member of.
    Own,
    /// These, as far as they still lie below the owner.
    Listed(Vec<OrganizationId>),
    /// The owner's and everything below.
    Subtree,
}

impl Reach {
    /// Of a key of which no one said more: a user's key reaches what its user reaches.
    pub fn usual(owner: Owner) -> Self {
        match owner {
            Owner::Organization(_) => Self::Own,
            Owner::User(_) => Self::Subtree,
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reach is `own`, `subtree`, or the ids of organizations")]
pub struct MalformedReach;

impl FromStr for Reach {
    type Err = MalformedReach;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "own" => Ok(Self::Own),
            "subtree" => Ok(Self::Subtree),
            "" => Err(MalformedReach),
            list => {
                let ids: Result<_, _> = list.split_whitespace().map(str::parse).collect();
                ids.map(Self::Listed).map_err(|_| MalformedReach)
            }
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("own"),
            Self::Subtree => f.write_str("subtree"),
            Self::Listed(ids) => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                f.write_str(&ids.join(" "))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    Expired,
    Disabled,
    Revoked,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }
}

impl ApiKey {
    pub fn status(&self, now: Timestamp) -> Status {
        if self.revoked_at.is_some() {
            Status::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Status::Expired
        } else if self.disabled_at.is_some() {
            Status::Disabled
        } else {
            Status::Active
        }
    }

    /// The address by which other systems' audit logs know the key. No one reads mail there.
    pub fn audit_email(&self, domain: &str) -> String {
        audit_email(self.id, self.name.as_str(), domain)
    }
}

/// [`ApiKey::audit_email`] of a key of which no more is known.
pub fn audit_email(id: ApiKeyId, name: &str, domain: &str) -> String {
    let name = name.to_ascii_lowercase().replace(' ', "-");
    let id = id.0.simple().to_string();
    format!("{name}.{}@{domain}", &id[id.len() - 12..])
}

/// One of a key's secrets. A key has one, and two while it is being rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeySecret {
    pub id: SecretId,
    pub api_key_id: ApiKeyId,
    pub hash: SecretHash,
    pub created_at: Timestamp,
    /// Set when its successor is made.
    pub dies_at: Option<Timestamp>,
    /// Set then, too: how far that end may be put off.
    pub dies_by: Option<Timestamp>,
    /// Its place in the status list; never given to another source of tokens.
    pub status_index: i64,
}

impl ApiKeySecret {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.dies_at.is_none_or(|end| now < end)
    }
}

/// A key together with the secret by which it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    pub key: ApiKey,
    pub secret: ApiKeySecret,
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{clock::timestamp, random::Random};

    fn key() -> ApiKey {
        let now = timestamp(1_800_000_000).unwrap();
        let random = Random::seeded(1);
        ApiKey {
            id: ApiKeyId(random.id(now)),
            owner: Owner::Organization(OrganizationId(random.id(now))),
            name: "Nightly Build".parse().unwrap(),
            description: Text::default(),
            roles: Some("viewer".parse().unwrap()),
            reach: Reach::Own,
            allowed_networks: Networks::default(),
            created_at: now,
            expires_at: Some(now + TimeDelta::days(1)),
            disabled_at: None,
            locked_at: None,
            revoked_at: None,
            when_leaked: WhenLeaked::Revoke,
            proof: ProofDemand::None,
            version: Version::FIRST,
        }
    }

    #[test]
    fn kx_06_a_key_is_dead_from_the_very_second_it_expires() {
        let key = key();
        let end = key.expires_at.unwrap();
        assert_eq!(key.status(end - TimeDelta::seconds(1)), Status::Active);
        assert_eq!(key.status(end), Status::Expired);
        assert_eq!(key.status(end + TimeDelta::seconds(1)), Status::Expired);
    }

    #[test]
    fn a_revoked_key_says_so_even_when_it_is_also_expired_or_disabled() {
        let now = key().created_at;
        let disabled = ApiKey { disabled_at: Some(now), ..key() };
        let revoked = ApiKey { revoked_at: Some(now), ..disabled.clone() };
        assert_eq!(disabled.status(now), Status::Disabled);
        assert_eq!(revoked.status(now + TimeDelta::days(9)), Status::Revoked);
    }

    #[test]
    fn a_reach_parses_as_it_prints() {
        let ids = format!("{} {}", key().id, key().id);
        for text in ["own", "subtree", &ids] {
            assert_eq!(text.parse::<Reach>().unwrap().to_string(), text);
        }
        assert_eq!("everything".parse::<Reach>(), Err(MalformedReach));
    }

    #[test]
    fn the_audit_address_is_made_of_name_and_id() {
        let email = key().audit_email("keyturn.test");
        assert!(email.starts_with("nightly-build."), "{email}");
        assert!(email.ends_with("@keyturn.test"), "{email}");
    }
}
