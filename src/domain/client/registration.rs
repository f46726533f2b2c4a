//! Clients that register themselves (RFC 7591) and manage themselves (RFC 7592): what they may ask
//! for.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::{Authentication, ClientTerms, GrantType, KeySource};
use crate::domain::{
    NotGranted, OrganizationId, ProofDemand, ResourceIdentifier, Scopes, SecretHash, SecretId,
};

/// What an operator decided about clients that register themselves.
#[derive(Clone, Debug)]
pub struct RegistrationPolicy {
    pub admission: Admission,
    /// In which they live and act.
    pub organization_id: OrganizationId,
    /// Each of them has some of these, and no other.
    pub grants: Vec<GrantType>,
    /// Each of them has some of these, and no other.
    pub scopes: Scopes,
    /// Whom the tokens of each may be for; `None`: for any resource.
    pub resources: Option<Vec<ResourceIdentifier>>,
    /// So many at once.
    pub most: u32,
    /// From one source address.
    pub most_per_hour: NonZeroU32,
    /// Those that got no token for so long are deleted.
    pub unused_after: TimeDelta,
}

/// Who may register a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The holder of a key that may make clients.
    ByToken,
    Anybody,
}

/// By what a client that registered itself manages itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub token: SecretHash,
    /// The token before that one. It goes on until the new one is used, as the answer that had the
    /// new one may be lost.
    pub before: Option<SecretHash>,
    /// The secret that came in the same answer as the token, if one did.
    pub secret: Option<SecretId>,
}

/// What a client asks for when it registers, and when it changes itself.
#[derive(Clone, Debug)]
pub struct AskedTerms {
    pub authentication: Authentication,
    pub grants: Vec<GrantType>,
    /// `None`: all that it may have.
    pub scopes: Option<Scopes>,
    pub redirect_uris: Vec<String>,
    /// Whether its tokens are to be bound to a key of its own (RFC 9449, section 5.2).
    pub bound_tokens: bool,
}

/// What a client asked for that it may not have. Safe to show to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    #[error("the client may not have the scope {0}")]
    Scope(String),
    #[error("the client may not have the grant type {0}")]
    Grant(GrantType),
    #[error("a client needs a grant type")]
    NoGrant,
    #[error("jwks_uri begins with https://")]
    KeysInClear,
    #[error("the tokens of the client have to be bound: say dpop_bound_access_tokens")]
    Unbound,
}

impl RegistrationPolicy {
    /// The terms of a client that registers itself.
    pub fn terms(&self, asked: AskedTerms) -> Result<ClientTerms, TooMuch> {
        asked.within(ClientTerms {
            grants: self.grants.clone(),
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            ..ClientTerms::default()
        })
    }
}

impl AskedTerms {
    /// A client that may send its secret in either way is told `client_secret_basic`, and sends
    /// that back when it changes something else.
    #[must_use]
    pub fn echoing(mut self, before: &ClientTerms) -> Self {
        if self.authentication == Authentication::ClientSecretBasic
            && before.authentication == Authentication::ClientSecretBasicOrPost
        {
            self.authentication = Authentication::ClientSecretBasicOrPost;
        }
        self
    }

    /// What was asked for, in place of these terms: never more than they allow. What a client
    /// cannot say of itself stays as it is in them.
    pub fn within(self, most: ClientTerms) -> Result<ClientTerms, TooMuch> {
        if self.grants.is_empty() {
            return Err(TooMuch::NoGrant);
        }
        if let Some(grant) = self.grants.iter().find(|grant| !most.grants.contains(grant)) {
            return Err(TooMuch::Grant(*grant));
        }
        // Whatever requests of an operator's own may go without TLS, no one else's do.
        if let Authentication::PrivateKeyJwt { keys: KeySource::Uri(uri), .. } =
            &self.authentication
            && !uri.starts_with("https://")
        {
            return Err(TooMuch::KeysInClear);
        }
        let scopes = most.scopes.narrow(self.scopes);
        let proof = match (self.bound_tokens, most.proof) {
            (true, ProofDemand::None) => ProofDemand::Any,
            (false, ProofDemand::Any | ProofDemand::OneOf(_)) => return Err(TooMuch::Unbound),
            (_, demanded) => demanded,
        };
        let refreshes = self.grants.contains(&GrantType::RefreshToken);
        Ok(ClientTerms {
            authentication: self.authentication,
            scopes: scopes.map_err(|NotGranted(scope)| TooMuch::Scope(scope))?,
            redirect_uris: self.redirect_uris,
            refresh: refreshes.then(|| most.refresh.unwrap_or_default()),
            grants: self.grants,
            proof,
            ..most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(grants: &[GrantType], scopes: Option<&str>) -> AskedTerms {
        AskedTerms {
            authentication: Authentication::default(),
            grants: grants.to_vec(),
            scopes: scopes.map(|text| text.parse().unwrap()),
            redirect_uris: Vec::new(),
            bound_tokens: false,
        }
    }

    fn most() -> ClientTerms {
        ClientTerms {
            grants: vec![GrantType::ClientCredentials, GrantType::RefreshToken],
            scopes: "read write".parse().unwrap(),
            resources: Some(vec!["api".parse().unwrap()]),
            token_lifetime: Some(60),
            ..ClientTerms::default()
        }
    }

    #[test]
    fn dc_06_a_client_gets_no_more_than_it_may_have() {
        let by_itself = [GrantType::ClientCredentials];

        let all = asked(&by_itself, None).within(most()).unwrap();
        let some = asked(&by_itself, Some("read")).within(most()).unwrap();
        let more = asked(&by_itself, Some("read admin")).within(most());
        let other = asked(&[GrantType::TokenExchange], None).within(most());

        assert_eq!((all.scopes.to_string(), all.refresh), ("read write".to_owned(), None));
        assert_eq!(some.scopes.to_string(), "read");
        assert_eq!((some.resources, some.token_lifetime), (most().resources, Some(60)));
        assert_eq!(more, Err(TooMuch::Scope("admin".to_owned())));
        assert_eq!(other, Err(TooMuch::Grant(GrantType::TokenExchange)));
        assert_eq!(asked(&[], None).within(most()), Err(TooMuch::NoGrant));
    }

    #[test]
    fn a_client_that_has_to_prove_its_key_cannot_let_itself_off() {
        let bound = ClientTerms { proof: ProofDemand::Any, ..most() };
        let loose = asked(&[GrantType::ClientCredentials], None);
        let tight = AskedTerms { bound_tokens: true, ..loose.clone() };

        assert_eq!(tight.clone().within(most()).unwrap().proof, ProofDemand::Any);
        assert_eq!(tight.within(bound.clone()).unwrap().proof, ProofDemand::Any);
        assert_eq!(loose.within(bound), Err(TooMuch::Unbound));
    }
}
