//! What clients do that register themselves (RFC 7591) and manage themselves (RFC 7592).

mod change;
mod register;
mod unused;

pub use self::{
    change::{Changed, change, end, show},
    register::{Entered, NewItself, enter},
    unused::delete_unused,
};
use super::Rejection;
use crate::{
    app::TooManyRegistrations,
    domain::{
        Actor, BadDescription, Client, ClientId, Origin, RegistrationPolicy, Secret, TooMuch,
    },
    manage::Asker,
    store::{self, StoreError, Tx},
};

/// Why a client is not registered, or not what it asks to be. Safe to show to the caller.
#[derive(Debug, thiserror::Error)]
pub enum NotRegistered {
    #[error("clients do not register themselves here")]
    Off,
    /// The same of a client that is not there, so that no one can probe for clients.
    #[error("the token is not the one of this client, or there is no such client")]
    UnknownToken,
    #[error("the client is disabled")]
    Disabled,
    #[error("the setting registration.organization names no organization")]
    NoOrganization,
    #[error("the key behind the token does not reach the organization of registered clients")]
    OutOfReach,
    #[error("{0} clients have registered themselves, and there may be no more of them")]
    TooMany(u32),
    #[error(transparent)]
    TooOften(#[from] TooManyRegistrations),
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    #[error(transparent)]
    BadDescription(#[from] BadDescription),
    #[error("client_secret is not a secret of this client")]
    OtherSecret,
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl From<StoreError> for NotRegistered {
    fn from(error: StoreError) -> Self {
        Self::Rejected(error.into())
    }
}

/// By which of its tokens a client manages itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Token,
    /// The one before it, which is still good as no one has used the newer one.
    TokenBefore,
}

/// The client, if this is a token by which it manages itself.
async fn proved(tx: &mut Tx, id: ClientId, token: &Secret) -> Result<(Client, By), NotRegistered> {
    let client = store::clients::find(tx, id).await?.ok_or(NotRegistered::UnknownToken)?;
    let registration = client.registration.as_ref().ok_or(NotRegistered::UnknownToken)?;
    let hash = token.hash();
    let by = if registration.token.matches(&hash) {
        By::Token
    } else if registration.before.is_some_and(|before| before.matches(&hash)) {
        By::TokenBefore
    } else {
        return Err(NotRegistered::UnknownToken);
    };
    if client.disabled_at.is_some() { Err(NotRegistered::Disabled) } else { Ok((client, by)) }
}

/// The client as the one who changes itself: how far it may go is checked where it does.
fn asker(id: ClientId, origin: &Origin) -> Asker {
    Asker::by_possession(Actor::Client(id), origin)
}

fn policy(app: &crate::app::App) -> Result<&RegistrationPolicy, NotRegistered> {
    app.settings.registration.as_ref().ok_or(NotRegistered::Off)
}
