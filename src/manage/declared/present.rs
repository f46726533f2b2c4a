//! Reads all that a file can declare, with the ids behind the names and the versions seen.

use std::collections::BTreeMap;

use crate::{
    app::App,
    declare::{
        self, ClientOf, KeyOf, MemberOf, OrganizationPath, OwnerName, RoleOf, State, TrustOf,
    },
    domain::{
        ApiKey, ApiKeyId, ClientId, Email, Lifetime, Organization, OrganizationId, Owner, Reach,
        Resource, ResourceIdentifier, Sight, Trust, TrustId, UserId, Version,
    },
    manage::{Asker, Rejection},
    store::{self, Page, Tx, api_keys::Filter},
};

/// What there was at the moment of reading.
pub struct Present {
    pub state: State,
    pub(super) known: Known,
}

/// What the names mean in the database.
#[derive(Default)]
pub(super) struct Known {
    pub(super) organizations: BTreeMap<OrganizationPath, (OrganizationId, Version)>,
    pub(super) roles: BTreeMap<RoleOf, Version>,
    pub(super) resources: BTreeMap<ResourceIdentifier, Version>,
    pub(super) users: BTreeMap<Email, (UserId, Version)>,
    pub(super) members: BTreeMap<MemberOf, Version>,
    pub(super) api_keys: BTreeMap<KeyOf, (ApiKeyId, Version)>,
    pub(super) clients: BTreeMap<ClientOf, (ClientId, Version)>,
    pub(super) trusts: BTreeMap<TrustOf, (TrustId, Version)>,
}

/// The names behind the ids, while everything is read.
#[derive(Default)]
struct Names {
    organizations: BTreeMap<OrganizationId, OrganizationPath>,
    users: BTreeMap<UserId, Email>,
}

const READ: [&str; 6] = [
    "clients:read",
    "keys:read",
    "members:read",
    "organizations:read",
    "resources:read",
    "trusts:read",
];

pub async fn read(app: &App, asker: &Asker) -> Result<Present, Rejection> {
    READ.iter().try_for_each(|scope| asker.must_run_server(scope))?;
    let mut tx = app.store.read().await?;
    let mut reading = Reading {
        tx: &mut tx,
        names: Names::default(),
        state: State::default(),
        known: Known::default(),
    };
    reading.organizations().await?;
    reading.roles().await?;
    reading.resources().await?;
    reading.users().await?;
    reading.members().await?;
    reading.api_keys(app).await?;
    reading.clients().await?;
    reading.trusts().await?;
    let Reading { state, known, .. } = reading;
    Ok(Present { state, known })
}

struct Reading<'a> {
    tx: &'a mut Tx,
    names: Names,
    state: State,
    known: Known,
}

