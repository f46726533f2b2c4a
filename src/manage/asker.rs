//! Who asks for a change, from where, and how far their word goes: judged once when the request
//! comes, for what it reads, and again in the transaction that writes.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use uuid::Uuid;

use super::Rejection;
use crate::{
    app::App,
    domain::{
        Actor, Authority, Given, Lineage, OrganizationId, Origin, Reach, Sight, Wider, printable,
    },
    exchange::{self, ExchangeError, Principal},
    signing::VerifiedToken,
    store::{self, Page, Tx},
};

/// Who asks. How far their word goes is known as of the moment when the request came: enough to
/// read by. Whatever writes takes a `Judged`.
#[derive(Clone, Debug)]
pub struct Asker {
    pub actor: Actor,
    pub authority: Authority,
    /// The subject of the token, where the actor acts for another.
    pub on_behalf_of: Option<String>,
    pub source: Option<IpAddr>,
    pub request_id: Option<Uuid>,
    basis: Basis,
}

/// On what the word of an asker rests.
#[derive(Clone, Debug)]
enum Basis {
    /// Nothing that could be taken away.
    Itself,
    Token(Arc<(VerifiedToken, Origin)>),
}

/// An asker whose rights were read in the transaction that goes with it, after the last wait: no
/// change of state can come between them and what that transaction writes. Only
/// [`Asker::begin`] makes one.
#[derive(Debug)]
pub(super) struct Judged(Asker);

impl Deref for Judged {
    type Target = Asker;

    fn deref(&self) -> &Asker {
        &self.0
    }
}

impl Judged {
    /// That the principal has all that something gives, as it was and as it is to be. Who may only
    /// narrow a thing could otherwise take its secret and wait until it is widened again.
    pub(super) fn must_hold<'a>(
        &self,
        given: impl IntoIterator<Item = &'a Given>,
    ) -> Result<(), Rejection> {
        let Some(bounds) = self.authority.bounds() else { return Ok(()) };
        Ok(given.into_iter().try_for_each(|given| bounds.hold(given))?)
    }

    /// How far a right that is given in an organization reaches: it counts in all below it, too.
    pub(super) async fn reach_of_right(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
    ) -> Result<Reach, Rejection> {
        let one = Page { after: None, most: 1 };
        let below = Some(organization);
        let below = store::organizations::list(tx, Sight::Everything, below, one).await?;
        Ok(if below.is_empty() { Reach::Own } else { Reach::Subtree })
    }
}

impl Asker {
    /// keyturn itself.
    pub fn keyturn() -> Self {
        Self::unbounded(Actor::Keyturn)
    }

    /// A person at the machine.
    pub fn operator(name: &str) -> Self {
        Self::unbounded(Actor::Operator(printable(name).into_owned()))
    }

    /// Someone whose request itself proves that it may be made: the holder of the secret that is to
    /// end, the client that changes itself.
    pub fn by_possession(actor: Actor, origin: &Origin) -> Self {
        let (source, request_id) = (Some(origin.source), Some(origin.request_id));
        Self { source, request_id, ..Self::unbounded(actor) }
    }

    /// The same, under the name that their request has proved.
    pub(super) fn named(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    fn unbounded(actor: Actor) -> Self {
        Self {
            actor,
            authority: Authority::Unbounded,
            on_behalf_of: None,
            source: None,
            request_id: None,
            basis: Basis::Itself,
        }
    }

    /// The holder of a token of ours, for ourselves, with the rights that it stands for now.
    pub async fn of_token(
        app: &App,
        token: VerifiedToken,
        origin: Origin,
    ) -> Result<Self, ExchangeError> {
        Self::on(app, Arc::new((token, origin))).await
    }

    async fn on(app: &App, basis: Arc<(VerifiedToken, Origin)>) -> Result<Self, ExchangeError> {
        let (token, origin) = &*basis;
        let Principal { actor, on_behalf_of, bounds } =
            exchange::principal(app, token, origin).await?;
        Ok(Self {
            actor,
            authority: Authority::Bounded(Box::new(bounds)),
            on_behalf_of,
            source: Some(origin.source),
            request_id: Some(origin.request_id),
            basis: Basis::Token(basis),
        })
    }

    /// Begins a transaction that changes state, and reads in it what the asker may do now. Whatever
    /// was revoked before is final: no other change can be committed until this one has ended.
    pub(super) async fn begin(&self, app: &App) -> Result<(Tx, Judged), Rejection> {
        app.pauses.before_change().await;
        let tx = app.store.change().await?;
        let Basis::Token(basis) = &self.basis else { return Ok((tx, Judged(self.clone()))) };
        let (within, reads) = app.within(tx);
        let judged = Self::on(&within, Arc::clone(basis)).await;
        drop(within);
        let judged = judged.map_err(|error| match error {
            ExchangeError::Store(error) => error.into(),
            // Nothing is signed, recorded or fetched here: it was refused.
            _ => Rejection::NoLongerValid,
        })?;
        Ok((reads.end(), Judged(judged)))
    }

    pub(super) fn must(&self, scope: &'static str) -> Result<(), Rejection> {
        if self.authority.has(scope) { Ok(()) } else { Err(Rejection::MissingScope(scope)) }
    }

    /// For what belongs to no organization.
    pub(super) fn must_run_server(&self, scope: &'static str) -> Result<(), Rejection> {
        self.must(scope)?;
        if self.authority.runs_server() { Ok(()) } else { Err(Rejection::NotTheServersOwner) }
    }

    /// What is out of reach is no different from what does not exist.
    pub(super) async fn organization(
        &self,
        tx: &mut Tx,
        id: OrganizationId,
    ) -> Result<Lineage, Rejection> {
        let found = store::organizations::lineage(tx, id).await?;
        let found = found.filter(|lineage| self.authority.reaches(lineage));
        found.ok_or(Rejection::NotFound("organization"))
    }

    /// An error is no answer: what cannot be read is not out of reach.
    pub(super) async fn reaches(&self, tx: &mut Tx, id: OrganizationId) -> Result<bool, Rejection> {
        match self.organization(tx, id).await {
            Ok(_) => Ok(true),
            Err(Rejection::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn sight(&self) -> Sight {
        self.authority.sight()
    }
}

impl From<Wider> for Rejection {
    fn from(wider: Wider) -> Self {
        Self::Wider(wider)
    }
}
