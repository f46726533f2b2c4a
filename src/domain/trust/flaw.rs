//! What makes a rule one that another could fulfil.

use super::{Conditions, Pattern, TrustTerms};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlawedTrust {
    #[error(
        "an issuer is the `iss` of its tokens to the letter: a URL like https://ci.example.com, \
         without `?`, `#` or a user"
    )]
    Issuer,
    #[error("an audience is 1 to 512 characters without spaces: what `aud` of the tokens says")]
    Audience,
    #[error("a rule needs a role: viewer, manager, owner, or one of its organization")]
    NoRole,
    #[error("name at least one resource, or leave the list out: then it may be any")]
    NoResource,
    #[error(
        "a rule for {} needs an exact condition on {}: names can be given up and taken by others, \
         these ids cannot",
        .0.name(),
        .0.ids().join(" or ")
    )]
    NoImmutableId(Forge),
    #[error(
        "a rule for Kubernetes needs the condition `sub` to be \
         system:serviceaccount:NAMESPACE:NAME, without `*`"
    )]
    NoServiceAccount,
}

/// Where people get names, give them up, and others get them after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    GitHub,
    GitLab,
}

impl Forge {
    fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab",
        }
    }

    /// The claims that say forever who it is.
    fn ids(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository_owner_id"],
            Self::GitLab => &["project_id", "namespace_id"],
        }
    }

    /// The claims by which its rules are known where the issuer is someone's own server.
    fn claims(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository", "repository_owner", "job_workflow_ref"],
            Self::GitLab => &["project_path", "namespace_path", "ci_config_ref_uri"],
        }
    }

    fn issuer(self) -> &'static str {
        match self {
            Self::GitHub => "https://token.actions.githubusercontent.com",
            Self::GitLab => "https://gitlab.com",
        }
    }

    fn of(issuer: &str, conditions: &Conditions) -> Option<Self> {
        let speaks_of = |forge: &Self| {
            let has = |name: &&str| conditions.iter().any(|(claim, _)| claim.is(name));
            let rest = issuer.strip_prefix(forge.issuer());
            // Enterprises have an issuer of their own below it.
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || forge.claims().iter().any(has)
        };
        [Self::GitHub, Self::GitLab].into_iter().find(speaks_of)
    }
}

pub(super) fn check(issuer: &str, terms: &TrustTerms) -> Result<(), FlawedTrust> {
    if !is_issuer(issuer) {
        return Err(FlawedTrust::Issuer);
    }
    let plain = |text: &str| text.chars().all(|it| !it.is_control() && !it.is_whitespace());
    if !(1..=512).contains(&terms.audience.len()) || !plain(&terms.audience) {
        return Err(FlawedTrust::Audience);
    }
    if terms.roles.is_empty() {
        return Err(FlawedTrust::NoRole);
    }
    if terms.resources.as_ref().is_some_and(Vec::is_empty) {
        return Err(FlawedTrust::NoResource);
    }
    let conditions = &terms.conditions;
    let forge = Forge::of(issuer, conditions);
    if let Some(forge) = forge.filter(|forge| !forge.ids().iter().any(|id| conditions.fix(id))) {
        return Err(FlawedTrust::NoImmutableId(forge));
    }
    if is_of_kubernetes(conditions) && !names_service_accounts(conditions) {
        return Err(FlawedTrust::NoServiceAccount);
    }
    Ok(())
}

/// Whether it may be an issuer at all (OpenID Connect Core 1.0, section 2). Which of them may be
/// asked for its keys is decided elsewhere.
fn is_issuer(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.unwrap_or_default().split('/').next().unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\"\\<>".contains(&b));
    !host.is_empty() && !host.starts_with(':') && plain && text.len() <= 512
}

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

fn is_of_kubernetes(conditions: &Conditions) -> bool {
    conditions.iter().any(|(claim, patterns)| {
        claim.top() == "kubernetes.io"
            || claim.is("sub") && patterns.iter().any(|it| it.as_str().starts_with("system:"))
    })
}

