//! What callers send of keys.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    domain::{
        KeyName, Lifetime, Network, Networks, OrganizationId, Owner, Reach, RoleName, Roles,
        Status, Text, WhenLeaked, items,
    },
    http::api::{
        extract::{Parsed, present},
        moment::Moment,
        problem::Problem,
        proof::AskedProof,
        texts::{Name, RoleText, few},
    },
    manage::{
        Asker,
        api_keys::{Edit, Filter, NewApiKey, OldSecret, Rotation},
    },
};

/// Which keys to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListKeys {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    pub(super) cursor: Option<String>,
    /// Keys that this organization owns.
    organization_id: Option<Uuid>,
    /// Keys of organizations, or those of the user whose key asks.
    #[param(inline)]
    owner: Option<OwnerKind>,
    #[param(value_type = Option<Name>)]
    name: Option<Parsed<KeyName>>,
    #[param(inline)]
    status: Option<AskedStatus>,
    /// Keys that were neither made nor used since then.
    unused_since: Option<Moment>,
    /// Keys that will have expired by then.
    expires_by: Option<Moment>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OwnerKind {
    Organization,
    User,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AskedStatus {
    Active,
    Expired,
    Disabled,
    Revoked,
}

impl ListKeys {
    pub(super) fn filter(&self, asker: &Asker) -> Result<Filter, Problem> {
        let user = match self.owner {
            Some(OwnerKind::User) => Some(own_user(asker)?),
            _ => None,
        };
        Ok(Filter {
            organization: self.organization_id.map(OrganizationId),
            user,
            name: self.name.as_ref().map(|name| name.0.clone()),
            status: self.status.map(|status| match status {
                AskedStatus::Active => Status::Active,
                AskedStatus::Expired => Status::Expired,
                AskedStatus::Disabled => Status::Disabled,
                AskedStatus::Revoked => Status::Revoked,
            }),
            expires_by: self.expires_by.map(|at| at.0),
            unused_since: self.unused_since.map(|at| at.0),
        })
    }
}

/// The caller is the only user whose keys can be named: no id is taken from a request.
fn own_user(asker: &Asker) -> Result<crate::domain::UserId, Problem> {
    let user = asker.authority.bounds().and_then(|bounds| bounds.user);
    user.ok_or_else(|| Problem::invalid("only a user's key has to do with keys of a user"))
}

/// A key that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "not there and `null` mean two things")]
pub(super) struct NewKey {
    /// Never changes. 1 to 64 letters, digits, `-`, `_`, `.` and single spaces.
    #[schema(value_type = Name, example = "deploy")]
    name: Parsed<KeyName>,
    #[schema(value_type = Option<String>, max_length = 500)]
    description: Option<Parsed<Text>>,
    /// `user`: the user whose key asks. Otherwise an organization.
    owner: Option<OwnerKind>,
    /// The organization that owns it; left out: the one the token acts in.
    organization_id: Option<Uuid>,
    /// At least one for an organization's key. A user's key without roles may do all its user may.
    #[schema(value_type = Option<Vec<RoleText>>, example = json!(["viewer"]))]
    roles: Option<Vec<String>>,
    reach: Option<AskedReach>,
    /// Address ranges it may be used from; left out: where the key that asks may.
    #[schema(value_type = Option<Vec<String>>, example = json!(["10.2.0.0/16"]))]
    allowed_networks: Option<Vec<String>>,
    /// Left out: as configured, at most when the key that asks expires. `null`: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
    when_leaked: Option<AskedReaction>,
    /// Left out: as the key that asks.
    proof: Option<AskedProof>,
}

/// Where a key may act: its own organization, everything below it, or these organizations.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a reach is `own`, `subtree`, or a list of ids of organizations")]
pub(super) enum AskedReach {
    Word(ReachWord),
    #[schema(value_type = Vec<Uuid>)]
    Listed(Vec<String>),
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReachWord {
    Own,
    Subtree,
}

/// What happens by itself when the secret is found where it does not belong.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AskedReaction {
    Notify,
    Disable,
    Revoke,
}

impl NewKey {
    pub(super) fn into_new(self, asker: &Asker) -> Result<NewApiKey, Problem> {
        let acting = asker.authority.bounds().map(|bounds| bounds.organization);
        let owner = match (self.owner, self.organization_id.map(OrganizationId).or(acting)) {
            (Some(OwnerKind::User), _) if self.organization_id.is_some() => {
                return Err(Problem::invalid("a key is a user's or an organization's, not both"));
            }
            (Some(OwnerKind::User), _) => Owner::User(own_user(asker)?),
            (_, Some(id)) => Owner::Organization(id),
            (_, None) => return Err(Problem::invalid("organization_id is missing")),
        };
        // An omitted member never asks for more than the caller has.
        let below = asker.authority.bounds().is_none_or(|bounds| bounds.below.is_included());
        let reach = if below { Reach::usual(owner) } else { Reach::Own };
        Ok(NewApiKey {
            owner,
            name: self.name.0,
            description: self.description.map(|text| text.0).unwrap_or_default(),
            roles: self.roles.as_deref().map(roles).transpose()?,
            reach: self.reach.map_or(Ok(reach), AskedReach::into_reach)?,
            allowed_networks: networks(self.allowed_networks.as_deref().unwrap_or_default())?,
            lifetime: self.expires_at.map_or(Lifetime::Default, lifetime),
            when_leaked: self.when_leaked.map_or(WhenLeaked::Revoke, WhenLeaked::from),
            proof: self.proof.map(AskedProof::into_demand).transpose()?,
        })
    }
}

impl AskedReach {
    fn into_reach(self) -> Result<Reach, Problem> {
        match self {
            Self::Word(ReachWord::Own) => Ok(Reach::Own),
            Self::Word(ReachWord::Subtree) => Ok(Reach::Subtree),
            Self::Listed(ids) if (1..=100).contains(&ids.len()) => {
                Ok(Reach::Listed(items("reach", &ids)?))
            }
            Self::Listed(_) => Err(Problem::invalid("a reach lists 1 to 100 organizations")),
        }
    }
}

impl From<AskedReaction> for WhenLeaked {
    fn from(asked: AskedReaction) -> Self {
        match asked {
            AskedReaction::Notify => Self::Notify,
            AskedReaction::Disable => Self::Disable,
            AskedReaction::Revoke => Self::Revoke,
        }
    }
}

fn networks(ranges: &[String]) -> Result<Networks, Problem> {
    few::<Network, _>("allowed_networks", ranges, 100)
}

fn roles(names: &[String]) -> Result<Roles, Problem> {
    few::<RoleName, _>("roles", names, 100)
}

fn lifetime(expires_at: Option<Moment>) -> Lifetime {
    expires_at.map_or(Lifetime::Never, |at| Lifetime::Until(at.0))
}

/// What is to be otherwise. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "not there and `null` mean two things")]
pub(super) struct ChangeKey {
    #[schema(value_type = Option<String>, max_length = 500)]
    description: Option<Parsed<Text>>,
    /// `null`, for a user's key: all its user may.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<RoleText>>)]
    roles: Option<Option<Vec<String>>>,
    reach: Option<AskedReach>,
    /// Empty: anywhere.
    allowed_networks: Option<Vec<String>>,
    /// `null`: never. Only where the server lets the end of a key be changed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
    when_leaked: Option<AskedReaction>,
    proof: Option<AskedProof>,
}

impl ChangeKey {
    pub(super) fn into_edit(self) -> Result<Edit, Problem> {
        Ok(Edit {
            description: self.description.map(|text| text.0),
            roles: self.roles.map(|it| it.as_deref().map(roles).transpose()).transpose()?,
            reach: self.reach.map(AskedReach::into_reach).transpose()?,
            allowed_networks: self.allowed_networks.as_deref().map(networks).transpose()?,
            lifetime: self.expires_at.map(lifetime),
            when_leaked: self.when_leaked.map(WhenLeaked::from),
            proof: self.proof.map(AskedProof::into_demand).transpose()?,
        })
    }
}

/// How to rotate a key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "not there and `null` mean two things")]
pub(super) struct RotateKey {
    /// When the old secret dies: from now to 7 days from now. Left out: in 24 hours.
    old_secret_dies_at: Option<Moment>,
    /// Left out: the key expires when it did before. `null`: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
    /// `true`: also while the key is being rotated already, which ends its old secret at once. Left
    /// out, that is refused (409) with what would end and when it was last used.
    #[serde(default)]
    force: bool,
}

impl RotateKey {
    pub(super) fn into_rotation(self) -> Rotation {
        let usual = OldSecret::DiesAfter(chrono::TimeDelta::hours(24));
        Rotation {
            old_secret: self.old_secret_dies_at.map_or(usual, |at| OldSecret::DiesAt(at.0)),
            lifetime: self.expires_at.map(lifetime),
            force: self.force,
        }
    }
}

/// When the old secret of a key that is being rotated dies.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationEnd {
    /// At most 7 days after the rotation; what is past means at once.
    pub(super) old_secret_dies_at: Moment,
}
