//! What of the configuration reaches below the edges.

use anyhow::Context as _;

use crate::{
    app::Settings,
    config::Config,
    domain::{KeyPolicy, RefreshPolicy, RefreshTerms, Resource, Rotation},
};

pub(in crate::cli) fn settings(config: &Config) -> anyhow::Result<Settings> {
    let (keys, refresh) = (&config.api_keys, &config.refresh_tokens);
    let for_api_keys = refresh.for_api_keys.then_some(RefreshTerms {
        rotates: refresh.rotate_for_api_keys,
        lifetime: refresh.lifetime,
        idle: refresh.idle,
    });
    Ok(Settings {
        issuer: config.issuer.clone(),
        token_lifetime: config.tokens.lifetime,
        expires_in_jitter: config.tokens.expires_in_jitter,
        email_claim: config.tokens.email_claim,
        keys: KeyPolicy {
            prefix: keys.prefix.parse().context("api_keys.prefix")?,
            default_lifetime: keys.default_lifetime,
            longest_lifetime: keys.longest_lifetime,
            may_never_expire: keys.may_never_expire,
            expiry_may_change: keys.expiry_may_change,
            most_per_tree: keys.most_per_tree,
            audit_email_domain: keys.audit_email_domain.clone(),
        },
        refresh: RefreshPolicy { for_api_keys, grace: refresh.grace },
        rotation: Rotation {
            every: config.signing.rotate_every,
            jwks_max_age: config.signing.jwks_max_age,
            longest_token: Resource::LONGEST_TOKEN,
        },
        failures_per_minute: config.limits.failures_per_minute,
        disable_unused_after: keys.disable_unused_after,
        sends_mail: config.mail.is_some(),
        proofs_need_nonce: config.proofs_need_nonce,
        registration: config.registration.clone(),
    })
}
