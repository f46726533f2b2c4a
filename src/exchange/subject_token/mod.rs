//! Identifies by a token that stands for someone (RFC 8693): whose rights they are, who asks, and
//! who acts.

mod policy;

use secrecy::{ExposeSecret as _, SecretString};

use self::policy::Targets;
use super::{
    Caller, ClaimedName, Failed, Refusal, Request, Wish, access_token, api_key,
    identity::{Holder, Identity},
    refresh::{self, Presenter},
    refusal::{NotExchanged, Part},
    workload,
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Authentication, GrantType, OrganizationId, Secret, Source},
    signing::{Audience, TokenType, Unverified},
};

/// What is offered as a subject or an actor token. Nothing in it has been checked.
pub struct Offered {
    pub kind: TokenKind,
    pub token: SecretString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    ApiKey,
    /// One of ours.
    AccessToken,
    /// One of ours.
    RefreshToken,
    /// One of ours, or another's.
    Jwt,
    /// Another's.
    IdToken,
}

/// A token that is good, with what stands behind it.
struct Proven {
    kind: TokenKind,
    identity: Identity,
    /// Where an access token acts.
    organization_id: Option<OrganizationId>,
}

pub(super) async fn identify(
    app: &App,
    subject: &Offered,
    actor: Option<&Offered>,
    request: &Request,
    now: Timestamp,
) -> Result<Identity, Failed> {
    let caller = request.caller.as_ref();
    not_public(caller)?;
    let subject = prove(app, Part::Subject, subject, request, now).await?;
    let actor = match actor {
        Some(actor) => Some(prove(app, Part::Actor, actor, request, now).await?),
        None => None,
    };
    let refused = |why| Failed::from(Refusal::from(why)).of(&subject.identity);
    let combined = combine(app, &subject, actor, caller, &request.wish).map_err(refused)?;
    if combined.by_rules.is_some()
        && let Some(known) = caller.and_then(Caller::registered)
        && let Some(organization_id) = subject.organization_id
        && !app.directory.serves(known.client.organization_id, organization_id).await?
    {
        return Err(refused(NotExchanged::OtherTree(known.client.id)));
    }
    Ok(combined)
}

/// Anyone may say to be a public client: none is trusted with what is not its own.
fn not_public(caller: Option<&Caller>) -> Result<(), Refusal> {
    match caller.and_then(Caller::registered) {
        Some(known) if known.client.terms.authentication == Authentication::None => {
            Err(Refusal::GrantNotAllowed(known.client.id, GrantType::TokenExchange))
        }
        _ => Ok(()),
    }
}

async fn prove(
    app: &App,
    part: Part,
    offered: &Offered,
    request: &Request,
    now: Timestamp,
) -> Result<Proven, Failed> {
    let caller = request.caller.as_ref();
    let text = offered.token.expose_secret();
    let kind = kind(app, offered.kind, text);
    let mut organization_id = None;
    let identity = match kind {
        TokenKind::ApiKey => {
            let source = request.origin.source;
            api_key::identify(app, &ClaimedName::None, &offered.token, source).await?
        }
        TokenKind::AccessToken => {
            let (identity, acting) = access_token(app, part, text, caller, now).await?;
            organization_id = Some(acting);
            identity
        }
        TokenKind::RefreshToken => refresh_token(app, part, &offered.token, request, now).await?,
        TokenKind::Jwt | TokenKind::IdToken => {
            workload::identify_external(app, text, request).await?
        }
    };
    Ok(Proven { kind, identity, organization_id })
}

/// What a token is, where its type leaves that open.
fn kind(app: &App, claimed: TokenKind, text: &str) -> TokenKind {
    let is_ours = || {
        let issuer = Unverified::read(text).ok().and_then(|token| token.issuer);
        issuer.is_some_and(|issuer| issuer == app.settings.issuer)
    };
    match claimed {
        // Clients that know of no other type say that a key is an access token.
        TokenKind::AccessToken if text.parse::<Secret>().is_ok() => TokenKind::ApiKey,
        TokenKind::Jwt if is_ours() => TokenKind::AccessToken,
        claimed => claimed,
    }
}

