//! Makes keyturn what someone declared it to be: all of it in one transaction, or nothing.

mod api_keys;
mod carry_out;
mod clients;
mod present;
mod trusts;

use crate::{
    app::App,
    declare::{Plan, Step},
    domain::{Algorithm, ApiKeyId, ClientId, Secret},
    manage::{Asker, Judged, Rejection, signing_keys},
    store::{self, StoreError, Tx},
};

use self::carry_out::Work;
pub use self::present::{Present, read};

/// What could not be done, and of which thing.
#[derive(Debug, thiserror::Error)]
#[error("{thing}")]
pub struct Refused {
    /// As a plan names it; empty where it is no single thing.
    pub thing: String,
    #[source]
    pub rejection: Rejection,
}

/// Everything done, nothing committed: dropped, it leaves no trace.
pub struct Begun {
    tx: Tx,
    /// Of the keys and clients that were made: shown once.
    pub secrets: Vec<MadeSecret>,
}

pub struct MadeSecret {
    /// What it is of, as a plan names it.
    pub thing: String,
    pub secret: Secret,
    id: MadeId,
}

/// What has a secret.
#[derive(Clone, Copy)]
enum MadeId {
    ApiKey(ApiKeyId),
    Client(ClientId),
}

#[derive(Debug, thiserror::Error)]
pub enum CommitFailed {
    #[error("nothing was changed")]
    NothingChanged(#[source] StoreError),
    #[error("it is unknown whether all was changed or nothing: apply the file again")]
    Unknown(#[source] StoreError),
}

/// The algorithms of the plan's resources for which there is no signing key yet.
pub async fn missing_signing_keys(app: &App, plan: &Plan) -> Result<Vec<Algorithm>, Rejection> {
    let mut tx = app.store.read().await?;
    let mut missing = Vec::new();
    for Step { after, .. } in &plan.resources {
        let is_known = missing.contains(&after.algorithm);
        if !is_known && signing_keys::is_missing(&mut tx, after.algorithm).await? {
            missing.push(after.algorithm);
        }
    }
    Ok(missing)
}

/// Whether the plan can be carried out: does all but making signing keys, and undoes it.
pub async fn rehearse(
    app: &App,
    asker: &Asker,
    present: Present,
    plan: &Plan,
) -> Result<(), Refused> {
    let (tx, ref asker) = asker.begin(app).await.map_err(of_all)?;
    carry_out(app, tx, asker, present, plan).await.map(drop)
}

/// Carries out the plan on what it was made for. Whatever was changed meanwhile is an error, not
/// lost.
pub async fn begin(
    app: &App,
    asker: &Asker,
    present: Present,
    plan: &Plan,
) -> Result<Begun, Refused> {
    let mut made = Vec::new();
    for algorithm in missing_signing_keys(app, plan).await.map_err(of_all)? {
        made.push(signing_keys::prepare(app, algorithm).await.map_err(of_all)?);
    }
    let (mut tx, ref asker) = asker.begin(app).await.map_err(of_all)?;
    signing_keys::add_first(app, &mut tx, asker, made).await.map_err(of_all)?;
    carry_out(app, tx, asker, present, plan).await
}

async fn carry_out(
    app: &App,
    mut tx: Tx,
    asker: &Judged,
    present: Present,
    plan: &Plan,
) -> Result<Begun, Refused> {
    let work = Work { app, tx: &mut tx, asker, known: present.known, secrets: Vec::new() };
    let secrets = work.carry_out(plan).await?;
    Ok(Begun { tx, secrets })
}

fn of_all(rejection: impl Into<Rejection>) -> Refused {
    Refused { thing: String::new(), rejection: rejection.into() }
}

impl Begun {
    /// When this returns well, all is done. When it does not, mind what it says before a secret is
    /// thrown away: a connection can break when the database has heard and not yet answered.
    pub async fn commit(self, app: &App) -> Result<(), CommitFailed> {
        let Err(error) = app.commit(self.tx).await else { return Ok(()) };
        let Some(MadeSecret { id, .. }) = self.secrets.first() else {
            return Err(CommitFailed::Unknown(error));
        };
        match is_there(app, *id).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitFailed::NothingChanged(error)),
            Err(_) => Err(CommitFailed::Unknown(error)),
        }
    }
}

async fn is_there(app: &App, id: MadeId) -> Result<bool, StoreError> {
    let mut tx = app.store.read().await?;
    Ok(match id {
        MadeId::ApiKey(id) => store::api_keys::find(&mut tx, id).await?.is_some(),
        MadeId::Client(id) => store::clients::find(&mut tx, id).await?.is_some(),
    })
}
