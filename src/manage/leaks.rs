//! What becomes of a key when its secret is given up, or found where it does not belong.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use serde_json::json;

use super::{Asker, Judged, Rejection, api_keys};
use crate::{
    announce::{Leaked, News, Subject, announce},
    app::App,
    clock::Timestamp,
    domain::{Actor, ApiKey, ApiKeyId, Presented, Secret, SecretHash, Sight, Text, WhenLeaked},
    store::{self, Page, Tx, audit_events::Filter},
};

/// Someone's word that a secret is where it does not belong.
#[derive(Debug)]
pub struct Found {
    pub secret: Secret,
    /// Where it was found, as far as that was said.
    pub place: Option<Text>,
}

/// Its holder wants the secret to end. Possession is enough, whether the key is locked or not: a
/// key that is being rotated lives on by its newest secret, any other is revoked. `None`: no key
/// has this secret.
pub async fn give_up(
    app: &App,
    asker: &Asker,
    secret: &Secret,
) -> Result<Option<ApiKeyId>, Rejection> {
    let causes = HashMap::from([(secret.hash(), Cause::GivenUp)]);
    let known = look_up(app, asker, &causes).await?;
    let Some(id) = known.real.first().map(|it| it.key.id) else { return Ok(None) };
    end(app, &asker.named(Actor::ApiKey(id)), &known.to_end, &causes).await?;
    Ok(Some(id))
}

/// Secrets were found: their keys do what their owners have chosen for that, and they are told. A
/// secret may be listed as often as it was found: what is said first of its place counts. Gives those
/// that are real.
pub async fn report(
    app: &App,
    asker: &Asker,
    found: &[Found],
) -> Result<HashSet<SecretHash>, Rejection> {
    let mut causes = HashMap::new();
    for found in found {
        causes.entry(found.secret.hash()).or_insert(Cause::Found(found));
    }
    let known = look_up(app, asker, &causes).await?;
    end(app, asker, &known.to_end, &causes).await?;
    Ok(known.real.iter().map(|it| it.secret.hash).collect())
}

/// Why each of some secrets is to end.
type Causes<'a> = HashMap<SecretHash, Cause<'a>>;

#[derive(Clone, Copy)]
enum Cause<'a> {
    GivenUp,
    Found(&'a Found),
}

impl Cause<'_> {
    fn action(self) -> &'static str {
        match self {
            Self::GivenUp => "api_key.given_up",
            Self::Found(_) => "api_key.leaked",
        }
    }

    fn reaction(self, key: &ApiKey) -> WhenLeaked {
        match self {
            Self::GivenUp => WhenLeaked::Revoke,
            Self::Found(_) => key.when_leaked,
        }
    }
}

/// What a look at secrets tells.
struct Known {
    /// Those that keys have or had.
    real: Vec<Presented>,
    /// Of these, what is not known already.
    to_end: Vec<SecretHash>,
}

/// Reads all that there is to know of these secrets. A repeated report ends here, and keeps no
/// writer waiting.
async fn look_up(app: &App, asker: &Asker, causes: &Causes<'_>) -> Result<Known, Rejection> {
    let now = app.clock.now();
    let mut hashes = Vec::with_capacity(causes.len());
    for hash in causes.keys() {
        let may_look_up = match asker.source {
            Some(source) => app.may_look_up(hash, source).await,
            None => true,
        };
        if may_look_up {
            hashes.push(*hash);
        }
    }
    if hashes.is_empty() {
        return Ok(Known { real: Vec::new(), to_end: Vec::new() });
    }
    let mut tx = app.store.read().await?;
    let mut real = store::api_key_secrets::find_all(&mut tx, &hashes).await?;
    // Of a key that is being rotated the old secret first: it is the key that lives on without it.
    real.sort_unstable_by_key(|it| it.secret.status_index);
    let mut to_end = Vec::new();
    for presented in &real {
        let cause = causes[&presented.secret.hash];
        if outcome(&mut tx, presented, cause, now, &HashSet::new()).await?.is_some() {
            to_end.push(presented.secret.hash);
        }
    }
    Ok(Known { real, to_end })
}

