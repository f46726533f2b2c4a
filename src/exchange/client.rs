//! Finds out which client asks (RFC 6749, section 2.3): a registered one, or a key that is its own.

use std::{net::IpAddr, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    ClaimedName, ExchangeError, Failed, Refusal, api_key, assertion,
    identity::{Holder, Identity},
    judge,
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        Actor, ApiKeyId, Authentication, ClientId, GrantType, KnownClient, Origin, Secret, SecretId,
    },
    signing::Unverified,
    store::StoreError,
};

/// Who someone says to be, and what they offer to prove it by. Nothing in it has been checked.
pub struct Claim {
    pub id: String,
    pub proof: ClientProof,
}

pub enum ClientProof {
    /// A public client has none.
    None,
    Basic(SecretString),
    Post(SecretString),
    /// A JWT that it signed.
    Assertion(SecretString),
}

impl Claim {
    /// An assertion says itself whose it is; the request may say so beside it.
    pub fn by_assertion(id: Option<String>, assertion: SecretString) -> Self {
        let said = || Unverified::read(assertion.expose_secret()).ok()?.subject;
        let id = id.or_else(said).unwrap_or_default();
        Self { id, proof: ClientProof::Assertion(assertion) }
    }

    /// Whether to look at it uses it up.
    pub(super) fn counts_once(&self) -> bool {
        matches!(self.proof, ClientProof::Assertion(_))
    }
}

/// A client that has proved who it is: no one makes one but `authenticate`.
#[derive(Clone)]
pub struct Caller(pub(super) Identity);

impl Caller {
    /// The registered client; `None` where it is a key.
    pub(super) fn registered(&self) -> Option<&Arc<KnownClient>> {
        match &self.0.holder {
            Holder::Client(known) => Some(known),
            Holder::Key(_) | Holder::Workload(..) => None,
        }
    }

    /// As tokens that were issued to it name it.
    pub fn id(&self) -> String {
        self.0.client_id()
    }

    /// Who it is in the audit trail.
    pub fn actor(&self) -> Actor {
        match &self.0.holder {
            Holder::Key(presented) => Actor::ApiKey(presented.key.id),
            Holder::Client(known) => Actor::Client(known.client.id),
            Holder::Workload(..) => Actor::Keyturn,
        }
    }

    /// The key, where it is one.
    pub(super) fn key(&self) -> Option<ApiKeyId> {
        self.0.key().map(|(id, _)| id)
    }
}

/// Whether this is the id of a registered client; a caller that names it has to be that client.
pub async fn is_registered(app: &App, id: &str, source: IpAddr) -> Result<bool, ExchangeError> {
    Ok(look_up(app, id, source).await?.is_some())
}

/// For a source that has failed too often a client is looked up only where there may be one.
async fn look_up(
    app: &App,
    id: &str,
    source: IpAddr,
) -> Result<Option<Arc<KnownClient>>, StoreError> {
    let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
    if app.attempts.check(source).is_err() && !app.directory.may_have_client(id).await {
        return Ok(None);
    }
    app.directory.client(id).await
}

pub(super) async fn authenticate(
    app: &App,
    claim: &Claim,
    source: IpAddr,
    now: Timestamp,
) -> Result<Caller, Failed> {
    let secret = match &claim.proof {
        ClientProof::None => return public(app, &claim.id, source, now).await,
        ClientProof::Basic(secret) | ClientProof::Post(secret) => secret,
        ClientProof::Assertion(jwt) => {
            // First: a signature costs more than the rest of a request.
            app.attempts.check(source).map_err(Refusal::from)?;
            let known = find(app, &claim.id, source).await?;
            assertion::authenticate(app, &known, &claim.id, jwt, now).await?;
            return Ok(Caller(Identity::of_client(known, None)));
        }
    };
    // What a secret begins with says what it is of: no client is looked for by a key's secret.
    if let Ok(secret) = Secret::of_client(secret.expose_secret()) {
        return by_secret(app, claim, &secret, source, now).await;
    }
    let name = ClaimedName::NameOrId(claim.id.clone());
    Ok(Caller(api_key::identify(app, &name, secret, source).await?))
}

async fn by_secret(
    app: &App,
    claim: &Claim,
    secret: &Secret,
    source: IpAddr,
    now: Timestamp,
) -> Result<Caller, Failed> {
    let known = find(app, &claim.id, source).await?;
    let id = known.client.id;
    let hash = secret.hash();
    // All of them are compared, so that the time does not tell which it was.
    let live = known.secrets.iter().filter(|secret| secret.is_live(now));
    let right: Vec<SecretId> =
        live.filter(|known| known.hash.matches(&hash)).map(|secret| secret.id).collect();
    let Some(secret_id) = right.first() else { return Err(Refusal::WrongClientSecret(id).into()) };
    let registered = matches!(
        (&known.client.terms.authentication, &claim.proof),
        (
            Authentication::ClientSecretBasic | Authentication::ClientSecretBasicOrPost,
            ClientProof::Basic(_)
        ) | (
            Authentication::ClientSecretPost | Authentication::ClientSecretBasicOrPost,
            ClientProof::Post(_)
        )
    );
    if !registered {
        let method = known.client.terms.authentication.as_str();
        return Err(Refusal::WrongMethod(id, method).into());
    }
    usable(known, Some(*secret_id), now)
}

async fn public(app: &App, id: &str, source: IpAddr, now: Timestamp) -> Result<Caller, Failed> {
    let known = find(app, id, source).await?;
    match known.client.terms.authentication {
        Authentication::None => usable(known, None, now),
        _ => Err(Refusal::OtherMethod(known.client.id).into()),
    }
}

async fn find(app: &App, id: &str, source: IpAddr) -> Result<Arc<KnownClient>, Failed> {
    Ok(look_up(app, id, source).await?.ok_or(Refusal::UnknownClient)?)
}

fn usable(
    known: Arc<KnownClient>,
    secret: Option<SecretId>,
    now: Timestamp,
) -> Result<Caller, Failed> {
    judge::usable(&known, now)?;
    Ok(Caller(Identity::of_client(known, secret)))
}

/// Whether the client may use this grant; what a key may do is up to the key.
pub(super) fn allow(caller: &Caller, grant: GrantType) -> Result<(), Failed> {
    match caller.registered() {
        Some(known) if !known.client.terms.grants.contains(&grant) => {
            Err(Refusal::GrantNotAllowed(known.client.id, grant).into())
        }
        _ => Ok(()),
    }
}

/// Whether it may ask for anything at all: now, from here.
pub(super) async fn admit(app: &App, caller: &Caller, origin: &Origin) -> Result<(), Failed> {
    let judged = judge::judge(app, &caller.0, Some(origin.source), app.clock.now()).await;
    judged.map(drop).map_err(|failed| failed.of(&caller.0))
}

/// Refuses what anyone may say to be.
pub(super) fn confidential(caller: &Caller) -> Result<(), Refusal> {
    match caller.registered() {
        Some(known) if known.client.terms.authentication == Authentication::None => {
            Err(Refusal::OtherMethod(known.client.id))
        }
        _ => Ok(()),
    }
}

/// The client asks for itself (RFC 6749, section 4.4): a public one cannot.
pub(super) fn identify(caller: Option<&Caller>) -> Result<Identity, Failed> {
    let caller = caller.ok_or(Refusal::UnknownClient)?;
    match caller.registered() {
        Some(known) if known.client.terms.authentication == Authentication::None => {
            Err(Refusal::GrantNotAllowed(known.client.id, GrantType::ClientCredentials).into())
        }
        _ => Ok(caller.0.clone()),
    }
}
