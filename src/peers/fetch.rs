//! Gets the keys of one source, wherever they are.

use serde::Deserialize;

use crate::{
    domain::KeySource,
    outbound::{Answer, BODY_LIMIT, Outbound, RequestFailed},
    signing::{ForeignKeys, MalformedJwks},
};

/// Why the keys of another issuer cannot be had. Says nothing that a stranger sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    #[error(transparent)]
    Request(#[from] RequestFailed),
    #[error("the server answers with status {0}, not 200")]
    Status(u16),
    #[error("the server's answer is not application/json or application/jwk-set+json")]
    NotJson,
    #[error("what the server answers is no JWK Set: {0}")]
    Malformed(#[from] MalformedJwks),
    #[error("the issuer's metadata is no JSON object that says issuer and jwks_uri, each once")]
    Metadata,
    #[error("the issuer's metadata names another issuer")]
    OtherIssuer,
}

/// What matters of an issuer's metadata.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

pub(super) async fn fetch(source: &KeySource, by: &Outbound) -> Result<ForeignKeys, NoKeys> {
    let keys = match source {
        KeySource::Pinned(jwks) => return Ok(ForeignKeys::parse(jwks.as_bytes())?),
        KeySource::Uri(uri) => ForeignKeys::parse(&get(uri, by).await?)?,
        KeySource::Issuer(issuer) => {
            let uri = jwks_uri(issuer, by).await?;
            ForeignKeys::parse(&get(&uri, by).await?)?
        }
    };
    for why in keys.refused() {
        tracing::debug!(?source, %why, "a key of another issuer is not used");
    }
    Ok(keys)
}

/// Where the issuer's metadata says that its keys are (OpenID Connect Discovery 1.0, section 4). It
/// has to name the very issuer: another's keys would make the tokens of one pass for the other's.
async fn jwks_uri(issuer: &str, by: &Outbound) -> Result<String, NoKeys> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let document = get(&format!("{base}/.well-known/openid-configuration"), by).await?;
    let metadata = serde_json::from_slice(&document).map_err(|_| NoKeys::Metadata);
    let Metadata { issuer: named, jwks_uri } = metadata?;
    if named == issuer { Ok(jwks_uri) } else { Err(NoKeys::OtherIssuer) }
}

async fn get(url: &str, by: &Outbound) -> Result<Vec<u8>, NoKeys> {
    let Answer { status, content_type, body } = by.get(url, BODY_LIMIT).await?;
    if status != 200 {
        return Err(NoKeys::Status(status));
    }
    match content_type.as_str() {
        "application/json" | "application/jwk-set+json" => Ok(body),
        _ => Err(NoKeys::NotJson),
    }
}
