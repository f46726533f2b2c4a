//! Ends again what had ended after a backup was made, as a newer audit export says.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Asker, Rejection, api_keys, audit_trail, clients, families, members, organizations, resources,
    signing_keys, trusts, users, webhooks,
};
use crate::{
    app::App,
    domain::{ApiKeyId, Expected, FamilyId, OrganizationId, SecretId},
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
    /// What could not be ended again, and why.
    pub failed: Vec<String>,
    /// How many events of each action are not in the database: what they changed is as before.
    pub missing: BTreeMap<String, usize>,
    /// Whether the export begins after the first event that the backup lacks.
    pub has_gap: bool,
    /// Whether the export contains the last event of the backup: it is of the same database.
    pub is_proven: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum EndAgainFailed {
    #[error("the audit export is of another database: its event {0} has another hash")]
    OtherTrail(i64),
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// Goes through the events that come after the last one in the database. Of what can be taken back
/// the last word counts: a key that was disabled and enabled again stays as it is. One ending that
/// fails keeps no other from being carried out.
pub async fn end_again(
    app: &App,
    asker: &Asker,
    events: &[ExportedEvent],
) -> Result<Report, EndAgainFailed> {
    let (head, is_proven) = head(app, asker, events).await?;
    let mut later: Vec<_> = events.iter().filter(|event| event.number > head).collect();
    later.sort_unstable_by_key(|event| event.number);
    let has_gap = later.first().is_some_and(|first| first.number > head + 1);
    let mut report = Report { has_gap, is_proven, ..Report::default() };
    let mut last: BTreeMap<(&str, Aspect<'_>), &ExportedEvent> = BTreeMap::new();
    for event in later {
        match aspect(event) {
            Some(aspect) => drop(last.insert((event.subject.as_str(), aspect), event)),
            None => *report.missing.entry(event.action.clone()).or_default() += 1,
        }
    }
    for ((_, aspect), event) in last {
        if aspect == Aspect::Enabled && !disables(event) {
            *report.missing.entry(event.action.clone()).or_default() += 1;
            continue;
        }
        match end(app, asker, event).await {
            Ok(true) => report.ended.push(format!("{} ({})", event.subject, event.action)),
            // Made after the backup, so that it is not there at all.
            Ok(false) | Err(Rejection::NotFound(_)) => (),
            Err(why) => report.failed.push(format!("{} ({}): {why}", event.subject, event.action)),
        }
    }
    Ok(report)
}

/// The number of the last event in the database, and whether the export has it with the same hash.
async fn head(
    app: &App,
    asker: &Asker,
    events: &[ExportedEvent],
) -> Result<(i64, bool), EndAgainFailed> {
    let mut tx = app.store.read().await.map_err(Rejection::from)?;
    let head = store::counters::value(&mut tx, store::counters::AUDIT_EVENTS).await;
    let head = head.map_err(Rejection::from)?;
    drop(tx);
    let last = audit_trail::onwards(app, asker, head - 1).await?;
    let ours = last.first().map(|last| hex(&last.hash));
    let theirs = events.iter().find(|event| event.number == head).map(|event| &event.hash);
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != *theirs => Err(EndAgainFailed::OtherTrail(head)),
        (ours, theirs) => Ok((head, ours.is_none() || theirs.is_some())),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What an event decides of its subject. Of one aspect the last event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Aspect<'a> {
    /// It ended for good, or a part of it did: a secret, a family of refresh tokens.
    End(&'a str),
    Enabled,
    /// A user's role in this organization.
    Role(OrganizationId),
}

/// `None`: nothing that is ended again.
fn aspect(event: &ExportedEvent) -> Option<Aspect<'_>> {
    let detail = |name: &str| event.detail[name].as_str().unwrap_or_default();
    match event.action.as_str() {
        "api_key.revoked"
        | "api_key.deleted"
        | "api_key.given_up"
        | "client.deleted"
        | "trust.deleted"
        | "organization.deleted"
        | "resource.removed"
        | "webhook.deleted"
        | "signing_key.revoked"
        | "refresh.revoked" => Some(Aspect::End("")),
        "client.secret_removed" => Some(Aspect::End(detail("secret_id"))),
        "refresh.reused" => Some(Aspect::End(detail("family"))),
        // The key's own setting said what was to happen. Where only an old secret ended the whole key
        // does: of a leak too much is ended rather than too little.
        "api_key.leaked" => match detail("became") {
            "noticed" => None,
            "disabled" => Some(Aspect::Enabled),
            _ => Some(Aspect::End("")),
        },
        "trust.changed" if event.detail["from"]["enabled"] == event.detail["to"]["enabled"] => None,
        "api_key.disabled"
        | "api_key.enabled"
        | "client.disabled"
        | "client.enabled"
        | "trust.changed"
        | "user.disabled"
        | "user.enabled"
        | "organization.disabled"
        | "organization.enabled" => Some(Aspect::Enabled),
        "member.removed" | "member.role_set" => event.organization_id.map(Aspect::Role),
        _ => None,
    }
}

fn disables(event: &ExportedEvent) -> bool {
    match event.action.as_str() {
        "trust.changed" => event.detail["to"]["enabled"] == false,
        action => !action.ends_with(".enabled"),
    }
}

/// Tells whether there was something to end.
async fn end(app: &App, asker: &Asker, event: &ExportedEvent) -> Result<bool, Rejection> {
    let any = &Expected::Any;
    let (kind, id) = event.subject.split_once(':').unwrap_or_default();
    match (kind, event.action.as_str()) {
        ("key", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            let disables = aspect(event) == Some(Aspect::Enabled);
            if let Err(Rejection::Locked) = end_key(app, asker, id, disables).await {
                // It was locked when the backup was made, and unlocked before it ended.
                api_keys::set_locked(app, asker, id, any, false).await?;
                end_key(app, asker, id, disables).await?;
            }
        }
        ("client", _) => return end_client(app, asker, id, event).await,
        ("trust", "trust.changed") => {
            let Ok(id) = id.parse() else { return Ok(false) };
            trusts::update(app, asker, id, any, trusts::TrustChange::enabled(false)).await?;
        }
        ("trust", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            trusts::delete(app, asker, id, any).await?;
        }
        ("user", _) => return end_user(app, asker, id, event).await,
        ("organization", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            let edit =
                organizations::Edit { enabled: Some(false), ..organizations::Edit::default() };
            organizations::update(app, asker, id, any, edit).await?;
        }
        ("resource", _) => {
            let Ok(identifier) = id.parse() else { return Ok(false) };
            resources::remove(app, asker, &identifier, any).await?;
        }
        ("webhook", _) => {
            let Ok(id) = id.parse() else { return Ok(false) };
            webhooks::delete(app, asker, id, any).await?;
        }
        ("signing_key", _) => {
            signing_keys::revoke(app, asker, id).await?;
        }
        ("family", _) => return end_family(app, asker, id).await,
        (_, "refresh.reused") => {
            let family = event.detail["family"].as_str().unwrap_or_default();
            return end_family(app, asker, family).await;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The client is disabled, or one of its secrets goes.
async fn end_client(
    app: &App,
    asker: &Asker,
    id: &str,
    event: &ExportedEvent,
) -> Result<bool, Rejection> {
    let Ok(id) = id.parse() else { return Ok(false) };
    if event.action == "client.secret_removed" {
        let secret = event.detail["secret_id"].as_str().and_then(|id| id.parse().ok());
        let Some(secret) = secret else { return Ok(false) };
        clients::remove_secret(app, asker, id, SecretId(secret)).await?;
    } else {
        let edit = clients::Edit { enabled: Some(false), ..clients::Edit::default() };
        clients::update(app, asker, id, &Expected::Any, edit).await?;
    }
    Ok(true)
}

/// The user is disabled, or has another role in an organization, or none.
async fn end_user(
    app: &App,
    asker: &Asker,
    id: &str,
    event: &ExportedEvent,
) -> Result<bool, Rejection> {
    let (Ok(id), any) = (id.parse(), &Expected::Any) else { return Ok(false) };
    match (event.action.as_str(), event.organization_id) {
        ("member.removed", Some(organization)) => {
            members::remove(app, asker, organization, id, any).await?;
        }
        ("member.role_set", Some(organization)) => {
            let role = event.detail["to"].as_str().and_then(|role| role.parse().ok());
            let Some(role) = role else { return Ok(false) };
            members::set_role(app, asker, id, organization, role).await?;
        }
        ("member.removed" | "member.role_set", None) => return Ok(false),
        _ => {
            let edit = users::Edit { enabled: Some(false), ..users::Edit::default() };
            users::update(app, asker, id, any, edit).await?;
        }
    }
    Ok(true)
}

async fn end_key(app: &App, asker: &Asker, id: ApiKeyId, disables: bool) -> Result<(), Rejection> {
    let any = &Expected::Any;
    if disables {
        api_keys::set_enabled(app, asker, id, any, false).await.map(drop)
    } else {
        api_keys::revoke(app, asker, id, any).await.map(drop)
    }
}

async fn end_family(app: &App, asker: &Asker, id: &str) -> Result<bool, Rejection> {
    let Ok(id) = id.parse() else { return Ok(false) };
    let family = store::refresh_families::find(&app.store, FamilyId(id)).await?;
    let Some(family) = family.filter(|family| family.ended_at.is_none()) else { return Ok(false) };
    families::end(app, asker, &family, families::WhyEnded::Revoked).await?;
    Ok(true)
}