fn names_service_accounts(conditions: &Conditions) -> bool {
    let is_one = |pattern: &Pattern| {
        let rest = pattern.as_str().strip_prefix(SERVICE_ACCOUNT);
        let names = rest.and_then(|rest| rest.split_once(':'));
        let is_name = |name: &str| !name.is_empty() && !name.contains(':');
        pattern.is_exact() && names.is_some_and(|(space, name)| is_name(space) && is_name(name))
    };
    conditions.iter().any(|(claim, patterns)| claim.is("sub") && patterns.iter().all(is_one))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{Algorithms, KeySource};

    const GITHUB: &str = "https://token.actions.githubusercontent.com";
    const GITLAB: &str = "https://gitlab.com";
    const OTHER: &str = "https://ci.example.com";

    fn flaw(issuer: &str, conditions: Value) -> Option<FlawedTrust> {
        let terms = TrustTerms {
            keys: KeySource::Issuer(issuer.to_owned()),
            algorithms: Algorithms::default(),
            audience: "https://keyturn.test".to_owned(),
            conditions: serde_json::from_value(conditions).unwrap(),
            roles: "viewer".parse().unwrap(),
            resources: None,
            allowed_networks: "".parse().unwrap(),
            expires_at: None,
            once: true,
        };
        check(issuer, &terms).err()
    }

    #[test]
    fn jb_08_where_names_can_be_taken_over_an_id_is_demanded_and_the_reason_told() {
        for (issuer, conditions, forge) in [
            (GITHUB, json!({ "repository": ["acme/web"] }), Forge::GitHub),
            (GITHUB, json!({ "sub": ["repo:acme/web:ref:refs/heads/main"] }), Forge::GitHub),
            (GITHUB, json!({ "repository_id": ["4*"] }), Forge::GitHub),
            (GITHUB, json!({ "repository_id": ["42", "4*"] }), Forge::GitHub),
            (
                "https://token.actions.githubusercontent.com/acme",
                json!({ "sub": ["x"] }),
                Forge::GitHub,
            ),
            (
                "https://ghes.example.com/_services/token",
                json!({ "repository": ["acme/web"] }),
                Forge::GitHub,
            ),
            (GITLAB, json!({ "project_path": ["acme/web"] }), Forge::GitLab),
            (OTHER, json!({ "namespace_path": ["acme"] }), Forge::GitLab),
        ] {
            let told = flaw(issuer, conditions).expect("a flaw");
            assert_eq!(told, FlawedTrust::NoImmutableId(forge));
            assert!(told.to_string().contains("taken by others"), "{told}");
        }
        for (issuer, conditions) in [
            (GITHUB, json!({ "repository_id": ["42"], "repository": ["acme/web"] })),
            (GITHUB, json!({ "repository_owner_id": ["7"], "ref": ["refs/heads/*"] })),
            (GITLAB, json!({ "project_id": ["22"] })),
            (GITLAB, json!({ "namespace_id": ["72"], "project_path": ["acme/*"] })),
            (OTHER, json!({ "sub": ["job-*"] })),
            ("https://gitlab.com.example.com", json!({ "sub": ["job"] })),
        ] {
            assert_eq!(flaw(issuer, conditions), None);
        }
    }

    #[test]
    fn jb_08_a_service_account_is_named_exactly() {
        for conditions in [
            json!({ "sub": ["system:serviceaccount:prod:*"] }),
            json!({ "sub": ["system:serviceaccount:prod"] }),
            json!({ "sub": ["system:serviceaccount:prod:a:b"] }),
            json!({ "sub": ["system:**"] }),
            json!({ "/kubernetes.io/namespace": ["prod"] }),
        ] {
            assert_eq!(flaw(OTHER, conditions), Some(FlawedTrust::NoServiceAccount));
        }
        assert_eq!(flaw(OTHER, json!({ "sub": ["system:serviceaccount:prod:ci"] })), None);
    }

    #[test]
    fn an_issuer_is_a_plain_url() {
        let any = || json!({ "sub": ["job"] });
        for text in [
            "",
            "ci.example.com",
            "ftp://a",
            "https://",
            "https://:1",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://a b",
        ] {
            assert_eq!(flaw(text, any()), Some(FlawedTrust::Issuer), "{text}");
        }
        for text in ["https://a", "https://a/", "https://a:6443/b", "http://127.0.0.1:8080"] {
            assert_eq!(flaw(text, any()), None, "{text}");
        }
    }
}
