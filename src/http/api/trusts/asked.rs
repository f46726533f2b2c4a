//! What callers send of trust policies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    domain::{
        Algorithms, Conditions, KeyName, KeySource, Network, Networks, OrganizationId,
        ResourceIdentifier, RoleName, Roles, SignatureAlgorithm,
    },
    http::api::{
        extract::{Parsed, present},
        moment::Moment,
        problem::Problem,
        texts::{Name, RoleText, few},
    },
    manage::trusts::{GivenKeys, NewTrust, TrustChange},
};

/// Which rules to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListRules {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    pub(super) cursor: Option<String>,
    /// Rules of this organization.
    pub(super) organization_id: Option<Uuid>,
    #[param(value_type = Option<Name>)]
    pub(super) name: Option<Parsed<KeyName>>,
}

/// Where the issuer's public keys are.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum RuleKeys {
    /// Where the metadata of the issuer says (OpenID Connect Discovery 1.0).
    Discovery,
    /// At this URL.
    Uri { uri: String },
    /// These (RFC 7517, section 5): nothing is fetched.
    Jwks {
        #[schema(value_type = Object)]
        jwks: Map<String, Value>,
    },
}

impl From<RuleKeys> for GivenKeys {
    fn from(keys: RuleKeys) -> Self {
        match keys {
            RuleKeys::Discovery => Self::Discovered,
            RuleKeys::Uri { uri } => Self::At(uri),
            RuleKeys::Jwks { jwks } => Self::Pinned(Value::Object(jwks).to_string()),
        }
    }
}

impl From<KeySource> for RuleKeys {
    fn from(keys: KeySource) -> Self {
        match keys {
            KeySource::Issuer(_) => Self::Discovery,
            KeySource::Uri(uri) => Self::Uri { uri },
            KeySource::Pinned(jwks) => {
                Self::Jwks { jwks: serde_json::from_str(&jwks).unwrap_or_default() }
            }
        }
    }
}

/// A rule that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRule {
    /// In which the trusted workload acts. Left out: the organization that the token acts in.
    organization_id: Option<Uuid>,
    /// No other rule of the organization has it.
    #[schema(value_type = Name, example = "deploy")]
    name: Parsed<KeyName>,
    /// `iss` of the tokens, to the letter.
    #[schema(example = "https://token.actions.githubusercontent.com", max_length = 512)]
    issuer: String,
    /// Left out: by discovery.
    keys: Option<RuleKeys>,
    /// By which the issuer signs its tokens. Left out or empty: any that is verified here.
    #[schema(value_type = Option<Vec<AlgorithmWord>>, example = json!(["RS256"]))]
    algorithms: Option<Vec<String>>,
    /// What `aud` of the tokens has to be, or to contain. Left out: the issuer of this server.
    #[schema(max_length = 512)]
    audience: Option<String>,
    /// By claim, the patterns of which it has to match one; every condition has to hold. `*` is any
    /// run of characters but `/` and `:`, `**` any run. `a.b` is the member `b` of the claim `a`; a
    /// JSON Pointer like `/kubernetes.io/namespace` names what has dots in its name.
    #[schema(value_type = std::collections::HashMap<String, Vec<String>>,
        example = json!({ "repository_id": ["1296269"], "ref": ["refs/heads/main"] }))]
    conditions: Conditions,
    /// What its tokens may do, at most what you may.
    #[schema(value_type = Vec<RoleText>, example = json!(["viewer"]))]
    roles: Vec<String>,
    /// Whom its tokens may be for. Left out: any resource.
    #[schema(value_type = Option<Vec<String>>)]
    resources: Option<Vec<String>>,
    /// Address ranges it may be used from; left out: where the key that asks may.
    #[schema(value_type = Option<Vec<String>>, example = json!(["10.2.0.0/16"]))]
    allowed_networks: Option<Vec<String>>,
    /// When it ends. Left out: never, or when the key that asks does.
    expires_at: Option<Moment>,
    /// Whether a token of the issuer counts only once. Left out: it does.
    once: Option<bool>,
}

impl NewRule {
    pub(super) fn read(self, own: Option<OrganizationId>) -> Result<NewTrust, Problem> {
        let organization = self.organization_id.map(OrganizationId).or(own);
        let missing = || Problem::invalid("organization_id is missing");
        Ok(NewTrust {
            organization_id: organization.ok_or_else(missing)?,
            name: self.name.0,
            issuer: self.issuer,
            keys: self.keys.map_or(GivenKeys::Discovered, GivenKeys::from),
            algorithms: algorithms(self.algorithms.as_deref().unwrap_or_default())?,
            audience: self.audience,
            conditions: self.conditions,
            roles: roles(&self.roles)?,
            resources: self.resources.as_deref().map(resources).transpose()?,
            allowed_networks: networks(self.allowed_networks.as_deref().unwrap_or_default())?,
            expires_at: self.expires_at.map(|at| at.0),
            once: self.once.unwrap_or(true),
        })
    }
}

/// What is to be otherwise. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "not there and `null` mean two things")]
pub(super) struct ChangeRule {
    #[schema(value_type = Option<Name>)]
    name: Option<Parsed<KeyName>>,
    #[schema(max_length = 512)]
    issuer: Option<String>,
    keys: Option<RuleKeys>,
    /// Empty: any that is verified here.
    #[schema(value_type = Option<Vec<AlgorithmWord>>)]
    algorithms: Option<Vec<String>>,
    #[schema(max_length = 512)]
    audience: Option<String>,
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    conditions: Option<Conditions>,
    #[schema(value_type = Option<Vec<RoleText>>)]
    roles: Option<Vec<String>>,
    /// `null`: any resource.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    resources: Option<Option<Vec<String>>>,
    #[schema(value_type = Option<Vec<String>>)]
    allowed_networks: Option<Vec<String>>,
    /// `null`: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
    once: Option<bool>,
    /// `false`: nothing is trusted by it any more, and its tokens are dead.
    enabled: Option<bool>,
}

impl ChangeRule {
    pub(super) fn read(self) -> Result<TrustChange, Problem> {
        Ok(TrustChange {
            name: self.name.map(|name| name.0),
            issuer: self.issuer,
            keys: self.keys.map(GivenKeys::from),
            algorithms: self.algorithms.as_deref().map(algorithms).transpose()?,
            audience: self.audience,
            conditions: self.conditions,
            roles: self.roles.as_deref().map(roles).transpose()?,
            resources: self
                .resources
                .map(|it| it.as_deref().map(resources).transpose())
                .transpose()?,
            allowed_networks: self.allowed_networks.as_deref().map(networks).transpose()?,
            expires_at: self.expires_at.map(|at| at.map(|at| at.0)),
            once: self.once,
            enabled: self.enabled,
        })
    }
}

/// The name of a signature algorithm (RFC 7518, section 3.1; RFC 8037).
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "it stands for text in the description")]
pub(super) enum AlgorithmWord {
    Es256,
    Es384,
    #[schema(rename = "EdDSA")]
    EdDsa,
    Ps256,
    Ps384,
    Ps512,
    Rs256,
    Rs384,
    Rs512,
}

fn algorithms(names: &[String]) -> Result<Algorithms, Problem> {
    few::<SignatureAlgorithm, _>("algorithms", names, 20)
}

fn roles(names: &[String]) -> Result<Roles, Problem> {
    few::<RoleName, _>("roles", names, 100)
}

fn resources(names: &[String]) -> Result<Vec<ResourceIdentifier>, Problem> {
    few("resources", names, 50)
}

fn networks(ranges: &[String]) -> Result<Networks, Problem> {
    few::<Network, _>("allowed_networks", ranges, 100)
}