/// Secrets to one transaction: it must not keep other writers waiting.
const AT_ONCE: usize = 100;

/// Tried again where a key is changed at the same moment: a leak must not lose a race.
async fn end(
    app: &App,
    asker: &Asker,
    hashes: &[SecretHash],
    causes: &Causes<'_>,
) -> Result<(), Rejection> {
    const TRIES: u8 = 5;
    for some in hashes.chunks(AT_ONCE) {
        let mut left = TRIES;
        while let Err(rejection) = end_once(app, asker, some, causes).await {
            left -= 1;
            if left == 0 || !matches!(rejection, Rejection::ChangedMeanwhile) {
                return Err(rejection);
            }
        }
    }
    Ok(())
}

async fn end_once(
    app: &App,
    asker: &Asker,
    hashes: &[SecretHash],
    causes: &Causes<'_>,
) -> Result<(), Rejection> {
    let now = app.clock.now();
    let (mut tx, ref asker) = asker.begin(app).await?;
    let mut said = HashSet::new();
    for hash in hashes {
        // Deleted since it was found: there is nothing left to end.
        let found = store::api_key_secrets::find(&mut tx, hash).await?;
        let Some(mut presented) = found else { continue };
        let cause = causes[hash];
        if let Some(became) = outcome(&mut tx, &presented, cause, now, &said).await? {
            carry_out(app, &mut tx, asker, &mut presented, became, cause).await?;
            said.insert(presented.key.id);
        }
    }
    Ok(app.commit(tx).await?)
}

/// What becomes of a secret and its key. `None`: it is so already, and was said within a day; a
/// repetition changes nothing, and must not fill the trail or a mailbox. `said`: of which
/// keys this transaction has said it.
async fn outcome(
    tx: &mut Tx,
    Presented { key, secret }: &Presented,
    cause: Cause<'_>,
    now: Timestamp,
    said: &HashSet<ApiKeyId>,
) -> Result<Option<Leaked>, Rejection> {
    let secrets = store::api_key_secrets::of_key(tx, key.id).await?;
    let is_newest = secrets.last().is_some_and(|newest| newest.id == secret.id);
    let is_dead = !secret.is_live(now) || key.revoked_at.is_some();
    let became = match cause.reaction(key) {
        _ if is_dead => Leaked::WasDead,
        WhenLeaked::Notify => Leaked::Noticed,
        _ if !is_newest => Leaked::SecretEnded,
        WhenLeaked::Disable => Leaked::Disabled,
        WhenLeaked::Revoke => Leaked::Revoked,
    };
    let changes_nothing = match became {
        Leaked::WasDead | Leaked::Noticed => true,
        Leaked::Disabled => key.disabled_at.is_some(),
        Leaked::SecretEnded | Leaked::Revoked => false,
    };
    let is_known = changes_nothing
        && (said.contains(&key.id) || was_said(tx, key, cause.action(), now).await?);
    Ok((!is_known).then_some(became))
}

async fn carry_out(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    Presented { key, secret }: &mut Presented,
    became: Leaked,
    cause: Cause<'_>,
) -> Result<(), Rejection> {
    let now = app.clock.now();
    match became {
        Leaked::WasDead | Leaked::Noticed => (),
        Leaked::SecretEnded => store::api_key_secrets::set_end(tx, secret, now, now).await?,
        Leaked::Disabled => key.disabled_at = key.disabled_at.or(Some(now)),
        Leaked::Revoked => {
            key.revoked_at = Some(now);
            store::refresh_families::end_of_key(tx, key.id, now).await?;
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
    api_keys::write(app, tx, asker, key, cause.action(), detail).await
}

async fn was_said(
    tx: &mut Tx,
    key: &ApiKey,
    action: &'static str,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let filter = Filter {
        subject: Some(format!("key:{}", key.id)),
        action: Some(action.to_owned()),
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
