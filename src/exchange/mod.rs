//! A credential goes in, a short-lived access token comes out.
//!
//! Every kind of credential walks the same steps, so that none can forget one: identify the
//! subject, judge it, narrow its rights, record the use, mint the token.

mod api_key;
mod explain;
mod judge;
mod mint;
mod narrow;
mod record;
mod refusal;
mod simulate;
mod words;

use std::{net::IpAddr, time::Duration};

use secrecy::SecretString;

pub use self::{
    explain::{Explanation, NOTHING_RECORDED, explain},
    refusal::{ExchangeError, Lack, NotHeld, Refusal},
    simulate::{Prospect, Simulation, simulate},
};
use self::{narrow::Grant, refusal::Refused};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{OrganizationId, Origin, Presented, ResourceIdentifier, Scopes},
};

pub struct Request {
    pub credential: Credential,
    pub wish: Wish,
    pub origin: Origin,
}

/// What a token is wanted for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The organization to act in; the key's own if none is named.
    pub organization: Option<OrganizationId>,
    /// Whom the token is for; the default resource if none is named.
    pub resource: Option<ResourceIdentifier>,
    /// Everything the key grants there, if none is named.
    pub scopes: Option<Scopes>,
}

/// What a caller presents. Nothing in it has been checked.
pub enum Credential {
    ApiKey { name: ClaimedName, secret: SecretString },
}

/// What the caller says the key is called. The secret alone finds it; this must then be right.
pub enum ClaimedName {
    /// A door that asks for none.
    None,
    Name(String),
    /// A client id: the name or the id of the key.
    NameOrId(String),
}

pub struct Issued {
    pub access_token: String,
    pub expires_in: Duration,
    pub expires_at: Timestamp,
    pub scopes: Scopes,
}

/// Exchanges a credential for a token.
///
/// Whatever is refused is recorded with its true reason under the request's id.
pub async fn exchange(app: &App, request: Request) -> Result<Issued, ExchangeError> {
    walk(app, &request).await.map_err(|error| match error {
        Failed::Refused(refused) => record::refusal(app, &request.origin, refused).into(),
        Failed::Error(error) => error,
    })
}

async fn walk(app: &App, request: &Request) -> Result<Issued, Failed> {
    let now = app.clock.now();
    let seen = app.directory.forgotten();

    let Request { credential, wish, origin } = request;
    let from = Some(origin.source);
    let subject = match credential {
        Credential::ApiKey { name, secret } => api_key::identify(app, name, secret).await?,
    };
    let granted = grant(app, &subject, wish, from, now).await?;

    let receipt = record::use_of(app, &subject, origin, now)?;
    let issued = mint::mint(app, &subject, &granted, now)?;
    receipt.durable().await?;

    // Something was changed meanwhile, perhaps this key or what its owner may do: whatever was
    // acknowledged before we answer is final.
    if app.directory.forgotten() != seen {
        let again = api_key::find(app, &subject.secret.hash).await?;
        let granted = grant(app, &again, wish, from, now).await?;
        return mint::mint(app, &again, &granted, now);
    }
    Ok(issued)
}

/// Judges the subject, and works out what its token may do.
async fn grant(
    app: &App,
    subject: &Presented,
    wish: &Wish,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Grant, Failed> {
    let granted = async {
        let standing = judge::judge(app, subject, from, now).await?;
        narrow::narrow(app, subject, &standing, wish).await
    };
    granted.await.map_err(|failed| failed.of(subject))
}

/// Why the walk ended early: a refusal still to be recorded, or a failure of ours.
enum Failed {
    Refused(Refused),
    Error(ExchangeError),
}

impl Failed {
    /// Notes whose key it was: known from the moment the secret was proved.
    fn of(self, subject: &Presented) -> Self {
        match self {
            Self::Refused(refused) => Self::Refused(refused.of(subject)),
            other @ Self::Error(_) => other,
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Refused::new(refusal))
    }
}

impl<E: Into<ExchangeError>> From<E> for Failed
where
    E: refusal::OurFault,
{
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
