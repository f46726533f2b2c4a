//! Who the client says it is: by HTTP Basic or in the body, never both (RFC 6749, section 2.3). The
//! same at every endpoint that asks for a client.

use std::time::Instant;

use axum::http::HeaderMap;

use crate::{
    domain::{GrantType, SignatureAlgorithm},
    exchange::{self, Caller, Claim, ClaimedName, ClientProof},
    http::{
        basic,
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError, word_for},
        form::Form,
    },
};

/// How clients may authenticate, as metadata names it.
pub(in crate::http) const METHODS: [&str; 4] =
    ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// By what clients may sign, as metadata names it.
pub(in crate::http) const SIGNING_ALGORITHMS: [&str; SignatureAlgorithm::ALL.len()] = {
    let mut names = [""; SignatureAlgorithm::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = SignatureAlgorithm::ALL[i].as_str();
        i += 1;
    }
    names
};

/// RFC 7523, section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether an endpoint takes clients that cannot prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Public {
    Too,
    Never,
}

/// How clients authenticate at an endpoint beside the token endpoint.
pub(in crate::http) fn methods(public: Public) -> Vec<&'static str> {
    const NONE: &str = "none";
    let proving = METHODS.into_iter().filter(|method| *method != NONE);
    proving.chain((public == Public::Too).then_some(NONE)).collect()
}

/// What a request says of its client.
pub(in crate::http) struct Claimed {
    pub(in crate::http) claim: Option<Claim>,
}

pub(in crate::http) fn claimed(
    headers: &HeaderMap,
    form: &mut Form,
) -> Result<Claimed, OAuthError> {
    let basic = basic::credentials(headers)?;
    let (id, secret) = (form.take("client_id"), form.take_secret("client_secret"));
    let assertion = form.take_secret("client_assertion");
    let kind = form.take("client_assertion_type");
    let ways = [basic.is_some(), secret.is_some(), assertion.is_some()];
    if ways.into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::TWO_CREDENTIALS);
    }
    if let Some(assertion) = assertion {
        is_known(kind.as_deref())?;
        let claim = Claim::by_assertion(id, assertion);
        return Ok(Claimed { claim: Some(claim) });
    }
    if kind.is_some() {
        return Err(OAuthError::invalid_request("client_assertion is missing"));
    }
    match (basic, id, secret) {
        (Some(basic), id, _) => {
            if id.is_some_and(|id| id != basic.client_id) {
                let problem = "client_id is not the client that authenticates";
                return Err(OAuthError::invalid_request(problem));
            }
            let claim =
                Claim { id: basic.client_id, proof: ClientProof::Basic(basic.client_secret) };
            Ok(Claimed { claim: Some(claim) })
        }
        (None, Some(id), Some(secret)) => Ok(in_body(id, ClientProof::Post(secret))),
        (None, None, Some(_)) => Err(OAuthError::invalid_request("client_id is missing")),
        (None, Some(id), None) => Ok(in_body(id, ClientProof::None)),
        (None, None, None) => Ok(Claimed { claim: None }),
    }
}

/// Only one kind of assertion is known here.
fn is_known(kind: Option<&str>) -> Result<(), OAuthError> {
    match kind {
        Some(JWT_BEARER) => Ok(()),
        Some(_) => Err(OAuthError::OTHER_ASSERTION),
        None => Err(OAuthError::invalid_request("client_assertion_type is missing")),
    }
}

fn in_body(id: String, proof: ClientProof) -> Claimed {
    Claimed { claim: Some(Claim { id, proof }) }
}

impl Claimed {
    /// Who presents a refresh token: the client that asks, or what the holder of a key's calls
    /// itself. Who says to be a registered client has to prove it.
    pub(in crate::http) async fn presenter(
        &self,
        edge: &Edge,
        posted: &Posted,
    ) -> Result<(Option<Caller>, ClaimedName), OAuthError> {
        match &self.claim {
            None => return Ok((None, ClaimedName::None)),
            Some(Claim { id, proof: ClientProof::None }) => {
                let registered = exchange::is_registered(&edge.app, id, posted.origin.source).await;
                if !registered.map_err(|error| OAuthError::of(error, Blame::Client))? {
                    return Ok((None, ClaimedName::NameOrId(id.clone())));
                }
            }
            Some(_) => (),
        }
        let caller = self.required(edge, posted, Some(GrantType::RefreshToken)).await?;
        Ok((Some(caller), ClaimedName::None))
    }

    /// The client that asks, for an endpoint or a grant that demands one.
    pub(in crate::http) async fn required(
        &self,
        edge: &Edge,
        posted: &Posted,
        grant: Option<GrantType>,
    ) -> Result<Caller, OAuthError> {
        let claim = self.claim.as_ref().ok_or(OAuthError::NO_CREDENTIALS)?;
        let (origin, began) = (&posted.origin, Instant::now());
        // Where no grant is asked for, there is no token to bind.
        let proof = if grant.is_some() { posted.proof(edge)? } else { None };
        let caller = exchange::authenticate(&edge.app, claim, grant, proof.as_ref(), origin).await;
        caller.map_err(|error| {
            let word = word_for(&error, origin.door, origin.request_id);
            edge.metrics.count_exchange(origin.door, word, began.elapsed());
            let error = OAuthError::of(error, Blame::Client);
            match claim.proof {
                // The same for every id, known or not.
                ClientProof::None if error.is_unauthorized() => OAuthError::NO_SECRET.as_recorded(),
                _ => error,
            }
        })
    }
}
