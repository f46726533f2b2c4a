//! Makes and changes the keys of a plan.

use super::{MadeId, MadeSecret, carry_out::Work, carry_out::seen};
use crate::{
    declare::{self, ApiKey, KeyOf, OwnerName, Step, Thing as _},
    domain::{Owner, Reach},
    manage::{
        Rejection,
        api_keys::{self, Edit, NewApiKey},
    },
};

impl Work<'_> {
    pub(super) async fn api_key(&mut self, step: &Step<ApiKey>) -> Result<(), Rejection> {
        match &step.before {
            Some(before) => self.change_api_key(&step.name, before, &step.after).await,
            None => self.make_api_key(&step.name, &step.after).await,
        }
    }

    async fn make_api_key(&mut self, name: &KeyOf, after: &ApiKey) -> Result<(), Rejection> {
        let new = NewApiKey {
            owner: match &name.owner {
                OwnerName::Organization(path) => Owner::Organization(self.organization_id(path)?),
                OwnerName::User(email) => Owner::User(self.user_id(email)?),
            },
            name: name.name.clone(),
            description: after.description.clone(),
            roles: after.roles.clone(),
            reach: self.reach(&after.reach)?,
            allowed_networks: after.allowed_networks.clone(),
            lifetime: after.expires,
            when_leaked: after.when_leaked,
            proof: Some(after.proof.clone()),
        };
        let api_keys::Created { key, secret } =
            api_keys::add(self.app, self.tx, self.asker, new).await?;
        let (thing, id) = (ApiKey::describe(name), MadeId::ApiKey(key.id));
        self.secrets.push(MadeSecret { thing, secret, id });
        self.known.api_keys.insert(name.clone(), (key.id, key.version));
        let as_made = ApiKey { enabled: true, locked: false, ..after.clone() };
        self.change_api_key(name, &as_made, after).await
    }

    /// Unlocks first and locks last: a locked key cannot be changed.
    async fn change_api_key(
        &mut self,
        name: &KeyOf,
        before: &ApiKey,
        after: &ApiKey,
    ) -> Result<(), Rejection> {
        let (app, asker) = (self.app, self.asker);
        let (id, mut version) =
            *self.known.api_keys.get(name).ok_or(Rejection::ChangedMeanwhile)?;
        if before.locked && !after.locked {
            let unlocked =
                api_keys::set_locked_in(app, self.tx, asker, id, &seen(version), false).await?;
            version = unlocked.version;
        }
        if let Some(edit) = self.edit(before, after)? {
            let edited = api_keys::edit_in(app, self.tx, asker, id, &seen(version), edit).await?;
            version = edited.version;
        }
        if before.enabled != after.enabled {
            let expected = seen(version);
            let set =
                api_keys::set_enabled_in(app, self.tx, asker, id, &expected, after.enabled).await?;
            version = set.version;
        }
        if !before.locked && after.locked {
            api_keys::set_locked_in(app, self.tx, asker, id, &seen(version), true).await?;
        }
        Ok(())
    }

    /// Names only what is to be otherwise. `None` where that is nothing.
    fn edit(&self, before: &ApiKey, after: &ApiKey) -> Result<Option<Edit>, Rejection> {
        let as_after = ApiKey { enabled: after.enabled, locked: after.locked, ..before.clone() };
        if as_after == *after {
            return Ok(None);
        }
        let reach = (before.reach != after.reach).then(|| self.reach(&after.reach)).transpose()?;
        let networks = &after.allowed_networks;
        Ok(Some(Edit {
            description: (before.description != after.description)
                .then(|| after.description.clone()),
            roles: (before.roles != after.roles).then(|| after.roles.clone()),
            reach,
            allowed_networks: (before.allowed_networks != *networks).then(|| networks.clone()),
            lifetime: (before.expires != after.expires).then_some(after.expires),
            when_leaked: (before.when_leaked != after.when_leaked).then_some(after.when_leaked),
            proof: (before.proof != after.proof).then(|| after.proof.clone()),
        }))
    }

    fn reach(&self, reach: &declare::Reach) -> Result<Reach, Rejection> {
        match reach {
            declare::Reach::Own => Ok(Reach::Own),
            declare::Reach::Subtree => Ok(Reach::Subtree),
            declare::Reach::Listed(paths) => {
                let ids = paths.iter().map(|path| self.organization_id(path));
                Ok(Reach::Listed(ids.collect::<Result<_, _>>()?))
            }
        }
    }
}
