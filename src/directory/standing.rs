//! The owner of a key as of now: whose rights bound it.

use std::sync::Arc;

use super::Directory;
use crate::{
    domain::{Lineage, OrganizationId, Owner, Person},
    store::{self, StoreError, Tx},
};

/// The owner of a key with the lineages in which its roles were given.
pub struct Standing {
    pub person: Option<Arc<Person>>,
    pub givers: Vec<Arc<Lineage>>,
}

impl Standing {
    pub fn is_enabled(&self) -> bool {
        match &self.person {
            Some(person) => person.user.disabled_at.is_none(),
            None => self.givers.iter().all(|giver| giver.is_enabled()),
        }
    }
}

impl Directory {
    /// Whether this organization runs the server.
    pub async fn runs_server(&self, id: OrganizationId) -> Result<bool, StoreError> {
        let read = async |tx: &mut Tx| store::organizations::operators(tx).await;
        Ok(self.look_up(&self.0.operators, (), read).await? == Some(id))
    }

    /// Whether clients of the one organization may see and exchange tokens of the other: it runs the
    /// server, is the same, or is above.
    pub async fn serves(
        &self,
        one: OrganizationId,
        other: OrganizationId,
    ) -> Result<bool, StoreError> {
        if self.runs_server(one).await? {
            return Ok(true);
        }
        let other = self.lineage(other).await?;
        Ok(other.is_some_and(|other| other.is_within(one)))
    }

    /// `None` where the owner no longer exists.
    pub async fn standing(&self, owner: Owner) -> Result<Option<Standing>, StoreError> {
        match owner {
            Owner::Organization(id) => {
                let lineage = self.lineage(id).await?;
                Ok(lineage.map(|lineage| Standing { person: None, givers: vec![lineage] }))
            }
            Owner::User(id) => {
                let Some(person) = self.person(id).await? else { return Ok(None) };
                let mut givers = Vec::with_capacity(person.memberships.len());
                for membership in &person.memberships {
                    givers.extend(self.lineage(membership.organization_id).await?);
                }
                Ok(Some(Standing { person: Some(person), givers }))
            }
        }
    }
}