/// An access token goes from hand to hand: it alone says nothing of who presents it.
async fn access_token(
    app: &App,
    part: Part,
    text: &str,
    caller: Option<&Caller>,
    now: Timestamp,
) -> Result<(Identity, OrganizationId), Failed> {
    if caller.is_none() {
        return Err(Refusal::from(NotExchanged::NoClient).into());
    }
    let token = app.signer.verify(text, now, TokenType::ACCESS_TOKENS, Audience::Any);
    let token = token.map_err(|why| Refusal::from(NotExchanged::Untrusted(part, why)))?;
    let identity = access_token::identify(app, &token).await?;
    // Whom an actor's token is for says nothing about the new one.
    let usual = match part {
        Part::Subject => access_token::audience(app, &token).await?,
        Part::Actor => None,
    };
    Ok((Identity { usual, ..identity }, token.organization_id))
}

/// Anyone who may use a refresh token may exchange it, too, unless it rotates: an exchange would
/// not use it up, and its theft would go unnoticed. One that was replaced ends its family here as
/// elsewhere.
async fn refresh_token(
    app: &App,
    part: Part,
    token: &SecretString,
    request: &Request,
    now: Timestamp,
) -> Result<Identity, Failed> {
    let Request { caller, origin, .. } = request;
    let by = Presenter { caller: caller.as_ref(), name: &ClaimedName::None, origin };
    let identity = refresh::identify(app, token, &by, now).await?;
    match &identity.refreshed {
        Some(refreshed) if !refreshed.family.granted.terms.rotates => {
            Ok(Identity { refreshed: None, ..identity })
        }
        _ => Err(Failed::from(Refusal::from(NotExchanged::Rotates(part))).of(&identity)),
    }
}

/// One identity of all who have a part in it, with no more rights than each of them has.
fn combine(
    app: &App,
    subject: &Proven,
    actor: Option<Proven>,
    caller: Option<&Caller>,
    wish: &Wish,
) -> Result<Identity, NotExchanged> {
    let allowed = policy::targets(app, subject, actor.is_some(), caller, wish)?;
    policy::may_act(app, &subject.identity, caller, actor.is_some())?;
    let mut identity = subject.identity.clone();
    identity.ceiling = identity.ceiling.and(&allowed.ceiling());
    if let Some(caller) = caller {
        identity = match caller.registered() {
            Some(known) => identity.asked_by(known.clone()),
            None => identity.together_with(caller.0.clone()),
        };
    }
    if let Some(actor) = actor {
        identity = policy::acted_for(identity, actor.identity, caller)?;
    }
    // Last: it is about the client that came last.
    if let Targets::ByRules(kind, resources) = allowed {
        identity.sources.push(Source::Exchange(kind));
        identity.by_rules = Some(resources);
    }
    if identity.sources.len() > Source::MOST {
        return Err(NotExchanged::TooLong);
    }
    Ok(identity)
}

impl Proven {
    /// Whose token it is, as rules name it.
    fn issuer<'a>(&'a self, app: &'a App) -> &'a str {
        match (self.kind, &self.identity.holder) {
            (TokenKind::Jwt | TokenKind::IdToken, Holder::Workload(trust, _)) => &trust.issuer,
            _ => &app.settings.issuer,
        }
    }

    /// Whether its holder may use it without being another's client.
    fn stands_alone(&self) -> bool {
        match self.kind {
            // A trust policy says what it is worth to its holder (RFC 7523, section 2.1). Of a
            // client's refresh token it was proved that the client presents it.
            TokenKind::ApiKey | TokenKind::Jwt | TokenKind::IdToken | TokenKind::RefreshToken => {
                true
            }
            TokenKind::AccessToken => false,
        }
    }
}

/// Whether these are the rights of the client itself, and no one else had a part in them.
fn is_own(caller: &Caller, identity: &Identity) -> bool {
    let is_holder = match (&caller.0.holder, &identity.holder) {
        (Holder::Key(one), Holder::Key(other)) => one.key.id == other.key.id,
        (Holder::Client(one), Holder::Client(other)) => one.client.id == other.client.id,
        _ => false,
    };
    is_holder && identity.client.is_none() && identity.actor.is_none()
}
