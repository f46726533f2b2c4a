//! What a caller may learn of each refusal of the pipeline.

use axum::http::StatusCode as Http;
use uuid::Uuid;

use super::{Beside, OAuthError};
use crate::{
    app::TooManyFailures,
    exchange::{Distrust, ExchangeError, NotExchanged, Refusal, TurnedAway, Unproved, Untold},
    signing::BadProof,
};

/// What a request offered as its credential: the same refusal has another name for each (RFC 6749,
/// section 5.2; RFC 8693, section 2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Blame {
    /// The client proves itself, and nothing else is asked of it.
    Client,
    /// A grant: a refresh token, an assertion.
    Grant,
    /// A token to exchange.
    Token,
    /// A key or a token that is used directly (RFC 6750, section 3.1).
    Bearer,
    /// The same, with a proof (RFC 9449, section 7.1).
    Proved,
}

impl Blame {
    /// Of a credential that is not good, whatever it is.
    const fn unproved(self) -> OAuthError {
        match self {
            Self::Client => OAuthError::INVALID_CLIENT,
            Self::Grant => {
                OAuthError::new(Http::BAD_REQUEST, "invalid_grant", "the grant is not valid")
            }
            Self::Token => OAuthError::invalid_request("the token cannot be exchanged"),
            Self::Bearer | Self::Proved => self.proved("no key or token that is good here"),
        }
    }

    /// Of one that was good, or would be but for this.
    const fn proved(self, why: &'static str) -> OAuthError {
        match self {
            Self::Client => OAuthError::new(Http::UNAUTHORIZED, "invalid_client", why),
            Self::Grant => OAuthError::new(Http::BAD_REQUEST, "invalid_grant", why),
            Self::Token => OAuthError::invalid_request(why),
            Self::Bearer | Self::Proved => {
                OAuthError::new(Http::UNAUTHORIZED, "invalid_token", why)
            }
        }
    }
}

impl OAuthError {
    pub(in crate::http) fn of(error: ExchangeError, blame: Blame) -> Self {
        match error {
            ExchangeError::Refused(refusal) => refused(&refusal, blame).as_recorded(),
            error if error.may_pass() => Self::UNAVAILABLE,
            _ => Self::SERVER_ERROR,
        }
    }
}

impl From<TooManyFailures> for OAuthError {
    fn from(told: TooManyFailures) -> Self {
        Self {
            beside: Beside::RetryAfter(told.retry_after.as_secs() + 1),
            ..Self::new(Http::TOO_MANY_REQUESTS, "slow_down", "too many failed attempts")
        }
    }
}

/// Why nothing was issued, in a word to count it by. What is our own fault goes to the log.
pub(in crate::http) fn word_for(
    error: &ExchangeError,
    door: &str,
    request_id: Uuid,
) -> &'static str {
    match error {
        ExchangeError::Refused(refusal) => refusal.code(),
        error => {
            tracing::error!(%request_id, door, %error, "could not issue a token");
            "failed"
        }
    }
}