impl Reading<'_> {
    async fn organizations(&mut self) -> Result<(), Rejection> {
        let all = store::organizations::list(self.tx, Sight::Everything, None, Page::ALL).await?;
        let all: BTreeMap<_, _> = all.into_iter().map(|it| (it.id, it)).collect();
        for organization in all.values() {
            let path = path(organization, &all);
            let Organization { id, version, disabled_at, .. } = organization;
            let declared = declare::Organization { enabled: disabled_at.is_none() };
            self.names.organizations.insert(*id, path.clone());
            self.known.organizations.insert(path.clone(), (*id, *version));
            self.state.organizations.insert(path, declared);
        }
        let operators = store::organizations::operators(self.tx).await?;
        self.state.operators = operators.and_then(|id| self.names.organizations.get(&id).cloned());
        Ok(())
    }

    async fn roles(&mut self) -> Result<(), Rejection> {
        for role in store::roles::list(self.tx, Sight::Everything).await? {
            let organization = self.names.organizations.get(&role.organization_id).cloned();
            let Some(organization) = organization else { continue };
            let name = RoleOf { organization, name: role.name };
            self.known.roles.insert(name.clone(), role.version);
            self.state.roles.insert(name, declare::Role { scopes: role.scopes });
        }
        Ok(())
    }

    async fn resources(&mut self) -> Result<(), Rejection> {
        let all = store::resources::list(self.tx).await?;
        self.state.default_resource = Resource::default_of(&all).map(|it| it.identifier.clone());
        for resource in all {
            let Resource { identifier, scopes, algorithm, jwt_type, token_lifetime, .. } = resource;
            self.known.resources.insert(identifier.clone(), resource.version);
            let declared = declare::Resource { scopes, algorithm, jwt_type, token_lifetime };
            self.state.resources.insert(identifier, declared);
        }
        Ok(())
    }

    async fn users(&mut self) -> Result<(), Rejection> {
        for user in store::users::list(self.tx, Page::ALL).await? {
            self.names.users.insert(user.id, user.email.clone());
            self.known.users.insert(user.email.clone(), (user.id, user.version));
            let declared = declare::User { name: user.name, enabled: user.disabled_at.is_none() };
            self.state.users.insert(user.email, declared);
        }
        Ok(())
    }

    async fn members(&mut self) -> Result<(), Rejection> {
        for (id, organization) in &self.names.organizations {
            for it in store::memberships::of_organization(self.tx, *id, Page::ALL).await? {
                let Some(user) = self.names.users.get(&it.user_id).cloned() else { continue };
                let name = MemberOf { organization: organization.clone(), user };
                self.known.members.insert(name.clone(), it.version);
                self.state.members.insert(name, declare::Member { role: it.role });
            }
        }
        Ok(())
    }

    async fn api_keys(&mut self, app: &App) -> Result<(), Rejection> {
        let (all, now) = (Filter::default(), app.clock.now());
        for key in store::api_keys::list(self.tx, Sight::Everything, &all, Page::ALL, now).await? {
            let Some(owner) = self.owner(key.owner) else { continue };
            let name = KeyOf { owner, name: key.name.clone() };
            if key.revoked_at.is_some() {
                self.state.revoked.insert(name);
                continue;
            }
            self.known.api_keys.insert(name.clone(), (key.id, key.version));
            let declared = self.declared(key);
            self.state.api_keys.insert(name, declared);
        }
        Ok(())
    }

    /// Those that registered themselves are no one's to declare.
    async fn clients(&mut self) -> Result<(), Rejection> {
        let all = store::clients::list(self.tx, Sight::Everything, None, Page::ALL).await?;
        for client in all.into_iter().filter(|client| client.registration.is_none()) {
            let organization = self.names.organizations.get(&client.organization_id).cloned();
            let Some(organization) = organization else { continue };
            let name = ClientOf { organization, name: client.name };
            self.known.clients.insert(name.clone(), (client.id, client.version));
            let enabled = client.disabled_at.is_none();
            self.state.clients.insert(name, declare::Client { terms: client.terms, enabled });
        }
        Ok(())
    }

    async fn trusts(&mut self) -> Result<(), Rejection> {
        let all = store::trusts::list(self.tx, Sight::Everything, None, None, Page::ALL).await?;
        for Trust { id, organization_id, name, issuer, terms, disabled_at, version, .. } in all {
            let organization = self.names.organizations.get(&organization_id).cloned();
            let Some(organization) = organization else { continue };
            let name = TrustOf { organization, name };
            self.known.trusts.insert(name.clone(), (id, version));
            let declared = declare::Trust {
                issuer,
                keys: terms.keys,
                audience: Some(terms.audience),
                algorithms: terms.algorithms,
                conditions: terms.conditions,
                roles: terms.roles,
                resources: terms.resources,
                allowed_networks: terms.allowed_networks,
                expires_at: terms.expires_at,
                once: terms.once,
                enabled: disabled_at.is_none(),
            };
            self.state.trusts.insert(name, declared);
        }
        Ok(())
    }

    /// `None` where someone has deleted or made it since the names were read.
    fn owner(&self, owner: Owner) -> Option<OwnerName> {
        match owner {
            Owner::Organization(id) => {
                self.names.organizations.get(&id).cloned().map(OwnerName::Organization)
            }
            Owner::User(id) => self.names.users.get(&id).cloned().map(OwnerName::User),
        }
    }

    fn declared(&self, key: ApiKey) -> declare::ApiKey {
        declare::ApiKey {
            description: key.description,
            roles: key.roles,
            reach: match key.reach {
                Reach::Own => declare::Reach::Own,
                Reach::Subtree => declare::Reach::Subtree,
                // What was deleted since means nothing.
                Reach::Listed(ids) => declare::Reach::Listed(
                    ids.iter().filter_map(|id| self.names.organizations.get(id).cloned()).collect(),
                ),
            },
            allowed_networks: key.allowed_networks,
            expires: key.expires_at.map_or(Lifetime::Never, Lifetime::Until),
            when_leaked: key.when_leaked,
            proof: key.proof,
            enabled: key.disabled_at.is_none(),
            locked: key.locked_at.is_some(),
        }
    }
}

fn path(of: &Organization, all: &BTreeMap<OrganizationId, Organization>) -> OrganizationPath {
    match of.parent_id.and_then(|id| all.get(&id)) {
        Some(parent) => path(parent, all).child(of.name.clone()),
        None => OrganizationPath::root(of.name.clone()),
    }
}
