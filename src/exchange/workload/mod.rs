//! Identifies a workload by a token that another gave it, and by the one trust policy that the
//! token fulfils (RFC 7523, section 2.1). What no rule speaks of is refused.

mod trial;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

pub use self::trial::{KeysFrom, Outcome, Trial};
use super::{
    Distrust, ExchangeError, Failed, Refusal, Request, identity::Identity, record,
    refusal::words::cut,
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Ceiling, KeySource, Once, OrganizationId, Trust},
    ledger::Decision,
    peers::{NoKeys, NotVerified},
    signing::{ForeignToken, Unverified},
};

pub(super) async fn identify(
    app: &App,
    token: &SecretString,
    request: &Request,
) -> Result<Identity, Failed> {
    let known = match &request.caller {
        None => None,
        Some(caller) => Some(caller.registered().ok_or(Distrust::AskedByKey)?.clone()),
    };
    let identity = identify_external(app, token.expose_secret(), request).await?;
    Ok(match known {
        Some(known) => identity.asked_by(known),
        None => identity,
    })
}

/// The holder of this foreign token, as the rule sees them that it fulfils. Where the request names an
/// organization, only its rules count.
pub(super) async fn identify_external(
    app: &App,
    token: &str,
    request: &Request,
) -> Result<Identity, Failed> {
    // First: signatures cost more than the rest of a request.
    app.attempts.check(request.origin.source).map_err(Refusal::from)?;
    let (now, organization) = (app.clock.now(), request.wish.organization);
    let rules = rules(app, token, organization).await?;
    let trials = trial::hold(app, rules, token, KeysFrom::Anywhere, now).await;
    let found = the_one_that_holds(&trials, organization, now);
    let (rule, token) = found.map_err(|why| match without_keys(&trials) {
        Some(no_keys) if matches!(why, Distrust::NoRuleHolds { .. }) => {
            record::undecided(app, &request.origin, &Refusal::Distrusted(why), now);
            no_keys.into()
        }
        _ => Failed::from(why),
    })?;
    // What a disabled rule says is refused later, and uses nothing up.
    if rule.terms.once && is_in_force(rule, now) {
        use_up(app, rule, token).await?;
    }
    let subject = token.text("sub").map_err(|_| Refusal::NoSource)?.to_owned();
    let ends = token.expires_at().map_err(|_| Refusal::NoSource)?;
    let identity = Identity::of_workload(rule.clone(), subject);
    let may_act = token.claims.get("may_act").cloned();
    Ok(Identity { ceiling: Ceiling::until(Some(ends)), may_act, ..identity })
}

/// What each rule for its issuer makes of a token, without using it up. Nothing is recorded.
pub async fn try_out(
    app: &App,
    token: &str,
    organization: Option<OrganizationId>,
    keys: KeysFrom,
) -> Result<Result<Vec<Trial>, Distrust>, ExchangeError> {
    match rules(app, token, organization).await {
        Ok(rules) => Ok(Ok(trial::hold(app, rules, token, keys, app.clock.now()).await)),
        Err(Failed::Refused(refused)) => match refused.refusal {
            Refusal::Distrusted(distrust) => Ok(Err(distrust)),
            other => Err(other.into()),
        },
        Err(Failed::Error(error)) => Err(error),
    }
}

/// The rules that speak of the issuer: those of the organization, where one is named.
async fn rules(
    app: &App,
    token: &str,
    organization: Option<OrganizationId>,
) -> Result<Vec<Arc<Trust>>, Failed> {
    let unverified = Unverified::read(token).map_err(Distrust::Malformed)?;
    let issuer = unverified.issuer.ok_or(Distrust::NoIssuer)?;
    let is_meant = |rule: &&Arc<Trust>| organization.is_none_or(|id| rule.organization_id == id);
    let all = app.directory.trusts(&issuer).await?;
    let rules: Vec<_> = all.iter().filter(is_meant).cloned().collect();
    if rules.is_empty() {
        let issuer = cut(&issuer);
        return Err(Distrust::UnknownIssuer { issuer, organization }.into());
    }
    Ok(rules)
}

