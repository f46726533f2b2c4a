//! Makes and changes the trust policies of a plan.

use super::{carry_out::Work, carry_out::seen};
use crate::{
    declare::{Step, Trust},
    domain::KeySource,
    manage::{
        Rejection,
        trusts::{self, GivenKeys, NewTrust, TrustChange},
    },
};

impl Work<'_> {
    pub(super) async fn trust(&mut self, step: &Step<Trust>) -> Result<(), Rejection> {
        let Step { name, before, after } = step;
        let (app, asker) = (self.app, self.asker);
        if before.is_some() {
            let known = self.known.trusts.get(name);
            let (id, version) = *known.ok_or(Rejection::ChangedMeanwhile)?;
            let change = changed(after);
            return trusts::change(app, self.tx, asker, id, &seen(version), change).await.map(drop);
        }
        let organization_id = self.organization_id(&name.organization)?;
        let new = NewTrust {
            organization_id,
            name: name.name.clone(),
            issuer: after.issuer.clone(),
            keys: given(&after.keys),
            algorithms: after.algorithms.clone(),
            audience: after.audience.clone(),
            conditions: after.conditions.clone(),
            roles: after.roles.clone(),
            resources: after.resources.clone(),
            allowed_networks: after.allowed_networks.clone(),
            expires_at: after.expires_at,
            once: after.once,
        };
        let made = trusts::add(app, self.tx, asker, new).await?;
        if after.enabled {
            return Ok(());
        }
        let off = TrustChange::enabled(false);
        trusts::change(app, self.tx, asker, made.id, &seen(made.version), off).await.map(drop)
    }
}

fn changed(to: &Trust) -> TrustChange {
    TrustChange {
        name: None,
        issuer: Some(to.issuer.clone()),
        keys: Some(given(&to.keys)),
        algorithms: Some(to.algorithms.clone()),
        audience: to.audience.clone(),
        conditions: Some(to.conditions.clone()),
        roles: Some(to.roles.clone()),
        resources: Some(to.resources.clone()),
        allowed_networks: Some(to.allowed_networks.clone()),
        expires_at: Some(to.expires_at),
        once: Some(to.once),
        enabled: Some(to.enabled),
    }
}

fn given(keys: &KeySource) -> GivenKeys {
    match keys {
        KeySource::Issuer(_) => GivenKeys::Discovered,
        KeySource::Uri(uri) => GivenKeys::At(uri.clone()),
        KeySource::Pinned(jwks) => GivenKeys::Pinned(jwks.clone()),
    }
}
