//! What a client may have exchanged: its own, and what a rule of its registration allows. All that
//! no rule allows is refused.

use serde_json::Value;
use uuid::Uuid;

use super::{NotExchanged, Proven, TokenKind, is_own};
use crate::{
    app::App,
    domain::{Ceiling, Delegate, ExchangeRule, KnownClient, ResourceIdentifier},
    exchange::{Caller, Wish, identity::Identity},
};

/// Whom the new token may be for, as far as that depends on who asks.
pub(super) enum Targets {
    /// Every resource that the subject itself could ask for.
    Any,
    /// Whom the subject token is for, which the client was given itself.
    Same(ResourceIdentifier),
    /// Those that rules name which the client has for this kind of exchange.
    ByRules(Uuid, Vec<ResourceIdentifier>),
}

impl Targets {
    pub(super) fn ceiling(&self) -> Ceiling {
        let resources = match self {
            Self::Any => None,
            Self::Same(resource) => Some(vec![resource.clone()]),
            Self::ByRules(_, resources) => Some(resources.clone()),
        };
        Ceiling { resources, ..Ceiling::default() }
    }
}

pub(super) fn targets(
    app: &App,
    subject: &Proven,
    has_actor: bool,
    caller: Option<&Caller>,
    wish: &Wish,
) -> Result<Targets, NotExchanged> {
    let Some(caller) = caller else {
        return if subject.stands_alone() { Ok(Targets::Any) } else { Err(NotExchanged::NoClient) };
    };
    // A refresh token is its client's, no matter whose rights it draws on.
    if is_own(caller, &subject.identity) || subject.kind == TokenKind::RefreshToken {
        return Ok(Targets::Any);
    }
    let Some(known) = caller.registered() else { return Err(NotExchanged::NotTheKeys) };
    by_rule(known, subject, subject.issuer(app), has_actor, wish)
}

fn by_rule(
    known: &KnownClient,
    subject: &Proven,
    issuer: &str,
    has_actor: bool,
    wish: &Wish,
) -> Result<Targets, NotExchanged> {
    // What the client was given for another it may have again, for the same audience.
    let identity = &subject.identity;
    let was_given = identity.client.as_ref().is_some_and(|it| it.client.id == known.client.id);
    let is_wanted =
        |usual: &&ResourceIdentifier| wish.resource.as_ref().is_none_or(|it| it == *usual);
    let same = identity.usual.as_ref().filter(|_| was_given);
    if let Some(same) = same.filter(is_wanted) {
        return Ok(Targets::Same(same.clone()));
    }
    let (id, terms) = (known.client.id, &known.client.terms);
    let kind = ExchangeRule::kind(issuer, has_actor);
    let allowed = terms.exchanged_for(kind);
    let closed: Vec<_> =
        terms.exchanges.iter().filter(|it| it.issuer == issuer && !it.impersonation).collect();

    let wants_closed = !has_actor
        && wish.resource.as_ref().map_or(allowed.is_empty(), |wanted| {
            !allowed.contains(wanted) && closed.iter().any(|rule| rule.resource == *wanted)
        });
    if wants_closed && !closed.is_empty() {
        Err(NotExchanged::NoActor(id, issuer.to_owned()))
    } else if !allowed.is_empty() {
        Ok(Targets::ByRules(kind, allowed))
    } else if let Some(same) = same {
        Ok(Targets::Same(same.clone()))
    } else {
        Err(NotExchanged::NoRule(id, issuer.to_owned()))
    }
}

/// Holds who asks against what the subject token says of who may act (RFC 8693, section 4.4). What
/// it says in another way than ours is said of another.
pub(super) fn may_act(
    app: &App,
    subject: &Identity,
    caller: Option<&Caller>,
    has_actor: bool,
) -> Result<(), NotExchanged> {
    let Some(may_act) = &subject.may_act else { return Ok(()) };
    let Some(caller) = caller else {
        return if has_actor { Err(NotExchanged::NotTheActor) } else { Ok(()) };
    };
    let (sub, client_id) = (caller.0.subject(), caller.0.client_id());
    let is_right = |(name, value): (&String, &Value)| match name.as_str() {
        "sub" => *value == *sub,
        "client_id" => *value == *client_id,
        "iss" => *value == *app.settings.issuer,
        _ => false,
    };
    let names = may_act
        .as_object()
        .filter(|names| names.contains_key("sub") || names.contains_key("client_id"));
    let is_meant = names.is_some_and(|names| names.iter().all(is_right));
    if is_meant { Ok(()) } else { Err(NotExchanged::NotTheActor) }
}

/// The same, with an actor (RFC 8693, section 1.1: delegation). Who acts is the client that asks:
/// no one lets another appear as the actor.
pub(super) fn acted_for(
    identity: Identity,
    actor: Identity,
    caller: Option<&Caller>,
) -> Result<Identity, NotExchanged> {
    let known = caller.filter(|caller| caller.registered().is_some());
    if !known.is_some_and(|caller| is_own(caller, &actor)) {
        return Err(NotExchanged::OtherActor);
    }
    let delegate =
        Delegate { sub: actor.subject(), iss: None, act: identity.actor.clone().map(Box::new) };
    if delegate.depth() > Delegate::DEEPEST {
        return Err(NotExchanged::TooManyActors);
    }
    let bound_to = match (&identity.bound_to, &actor.bound_to) {
        (Some(one), Some(other)) if one != other => return Err(NotExchanged::TwoProofKeys),
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    };
    let together = identity.together_with(actor);
    Ok(Identity { actor: Some(delegate), bound_to, ..together })
}