fn refused(refusal: &Refusal, blame: Blame) -> OAuthError {
    let denied = |why| OAuthError::new(Http::FORBIDDEN, "access_denied", why);
    match refusal {
        Refusal::MalformedSecret(_)
        | Refusal::UnknownSecret
        | Refusal::WrongName(_)
        | Refusal::MalformedRefreshToken
        | Refusal::UnknownRefreshToken
        // A caller to whom it was not given need not know that there is one.
        | Refusal::RefreshTokenOfAnother(_)
        | Refusal::TurnedAway(TurnedAway::Untrusted(_)) => blame.unproved(),
        // The client has proved who it is, and is told what to do otherwise.
        Refusal::WrongMethod(_, registered) => OAuthError::wrong_method(registered),
        Refusal::BadAssertion(_, why) => OAuthError::bad_assertion(*why),
        Refusal::AssertionUsed(_) => OAuthError::ASSERTION_USED,
        Refusal::ClientDisabled(_) => unusable_client(blame, OAuthError::CLIENT_DISABLED),
        Refusal::ClientExpired(..) => unusable_client(blame, OAuthError::CLIENT_EXPIRED),
        // Whatever the grant, the client has to prove itself first.
        Refusal::UnknownClient
        | Refusal::WrongClientSecret(_)
        | Refusal::WrongAssertion(..)
        | Refusal::OtherMethod(_) => OAuthError::INVALID_CLIENT,
        Refusal::TooManyFailures(told) => (*told).into(),
        // Anyone who hears the rest has already proved to hold the credential.
        Refusal::SecretReplaced(_) => {
            blame.proved("this secret was replaced by a newer one and has died")
        }
        Refusal::KeyExpired(_) => blame.proved("the key has expired"),
        Refusal::KeyDisabled => blame.proved("the key is disabled"),
        Refusal::KeyRevoked(_) => blame.proved("the key was revoked"),
        Refusal::OwnerDisabled | Refusal::OwnerGone => {
            blame.proved("the owner of the key is disabled")
        }
        Refusal::Distrusted(distrust) => distrusted(distrust, blame),
        Refusal::TrustExpired(_) => blame.proved("the rule that trusted this has ended"),
        Refusal::TrustDisabled(_) => blame.proved("the rule that trusted this is disabled"),
        Refusal::InputExpired(_) => blame.proved("what was to be exchanged has expired"),
        Refusal::RefreshTokenEnded(_) => blame.proved("the refresh token has ended"),
        Refusal::RefreshTokenExpired(_) => blame.proved("the refresh token has expired"),
        Refusal::RefreshTokenReused(_) => {
            blame.proved("the refresh token was used before; all of its family have ended")
        }
        Refusal::NoRefreshTokens => blame.proved("refresh tokens are no longer given for this"),
        Refusal::SourceGone(_) | Refusal::NoSource => {
            blame.proved("what it was obtained with is no longer valid")
        }
        Refusal::TurnedAway(TurnedAway::TooFewScopes(_)) => OAuthError::TOO_FEW_SCOPES,
        Refusal::OthersToken(_) => OAuthError::OTHERS_TOKEN,
        Refusal::GrantNotAllowed(..) => OAuthError::GRANT_NOT_ALLOWED,
        Refusal::AddressNotAllowed(..) => denied("the key may not be used from this address"),
        Refusal::OrganizationOutOfReach(_) => denied("the key does not reach this organization"),
        Refusal::NoOrganization => denied("the key reaches no organization"),
        Refusal::OrganizationDisabled(_) => denied("the organization is disabled"),
        Refusal::UnknownResource(_) | Refusal::ResourceNotAllowed(_) => OAuthError::INVALID_TARGET,
        Refusal::NotExchanged(why) => not_exchanged(why, blame),
        Refusal::ScopeNotGranted(_) => OAuthError::SCOPE_NOT_GRANTED,
        Refusal::Unproved(unproved) => self::unproved(unproved, blame),
    }
}

/// What refusals have in common.
impl OAuthError {
    const TOO_FEW_SCOPES: Self = Self::new(
        Http::FORBIDDEN,
        "insufficient_scope",
        "what was shown lacks a scope that is needed here",
    );
    const OTHERS_TOKEN: Self = Self::new(
        Http::BAD_REQUEST,
        "unauthorized_client",
        "the token was issued to another client",
    );
    const GRANT_NOT_ALLOWED: Self = Self::new(
        Http::BAD_REQUEST,
        "unauthorized_client",
        "the client may not use this grant type",
    );
    const SCOPE_NOT_GRANTED: Self = Self::new(
        Http::BAD_REQUEST,
        "invalid_scope",
        "a requested scope is not granted to this key at this resource",
    );
}

/// Of a client that is there and may do nothing now.
fn unusable_client(blame: Blame, told: OAuthError) -> OAuthError {
    match blame {
        Blame::Bearer | Blame::Proved => blame.unproved(),
        Blame::Client => told,
        // Whatever the grant, the client has to prove itself first.
        Blame::Grant | Blame::Token => OAuthError::INVALID_CLIENT,
    }
}

