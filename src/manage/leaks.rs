//! What becomes of a key when its secret is given up, or found where it does not belong.

use serde_json::{Value, json};

use super::{
    Asker, Rejection,
    api_keys::{Editing, event},
    audit,
};
use crate::{
    app::App,
    domain::{Actor, ApiKeyId, Authority, Expected, Presented, Secret, Text, WhenLeaked},
    store,
};

/// Somebody's word that a secret is where it does not belong.
#[derive(Debug)]
pub struct Found {
    pub secret: Secret,
    /// Where it was found, as far as that was said.
    pub place: Option<Text>,
}

/// Whether a secret that was found is one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Real {
    Yes,
    No,
}

/// Its holder wants the secret to end. Possession is enough, whether the key is locked or not: a
/// key that is being rotated lives on by its newest secret, any other is revoked. `None`: no key
/// has this secret.
pub async fn give_up(
    app: &App,
    asker: &Asker,
    secret: &Secret,
) -> Result<Option<ApiKeyId>, Rejection> {
    let Some(presented) = store::api_key_secrets::find(&app.store, &secret.hash()).await? else {
        return Ok(None);
    };
    let id = presented.key.id;
    let asker = Asker { actor: Actor::ApiKey(id), ..asker.clone() };
    end(app, &asker, &presented, WhenLeaked::Revoke, "api_key.given_up", json!({})).await?;
    Ok(Some(id))
}

/// A secret was found: its key does what its owners have chosen for that.
pub async fn report(app: &App, asker: &Asker, found: &Found) -> Result<Real, Rejection> {
    let presented = store::api_key_secrets::find(&app.store, &found.secret.hash()).await?;
    let Some(presented) = presented else { return Ok(Real::No) };
    let detail = json!({ "place": found.place, "when_leaked": presented.key.when_leaked });
    let reaction = presented.key.when_leaked;
    end(app, asker, &presented, reaction, "api_key.leaked", detail).await?;
    Ok(Real::Yes)
}

/// Tried again where somebody changes the key at the same moment: a leak must not lose a race.
async fn end(
    app: &App,
    asker: &Asker,
    presented: &Presented,
    reaction: WhenLeaked,
    action: &'static str,
    detail: Value,
) -> Result<(), Rejection> {
    const TRIES: u8 = 5;
    for _ in 1..TRIES {
        match end_once(app, asker, presented, reaction, action, detail.clone()).await {
            Err(Rejection::ChangedMeanwhile) => (),
            done => return done,
        }
    }
    end_once(app, asker, presented, reaction, action, detail).await
}

async fn end_once(
    app: &App,
    asker: &Asker,
    presented: &Presented,
    reaction: WhenLeaked,
    action: &'static str,
    detail: Value,
) -> Result<(), Rejection> {
    let now = app.clock.now();
    let asker = Asker { authority: Authority::Unbounded, ..asker.clone() };
    let id = presented.key.id;
    let mut editing = Editing::begin(app, &asker, id, &Expected::Any).await?;
    let Editing { tx, key } = &mut editing;
    let secrets = store::api_key_secrets::of_key(tx, id).await?;
    let Some(secret) = secrets.iter().find(|it| it.id == presented.secret.id) else {
        return Ok(());
    };
    let is_newest = secrets.last().is_some_and(|newest| newest.id == secret.id);
    if !secret.is_live(now) || key.revoked_at.is_some() {
        // Harmless already; that it is known is worth a line all the same.
        audit(app, tx, &asker, event(action, key, detail));
        return Ok(app.commit(editing.tx).await?);
    }
    match reaction {
        WhenLeaked::Notify => (),
        _ if !is_newest => store::api_key_secrets::set_end(tx, secret, now).await?,
        WhenLeaked::Disable => key.disabled_at = key.disabled_at.or(Some(now)),
        WhenLeaked::Revoke => key.revoked_at = Some(now),
    }
    editing.save(app, &asker, action, detail).await.map(drop)
}

impl Found {
    /// What a finder says of the place is only as good as the finder.
    pub fn new(secret: Secret, place: Option<&str>) -> Self {
        Self { secret, place: place.and_then(|place| place.parse().ok()) }
    }
}
