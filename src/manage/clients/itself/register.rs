//! Registers a client that asks for it itself: what it may do is up to the operator's policy.

use super::{NotRegistered, asker, policy};
use crate::{
    app::App,
    domain::{
        AskedTerms, Client, ClientId, KeyName, Origin, Registration, Secret, SelfDescription,
        Version,
    },
    manage::{
        Asker, Judged, Rejection,
        clients::{WRITE, bounds, register::put_in},
    },
    store::{self, Tx},
};

/// What a client says of itself before there is one.
pub struct NewItself {
    pub terms: AskedTerms,
    pub description: SelfDescription,
}

/// A new client, and its secrets for the one time that they are shown.
#[derive(Debug)]
pub struct Entered {
    pub client: Client,
    /// Where it proves itself by one.
    pub secret: Option<Secret>,
    /// By which it manages itself.
    pub token: Secret,
}

/// `by`: the caller that vouches for the client, where one has to; the client can then do no more
/// than it.
pub async fn enter(
    app: &App,
    by: Option<Asker>,
    origin: &Origin,
    new: NewItself,
) -> Result<Entered, NotRegistered> {
    let policy = policy(app)?;
    let now = app.clock.now();
    let (id, token) = (ClientId(app.random.id(now)), Secret::for_registration(&app.random));
    let mut client = Client {
        id,
        organization_id: policy.organization_id,
        name: name_of(id),
        terms: bounds::checked(app, policy.terms(new.terms)?)?,
        created_at: now,
        disabled_at: None,
        status_index: 0,
        registration: Some(Registration { token: token.hash(), before: None, secret: None }),
        description: new.description.checked()?,
        version: Version::FIRST,
    };
    // No one spends their budget on mistakes; and without a token no request comes further.
    let spend = || app.registrations.one_more(origin.source);
    let has_token = by.is_some();
    if !has_token {
        spend()?;
    }
    let asker = by.unwrap_or_else(|| asker(id, origin));
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    client.terms = bounds::completed(asker, client.terms);
    bounds::check(asker, None, &client)?;
    if has_token {
        spend()?;
    }
    check_place(&mut tx, asker, &client, policy.most).await?;
    let registered = put_in(app, &mut tx, asker, client).await?;
    app.commit(tx).await?;
    Ok(Entered { client: registered.client, secret: registered.secret, token })
}

async fn check_place(
    tx: &mut Tx,
    asker: &Judged,
    client: &Client,
    most: u32,
) -> Result<(), NotRegistered> {
    if store::organizations::find(tx, client.organization_id).await?.is_none() {
        return Err(NotRegistered::NoOrganization);
    }
    asker.organization(tx, client.organization_id).await.map_err(|rejection| match rejection {
        Rejection::NotFound(_) => NotRegistered::OutOfReach,
        other => other.into(),
    })?;
    let count = store::registrations::count(tx).await?;
    if count >= i64::from(most) { Err(NotRegistered::TooMany(most)) } else { Ok(()) }
}

/// What it calls itself need not be unique, nor true.
fn name_of(id: ClientId) -> KeyName {
    format!("registered-{id}").parse().expect("letters, digits and dashes")
}
