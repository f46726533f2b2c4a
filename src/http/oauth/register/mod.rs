//! Clients register themselves (RFC 7591), and manage themselves afterwards (RFC 7592). Only there
//! where an operator has turned it on.

mod admission;
mod members;
mod metadata;
mod shown;

use axum::{
    Json, Router,
    extract::State,
    http::{Method, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use self::{
    admission::{Admitted, Claimed, refused},
    members::Members,
    metadata::Metadata,
    shown::Shown,
};
use crate::{
    http::{
        caller::Sender, challenge, edge::Edge, error::RegistrationError, method_not_allowed, paths,
    },
    manage::clients::itself,
};

type Answer = Result<Response, RegistrationError>;

pub(in crate::http) fn is_on(edge: &Edge) -> bool {
    edge.app.settings.registration.is_some()
}

/// Where clients register; nothing, where they do not.
pub(in crate::http) fn door(edge: &Edge) -> Router<Edge> {
    if !is_on(edge) {
        return Router::new();
    }
    // The layer writes what is demanded of anyone who vouches for the client.
    Router::new()
        .route(paths::REGISTER, post(register))
        .layer(middleware::from_fn(challenge::by_scheme))
}

/// By what a client manages itself.
pub(in crate::http) const METHODS_OF_ONE: [Method; 3] = [Method::GET, Method::PUT, Method::DELETE];

/// Where each manages itself.
pub(in crate::http) fn of_one(edge: &Edge) -> Router<Edge> {
    if !is_on(edge) {
        return Router::new();
    }
    Router::new()
        .route(paths::REGISTERED_CLIENT, get(show).put(change).delete(end))
        .method_not_allowed_fallback(method_not_allowed)
}

/// `POST /oauth2/register` (RFC 7591, section 3.1).
async fn register(
    State(edge): State<Edge>,
    Admitted(by): Admitted,
    Sender(origin): Sender,
    members: Members,
) -> Answer {
    // Where it names itself, or a secret, it is not asked (section 3.2.1).
    let asked = Metadata::read(members)?;
    let entered = itself::enter(&edge.app, by, &origin, asked.said).await?;
    let itself::Entered { client, secret, token } = entered;
    let shown = Shown::new(&edge, client, secret.as_ref(), &token);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `GET` (RFC 7592, section 2.1).
async fn show(State(edge): State<Edge>, Claimed { id, token, origin }: Claimed) -> Answer {
    let client = itself::show(&edge.app, &origin, id, &token).await;
    let client = client.map_err(|not| refused(&edge, &origin, not))?;
    Ok(Json(Shown::new(&edge, client, None, &token)).into_response())
}

/// `PUT` (RFC 7592, section 2.2): in place of all that it said before.
async fn change(
    State(edge): State<Edge>,
    Claimed { id, token, origin }: Claimed,
    members: Members,
) -> Answer {
    let asked = Metadata::read(members)?;
    asked.check_whose(id)?;
    let sent = asked.client_secret.as_ref();
    let changed = itself::change(&edge.app, &origin, (id, &token), sent, asked.said).await;
    let itself::Changed { client, secret, token } =
        changed.map_err(|not| refused(&edge, &origin, not))?;
    Ok(Json(Shown::new(&edge, client, secret.as_ref(), &token)).into_response())
}

/// `DELETE` (RFC 7592, section 2.3).
async fn end(State(edge): State<Edge>, Claimed { id, token, origin }: Claimed) -> Answer {
    let ended = itself::end(&edge.app, &origin, id, &token).await;
    ended.map_err(|not| refused(&edge, &origin, not))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
