//! Carries out a plan by the functions that every other change goes through.

use super::{MadeSecret, Refused, present::Known};
use crate::{
    app::App,
    declare::{
        ApiKey, Client, Member, Organization, OrganizationPath, Plan, Resource, Role, Step, Thing,
        Trust, User,
    },
    domain::{Email, Expected, OrganizationId, ResourceIdentifier, UserId, Version},
    manage::{
        Judged, Rejection, memberships, organizations,
        resources::{self, NewResource},
        roles::{self, Definition},
        server, users,
    },
    store::{self, Tx},
};

pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) tx: &'a mut Tx,
    pub(super) asker: &'a Judged,
    pub(super) known: Known,
    pub(super) secrets: Vec<MadeSecret>,
}

/// Does each step; says of which thing something was refused.
macro_rules! each {
    ($steps:expr, |$step:ident: $kind:ty| $done:expr) => {
        for $step in $steps {
            let refused = |rejection| Refused { thing: <$kind>::describe(&$step.name), rejection };
            $done.await.map_err(refused)?;
        }
    };
}

impl Work<'_> {
    /// Gives the secrets of what was made.
    pub(super) async fn carry_out(mut self, plan: &Plan) -> Result<Vec<MadeSecret>, Refused> {
        // The first organization ever runs the server, so the one that is to comes first.
        let operators = plan.operators.as_ref().map(|it| &it.after);
        let (first, others): (Vec<_>, Vec<_>) =
            plan.organizations.iter().partition(|step| Some(&step.name) == operators);
        each!(&first, |step: Organization| self.organization(step));
        each!(&others, |step: Organization| self.organization(step));
        if let Some(path) = operators {
            let refused = |rejection| Refused { thing: "server operators".to_owned(), rejection };
            self.operators(path).await.map_err(refused)?;
        }
        each!(&plan.roles, |step: Role| self.role(step));
        self.resources(plan).await?;
        each!(&plan.users, |step: User| self.user(step));
        each!(&plan.members, |step: Member| self.member(step));
        each!(&plan.api_keys, |step: ApiKey| self.api_key(step));
        each!(&plan.clients, |step: Client| self.client(step));
        each!(&plan.trusts, |step: Trust| self.trust(step));
        Ok(self.secrets)
    }

    async fn organization(&mut self, step: &Step<Organization>) -> Result<(), Rejection> {
        let Step { name: path, before, after } = step;
        let (app, asker) = (self.app, self.asker);
        let was_enabled = before.as_ref().is_none_or(|before| before.enabled);
        if before.is_none() {
            let parent = path.parent().map(|parent| self.organization_id(&parent)).transpose()?;
            let name = path.name().clone();
            let made = organizations::add(app, self.tx, asker, name, parent).await?;
            self.known.organizations.insert(path.clone(), (made.id, made.version));
        }
        if after.enabled == was_enabled {
            return Ok(());
        }
        let known = self.known.organizations.get(path);
        let (id, version) = *known.ok_or(Rejection::ChangedMeanwhile)?;
        let edit = organizations::Edit { enabled: Some(after.enabled), ..Default::default() };
        organizations::change(app, self.tx, asker, id, &seen(version), edit).await.map(drop)
    }

    async fn operators(&mut self, path: &OrganizationPath) -> Result<(), Rejection> {
        let id = self.organization_id(path)?;
        server::hand_on(self.app, self.tx, self.asker, id).await
    }

    async fn role(&mut self, Step { name, after, .. }: &Step<Role>) -> Result<(), Rejection> {
        let new = Definition {
            organization_id: self.organization_id(&name.organization)?,
            name: name.name.clone(),
            scopes: after.scopes.clone(),
        };
        let expected = seen_or_absent(self.known.roles.get(name));
        roles::set(self.app, self.tx, self.asker, &expected, new).await.map(drop)
    }

    async fn resources(&mut self, plan: &Plan) -> Result<(), Refused> {
        let default = plan.default_resource.as_ref().map(|it| &it.after);
        // The first resource ever is the default one, so the one that is to be comes first.
        let (first, others): (Vec<_>, Vec<_>) =
            plan.resources.iter().partition(|step| Some(&step.name) == default);
        each!(&first, |step: Resource| self.resource(&step.name, &step.after, true));
        each!(&others, |step: Resource| self.resource(&step.name, &step.after, false));
        let Some(default) = default.filter(|_| first.is_empty()) else { return Ok(()) };
        let refused = |rejection| Refused { thing: "default resource".to_owned(), rejection };
        self.make_default(default).await.map_err(refused)
    }

    async fn make_default(&mut self, identifier: &ResourceIdentifier) -> Result<(), Rejection> {
        let found = store::resources::find(self.tx, identifier).await?;
        let found = found.ok_or(Rejection::NotFound("resource"))?;
        let as_it_is = Resource {
            scopes: found.scopes,
            algorithm: found.algorithm,
            jwt_type: found.jwt_type,
            token_lifetime: found.token_lifetime,
        };
        self.resource(identifier, &as_it_is, true).await
    }

    async fn resource(
        &mut self,
        identifier: &ResourceIdentifier,
        after: &Resource,
        is_default: bool,
    ) -> Result<(), Rejection> {
        let new = NewResource {
            identifier: identifier.clone(),
            scopes: after.scopes.clone(),
            algorithm: after.algorithm,
            jwt_type: after.jwt_type,
            token_lifetime: after.token_lifetime,
            is_default,
        };
        let expected = seen_or_absent(self.known.resources.get(identifier));
        resources::set(self.app, self.tx, self.asker, &expected, new).await.map(drop)
    }

    async fn user(&mut self, step: &Step<User>) -> Result<(), Rejection> {
        let Step { name: email, before, after } = step;
        let (app, asker) = (self.app, self.asker);
        if before.is_none() {
            asker.must_run_server(memberships::WRITE)?;
            let name = after.name.clone();
            let made = users::add(app, self.tx, asker, email.clone(), name, None).await?;
            self.known.users.insert(email.clone(), (made.id, made.version));
            if after.enabled {
                return Ok(());
            }
        }
        let (id, version) = *self.known.users.get(email).ok_or(Rejection::ChangedMeanwhile)?;
        let edit = users::Edit { name: Some(after.name.clone()), enabled: Some(after.enabled) };
        users::change(app, self.tx, asker, id, &seen(version), edit).await.map(drop)
    }

    async fn member(&mut self, Step { name, after, .. }: &Step<Member>) -> Result<(), Rejection> {
        let organization = self.organization_id(&name.organization)?;
        let user = self.user_id(&name.user)?;
        let before = store::memberships::find(self.tx, user, organization).await?;
        // Someone has given or taken it, or given another role, since the plan was made.
        if before.map(|it| it.version) != self.known.members.get(name).copied() {
            return Err(Rejection::ChangedMeanwhile);
        }
        let role = after.role.clone();
        memberships::give_role(self.app, self.tx, self.asker, user, organization, role)
            .await
            .map(drop)
    }

    pub(super) fn organization_id(
        &self,
        path: &OrganizationPath,
    ) -> Result<OrganizationId, Rejection> {
        let known = self.known.organizations.get(path);
        known.map(|(id, _)| *id).ok_or(Rejection::NotFound("organization"))
    }

    pub(super) fn user_id(&self, email: &Email) -> Result<UserId, Rejection> {
        self.known.users.get(email).map(|(id, _)| *id).ok_or(Rejection::NotFound("user"))
    }
}

/// The state that the plan was made for.
pub(super) fn seen(version: Version) -> Expected {
    Expected::OneOf(vec![version])
}

fn seen_or_absent(version: Option<&Version>) -> Expected {
    version.map_or(Expected::Absent, |version| seen(*version))
}