/// Exactly one rule has to hold. Those that count no more matter only where no other holds.
fn the_one_that_holds(
    trials: &[Trial],
    organization: Option<OrganizationId>,
    now: Timestamp,
) -> Result<(&Arc<Trust>, &ForeignToken), Distrust> {
    let holding = || trials.iter().filter_map(|trial| Some((&trial.rule, trial.held()?)));
    let in_force: Vec<_> = holding().filter(|(rule, _)| is_in_force(rule, now)).collect();
    match in_force[..] {
        [one] => Ok(one),
        [] => holding().next().ok_or_else(|| none_holds(trials, organization)),
        _ => Err(several_hold(&in_force, organization)),
    }
}

/// Why the keys of one of these rules could not be had: it may be the one that would hold.
fn without_keys(trials: &[Trial]) -> Option<NoKeys> {
    trials.iter().find_map(|trial| match trial.outcome {
        Outcome::NotVerified(NotVerified::NoKeys(why)) => Some(why),
        _ => None,
    })
}

fn is_in_force(rule: &Trust, now: Timestamp) -> bool {
    rule.disabled_at.is_none() && rule.terms.expires_at.is_none_or(|end| now < end)
}

fn several_hold(
    holding: &[(&Arc<Trust>, &ForeignToken)],
    organization: Option<OrganizationId>,
) -> Distrust {
    let rules = match organization {
        Some(_) => holding.iter().map(|(rule, _)| rule.name.clone()).collect(),
        None => Vec::new(),
    };
    Distrust::SeveralRulesHold { rules, organization }
}

/// Quotes the rules only where all of them are of one organization: its people are told.
fn none_holds(trials: &[Trial], organization: Option<OrganizationId>) -> Distrust {
    const QUOTED: usize = 5;
    let first = trials.first().map(|trial| trial.rule.organization_id);
    let is_of_first = |trial: &Trial| Some(trial.rule.organization_id) == first;
    let Some(only) = organization.or(first.filter(|_| trials.iter().all(is_of_first))) else {
        let why = format!(
            "none of the {} trust policies for this issuer holds; a request that names one \
             organization by organizationId is told what its rules say",
            trials.len()
        );
        return Distrust::NoRuleHolds { why, organization: None };
    };
    let mut told: Vec<_> = trials.iter().take(QUOTED).map(|it| cut_at(&it.to_string())).collect();
    if trials.len() > QUOTED {
        told.push(format!("and {} more", trials.len() - QUOTED));
    }
    let why = format!("no trust policy holds; {}", told.join(" | "));
    Distrust::NoRuleHolds { why, organization: Some(only) }
}

/// Long enough for what is wrong, too short for whatever someone puts into a token.
fn cut_at(told: &str) -> String {
    const ENOUGH: usize = 600;
    told.chars().take(ENOUGH).collect()
}

/// Of many requests with one token, on whatever node, one is the first.
async fn use_up(app: &App, rule: &Trust, token: &ForeignToken) -> Result<(), Failed> {
    let (name, organization) = (rule.name.clone(), rule.organization_id);
    let id = token.text_if_any("jti").ok().flatten().filter(|id| !id.is_empty());
    let id = id.ok_or(Distrust::NoId { rule: name.clone(), organization })?;
    // By the keys, too: anyone who trusts keys of their own for an issuer of others does not use up
    // the tokens of others.
    let keys = match &rule.terms.keys {
        KeySource::Issuer(place) | KeySource::Uri(place) | KeySource::Pinned(place) => place,
    };
    let parts = ["assertion", &rule.issuer, keys, id];
    let hash = Once::hash(&parts.map(str::as_bytes));
    let until = token.expires_at().map_err(|_| Refusal::NoSource)?;
    if app.ledger.decide(Decision::Once { hash, until }).await? {
        Ok(())
    } else {
        Err(Distrust::UsedBefore { rule: name, organization }.into())
    }
}

impl From<Distrust> for Failed {
    fn from(distrust: Distrust) -> Self {
        Refusal::Distrusted(distrust).into()
    }
}
