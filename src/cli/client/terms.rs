//! What a command line says of a client.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    cli::{expires::Expires, proof::Proof},
    clock::Timestamp,
    domain::{
        Authentication, ClientTerms, ExchangeRule, GrantType, RefreshTerms, ResourceIdentifier,
        ScopeToken, UnknownGrantType,
    },
    manage::clients::TermsEdit,
};

#[derive(clap::Args)]
pub(super) struct Terms {
    /// How it proves who it is: `client_secret_basic`, `client_secret_post`,
    /// `client_secret_basic_or_post`, `private_key_jwt`, or `none` for a public client
    /// [default for a new client: `client_secret_basic_or_post`]
    #[arg(long = "auth", value_name = "METHOD")]
    authentication: Option<String>,
    /// With `private_key_jwt`: a file with its public keys, a JWK Set
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// With `private_key_jwt`: the URL its public keys are fetched from
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// With `private_key_jwt`: take assertions for the token endpoint, too, as older libraries write
    /// them
    #[arg(long)]
    compat_aud: bool,
    /// With `private_key_jwt`: accept assertions signed by this algorithm only, like `PS256`
    #[arg(long, value_name = "ALGORITHM")]
    signing_alg: Option<String>,
    /// A way to a token, may be repeated: `client_credentials`, `refresh_token`, `token-exchange`,
    /// `jwt-bearer`
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    grants: Vec<GrantType>,
    /// A scope that its tokens may have, may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeToken>,
    /// Whom its tokens may be for, may be repeated [default: any resource]
    #[arg(long = "resource", value_name = "RESOURCE", conflicts_with = "any_resource")]
    resources: Vec<ResourceIdentifier>,
    /// Its tokens may be for any resource
    #[arg(long)]
    any_resource: bool,
    /// Where a browser may be sent back to, may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// How long its tokens live, 30 to 360 [default: as those of the resource]
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<u32>,
    /// Its tokens live as long as those of the resource
    #[arg(long, conflicts_with = "token_lifetime")]
    usual_token_lifetime: bool,
    #[command(flatten)]
    refresh: Refresh,
    /// What it has to prove (DPoP): `none`, the possession of `any` key, or of the key with this
    /// thumbprint, may be repeated
    #[arg(long, value_name = "none|any|THUMBPRINT")]
    proof: Vec<Proof>,
    /// Whose tokens it may exchange for which resource, in its own name, may be repeated
    #[arg(long = "exchange", num_args = 2, value_names = ["ISSUER", "RESOURCE"])]
    exchanges: Vec<String>,
    /// Allow impersonation (no `act` claim)
    #[arg(long = "impersonate", num_args = 2, value_names = ["ISSUER", "RESOURCE"])]
    impersonations: Vec<String>,
    /// The first day on which it no longer gets tokens, a number of days, or `never`
    /// [default for a new client: never]
    #[arg(long, value_name = "DATE|DAYS|never")]
    expires: Option<Expires>,
}

/// How its refresh tokens live, where it has the grant.
#[derive(clap::Args)]
struct Refresh {
    /// From the first to the end, however often they are used [default: 2592000]
    #[arg(long, value_name = "SECONDS")]
    refresh_lifetime: Option<u32>,
    /// After so long an unused one is dead [default: 604800]
    #[arg(long, value_name = "SECONDS")]
    refresh_idle: Option<u32>,
    /// Whether each use gives a successor [default: true]
    #[arg(long, value_name = "true|false")]
    refresh_rotates: Option<bool>,
}

/// As the token endpoint is asked for it, or the last part of that.
fn grant(text: &str) -> Result<GrantType, UnknownGrantType> {
    let urn = format!("urn:ietf:params:oauth:grant-type:{text}");
    text.parse().or_else(|_| urn.parse())
}

impl Terms {
    /// What is to be otherwise than `before`.
    pub(super) fn edit(self, before: &ClientTerms, now: Timestamp) -> anyhow::Result<TermsEdit> {
        let jwks = self.jwks.map(|path| {
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        });
        let method = self.authentication.as_deref();
        let authentication = Authentication::said(
            method,
            jwks.transpose()?,
            self.jwks_uri,
            self.compat_aud,
            self.signing_alg.as_deref(),
        )?;
        let scopes = some(self.scopes).map(|named| named.into_iter().collect());
        let resources = if self.any_resource { Some(None) } else { some(self.resources).map(Some) };
        let usual = self.usual_token_lifetime.then_some(None);
        let mut exchanges = rules(&self.exchanges, false)?;
        exchanges.extend(rules(&self.impersonations, true)?);
        Ok(TermsEdit {
            authentication,
            grants: some(self.grants),
            scopes,
            resources,
            redirect_uris: some(self.redirect_uris),
            token_lifetime: self.token_lifetime.map(Some).or(usual),
            refresh: self.refresh.over(before.refresh.as_ref()).map(Some),
            proof: Proof::demand(&self.proof)?,
            exchanges: some(exchanges),
            expires_at: self.expires.map(|expires| expires.end(now)),
        })
    }
}

impl Refresh {
    fn over(&self, before: Option<&RefreshTerms>) -> Option<RefreshTerms> {
        let Self { refresh_lifetime, refresh_idle, refresh_rotates } = self;
        if refresh_lifetime.is_none() && refresh_idle.is_none() && refresh_rotates.is_none() {
            return None;
        }
        let before = before.cloned().unwrap_or_default();
        let lifetime = refresh_lifetime.unwrap_or(before.lifetime);
        Some(RefreshTerms {
            rotates: refresh_rotates.unwrap_or(before.rotates),
            lifetime,
            idle: refresh_idle.unwrap_or(before.idle.min(lifetime)),
        })
    }
}

/// What is not named stays.
fn some<T>(named: Vec<T>) -> Option<Vec<T>> {
    (!named.is_empty()).then_some(named)
}

/// Issuers and resources by turns: clap lets only pairs through.
fn rules(pairs: &[String], impersonation: bool) -> anyhow::Result<Vec<ExchangeRule>> {
    let rule = |pair: &[String]| {
        let (issuer, resource) = (pair[0].clone(), pair[1].parse()?);
        Ok(ExchangeRule { issuer, resource, impersonation })
    };
    pairs.chunks_exact(2).map(rule).collect()
}
