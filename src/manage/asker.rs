//! Who asks for a change, from where, and how far their word goes.

use std::net::IpAddr;

use uuid::Uuid;

use super::Rejection;
use crate::{
    domain::{Actor, Authority, Lineage, OrganizationId, Sight, Wider},
    store::{self, Tx},
};

#[derive(Clone, Debug)]
pub struct Asker {
    pub actor: Actor,
    pub authority: Authority,
    pub source: Option<IpAddr>,
    pub request_id: Option<Uuid>,
}

impl Asker {
    /// keyturn itself.
    pub fn keyturn() -> Self {
        Self::unbounded(Actor::Keyturn)
    }

    /// A person at the machine.
    pub fn operator(name: String) -> Self {
        Self::unbounded(Actor::Operator(name))
    }

    fn unbounded(actor: Actor) -> Self {
        Self { actor, authority: Authority::Unbounded, source: None, request_id: None }
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

    pub(super) fn sight(&self) -> Sight {
        self.authority.sight()
    }
}

impl From<Wider> for Rejection {
    fn from(wider: Wider) -> Self {
        Self::Wider(wider)
    }
}
