//! Who the client says it is: by HTTP Basic or in the body, never both (RFC 6749, section 2.3).

use axum::http::HeaderMap;
use secrecy::SecretString;

use super::{basic, error::OAuthError, form::Form};

/// How clients may authenticate, as metadata names it.
pub(super) const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: SecretString,
    /// Whether it used the Authorization header, and so understands a challenge.
    pub(super) by_header: bool,
}

pub(super) fn client(headers: &HeaderMap, form: &mut Form) -> Result<Client, OAuthError> {
    let basic = basic::credentials(headers)?;
    let (id, secret) = (form.take("client_id"), form.take_secret("client_secret"));
    let asserts = form.take("client_assertion").is_some();
    if asserts && (basic.is_some() || secret.is_some()) || basic.is_some() && secret.is_some() {
        return Err(OAuthError::invalid_request("the client authenticates in more than one way"));
    }
    match (basic, id, secret) {
        (Some(basic), id, _) => {
            if id.is_some_and(|id| id != basic.client_id) {
                let problem = "client_id is not the client that authenticates";
                return Err(OAuthError::invalid_request(problem));
            }
            Ok(Client { id: basic.client_id, secret: basic.client_secret, by_header: true })
        }
        (None, Some(id), Some(secret)) => Ok(Client { id, secret, by_header: false }),
        (None, None, Some(_)) => Err(OAuthError::invalid_request("client_id is missing")),
        // Nobody is a client without proof, and no other proof is known here.
        (None, _, None) => Err(OAuthError::INVALID_CLIENT),
    }
}