/// RFC 9449, sections 5, 7.1 and 8.
fn unproved(unproved: &Unproved, blame: Blame) -> OAuthError {
    let told = match unproved {
        _ if blame == Blame::Bearer => {
            blame.proved("a DPoP proof is demanded: send it as Authorization: DPoP, with a proof")
        }
        Unproved::Missing => OAuthError::invalid_proof("a DPoP proof is demanded here"),
        Unproved::Bad(bad) => OAuthError::invalid_proof(wrong_with(*bad)),
        Unproved::Replayed => OAuthError::invalid_proof("the DPoP proof was used before"),
        Unproved::KeyNotAllowed(_) => {
            OAuthError::invalid_proof("the DPoP proof is by another key than is demanded here")
        }
        Unproved::Nonce => OAuthError::new(
            Http::BAD_REQUEST,
            "use_dpop_nonce",
            "put the nonce of the header DPoP-Nonce into the DPoP proof",
        ),
        Unproved::OtherKey { .. } => blame.proved("it is bound to another key"),
        Unproved::BoundToken(_) => blame.unproved(),
        Unproved::UnboundToken => {
            blame.proved("it is bound to no key: send it as Authorization: Bearer")
        }
        Unproved::Untold(untold) => blame.proved(unsaid(*untold)),
    };
    match blame {
        Blame::Proved => OAuthError { status: Http::UNAUTHORIZED, ..told },
        _ => told,
    }
}

/// What anyone who configures a gateway has to know.
const fn unsaid(untold: Untold) -> &'static str {
    match untold {
        Untold::Origin => "this gateway takes no DPoP proofs: it names no origin",
        Untold::Method => {
            "the gateway sends no X-Forwarded-Method, so no DPoP proof can be checked"
        }
        Untold::Path => "the gateway sends no X-Forwarded-Uri, so no DPoP proof can be checked",
    }
}

/// What anyone who writes a client has to know.
const fn wrong_with(proof: BadProof) -> &'static str {
    match proof {
        BadProof::Malformed(_) => "the DPoP proof is no well-formed JWT",
        BadProof::WrongType => "the typ of a DPoP proof is dpop+jwt",
        BadProof::WrongAlgorithm => "the alg of a DPoP proof is ES256, EdDSA, Ed25519 or PS256",
        BadProof::Extension(_) => "the DPoP proof asks for an extension",
        BadProof::Key(_) => "the jwk in the DPoP proof is no usable public key for its alg",
        BadProof::BadSignature => "the DPoP proof is not signed by the key in it",
        BadProof::Claim(_) => "the DPoP proof has no jti, htm, htu, iat or ath as it should be",
        BadProof::OtherMethod => "the htm of the DPoP proof is not the method",
        BadProof::OtherUrl => "the htu of the DPoP proof is not the URL that it was sent to",
        BadProof::OtherTime => "the iat of the DPoP proof is too far from now",
        BadProof::OtherToken => "the ath of the DPoP proof is not of the access token",
    }
}

fn distrusted(distrust: &Distrust, blame: Blame) -> OAuthError {
    match distrust {
        Distrust::Malformed(_)
        | Distrust::NoIssuer
        | Distrust::UnknownIssuer { .. }
        | Distrust::NoRuleHolds { .. } => blame.unproved(),
        Distrust::SeveralRulesHold { organization: None, .. } => blame.proved(
            "several trust policies hold: say by organizationId which organization is meant",
        ),
        Distrust::SeveralRulesHold { organization: Some(_), .. } => {
            blame.proved("several trust policies of the organization hold")
        }
        Distrust::NoId { .. } => blame.proved("the token has no jti, and counts only once"),
        Distrust::UsedBefore { .. } => blame.proved("the token was used before"),
        Distrust::AskedByKey => OAuthError::new(
            Http::BAD_REQUEST,
            "unauthorized_client",
            "an API key is no client of this grant",
        ),
    }
}

fn not_exchanged(why: &NotExchanged, blame: Blame) -> OAuthError {
    match why {
        NotExchanged::NoClient => OAuthError::INVALID_CLIENT,
        NotExchanged::Untrusted(..) => blame.unproved(),
        NotExchanged::Rotates(_) => blame.proved(
            "a refresh token that rotates is not exchanged: use it with grant_type=refresh_token",
        ),
        NotExchanged::NotTheKeys | NotExchanged::NoRule(..) | NotExchanged::OtherTree(_) => {
            blame.proved("the client may not exchange this token")
        }
        NotExchanged::NoActor(..) => {
            blame.proved("the client may exchange this token only with an actor_token")
        }
        NotExchanged::NotTheActor => blame.proved("the subject_token says that another may act"),
        NotExchanged::OtherActor => blame.proved("the actor_token has to be the client's own"),
        NotExchanged::TooManyActors | NotExchanged::TooLong => {
            blame.proved("the token was exchanged too often already")
        }
        NotExchanged::TwoProofKeys => {
            blame.proved("subject_token and actor_token are bound to different keys")
        }
    }
}
