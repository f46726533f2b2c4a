//! What a command line says of a trust policy.

use std::{collections::BTreeMap, fs, path::PathBuf, str::FromStr};

use anyhow::Context as _;

use crate::{
    cli::expires::Expires,
    clock::Timestamp,
    domain::{
        Algorithms, ClaimName, Conditions, KeyName, Network, OrganizationId, Pattern,
        ResourceIdentifier, RoleName, SignatureAlgorithm, items,
    },
    manage::trusts::{GivenKeys, NewTrust, TrustChange},
};

/// `CLAIM=PATTERN`.
#[derive(Clone, Debug)]
pub(super) struct Condition(ClaimName, Pattern);

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').ok_or("say CLAIM=PATTERN, like ref=refs/heads/main")?;
        let (claim, pattern) = parts;
        Ok(Self(
            claim.parse().map_err(|bad| format!("{bad}"))?,
            pattern.parse().map_err(|bad| format!("{bad}"))?,
        ))
    }
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// What the rule is called
    name: KeyName,
    /// The organization in which the trusted workload acts [default: the only one]
    #[arg(long, value_name = "NAME|ID")]
    pub(super) org: Option<String>,
    /// `iss` of the tokens, to the letter
    #[arg(long, value_name = "URL")]
    issuer: String,
    #[command(flatten)]
    keys: Keys,
    /// By which the issuer signs its tokens, may be repeated [default: any that is verified here]
    #[arg(long = "alg", value_name = "ALGORITHM")]
    algorithms: Vec<SignatureAlgorithm>,
    /// What `aud` of the tokens has to be, or to contain [default: the issuer of this server]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// What a claim has to look like, may be repeated: of one claim one pattern has to match, of
    /// all claims each. `*` is any run of characters but `/` and `:`, `**` any run
    #[arg(long = "if", value_name = "CLAIM=PATTERN", required = true)]
    conditions: Vec<Condition>,
    /// What its tokens may do, may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
    /// Whom its tokens may be for, may be repeated [default: any resource]
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<ResourceIdentifier>,
    /// An address range it may be used from, may be repeated [default: anywhere]
    #[arg(long, value_name = "RANGE")]
    cidr: Vec<Network>,
    /// When it stops counting: a span (90d), a date, an RFC 3339 moment, or `never`
    #[arg(long, value_name = "WHEN|never", default_value = "never")]
    expires: Expires,
    /// Take a token of the issuer as often as it comes, until it expires
    #[arg(long)]
    reusable: bool,
}

#[derive(clap::Args)]
pub(super) struct Keys {
    /// Where the issuer's keys are, if its metadata does not say it
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// A file with the issuer's keys, as a JWK Set: nothing is fetched
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
}

impl Keys {
    fn given(&self) -> anyhow::Result<Option<GivenKeys>> {
        if let Some(file) = &self.jwks {
            let text = fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read {}", file.display()))?;
            return Ok(Some(GivenKeys::Pinned(text)));
        }
        Ok(self.jwks_uri.clone().map(GivenKeys::At))
    }
}

impl Create {
    pub(super) fn read(
        self,
        organization_id: OrganizationId,
        now: Timestamp,
    ) -> anyhow::Result<NewTrust> {
        Ok(NewTrust {
            organization_id,
            name: self.name,
            issuer: self.issuer,
            keys: self.keys.given()?.unwrap_or(GivenKeys::Discovered),
            algorithms: self.algorithms.into_iter().collect(),
            audience: self.audience,
            conditions: conditions(self.conditions)?,
            roles: self.roles.into_iter().collect(),
            resources: (!self.resources.is_empty()).then_some(self.resources),
            allowed_networks: self.cidr.into_iter().collect(),
            expires_at: self.expires.end(now),
            once: !self.reusable,
        })
    }
}

#[derive(clap::Args)]
pub(super) struct Update {
    /// The rule's name, or its id
    #[arg(value_name = "NAME|ID")]
    pub(super) rule: String,
    #[command(flatten)]
    changes: Changes,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Another name
    #[arg(long)]
    name: Option<KeyName>,
    /// `iss` of the tokens, to the letter
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Where the issuer's keys are
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// A file with the issuer's keys, as a JWK Set: nothing is fetched
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// The issuer's keys are where its metadata says
    #[arg(long, conflicts_with_all = ["jwks_uri", "jwks"])]
    discover: bool,
    /// By which the issuer signs its tokens: `any` that is verified here, or only these, may be
    /// repeated; those not named are out
    #[arg(long = "alg", value_name = "any|ALGORITHM")]
    algorithms: Vec<String>,
    /// What `aud` of the tokens has to be, or to contain
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// What a claim has to look like, may be repeated; conditions not named are gone
    #[arg(long = "if", value_name = "CLAIM=PATTERN")]
    conditions: Vec<Condition>,
    /// What its tokens may do, may be repeated; roles not named are gone
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// Whom its tokens may be for, may be repeated; those not named are out
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<ResourceIdentifier>,
    /// Its tokens may be for any resource
    #[arg(long, conflicts_with = "resources")]
    any_resource: bool,
    /// An address range it may be used from, may be repeated; those not named are out
    #[arg(long, value_name = "RANGE")]
    cidr: Vec<Network>,
    /// It may be used from anywhere
    #[arg(long, conflicts_with = "cidr")]
    any_address: bool,
    /// When it stops counting: a span (90d), a date, an RFC 3339 moment, or `never`
    #[arg(long, value_name = "WHEN|never")]
    expires: Option<Expires>,
    /// Whether a token of the issuer counts only once
    #[arg(long, value_name = "true|false")]
    once: Option<bool>,
}

impl Update {
    pub(super) fn read(self, now: Timestamp) -> anyhow::Result<TrustChange> {
        let Changes { conditions: named, roles, resources, cidr, algorithms, .. } = self.changes;
        let keys = Keys { jwks_uri: self.changes.jwks_uri, jwks: self.changes.jwks }.given()?;
        let networks = if self.changes.any_address || !cidr.is_empty() {
            Some(cidr.into_iter().collect())
        } else {
            None
        };
        let resources = (!resources.is_empty()).then_some(resources);
        Ok(TrustChange {
            name: self.changes.name,
            issuer: self.changes.issuer,
            keys: keys.or_else(|| self.changes.discover.then_some(GivenKeys::Discovered)),
            algorithms: algorithms_said(&algorithms)?,
            audience: self.changes.audience,
            conditions: (!named.is_empty()).then(|| conditions(named)).transpose()?,
            roles: (!roles.is_empty()).then(|| roles.into_iter().collect()),
            resources: (self.changes.any_resource || resources.is_some()).then_some(resources),
            allowed_networks: networks,
            expires_at: self.changes.expires.map(|expires| expires.end(now)),
            once: self.changes.once,
            enabled: None,
        })
    }
}

fn conditions(named: Vec<Condition>) -> anyhow::Result<Conditions> {
    let mut by_claim = BTreeMap::<_, Vec<_>>::new();
    for Condition(claim, pattern) in named {
        by_claim.entry(claim).or_default().push(pattern);
    }
    Ok(by_claim.try_into()?)
}

fn algorithms_said(names: &[String]) -> anyhow::Result<Option<Algorithms>> {
    match names {
        [] => Ok(None),
        [any] if any == "any" => Ok(Some(Algorithms::default())),
        names => Ok(Some(items::<SignatureAlgorithm, _>("--alg", names)?)),
    }
}
