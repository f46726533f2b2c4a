//! Authorization requests (RFC 6749, section 4.1.1): whose they are, and where the answer may go.
//! No one signs in here, so that no response type is supported, and each request hears just that.

use crate::{app::App, domain::RedirectUri, store::StoreError};

/// What a client asks for, as it came: nothing in it has been checked.
#[derive(Debug, Default)]
pub struct AuthorizationRequest {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    /// Comes back as it is.
    pub state: Option<String>,
}

/// Why no one can be answered but the person at the browser (section 4.1.2.1).
#[derive(Debug, thiserror::Error)]
pub enum Unanswerable {
    #[error("the application that sent you here is not known")]
    UnknownClient,
    #[error("the address to return to is not registered for the application that sent you here")]
    UnknownRedirectUri,
    #[error("there is no sign-in here, and the application that sent you is not verified")]
    Unverified,
    #[error("something went wrong here: try again in a moment")]
    Failed(#[from] StoreError),
}

const LONGEST_STATE: usize = 2048;

/// Where the browser goes back to, with the error in the query.
pub async fn authorize(app: &App, request: &AuthorizationRequest) -> Result<String, Unanswerable> {
    let redirect_uri = redirect_uri(app, request).await?;
    let state = request.state.as_deref();
    let (error, why, state) = match (&request.response_type, state) {
        (_, Some(state)) if !is_state(state) => {
            ("invalid_request", "state is up to 2048 printable ASCII characters", None)
        }
        (None, _) => ("invalid_request", "response_type is missing", state),
        (Some(_), _) => ("unsupported_response_type", "there is no sign-in here", state),
    };
    // `iss` tells the client which of its servers answers (RFC 9207, section 2).
    let answer = [("error", error), ("error_description", why), ("iss", &*app.settings.issuer)];
    Ok(redirect_uri.with(answer.into_iter().chain(state.map(|state| ("state", state)))))
}

async fn redirect_uri(
    app: &App,
    request: &AuthorizationRequest,
) -> Result<RedirectUri, Unanswerable> {
    let id = request.client_id.as_deref().and_then(|id| id.parse().ok());
    let known = match id {
        Some(id) => app.directory.client(id).await?,
        None => None,
    };
    let known = known.filter(|known| {
        known.client.disabled_at.is_none() && !known.client.terms.has_expired(app.clock.now())
    });
    let client = &known.ok_or(Unanswerable::UnknownClient)?.client;
    let found = client.terms.redirect_uri(request.redirect_uri.as_deref());
    let found = found.ok_or(Unanswerable::UnknownRedirectUri)?;
    // Who registers themselves could send people through us to any page (RFC 9700,
    // section 4.11.2).
    if client.registration.is_some() { Err(Unanswerable::Unverified) } else { Ok(found) }
}

/// RFC 6749, appendix A.5.
fn is_state(text: &str) -> bool {
    text.len() <= LONGEST_STATE && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}
