//! The token endpoints: each turns its own form into the one request that `exchange` knows.

mod answer;
mod token_exchange;

use axum::extract::State;

use self::{
    answer::{Answer, Ask, Shape, answer, missing},
    token_exchange::token_exchange,
};
use super::client::{self, Claimed};
use crate::{
    domain::GrantType,
    exchange::{Caller, ClaimedName, Credential},
    http::{
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError},
    },
};

const IBM_API_KEY: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// What the metadata says `/oauth2/token` supports.
pub(in crate::http) const GRANT_TYPES: [&str; 5] = [
    GrantType::ClientCredentials.as_str(),
    GrantType::RefreshToken.as_str(),
    GrantType::TokenExchange.as_str(),
    GrantType::JwtBearer.as_str(),
    IBM_API_KEY,
];

/// `POST /auth/v1/api-key/token`: a key's name and secret.
pub(in crate::http) async fn api_key(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let name = posted.form.take("name").ok_or(missing("name is missing"))?;
    let secret = posted.form.take_secret("secret").ok_or(missing("secret is missing"))?;
    answer(&edge, Ask::by_key(ClaimedName::Name(name), secret, Shape::Plain), posted).await
}

/// `POST /auth/v1/token`: a key's secret as `pat`.
pub(in crate::http) async fn personal(State(edge): State<Edge>, posted: Posted) -> Answer {
    secret_only(&edge, posted, "pat", missing("pat is missing")).await
}

/// `POST /auth/v3/token`: a key's secret as `personalAccessKey`.
pub(in crate::http) async fn personal_v3(State(edge): State<Edge>, posted: Posted) -> Answer {
    let missing = missing("personalAccessKey is missing");
    secret_only(&edge, posted, "personalAccessKey", missing).await
}

async fn secret_only(edge: &Edge, mut posted: Posted, name: &str, missing: OAuthError) -> Answer {
    let secret = posted.form.take_secret(name).ok_or(missing)?;
    answer(edge, Ask::by_key(ClaimedName::None, secret, Shape::Plain), posted).await
}

/// `POST /oauth2/token` (RFC 6749, section 3.2): the grant type decides.
pub(in crate::http) async fn oauth(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    if grant_type == IBM_API_KEY {
        return ibm_api_key(&edge, posted).await;
    }
    let grant: GrantType = grant_type.parse().map_err(|_| OAuthError::UNSUPPORTED_GRANT_TYPE)?;
    let claimed = client::claimed(&posted.headers, &mut posted.form)?;
    match grant {
        GrantType::ClientCredentials => client_credentials(&edge, &claimed, posted).await,
        GrantType::RefreshToken => refresh_token(&edge, &claimed, posted).await,
        GrantType::JwtBearer => jwt_bearer(&edge, &claimed, posted).await,
        GrantType::TokenExchange => token_exchange(&edge, &claimed, posted).await,
    }
}

async fn client_credentials(edge: &Edge, claimed: &Claimed, posted: Posted) -> Answer {
    let caller = claimed.required(edge, &posted, Some(GrantType::ClientCredentials)).await?;
    let ask = Ask {
        credential: Credential::Client,
        caller: Some(caller),
        shape: Shape::Plain,
        blame: Blame::Client,
    };
    answer(edge, ask, posted).await
}

/// A token of another issuer is the grant; a client may ask for its holder, and need not (RFC 7521,
/// section 4.1).
async fn jwt_bearer(edge: &Edge, claimed: &Claimed, mut posted: Posted) -> Answer {
    let assertion = posted.form.take_secret("assertion").ok_or(missing("assertion is missing"))?;
    let caller = match &claimed.claim {
        Some(_) => Some(claimed.required(edge, &posted, Some(GrantType::JwtBearer)).await?),
        None => None,
    };
    let credential = Credential::Assertion(assertion);
    let ask = Ask { credential, caller, shape: Shape::Plain, blame: Blame::Grant };
    answer(edge, ask, posted).await
}

async fn refresh_token(edge: &Edge, claimed: &Claimed, posted: Posted) -> Answer {
    let (caller, name) = claimed.presenter(edge, &posted).await?;
    refresh(edge, caller, name, Shape::Plain, posted).await
}

async fn refresh(
    edge: &Edge,
    caller: Option<Caller>,
    name: ClaimedName,
    shape: Shape,
    mut posted: Posted,
) -> Answer {
    let token = posted.form.take_secret("refresh_token");
    let token = token.ok_or(missing("refresh_token is missing"))?;
    let credential = Credential::RefreshToken { token, name };
    answer(edge, Ask { credential, caller, shape, blame: Blame::Grant }, posted).await
}

/// `POST /identity/token`: the IBM Cloud IAM grant, and the refresh of what it gave.
pub(in crate::http) async fn ibm(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    match grant_type.as_str() {
        IBM_API_KEY => ibm_api_key(&edge, posted).await,
        "refresh_token" => refresh(&edge, None, ClaimedName::None, Shape::Ibm, posted).await,
        _ => Err(OAuthError::UNSUPPORTED_GRANT_TYPE),
    }
}

/// The key is the credential; an Authorization header names a client of IBM's, not one of ours.
async fn ibm_api_key(edge: &Edge, mut posted: Posted) -> Answer {
    let secret = posted.form.take_secret("apikey").ok_or(missing("apikey is missing"))?;
    answer(edge, Ask::by_key(ClaimedName::None, secret, Shape::Ibm), posted).await
}
