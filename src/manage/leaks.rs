//! What becomes of a key when its secret is given up, or found where it does not belong.

use chrono::TimeDelta;
use serde_json::json;

use super::{Asker, Rejection, api_keys::Editing};
use crate::{
    announce::{Leaked, News, Subject, announce},
    app::App,
    clock::Timestamp,
    domain::{Actor, ApiKey, ApiKeyId, Expected, Presented, Secret, Sight, Text, WhenLeaked},
    store::{self, Page, Tx, audit_events::Filter},
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
    let asker = asker.named(Actor::ApiKey(id));
    end(app, &asker, &presented, &Cause::GivenUp).await?;
    Ok(Some(id))
}

/// A secret was found: its key does what its owners have chosen for that, and they are told.
pub async fn report(app: &App, asker: &Asker, found: &Found) -> Result<Real, Rejection> {
    let presented = store::api_key_secrets::find(&app.store, &found.secret.hash()).await?;
    let Some(presented) = presented else { return Ok(Real::No) };
    end(app, asker, &presented, &Cause::Found(found)).await?;
    Ok(Real::Yes)
}

/// Why a secret is to end.
enum Cause<'a> {
    GivenUp,
    Found(&'a Found),
}

impl Cause<'_> {
    fn action(&self) -> &'static str {
        match self {
            Self::GivenUp => "api_key.given_up",
            Self::Found(_) => "api_key.leaked",
        }
    }

    fn reaction(&self, key: &ApiKey) -> WhenLeaked {
        match self {
            Self::GivenUp => WhenLeaked::Revoke,
            Self::Found(_) => key.when_leaked,
        }
    }
}

/// Tried again where somebody changes the key at the same moment: a leak must not lose a race.
async fn end(
    app: &App,
    asker: &Asker,
    presented: &Presented,
    cause: &Cause<'_>,
) -> Result<(), Rejection> {
    const TRIES: u8 = 5;
    for _ in 1..TRIES {
        match end_once(app, asker, presented, cause).await {
            Err(Rejection::ChangedMeanwhile) => (),
            done => return done,
        }
    }
    end_once(app, asker, presented, cause).await
}

async fn end_once(
    app: &App,
    asker: &Asker,
    presented: &Presented,
    cause: &Cause<'_>,
) -> Result<(), Rejection> {
    let now = app.clock.now();
    let id = presented.key.id;
    let mut editing = match Editing::begin(app, asker, id, &Expected::Any).await {
        // Deleted since it was found: there is nothing left to end.
        Err(Rejection::NotFound(_)) => return Ok(()),
        begun => begun?,
    };
    let Editing { tx, key, .. } = &mut editing;
    let secrets = store::api_key_secrets::of_key(tx, id).await?;
    let Some(secret) = secrets.iter().find(|it| it.id == presented.secret.id) else {
        return Ok(());
    };
    let is_newest = secrets.last().is_some_and(|newest| newest.id == secret.id);
    let is_dead = !secret.is_live(now) || key.revoked_at.is_some();
    let reaction = cause.reaction(key);
    if (is_dead || reaction == WhenLeaked::Notify) && is_known(tx, key, cause, now).await? {
        return Ok(());
    }
    let mut became = Leaked::Noticed;
    match reaction {
        _ if is_dead => became = Leaked::WasDead,
        WhenLeaked::Notify => (),
        _ if !is_newest => {
            store::api_key_secrets::set_end(tx, secret, now).await?;
            became = Leaked::SecretEnded;
        }
        WhenLeaked::Disable => {
            key.disabled_at = key.disabled_at.or(Some(now));
            became = Leaked::Disabled;
        }
        WhenLeaked::Revoke => {
            key.revoked_at = Some(now);
            store::refresh_families::end_of_key(tx, id, now).await?;
            became = Leaked::Revoked;
        }
    }
    let mut detail = json!({ "became": became.as_str() });
    let news = match cause {
        Cause::GivenUp => News::GivenUp { became },
        Cause::Found(found) => {
            detail["place"] = json!(found.place);
            let found_at = found.place.as_ref().map(ToString::to_string);
            News::Leaked { found_at, became }
        }
    };
    announce(app, tx, Subject::Key(key), &news).await?;
    editing.save(app, cause.action(), detail).await.map(drop)
}

/// Whether the same was said of the key within a day: whoever repeats it changes nothing, and must
/// not fill the trail or somebody's mailbox.
async fn is_known(
    tx: &mut Tx,
    key: &ApiKey,
    cause: &Cause<'_>,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let filter = Filter {
        subject: Some(format!("key:{}", key.id)),
        action: Some(cause.action().to_owned()),
        from: Some(now - TimeDelta::days(1)),
        ..Filter::default()
    };
    let page = Page { after: None, most: 1 };
    let said = store::audit_events::list(tx, Sight::Everything, true, &filter, page).await?;
    Ok(!said.is_empty())
}

impl Found {
    /// What a finder says of the place is only as good as the finder.
    pub fn new(secret: Secret, place: Option<&str>) -> Self {
        Self { secret, place: place.and_then(|place| place.parse().ok()) }
    }
}
