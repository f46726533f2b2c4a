//! Ends again what had ended after a backup was made, as a newer audit export says.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Asker, Rejection, api_keys, audit_trail, clients, families, members, organizations,
    signing_keys, trusts, users,
};
use crate::{
    app::App,
    domain::{Expected, FamilyId, OrganizationId, SecretId},
    store,
};

/// A line of `keyturn audit export`, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedEvent {
    pub number: i64,
    /// In hex.
    pub hash: String,
    pub action: String,
    pub subject: String,
    pub organization_id: Option<OrganizationId>,
    pub detail: Value,
}

/// What became of the events after the backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ended again: `key:…` and what was done.
    pub ended: Vec<String>,
    /// How many events of each action are not in the database: what they changed is as before.
    pub missing: BTreeMap<String, usize>,
    /// Whether the export begins after the first event that the backup lacks.
    pub has_gap: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum EndAgainFailed {
    #[error("the audit export is of another database: its event {0} has another hash")]
    OtherTrail(i64),
    #[error("cannot end {0} again")]
    Ending(String, #[source] Rejection),
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// Goes through the events that come after the last one in the database. Of one thing the last word
/// counts: a key that was disabled and enabled again stays as it is.
pub async fn end_again(
    app: &App,
    asker: &Asker,
    events: &[ExportedEvent],
) -> Result<Report, EndAgainFailed> {
    let head = head(app, asker, events).await?;
    let mut later: Vec<_> = events.iter().filter(|event| event.number > head).collect();
    later.sort_unstable_by_key(|event| event.number);
    let has_gap = later.first().is_some_and(|first| first.number > head + 1);
    let mut report = Report { has_gap, ..Report::default() };
    let mut endings: BTreeMap<(&str, &str), &ExportedEvent> = BTreeMap::new();
    for event in later {
        let kind = kind(event);
        if kind == Kind::Other {
            *report.missing.entry(event.action.clone()).or_default() += 1;
            continue;
        }
        let thing = (event.subject.as_str(), place(event));
        if kind == Kind::Resumes {
            endings.remove(&thing)
        } else {
            endings.insert(thing, event)
        };
    }
    for event in endings.into_values() {
        match end(app, asker, event).await {
            Ok(true) => report.ended.push(format!("{} ({})", event.subject, event.action)),
            // Made after the backup, so that it is not there at all.
            Ok(false) | Err(Rejection::NotFound(_)) => (),
            Err(why) => return Err(EndAgainFailed::Ending(event.subject.clone(), why)),
        }
    }
    Ok(report)
}

/// The number of the last event in the database, which the export must have with the same hash.
async fn head(app: &App, asker: &Asker, events: &[ExportedEvent]) -> Result<i64, EndAgainFailed> {
    let mut tx = app.store.read().await.map_err(Rejection::from)?;
    let head = store::counters::value(&mut tx, store::counters::AUDIT_EVENTS).await;
    let head = head.map_err(Rejection::from)?;
    drop(tx);
    let last = audit_trail::onwards(app, asker, head - 1).await?;
    let ours = last.first().map(|last| hex(&last.hash));
    let theirs = events.iter().find(|event| event.number == head).map(|event| &event.hash);
    if let (Some(ours), Some(theirs)) = (ours, theirs)
        && ours != *theirs
    {
        return Err(EndAgainFailed::OtherTrail(head));
    }
    Ok(head)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ends,
    Resumes,
    Other,
}

fn kind(event: &ExportedEvent) -> Kind {
    match event.action.as_str() {
        "api_key.revoked"
        | "api_key.deleted"
        | "api_key.given_up"
        | "api_key.disabled"
        | "client.disabled"
        | "client.deleted"
        | "client.secret_removed"
        | "trust.deleted"
        | "trust.disabled"
        | "user.disabled"
        | "organization.disabled"
        | "organization.deleted"
        | "member.removed"
        | "signing_key.revoked"
        | "refresh.revoked"
        | "refresh.reused" => Kind::Ends,
        // The key's own setting said what was to happen.
        "api_key.leaked" => match event.detail["became"].as_str() {
            Some("noticed") => Kind::Other,
            _ => Kind::Ends,
        },
        "api_key.enabled"
        | "client.enabled"
        | "trust.enabled"
        | "user.enabled"
        | "organization.enabled"
        | "member.role_set" => Kind::Resumes,
        _ => Kind::Other,
    }
}

/// A membership is of a user in an organization, a secret one of several of its client.
fn place(event: &ExportedEvent) -> &str {
    match event.action.as_str() {
        "client.secret_removed" => event.detail["secret_id"].as_str().unwrap_or_default(),
        "refresh.reused" => event.detail["family"].as_str().unwrap_or_default(),
        _ => "",
    }
}

/// Tells whether there was something to end.
async fn end(app: &App, asker: &Asker, event: &ExportedEvent) -> Result<bool, Rejection> {
    let any = &Expected::Any;
    let (kind, id) = event.subject.split_once(':').unwrap_or_default();
    match (kind, event.action.as_str()) {
        ("key", "api_key.disabled") => {
            let Ok(id) = id.parse() else { return Ok(false) };
            api_keys::set_enabled(app, asker, id, any, false).await?;
        }
        // Also where only an old secret ended: of a leak too much is ended rather than too little.
        ("key", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            api_keys::revoke(app, asker, id, any).await?;
        }
        ("client", "client.secret_removed") => {
            let secret = event.detail["secret_id"].as_str().and_then(|id| id.parse().ok());
            let (Ok(id), Some(secret)) = (id.parse(), secret) else { return Ok(false) };
            clients::remove_secret(app, asker, id, SecretId(secret)).await?;
        }
        ("client", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            let edit = clients::Edit { enabled: Some(false), ..clients::Edit::default() };
            clients::update(app, asker, id, any, edit).await?;
        }
        ("trust", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            trusts::delete(app, asker, id, any).await?;
        }
        ("user", "member.removed") => {
            let (Ok(id), Some(organization)) = (id.parse(), event.organization_id) else {
                return Ok(false);
            };
            members::remove(app, asker, organization, id, any).await?;
        }
        ("user", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            let edit = users::Edit { enabled: Some(false), ..users::Edit::default() };
            users::update(app, asker, id, any, edit).await?;
        }
        ("organization", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            let edit =
                organizations::Edit { enabled: Some(false), ..organizations::Edit::default() };
            organizations::update(app, asker, id, any, edit).await?;
        }
        ("signing_key", _) => {
            signing_keys::revoke(app, asker, id).await?;
        }
        ("family", _) => return end_family(app, asker, id).await,
        (_, "refresh.reused") => {
            return end_family(app, asker, place(event)).await;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

async fn end_family(app: &App, asker: &Asker, id: &str) -> Result<bool, Rejection> {
    let Ok(id) = id.parse() else { return Ok(false) };
    let family = store::refresh_families::find(&app.store, FamilyId(id)).await?;
    let Some(family) = family.filter(|family| family.ended_at.is_none()) else { return Ok(false) };
    families::end(app, asker, &family, families::WhyEnded::Revoked).await?;
    Ok(true)
}
