//! The form of RFC 8693: a token goes in, another comes out.

use super::answer::{Answer, Ask, Shape, answer, missing};
use crate::{
    domain::GrantType,
    exchange::{Credential, Offered, TokenKind},
    http::{
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError},
        form::Form,
        oauth::client::Claimed,
    },
};

const API_KEY: &str = "urn:keyturn:params:oauth:token-type:api-key";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) async fn token_exchange(edge: &Edge, claimed: &Claimed, mut posted: Posted) -> Answer {
    let caller = match &claimed.claim {
        Some(_) => Some(claimed.required(edge, &posted, Some(GrantType::TokenExchange)).await?),
        None => None,
    };
    let form = &mut posted.form;
    let subject = offered(form, "subject_token", "subject_token_type")?;
    let subject = subject.ok_or(missing("subject_token is missing"))?;
    let actor = offered(form, "actor_token", "actor_token_type")?;
    let shape = Shape::Exchanged(requested(form)?);
    let credential = Credential::Token { subject, actor };
    answer(edge, Ask { credential, caller, shape, blame: Blame::Token }, posted).await
}

/// A token and its type: both or neither.
fn offered(
    form: &mut Form,
    name: &'static str,
    type_name: &'static str,
) -> Result<Option<Offered>, OAuthError> {
    let (token, kind) = (form.take_secret(name), form.take(type_name));
    match (token, kind) {
        (None, None) => Ok(None),
        (Some(token), Some(kind)) => Ok(Some(Offered { kind: kind_of(&kind)?, token })),
        _ => Err(OAuthError::invalid_request("a token and its type come together")),
    }
}

fn kind_of(token_type: &str) -> Result<TokenKind, OAuthError> {
    match token_type {
        API_KEY => Ok(TokenKind::ApiKey),
        ACCESS_TOKEN => Ok(TokenKind::AccessToken),
        REFRESH_TOKEN => Ok(TokenKind::RefreshToken),
        JWT => Ok(TokenKind::Jwt),
        ID_TOKEN => Ok(TokenKind::IdToken),
        _ => Err(OAuthError::invalid_request("tokens of this type are not exchanged")),
    }
}

/// All our access tokens are JWTs: both types of token get the same answer.
fn requested(form: &mut Form) -> Result<&'static str, OAuthError> {
    match form.take("requested_token_type").as_deref() {
        None | Some(ACCESS_TOKEN) => Ok(ACCESS_TOKEN),
        Some(JWT) => Ok(JWT),
        Some(_) => Err(OAuthError::invalid_request("tokens of the requested type are not issued")),
    }
}
