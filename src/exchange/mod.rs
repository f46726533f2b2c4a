//! A credential goes in, a short-lived access token comes out.
//!
//! Every kind of credential walks the same steps, so that none can forget one: identify the
//! subject, have the possession of its key proved, judge it, narrow its rights, record the use, mint
//! the token.

mod access_token;
mod api_key;
mod assertion;
mod client;
mod explain;
mod gateway;
mod identity;
mod introspection;
mod judge;
mod mint;
mod narrow;
mod possession;
mod principal;
mod record;
mod refresh;
mod refusal;
mod refused;
mod revocation;
mod simulate;
mod subject_token;
mod workload;

use std::{net::IpAddr, time::Duration};

use secrecy::SecretString;

pub use self::{
    access_token::{Standing, standing},
    client::{Caller, Claim, ClientProof, is_registered},
    explain::{Explanation, NOTHING_RECORDED, explain},
    gateway::{Pass, Shown, Visit, pass},
    introspection::{Introspected, introspect},
    possession::{Manner, OfferedProof, hold},
    principal::{Principal, principal},
    refusal::{
        Distrust, ExchangeError, Lack, NotExchanged, NotHeld, Part, Refusal, TurnedAway, Unproved,
        Untold,
    },
    revocation::{Held, Revocable, held, revocable},
    simulate::{Prospect, Simulation, simulate},
    subject_token::{Offered, TokenKind},
    workload::{KeysFrom, Outcome, Trial, try_out},
};
use self::{
    identity::Identity,
    narrow::Grant,
    refresh::{Given, Presenter, Succession},
    refused::Refused,
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{GrantType, OrganizationId, Origin, ResourceIdentifier, Scopes},
};

pub struct Request {
    pub credential: Credential,
    /// The client that asks, where one has proved who it is.
    pub caller: Option<Caller>,
    /// What shows that the caller holds a key to bind the token to.
    pub proof: Option<OfferedProof>,
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
    ApiKey {
        name: ClaimedName,
        secret: SecretString,
    },
    /// A token of another issuer (RFC 7523, section 2.1).
    Assertion(SecretString),
    /// The client itself, with nothing beside (RFC 6749, section 4.4).
    Client,
    /// A token that stands for its subject, and one for who acts on behalf of it (RFC 8693).
    Token {
        subject: Offered,
        actor: Option<Offered>,
    },
    /// A refresh token (RFC 6749, section 6). Where no client has proved who it is: what its holder
    /// calls itself.
    RefreshToken {
        token: SecretString,
        name: ClaimedName,
    },
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
    /// Whether its holder has to prove the possession of a key (RFC 9449).
    pub is_bound: bool,
    pub refresh_token: Option<SecretString>,
}

/// Finds out which client asks, and whether it may use this grant, before anything else of the
/// request is looked at. Where it asks for no grant, nothing else will judge it: so this does.
/// Whatever is refused is recorded. `proof`: what is to be proved beside, and is looked at first where
/// the client offers what counts only once.
pub async fn authenticate(
    app: &App,
    claim: &Claim,
    grant: Option<GrantType>,
    proof: Option<&OfferedProof>,
    origin: &Origin,
) -> Result<Caller, ExchangeError> {
    let caller = async {
        let now = app.clock.now();
        if claim.counts_once() {
            possession::read(app, proof, now)?;
        }
        let caller = client::authenticate(app, claim, origin.source, now).await?;
        match grant {
            Some(grant) => client::allow(&caller, grant)?,
            None => client::admit(app, &caller, origin).await?,
        }
        Ok(caller)
    };
    caller.await.map_err(|failed| recorded(app, origin, failed))
}

/// Exchanges a credential for a token.
///
/// Whatever is refused is recorded with its true reason under the request's id.
pub async fn exchange(app: &App, request: Request) -> Result<Issued, ExchangeError> {
    walk(app, &request).await.map_err(|failed| recorded(app, &request.origin, failed))
}

fn recorded(app: &App, origin: &Origin, failed: Failed) -> ExchangeError {
    match failed {
        Failed::Refused(refused) => record::refusal(app, origin, *refused).into(),
        Failed::Error(error) => error,
    }
}

async fn walk(app: &App, request: &Request) -> Result<Issued, Failed> {
    app.ensure_signing_keys().await?;
    let now = app.clock.now();
    let seen = app.directory.forgotten();

    let Request { credential, caller, proof, wish, origin } = request;
    let from = Some(origin.source);
    // First: a request that has to be made again, with a nonce, uses up nothing.
    let proof = possession::read(app, proof.as_ref(), now)?;
    let identity = match credential {
        Credential::ApiKey { name, secret } => {
            api_key::identify(app, name, secret, origin.source).await?
        }
        Credential::Assertion(token) => workload::identify(app, token, request).await?,
        Credential::Client => client::identify(caller.as_ref())?,
        Credential::Token { subject, actor } => {
            subject_token::identify(app, subject, actor.as_ref(), request, now).await?
        }
        Credential::RefreshToken { token, name } => {
            let presenter = Presenter { caller: caller.as_ref(), name, origin };
            refresh::identify(app, token, &presenter, now).await?
        }
    };
    let proved = possession::prove(app, &identity, caller.as_ref(), proof).await;
    let bound_to = proved.map_err(|failed| failed.of(&identity))?;
    let mut identity = Identity { bound_to, ..identity };
    let granted = grant(app, &identity, wish, from, now).await?;

    let succession = Succession::of(app, &mut identity, wish, &granted, now);
    let uses = record::uses_of(&identity, caller.as_ref(), origin, now);
    // Signed while all of it is being committed.
    let (refresh_token, issued) =
        tokio::join!(succession.record(app, &identity, uses, origin, now), async {
            mint::mint(app, &identity, &granted, now)
        },);
    let (refresh_token, issued) = (refresh_token?, issued?);

    // Something was changed meanwhile, perhaps this key or what its owner may do: whatever was
    // acknowledged before we answer is final.
    if app.directory.forgotten() != seen {
        let again = identity.again(app).await?;
        let granted = grant(app, &again, wish, from, now).await?;
        let issued = mint::mint(app, &again, &granted, now)?;
        return Ok(handed_out(app, refresh_token, issued));
    }
    Ok(handed_out(app, refresh_token, issued))
}

/// The last step: from here on the answer goes out.
fn handed_out(app: &App, refresh_token: Option<Given>, issued: Issued) -> Issued {
    let refresh_token = refresh_token.map(|given| given.hand_out(app));
    Issued { refresh_token, ..issued }
}

/// Judges who asks, and works out what the token may do.
async fn grant(
    app: &App,
    identity: &Identity,
    wish: &Wish,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Grant, Failed> {
    let granted = async {
        let standing = judge::judge(app, identity, from, now).await?;
        let mut beside = Vec::with_capacity(identity.beside.len());
        for other in &identity.beside {
            beside.push((other, judge::judge(app, other, from, now).await?));
        }
        possession::check(identity)?;
        narrow::narrow(app, (identity, &standing), &beside, wish).await
    };
    granted.await.map_err(|failed| failed.of(identity))
}

/// Why the walk ended early: a refusal still to be recorded, or a failure of ours.
enum Failed {
    Refused(Box<Refused>),
    Error(ExchangeError),
}

impl Failed {
    /// Notes whose key it was: known from the moment the secret was proved.
    fn of(self, identity: &Identity) -> Self {
        match self {
            Self::Refused(refused) => Self::Refused(Box::new(refused.of(identity))),
            other @ Self::Error(_) => other,
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(Refused::new(refusal)))
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
