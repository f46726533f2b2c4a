//! What tokens are obtained through beside keys: clients, trust policies, refresh families, and
//! other tokens.

use std::sync::Arc;

use uuid::Uuid;

use super::{Directory, reads::Reads, shared};
use crate::{
    domain::{ClientId, Family, FamilyId, KnownClient, Presented, SecretId, Trust, TrustId},
    store::{self, StoreError, Tx},
};

/// Reads by one statement: outside any transaction, or by the one that the directory reads by.
macro_rules! read {
    ($directory:expr, |$by:ident| $read:expr) => {
        match &$directory.1 {
            Reads::Memory => {
                let $by = &$directory.0.store;
                $read.await?
            }
            Reads::Within(tx) => {
                let mut tx = tx.lock().await;
                let $by = &mut *tx;
                $read.await?
            }
        }
    };
}

impl Directory {
    /// The key that has or had this secret.
    pub async fn key_of(&self, id: SecretId) -> Result<Option<Arc<Presented>>, StoreError> {
        if let Some(hash) = self.0.hashes.get(&id) {
            return self.key(&hash).await;
        }
        let Some(hash) = read!(self, |by| store::api_key_secrets::hash_of(by, id)) else {
            return Ok(None);
        };
        self.0.hashes.insert(id, hash);
        self.key(&hash).await
    }

    pub async fn client(&self, id: ClientId) -> Result<Option<Arc<KnownClient>>, StoreError> {
        let read = async |tx: &mut Tx| shared(store::clients::known(tx, id).await);
        self.look_up_for_strangers(&self.0.clients, id, read).await
    }

    /// Every rule that speaks of this issuer.
    pub async fn trusts(&self, issuer: &str) -> Result<Arc<Vec<Arc<Trust>>>, StoreError> {
        let read = async |tx: &mut Tx| {
            let found = store::trusts::of_issuer(tx, issuer).await?;
            let found: Vec<_> = found.into_iter().map(Arc::new).collect();
            // Of issuers that no one trusts there is no end.
            Ok(Some(found).filter(|found| !found.is_empty()).map(Arc::new))
        };
        let found = self.look_up_for_strangers(&self.0.trusts, Arc::from(issuer), read).await?;
        Ok(found.unwrap_or_default())
    }

    pub async fn trust(&self, id: TrustId) -> Result<Option<Arc<Trust>>, StoreError> {
        let read = async |tx: &mut Tx| shared(store::trusts::find(tx, id).await);
        self.look_up(&self.0.trusts_by_id, id, read).await
    }

    /// The family as it is now, its generation too.
    pub async fn family_now(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        let _lookup = self.lookup().await?;
        Ok(read!(self, |by| store::refresh_families::find(by, id)))
    }

    /// Whether a family has ended is of now; its generation is of when it was read.
    pub async fn family(&self, id: FamilyId) -> Result<Option<Arc<Family>>, StoreError> {
        if let Some(known) = self.remembered(&self.0.families, &id) {
            return Ok(Some(known));
        }
        let seen = self.forgotten();
        let found = read!(self, |by| store::refresh_families::find(by, id)).map(Arc::new);
        if let Some(found) = &found {
            self.remember(&self.0.families, id, found, seen);
        }
        Ok(found)
    }

    /// Whether an access token was revoked, by its `jti`.
    pub async fn is_revoked(&self, token: Uuid) -> Result<bool, StoreError> {
        let seen = self.forgotten();
        let mut any = self.remembered(&self.0.revoked_tokens, &None);
        if any.is_none() {
            let read = read!(self, |by| store::revoked_tokens::are_there_any(by));
            self.remember(&self.0.revoked_tokens, None, &read, seen);
            any = Some(read);
        }
        if any == Some(false) {
            return Ok(false);
        }
        if let Some(known) = self.remembered(&self.0.revoked_tokens, &Some(token)) {
            return Ok(known);
        }
        let revoked = read!(self, |by| store::revoked_tokens::is_revoked(by, token));
        self.remember(&self.0.revoked_tokens, Some(token), &revoked, seen);
        Ok(revoked)
    }
}
