//! A client as commands show it: everything but its secrets.

use serde::Serialize;

use crate::{
    app::App,
    cli::{names::Names, words},
    clock::{Timestamp, timestamp},
    domain::{
        Authentication, Client, ClientId, ClientSecret, ExchangeRule, GrantType, KeyName,
        KeySource, OrganizationId, RefreshTerms, ResourceIdentifier, SecretId, SelfDescription,
        SignatureAlgorithm,
    },
    manage::clients::Listed,
};

/// A client as `--json` tells it.
#[derive(Serialize)]
pub(super) struct Shown {
    id: ClientId,
    pub(super) name: KeyName,
    organization: String,
    organization_id: OrganizationId,
    authentication: &'static str,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    compat_aud: bool,
    signing_alg: Option<SignatureAlgorithm>,
    grants: Vec<&'static str>,
    scopes: Vec<String>,
    resources: Option<Vec<ResourceIdentifier>>,
    redirect_uris: Vec<String>,
    token_lifetime_seconds: Option<u32>,
    refresh: Option<RefreshTerms>,
    proof: String,
    exchanges: Vec<ExchangeRule>,
    status: &'static str,
    /// Then what it says of itself is not verified.
    self_registered: bool,
    description: SelfDescription,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    /// Oldest first.
    secrets: Vec<ShownSecret>,
    version: i64,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct ShownSecret {
    id: SecretId,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    is_live: bool,
    /// Up to two hours too early.
    last_used_at: Option<Timestamp>,
}

pub(super) fn status(client: &Client) -> &'static str {
    if client.disabled_at.is_some() { "disabled" } else { "active" }
}

impl Shown {
    pub(super) const HEAD: [&'static str; 7] =
        ["NAME", "ORGANIZATION", "STATUS", "REGISTERED BY", "AUTHENTICATION", "SCOPES", "ID"];

    pub(super) fn new(app: &App, names: &Names, Listed { client, secrets }: Listed) -> Self {
        let now = app.clock.now();
        let status = status(&client);
        let terms = client.terms;
        let authentication = terms.authentication.as_str();
        let (jwks, jwks_uri, compat_aud, signing_alg) = match terms.authentication {
            Authentication::PrivateKeyJwt { keys, compat_aud, signing_alg } => match keys {
                KeySource::Pinned(set) => (Some(set), None, compat_aud, signing_alg),
                KeySource::Uri(uri) | KeySource::Issuer(uri) => {
                    (None, Some(uri), compat_aud, signing_alg)
                }
            },
            _ => (None, None, false, None),
        };
        Self {
            id: client.id,
            name: client.name,
            organization: names.organization(client.organization_id),
            organization_id: client.organization_id,
            authentication,
            jwks,
            jwks_uri,
            compat_aud,
            signing_alg,
            grants: terms.grants.into_iter().map(GrantType::as_str).collect(),
            scopes: terms.scopes.iter().map(str::to_owned).collect(),
            resources: terms.resources,
            redirect_uris: terms.redirect_uris,
            token_lifetime_seconds: terms.token_lifetime,
            refresh: terms.refresh,
            proof: terms.proof.to_string(),
            exchanges: terms.exchanges,
            status,
            self_registered: client.registration.is_some(),
            description: client.description,
            created_at: client.created_at,
            expires_at: terms.expires_at,
            disabled_at: client.disabled_at,
            secrets: secrets.into_iter().map(|it| ShownSecret::new(it, now)).collect(),
            version: client.version.0,
            now,
        }
    }

    pub(super) fn row(&self) -> [String; 7] {
        let registered_by = if self.self_registered { "itself" } else { "owner" };
        [
            self.name.to_string(),
            self.organization.clone(),
            self.status.to_owned(),
            registered_by.to_owned(),
            self.authentication.to_owned(),
            self.scopes.join(" "),
            self.id.to_string(),
        ]
    }

    fn says(&self) -> impl Iterator<Item = &str> {
        let SelfDescription { client_name, client_uri, .. } = &self.description;
        [client_name, client_uri].into_iter().flatten().map(String::as_str)
    }

    pub(super) fn text(&self) -> String {
        let or = |text: String, otherwise: &str| {
            if text.is_empty() { otherwise.to_owned() } else { text }
        };
        let resources = self.resources.iter().flatten().map(ResourceIdentifier::as_str);
        let lifetime = self.token_lifetime_seconds.map(|it| format!("{it} seconds"));
        let mut lines = vec![
            ("client_id", self.id.to_string()),
            ("organization", self.organization.clone()),
            ("status", self.status.to_owned()),
            ("authentication", self.authentication.to_owned()),
            ("grants", or(self.grants.join(" "), "none")),
            ("scopes", or(self.scopes.join(" "), "none")),
            ("resources", or(resources.collect::<Vec<_>>().join(" "), "any")),
            ("redirect URIs", or(self.redirect_uris.join(" "), "none")),
            ("tokens live", lifetime.unwrap_or_else(|| "as the resource's do".to_owned())),
            ("refresh tokens", self.refresh.as_ref().map_or("none".to_owned(), refresh)),
            ("proof", self.proof.clone()),
        ];
        lines.extend(self.expires_at.map(|end| ("expires", end.to_rfc3339())));
        lines.extend(self.signing_alg.map(|it| ("assertions signed by", it.to_string())));
        if self.self_registered {
            lines.push(("registered by", "itself: what it says of itself is not verified".into()));
        }
        lines.extend(self.says().map(|said| ("calls itself", said.to_owned())));
        lines.extend(self.exchanges.iter().map(|rule| ("exchanges", exchange(rule))));
        lines.extend(self.secrets.iter().map(|secret| ("secret", secret.text(self.now))));
        words::lines(&lines)
    }
}

fn refresh(terms: &RefreshTerms) -> String {
    let RefreshTerms { rotates, lifetime, idle } = terms;
    let how = if *rotates { "rotate" } else { "are used again" };
    format!("{how}, live {lifetime} seconds, {idle} unused")
}

fn exchange(rule: &ExchangeRule) -> String {
    let ExchangeRule { issuer, resource, impersonation } = rule;
    let how = if *impersonation { "also by impersonation" } else { "in its own name" };
    format!("of {issuer} for {resource}, {how}")
}

impl ShownSecret {
    fn new((secret, last_used): (ClientSecret, Option<i64>), now: Timestamp) -> Self {
        Self {
            id: secret.id,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
            is_live: secret.is_live(now),
            last_used_at: last_used.and_then(|minute| timestamp(minute * 60)),
        }
    }

    fn text(&self, now: Timestamp) -> String {
        let used = self
            .last_used_at
            .map_or("never used".to_owned(), |at| format!("last used {}", words::ago(at, now)));
        let end =
            if self.is_live { words::end(self.expires_at, now) } else { "has expired".into() };
        format!("{}  {used}, {end}", self.id)
    }
}
