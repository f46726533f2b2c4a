//! What tokens are obtained through beside keys: clients, rules of trust, refresh families, and
//! other tokens.

use std::sync::Arc;

use uuid::Uuid;

use super::Directory;
use crate::{
    domain::{ClientId, Family, FamilyId, KnownClient, Presented, SecretId, Trust, TrustId},
    store::{self, StoreError},
};

impl Directory {
    /// The key that has or had this secret.
    pub async fn key_of(&self, id: SecretId) -> Result<Option<Arc<Presented>>, StoreError> {
        if let Some(hash) = self.0.hashes.get(&id) {
            return self.key(&hash).await;
        }
        let Some(hash) = store::api_key_secrets::hash_of(&self.0.store, id).await? else {
            return Ok(None);
        };
        self.0.hashes.insert(id, hash);
        self.key(&hash).await
    }

    pub async fn client(&self, id: ClientId) -> Result<Option<Arc<KnownClient>>, StoreError> {
        if let Some(known) = self.remembered(&self.0.clients, &id) {
            return Ok(Some(known));
        }
        let seen = self.forgotten();
        let found = store::clients::known(&self.0.store, id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.remember(&self.0.clients, id, found, seen);
        }
        Ok(found)
    }

    /// Every rule that speaks of this issuer.
    pub async fn trusts(&self, issuer: &str) -> Result<Arc<Vec<Arc<Trust>>>, StoreError> {
        let issuer = Arc::from(issuer);
        if let Some(known) = self.remembered(&self.0.trusts, &issuer) {
            return Ok(known);
        }
        let seen = self.forgotten();
        let mut tx = self.0.store.read().await?;
        let found = store::trusts::of_issuer(&mut tx, &issuer).await?;
        let found: Arc<Vec<_>> = Arc::new(found.into_iter().map(Arc::new).collect());
        // Of issuers that nobody trusts there is no end.
        if !found.is_empty() {
            self.remember(&self.0.trusts, issuer, &found, seen);
        }
        Ok(found)
    }

    pub async fn trust(&self, id: TrustId) -> Result<Option<Arc<Trust>>, StoreError> {
        if let Some(known) = self.remembered(&self.0.trusts_by_id, &id) {
            return Ok(Some(known));
        }
        let seen = self.forgotten();
        let mut tx = self.0.store.read().await?;
        let found = store::trusts::find(&mut tx, id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.remember(&self.0.trusts_by_id, id, found, seen);
        }
        Ok(found)
    }

    /// Whether a family has ended is of now; its generation is of when it was read.
    pub async fn family(&self, id: FamilyId) -> Result<Option<Arc<Family>>, StoreError> {
        if let Some(known) = self.remembered(&self.0.families, &id) {
            return Ok(Some(known));
        }
        let seen = self.forgotten();
        let found = store::refresh_families::find(&self.0.store, id).await?.map(Arc::new);
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
            let read = store::revoked_tokens::are_there_any(&self.0.store).await?;
            self.remember(&self.0.revoked_tokens, None, &read, seen);
            any = Some(read);
        }
        if any == Some(false) {
            return Ok(false);
        }
        if let Some(known) = self.remembered(&self.0.revoked_tokens, &Some(token)) {
            return Ok(known);
        }
        let revoked = store::revoked_tokens::is_revoked(&self.0.store, token).await?;
        self.remember(&self.0.revoked_tokens, Some(token), &revoked, seen);
        Ok(revoked)
    }
}
