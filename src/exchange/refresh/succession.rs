//! Follows one refresh token with the next: begins a family, uses a generation up, ends a family of
//! which one was used twice.

use super::{
    check::check,
    terms::{is_guarded, is_public, terms},
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Ceiling, Family, FamilyId, Granted, Origin, Source, Turn, Use},
    exchange::{
        Failed, Refusal, Wish,
        identity::{Identity, Refreshed},
        mint,
        narrow::Grant,
        record,
    },
    ledger::Decision,
    signing::RefreshKey,
    store,
};
use secrecy::SecretString;

/// What becomes of refresh tokens when an access token is issued.
pub(in crate::exchange) enum Succession {
    /// None is given.
    None,
    Begins(Box<Family>),
    GoesOn(Box<Refreshed>),
}

impl Succession {
    /// What follows from this identity. A family that begins becomes a source of its first access
    /// token as well.
    pub(in crate::exchange) fn of(
        app: &App,
        identity: &mut Identity,
        wish: &Wish,
        granted: &Grant,
        now: Timestamp,
    ) -> Self {
        if let Some(refreshed) = &identity.refreshed {
            return Self::GoesOn(refreshed.clone());
        }
        match first(app, identity, wish, granted, now) {
            Some(family) => {
                identity.sources.push(Source::Family(family.id));
                Self::Begins(Box::new(family))
            }
            None => Self::None,
        }
    }

    /// Writes it down with the uses, and gives the refresh token to hand out. May go out when this
    /// returns.
    pub(in crate::exchange) async fn record(
        self,
        app: &App,
        identity: &Identity,
        uses: Vec<Use>,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<Given>, Failed> {
        match self {
            Self::None => record::used(app, uses).await.map(|()| None),
            Self::Begins(family) => {
                let token = Given::new(app, &family, family.generation);
                let gone = Refusal::SourceGone(Source::Family(family.id));
                let api_key = identity.key().map(|(id, _)| id);
                let holder = family.holder();
                let begun =
                    app.ledger.decide_and_use(Decision::Begin { family, api_key }, uses).await?;
                // Not if its key or its client was deleted meanwhile.
                if !begun {
                    return Err(gone.into());
                }
                end_oldest(app, &holder, now).await;
                Ok(Some(token))
            }
            Self::GoesOn(refreshed) => {
                let next = go_on(app, identity, &refreshed, uses, origin, now).await;
                next.map(Some).map_err(|failed| failed.of(identity))
            }
        }
    }
}

/// The family that begins with this exchange, if one is to.
fn first(
    app: &App,
    identity: &Identity,
    wish: &Wish,
    granted: &Grant,
    now: Timestamp,
) -> Option<Family> {
    let terms = terms(app, identity)?;
    let is_guarded = is_guarded(identity, terms, identity.bound_to.is_some());
    let has_family = identity.sources.iter().any(|source| matches!(source, Source::Family(_)));
    let expires_at = identity.ends().into_iter().fold(now + terms.lifetime(), Timestamp::min);
    // One that ends with its access token is of no use.
    if !is_guarded || has_family || expires_at <= mint::end(app, identity, granted, now) {
        return None;
    }
    // RFC 9449, section 5: a client that authenticates is bound by that.
    let is_bound = is_public(identity) || identity.registered().is_none();
    Some(Family {
        id: FamilyId(app.random.id(now)),
        salt: app.random.bytes(),
        client_id: identity.registered().map(|known| known.client.id),
        granted: Granted {
            sources: identity.sources.clone(),
            subject: identity.subject(),
            ceiling: ceiling(identity, wish, granted),
            actor: identity.actor.clone(),
            bound_to: identity.bound_to.clone().filter(|_| is_bound),
            terms: terms.clone(),
        },
        generation: 1,
        answered_at: None,
        created_at: now,
        used_at: now,
        expires_at,
        ended_at: None,
        status_index: 0,
    })
}

/// What was named bounds all that is refreshed. Where nothing was, the holder's rights do, as far as
/// they went at the first exchange: one refresh token then serves several resources.
fn ceiling(identity: &Identity, wish: &Wish, granted: &Grant) -> Ceiling {
    let is_named = wish.scopes.is_some() || wish.resource.is_some();
    let scopes = if is_named { &granted.scopes } else { &granted.held };
    identity.ceiling.and(&Ceiling {
        scopes: Some(scopes.clone()),
        resources: wish.resource.clone().map(|resource| vec![resource]),
        organizations: wish.organization.map(|organization| vec![organization]),
        expires_at: None,
    })
}

/// Uses a token up. Of several who do so at once one is first; the others are given the same
/// successor.
async fn go_on(
    app: &App,
    identity: &Identity,
    refreshed: &Refreshed,
    uses: Vec<Use>,
    origin: &Origin,
    now: Timestamp,
) -> Result<Given, Failed> {
    let Refreshed { family, generation, turn } = refreshed;
    if *turn == Turn::Replayed {
        record::used(app, uses).await?;
        return Ok(Given::new(app, family, family.generation));
    }
    let (id, generation) = (family.id, *generation);
    let (decision, next) = if family.granted.terms.rotates {
        (Decision::Advance { family: id, generation, now }, generation.saturating_add(1))
    } else {
        (Decision::Use { family: id, generation, now }, generation)
    };
    if app.ledger.decide_and_use(decision, uses.clone()).await? {
        return Ok(Given::new(app, family, next));
    }
    let family = app.directory.family_now(id).await?;
    let family = family.ok_or(Refusal::UnknownRefreshToken)?;
    match check(app, identity, &family, generation, origin, now).await? {
        Turn::Replayed => {
            record::used(app, uses).await?;
            Ok(Given::new(app, &family, family.generation))
        }
        _ => Err(Refusal::SourceGone(Source::Family(id)).into()),
    }
}

/// A refresh token that is about to be handed out.
pub(in crate::exchange) struct Given {
    token: SecretString,
    /// What it is the successor in; `None`: it is no successor.
    succeeds: Option<(FamilyId, u32)>,
}

impl Given {
    fn new(app: &App, family: &Family, generation: u32) -> Self {
        let key = RefreshKey::of(&app.key_encryption_key, family);
        Self {
            token: key.token(family, generation).reveal(),
            succeeds: (generation > 1).then_some((family.id, generation)),
        }
    }

    /// Call it when nothing can fail any more: from now on the grace of the one before it counts.
    pub(in crate::exchange) fn hand_out(self, app: &App) -> SecretString {
        if let Some((family, generation)) = self.succeeds {
            app.ledger.answered(family, generation, app.clock.shared());
        }
        self.token
    }
}

/// Ends the oldest families of a holder beyond [`Family::MOST`]. The token is given out in any case:
/// the next family that begins ends what is left.
async fn end_oldest(app: &App, holder: &[u8; 32], now: Timestamp) {
    let ended = async {
        let beyond = store::refresh_families::beyond(&app.store, holder, Family::MOST).await?;
        if beyond.is_empty() {
            return Ok(());
        }
        let mut tx = app.store.change().await?;
        for id in beyond {
            store::refresh_families::end(&mut tx, id, now).await?;
        }
        app.commit(tx).await
    };
    if let Err(error) = ended.await {
        tracing::warn!(%error, "could not end the oldest refresh tokens of a holder");
    }
}
