//! Which terms a client can have: what makes no sense together, or no sense at all, is refused.

use super::{
    Authentication, BadKeySet, BadRedirectUri, ClientTerms, ExchangeRule, GrantType, KeySource,
    RefreshTerms, key_set, redirect_uri,
};
use crate::domain::{Resource, UnknownSignatureAlgorithm, printable};

/// What is wrong with the terms of a client. Safe to show to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    #[error("a client has {most} {what} at most")]
    TooMany { what: &'static str, most: usize },
    #[error("name a resource, or leave all of them out: its tokens may then be for any")]
    NoResource,
    #[error(
        "a public client proves nothing, so the grant {0} is not for it: give it a way to \
         authenticate, or leave the grant out"
    )]
    NotForPublic(GrantType),
    #[error("refresh tokens need the grant refresh_token, and it needs to be said how they live")]
    RefreshAlone,
    #[error("a refresh token lives {SHORTEST_REFRESH} to {LONGEST_REFRESH} seconds")]
    RefreshLifetime,
    #[error(
        "an unused refresh token dies after {SHORTEST_REFRESH} seconds or more, and not later than used ones do"
    )]
    RefreshIdle,
    #[error("a token of a client lives 30 to 360 seconds")]
    TokenLifetime,
    #[error(
        "a client authenticates by none, client_secret_basic, client_secret_post, \
         client_secret_basic_or_post or private_key_jwt"
    )]
    UnknownMethod,
    #[error("private_key_jwt needs the client's public keys: jwks, or jwks_uri")]
    NoKeys,
    #[error(transparent)]
    SigningAlgorithm(#[from] UnknownSignatureAlgorithm),
    #[error(
        "jwks, jwks_uri, compat_aud and the signing algorithm go with private_key_jwt: say that, too"
    )]
    KeysAlone,
    #[error("say jwks or jwks_uri, not both")]
    TwoKeySets,
    #[error("a client's keys are handed in as a JWK Set, or as the URL of one")]
    KeysOfIssuer,
    #[error("redirect_uris[{place}] \"{uri}\": {why}")]
    RedirectUri { place: usize, uri: String, why: BadRedirectUri },
    #[error(transparent)]
    KeySet(#[from] BadKeySet),
    #[error(
        "exchanges[{0}].issuer is what `iss` of the tokens says, 1 to 512 printable characters \
         without spaces: write it like \"https://idp.example.com\""
    )]
    Issuer(usize),
    #[error("exchanges from {0} for one resource are said twice")]
    ExchangeTwice(String),
}

const MOST_SCOPES: usize = 100;
const MOST_RESOURCES: usize = 50;
const MOST_REDIRECT_URIS: usize = 20;
const MOST_EXCHANGES: usize = 50;
const SHORTEST_REFRESH: u32 = 60;
/// A year.
const LONGEST_REFRESH: u32 = 31_536_000;

impl ClientTerms {
    /// The terms as they are kept: in one order, each thing once.
    pub fn checked(mut self) -> Result<Self, BadTerms> {
        self.check_numbers()?;
        self.grants.sort_by_key(|grant| GrantType::ALL.iter().position(|it| it == grant));
        self.grants.dedup();
        if let Some(resources) = &mut self.resources {
            unique(resources);
        }
        check_redirect_uris(&self.redirect_uris)?;
        unique(&mut self.redirect_uris);
        self.check_grants()?;
        self.check_lifetimes()?;
        check_exchanges(&self.exchanges)?;
        if let Authentication::PrivateKeyJwt { keys, .. } = &mut self.authentication {
            check_keys(keys)?;
        }
        Ok(self)
    }

    fn check_numbers(&self) -> Result<(), BadTerms> {
        few("scopes", self.scopes.iter().count(), MOST_SCOPES)?;
        few("redirect URIs", self.redirect_uris.len(), MOST_REDIRECT_URIS)?;
        few("exchanges", self.exchanges.len(), MOST_EXCHANGES)?;
        if let Some(resources) = &self.resources {
            few("resources", resources.len(), MOST_RESOURCES)?;
            if resources.is_empty() {
                return Err(BadTerms::NoResource);
            }
        }
        Ok(())
    }

    fn check_grants(&self) -> Result<(), BadTerms> {
        if self.authentication == Authentication::None {
            let secret = [GrantType::ClientCredentials, GrantType::TokenExchange];
            if let Some(grant) = secret.iter().find(|grant| self.grants.contains(grant)) {
                return Err(BadTerms::NotForPublic(*grant));
            }
        }
        let refreshes = self.grants.contains(&GrantType::RefreshToken);
        if self.refresh.is_some() == refreshes { Ok(()) } else { Err(BadTerms::RefreshAlone) }
    }

    fn check_lifetimes(&self) -> Result<(), BadTerms> {
        let seconds = |span: chrono::TimeDelta| u32::try_from(span.num_seconds()).ok();
        let (shortest, longest) =
            (seconds(Resource::SHORTEST_TOKEN), seconds(Resource::LONGEST_TOKEN));
        if self.token_lifetime.is_some_and(|it| Some(it) < shortest || Some(it) > longest) {
            return Err(BadTerms::TokenLifetime);
        }
        let Some(RefreshTerms { lifetime, idle, .. }) = &self.refresh else { return Ok(()) };
        if !(SHORTEST_REFRESH..=LONGEST_REFRESH).contains(lifetime) {
            return Err(BadTerms::RefreshLifetime);
        }
        if (SHORTEST_REFRESH..=*lifetime).contains(idle) {
            Ok(())
        } else {
            Err(BadTerms::RefreshIdle)
        }
    }
}

fn few(what: &'static str, count: usize, most: usize) -> Result<(), BadTerms> {
    if count > most { Err(BadTerms::TooMany { what, most }) } else { Ok(()) }
}

