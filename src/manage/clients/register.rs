//! Registers OAuth clients.

use super::{Rejection, WRITE, bounds, change::describe, event, find, secrets};
use crate::{
    app::App,
    domain::{
        Client, ClientId, ClientTerms, KeyName, Once, OrganizationId, Secret, SelfDescription,
        Version,
    },
    manage::{Asker, Judged, Made, audit, once, taken},
    store::{self, Tx},
};

pub struct NewClient {
    pub organization_id: OrganizationId,
    pub name: KeyName,
    pub terms: ClientTerms,
}

/// A new client, and its secret for the one time that it is shown.
#[derive(Debug)]
pub struct Registered {
    pub client: Client,
    /// Where it proves itself by one.
    pub secret: Option<Secret>,
}

/// Of one organization: anyone who may register them cannot fill the database. Of those that
/// register themselves the operator says how many there may be.
const MOST: i64 = 1000;

pub async fn register(app: &App, asker: &Asker, new: NewClient) -> Result<Registered, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let registered = add(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(registered)
}

/// [`register`], unless an earlier request made the client. Its secret is not shown again.
pub async fn register_once(
    app: &App,
    asker: &Asker,
    new: NewClient,
    once: &Once,
) -> Result<Made<Registered, Client>, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    if let Some(id) = once::made_before(&mut tx, asker, once).await? {
        return Ok(Made::Before(find(&mut tx, asker, id).await?));
    }
    let registered = add(app, &mut tx, asker, new).await?;
    once::remember(app, &mut tx, asker, once, registered.client.id).await?;
    app.commit(tx).await?;
    Ok(Made::New(registered))
}

/// [`register`] as a part of a larger transaction.
pub(in crate::manage) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    new: NewClient,
) -> Result<Registered, Rejection> {
    asker.must(WRITE)?;
    asker.organization(tx, new.organization_id).await?;
    let now = app.clock.now();
    let client = Client {
        id: ClientId(app.random.id(now)),
        organization_id: new.organization_id,
        name: new.name,
        terms: bounds::completed(asker, bounds::checked(app, new.terms)?),
        created_at: now,
        disabled_at: None,
        status_index: 0,
        registration: None,
        description: SelfDescription::default(),
        version: Version::FIRST,
    };
    bounds::check(asker, None, &client)?;
    if store::clients::count(tx, client.organization_id).await? >= MOST {
        return Err(Rejection::TooManyClients(MOST));
    }
    put_in(app, tx, asker, client).await
}

/// Puts a client there that may be there, with a secret where it proves itself by one.
pub(super) async fn put_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    client: Client,
) -> Result<Registered, Rejection> {
    let client = store::clients::insert(tx, client).await.map_err(taken("a client"))?;
    let mut secret = None;
    if client.terms.authentication.has_secret() {
        secret = Some(secrets::add(app, tx, client.id, None).await?.1);
    }
    audit(app, tx, asker, event("client.registered", &client, describe(&client)));
    Ok(Registered { client, secret })
}
