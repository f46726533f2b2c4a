//! Tells the owner of a key why a request was refused: what was recorded under its id, in a
//! sentence, and whether it would be so now.

use uuid::Uuid;

use crate::{
    app::App,
    clock::Timestamp,
    domain::{ApiKey, RefusalRecord, Status},
    store::{self, StoreError},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub recorded: RefusalRecord,
    /// What was wrong then. Quotes no secret.
    pub sentence: String,
    /// What has changed since, if that is what was wrong.
    pub by_now: Option<String>,
    /// The key as it is now: anyone who may see it may see this explanation. None where no key is
    /// known, or it was deleted.
    pub key: Option<ApiKey>,
}

/// What to tell about a request of which nothing is recorded.
pub const NOTHING_RECORDED: &str = "No refusal is recorded under this request id. One is found some seconds after it happened and \
     until it is too old to be kept; of a flood of them only the first are. A request that was \
     answered with a token leaves none.";

/// `None` where nothing is recorded: [`NOTHING_RECORDED`] says what that may mean.
pub async fn explain(app: &App, request_id: Uuid) -> Result<Option<Explanation>, StoreError> {
    let mut tx = app.store.read().await?;
    let Some(recorded) = store::refusals::find(&mut tx, request_id).await? else {
        return Ok(None);
    };
    let key = match recorded.api_key_id {
        Some(id) => store::api_keys::find(&mut tx, id).await?,
        None => None,
    };
    let sentence = sentence(&recorded.detail);
    let by_now = by_now(&recorded, key.as_ref(), app.clock.now());
    Ok(Some(Explanation { recorded, sentence, by_now, key }))
}

fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", characters.as_str())
}

fn by_now(recorded: &RefusalRecord, key: Option<&ApiKey>, now: Timestamp) -> Option<String> {
    recorded.api_key_id?;
    let Some(key) = key else { return Some("The key was deleted since.".to_owned()) };
    let status = key.status(now);
    let was = match recorded.reason.as_str() {
        "key_expired" => Some(Status::Expired),
        "key_disabled" => Some(Status::Disabled),
        "key_revoked" => Some(Status::Revoked),
        _ => None,
    };
    if was != Some(status) && (was.is_some() || status != Status::Active) {
        return Some(format!("By now the key is {}.", status.as_str()));
    }
    let may_by_now =
        recorded.reason == "address_not_allowed" && key.allowed_networks.allow(recorded.source);
    may_by_now.then(|| format!("By now the key may be used from {}.", recorded.source))
}