/// Leaves the first of each.
fn unique<T: PartialEq + Clone>(all: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::with_capacity(all.len());
    for it in all.drain(..) {
        if !seen.contains(&it) {
            seen.push(it);
        }
    }
    *all = seen;
}

/// So much of it as tells which it is.
fn shortened(text: &str) -> String {
    printable(&text.chars().take(100).collect::<String>()).into_owned()
}

fn check_redirect_uris(all: &[String]) -> Result<(), BadTerms> {
    for (place, uri) in all.iter().enumerate() {
        let bad = |why| BadTerms::RedirectUri { place, uri: shortened(uri), why };
        redirect_uri::check(uri).map_err(bad)?;
    }
    Ok(())
}

fn check_exchanges(rules: &[ExchangeRule]) -> Result<(), BadTerms> {
    for (place, rule) in rules.iter().enumerate() {
        let plain = rule.issuer.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !(1..=512).contains(&rule.issuer.len()) {
            return Err(BadTerms::Issuer(place));
        }
        let same =
            |other: &ExchangeRule| other.issuer == rule.issuer && other.resource == rule.resource;
        if rules[..place].iter().any(same) {
            return Err(BadTerms::ExchangeTwice(rule.issuer.clone()));
        }
    }
    Ok(())
}

fn check_keys(keys: &mut KeySource) -> Result<(), BadTerms> {
    match keys {
        KeySource::Pinned(set) => *set = key_set::check(set)?,
        // Where it may lead is up to its owner.
        KeySource::Uri(_) => (),
        KeySource::Issuer(_) => return Err(BadTerms::KeysOfIssuer),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> ClientTerms {
        ClientTerms { grants: vec![GrantType::ClientCredentials], ..ClientTerms::default() }
    }

    fn refreshing(lifetime: u32, idle: u32) -> ClientTerms {
        ClientTerms {
            grants: vec![GrantType::RefreshToken],
            refresh: Some(RefreshTerms { rotates: true, lifetime, idle }),
            ..ClientTerms::default()
        }
    }

    fn rule(issuer: &str) -> ExchangeRule {
        let resource = "api".parse().unwrap();
        ExchangeRule { issuer: issuer.to_owned(), resource, impersonation: false }
    }

    #[test]
    fn each_thing_is_kept_once() {
        let both = [GrantType::JwtBearer, GrantType::ClientCredentials, GrantType::JwtBearer];
        let uri = "https://app.example.com/a".to_owned();
        let messy = ClientTerms {
            grants: both.to_vec(),
            redirect_uris: vec![uri.clone(), uri.clone()],
            resources: Some(vec!["b".parse().unwrap(), "a".parse().unwrap(), "b".parse().unwrap()]),
            ..terms()
        };

        let kept = messy.checked().unwrap();

        assert_eq!(kept.grants, [GrantType::ClientCredentials, GrantType::JwtBearer]);
        assert_eq!(kept.redirect_uris, [uri]);
        let names: Vec<_> = kept.resources.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(names, ["b", "a"], "the first is meant where none is asked for");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let public = |grant| ClientTerms {
            authentication: Authentication::None,
            grants: vec![grant],
            ..ClientTerms::default()
        };
        let keys = |keys| ClientTerms {
            authentication: Authentication::PrivateKeyJwt {
                keys,
                compat_aud: false,
                signing_alg: None,
            },
            ..terms()
        };
        let exchanging = |exchanges| ClientTerms { exchanges, ..terms() };
        let refreshes = refreshing(3600, 600);
        let cases = [
            (
                public(GrantType::ClientCredentials),
                BadTerms::NotForPublic(GrantType::ClientCredentials),
            ),
            (public(GrantType::TokenExchange), BadTerms::NotForPublic(GrantType::TokenExchange)),
            (ClientTerms { resources: Some(Vec::new()), ..terms() }, BadTerms::NoResource),
            (ClientTerms { token_lifetime: Some(29), ..terms() }, BadTerms::TokenLifetime),
            (ClientTerms { token_lifetime: Some(361), ..terms() }, BadTerms::TokenLifetime),
            (ClientTerms { refresh: None, ..refreshes.clone() }, BadTerms::RefreshAlone),
            (ClientTerms { grants: Vec::new(), ..refreshes }, BadTerms::RefreshAlone),
            (refreshing(59, 59), BadTerms::RefreshLifetime),
            (refreshing(31_536_001, 60), BadTerms::RefreshLifetime),
            (refreshing(3600, 3601), BadTerms::RefreshIdle),
            (refreshing(3600, 0), BadTerms::RefreshIdle),
            (keys(KeySource::Issuer("https://id.example.com".into())), BadTerms::KeysOfIssuer),
            (keys(KeySource::Pinned("{}".into())), BadTerms::KeySet(BadKeySet::Malformed)),
            (exchanging(vec![rule("")]), BadTerms::Issuer(0)),
            (exchanging(vec![rule("a b")]), BadTerms::Issuer(0)),
            (
                exchanging(vec![rule("https://a.example"), rule("https://a.example")]),
                BadTerms::ExchangeTwice("https://a.example".into()),
            ),
            (
                ClientTerms { redirect_uris: vec!["http://a.example/".into()], ..terms() },
                BadTerms::RedirectUri {
                    place: 0,
                    uri: "http://a.example/".into(),
                    why: BadRedirectUri::NotHttps,
                },
            ),
        ];
        for (terms, why) in cases {
            assert_eq!(terms.clone().checked(), Err(why), "{terms:?}");
        }
        for fine in [refreshing(60, 60), refreshing(31_536_000, 31_536_000), ClientTerms::default()]
        {
            assert_eq!(fine.clone().checked().as_ref(), Ok(&fine));
        }
    }
}
