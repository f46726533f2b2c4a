//! What a client may have exchanged: its own, and what a rule of its registration allows. All that
//! no rule allows is refused.

use serde_json::Value;

use super::{NotExchanged, Proven, TokenKind, is_own};
use crate::{
    app::App,
    domain::{Delegate, KnownClient, ResourceIdentifier},
    exchange::{Caller, Wish, identity::Identity},
};

/// Whom the new token may be for, as far as that depends on who asks; `None`: whomever the subject
/// itself could ask for.
pub(super) fn targets(
    app: &App,
    subject: &Proven,
    has_actor: bool,
    caller: Option<&Caller>,
    wish: &Wish,
) -> Result<Option<Vec<ResourceIdentifier>>, NotExchanged> {
    let Some(caller) = caller else {
        return if subject.stands_alone() { Ok(None) } else { Err(NotExchanged::NoClient) };
    };
    // A refresh token is its client's, whoever's rights it draws on.
    if is_own(caller, &subject.identity) || subject.kind == TokenKind::RefreshToken {
        return Ok(None);
    }
    let Some(known) = caller.registered() else { return Err(NotExchanged::NotTheKeys) };
    by_rule(known, subject, subject.issuer(app), has_actor, wish).map(Some)
}

fn by_rule(
    known: &KnownClient,
    subject: &Proven,
    issuer: &str,
    has_actor: bool,
    wish: &Wish,
) -> Result<Vec<ResourceIdentifier>, NotExchanged> {
    let rules: Vec<_> =
        known.client.terms.exchanges.iter().filter(|rule| rule.issuer == issuer).collect();
    let (open, closed): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|rule| rule.impersonation || has_actor);

    // What the client was given for somebody else it may have again, for the same audience.
    let identity = &subject.identity;
    let was_given = identity.client.as_ref().is_some_and(|it| it.client.id == known.client.id);
    let same = identity.usual.iter().filter(|_| was_given);
    let allowed: Vec<_> = same.chain(open.iter().map(|rule| &rule.resource)).cloned().collect();

    let wants_closed = wish.resource.as_ref().map_or(allowed.is_empty(), |wanted| {
        !allowed.contains(wanted) && closed.iter().any(|rule| rule.resource == *wanted)
    });
    if wants_closed && !closed.is_empty() {
        Err(NotExchanged::NoActor(known.client.id, issuer.to_owned()))
    } else if allowed.is_empty() {
        Err(NotExchanged::NoRule(known.client.id, issuer.to_owned()))
    } else {
        Ok(allowed)
    }
}

/// Holds who asks against what the subject token says of who may act (RFC 8693, section 4.4). What
/// it says in another way than ours is said of somebody else.
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
/// nobody lets somebody else appear as the actor.
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
