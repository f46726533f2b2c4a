//! Changes clients: what they may do, whether they work, whether they are there at all.

use serde_json::{Value, json};

use super::{Rejection, WRITE, bounds, event, find, secrets};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        Authentication, Client, ClientId, ClientTerms, ExchangeRule, Expected, GrantType, KeyName,
        ProofDemand, RefreshTerms, ResourceIdentifier, Scopes, Version,
    },
    manage::{Asker, Judged, audit, taken},
    store::{self, Tx},
};

/// What is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<KeyName>,
    pub enabled: Option<bool>,
    pub terms: TermsEdit,
}

/// What of its terms is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct TermsEdit {
    pub authentication: Option<Authentication>,
    pub grants: Option<Vec<GrantType>>,
    pub scopes: Option<Scopes>,
    pub resources: Option<Option<Vec<ResourceIdentifier>>>,
    pub redirect_uris: Option<Vec<String>>,
    pub token_lifetime: Option<Option<u32>>,
    pub refresh: Option<Option<RefreshTerms>>,
    pub proof: Option<ProofDemand>,
    pub exchanges: Option<Vec<ExchangeRule>>,
    pub expires_at: Option<Option<Timestamp>>,
}

impl TermsEdit {
    /// All of them.
    pub fn whole(terms: ClientTerms) -> Self {
        Self {
            authentication: Some(terms.authentication),
            grants: Some(terms.grants),
            scopes: Some(terms.scopes),
            resources: Some(terms.resources),
            redirect_uris: Some(terms.redirect_uris),
            token_lifetime: Some(terms.token_lifetime),
            refresh: Some(terms.refresh),
            proof: Some(terms.proof),
            exchanges: Some(terms.exchanges),
            expires_at: Some(terms.expires_at),
        }
    }

    /// The terms with these in place of their own. Where only the grants are told, refresh tokens
    /// come and go with theirs.
    pub fn over(self, was: ClientTerms) -> ClientTerms {
        let refresh = match (self.refresh, &self.grants) {
            (Some(told), _) => told,
            (None, Some(grants)) => {
                let wanted = grants.contains(&GrantType::RefreshToken);
                wanted.then(|| was.refresh.unwrap_or_default())
            }
            (None, None) => was.refresh,
        };
        ClientTerms {
            authentication: self.authentication.unwrap_or(was.authentication),
            grants: self.grants.unwrap_or(was.grants),
            scopes: self.scopes.unwrap_or(was.scopes),
            resources: self.resources.unwrap_or(was.resources),
            redirect_uris: self.redirect_uris.unwrap_or(was.redirect_uris),
            token_lifetime: self.token_lifetime.unwrap_or(was.token_lifetime),
            refresh,
            proof: self.proof.unwrap_or(was.proof),
            exchanges: self.exchanges.unwrap_or(was.exchanges),
            expires_at: self.expires_at.unwrap_or(was.expires_at),
        }
    }
}

/// Changes what the client may do, from its next token on; what was given to it before is bound by
/// the new terms, too.
pub async fn update(
    app: &App,
    asker: &Asker,
    id: ClientId,
    expected: &Expected,
    edit: Edit,
) -> Result<Client, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let client = edit_in(app, &mut tx, asker, id, expected, edit).await?;
    app.commit(tx).await?;
    Ok(client)
}

/// [`update`] as a part of a larger transaction.
pub(in crate::manage) async fn edit_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: ClientId,
    expected: &Expected,
    edit: Edit,
) -> Result<Client, Rejection> {
    let before = find_to_change(tx, asker, id, expected).await?;
    let mut client = before.clone();
    client.name = edit.name.unwrap_or(client.name);
    client.terms = bounds::checked(app, edit.terms.over(before.terms.clone()))?;
    client.disabled_at = match edit.enabled {
        Some(true) => None,
        Some(false) => client.disabled_at.or(Some(app.clock.now())),
        None => client.disabled_at,
    };
    let only_stops = Client { disabled_at: client.disabled_at, ..before.clone() } == client;
    if !(only_stops && client.disabled_at.is_some()) && client != before {
        bounds::check(asker, Some(&before), &client)?;
    }
    replace(app, tx, asker, &before, client).await
}

/// Writes the client as it is to be, and records what is different.
pub(super) async fn replace(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    before: &Client,
    mut client: Client,
) -> Result<Client, Rejection> {
    if client == *before {
        return Ok(client);
    }
    write(tx, &mut client).await?;
    if !client.terms.authentication.has_secret() && before.terms.authentication.has_secret() {
        secrets::remove_all(tx, client.id).await?;
    }
    tell(app, tx, asker, before, &client);
    Ok(client)
}

pub(super) async fn write(tx: &mut Tx, client: &mut Client) -> Result<(), Rejection> {
    let written = store::clients::update(tx, client).await.map_err(taken("a client"))?;
    client.version = Version(client.version.0 + 1);
    if written { Ok(()) } else { Err(Rejection::ChangedMeanwhile) }
}

/// Records each thing that was done.
fn tell(app: &App, tx: &mut Tx, asker: &Judged, before: &Client, after: &Client) {
    let what =
        |client: &Client| (client.name.clone(), client.terms.clone(), client.description.clone());
    if what(before) != what(after) {
        let detail = json!({ "from": describe(before), "to": describe(after) });
        audit(app, tx, asker, event("client.updated", after, detail));
    }
    if before.disabled_at.is_some() != after.disabled_at.is_some() {
        let is_enabled = after.disabled_at.is_none();
        let action = if is_enabled { "client.enabled" } else { "client.disabled" };
        audit(app, tx, asker, event(action, after, json!({})));
    }
}

/// As the audit trail tells it.
pub(super) fn describe(client: &Client) -> Value {
    let mut told = json!({ "name": client.name, "terms": client.terms });
    if client.registration.is_some() {
        told["description"] = json!(client.description);
    }
    told
}

/// Deletes the client with its secrets and refresh tokens; its name is free again. Every token that
/// was obtained through it is no longer valid.
pub async fn delete(
    app: &App,
    asker: &Asker,
    id: ClientId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let client = find_to_change(&mut tx, asker, id, expected).await?;
    delete_in(app, &mut tx, asker, &client).await?;
    Ok(app.commit(tx).await?)
}

/// [`delete`] as a part of a larger transaction.
pub(super) async fn delete_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    client: &Client,
) -> Result<(), Rejection> {
    if !store::clients::delete(tx, client).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "name": client.name });
    audit(app, tx, asker, event("client.deleted", client, detail));
    Ok(())
}

async fn find_to_change(
    tx: &mut Tx,
    asker: &Judged,
    id: ClientId,
    expected: &Expected,
) -> Result<Client, Rejection> {
    asker.must(WRITE)?;
    let client = find(tx, asker, id).await?;
    if expected.allows(client.version) { Ok(client) } else { Err(Rejection::ChangedMeanwhile) }
}
