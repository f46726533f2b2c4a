//! Who manages by a token, as facts: the same for keys, clients and workloads, no matter who acts
//! for whom.

use super::{
    ExchangeError, Failed, Wish, access_token,
    identity::{Holder, Identity},
    recorded,
};
use crate::{
    app::App,
    domain::{Actor, Below, Bounds, KnownClient, Networks, OnlyAt, Origin, Owner, ProofDemand},
    signing::VerifiedToken,
};

/// Who stands behind a token for keyturn itself, and what they may do here now.
#[derive(Clone, Debug)]
pub struct Principal {
    pub actor: Actor,
    /// `sub` of the token, where the actor acts for another.
    pub on_behalf_of: Option<String>,
    pub bounds: Bounds,
}

/// Judges the token by the steps by which it was issued. Whatever is refused is recorded.
pub async fn principal(
    app: &App,
    token: &VerifiedToken,
    origin: &Origin,
) -> Result<Principal, ExchangeError> {
    judged(app, token, origin).await.map_err(|failed| recorded(app, origin, failed))
}

async fn judged(app: &App, token: &VerifiedToken, origin: &Origin) -> Result<Principal, Failed> {
    let wish = Wish {
        organization: Some(token.organization_id),
        resource: Some(app.own_resource.identifier.clone()),
        scopes: None,
    };
    let now = app.clock.now();
    let identity = access_token::identify(app, token).await?;
    let granted = super::grant(app, &identity, &wish, Some(origin.source), now).await?;
    let (actor, acts_for_itself) = actor(&identity);
    // A client that acts for another gives only what the token carries.
    let held = if acts_for_itself { &granted.of_holder } else { &granted.scopes };
    let key = match &identity.holder {
        Holder::Key(presented) if acts_for_itself => Some(&presented.key),
        _ => None,
    };
    let user = key.and_then(|key| match key.owner {
        Owner::User(id) => Some(id),
        Owner::Organization(_) => None,
    });
    let facts = everybody(&identity).reduce(Facts::and).unwrap_or_default();
    Ok(Principal {
        actor,
        on_behalf_of: (!acts_for_itself).then(|| identity.subject()),
        bounds: Bounds {
            to_give: Bounds::to_give(held, &granted.scopes, &app.own_resource),
            scopes: granted.scopes,
            organization: token.organization_id,
            below: key.map_or(Below::Excluded, |key| Below::from(&key.reach)),
            user,
            users_key: key.filter(|_| user.is_some()).cloned(),
            roles: key.and_then(|key| key.roles.clone()),
            expires_at: identity.credentials_end(),
            resources: only_at(app, &identity).await?,
            networks: facts.networks,
            proof: facts.proof,
            runs_server: app.directory.runs_server(token.organization_id).await?,
        },
    })
}

/// Where alone all that took part get tokens.
async fn only_at(app: &App, identity: &Identity) -> Result<Option<OnlyAt>, Failed> {
    let Some(resources) = identity.bounds().resources else { return Ok(None) };
    let registered = app.directory.resources().await?;
    Ok(Some(OnlyAt::of(resources, registered.iter().chain([&app.own_resource]))))
}

/// Who is said to have done it, and whether that is the holder of the rights alone.
fn actor(identity: &Identity) -> (Actor, bool) {
    if let Some(known) = &identity.client {
        return (Actor::Client(known.client.id), false);
    }
    let acting = identity.beside.last().filter(|_| identity.actor.is_some()).unwrap_or(identity);
    let actor = match &acting.holder {
        Holder::Key(presented) => Actor::ApiKey(presented.key.id),
        Holder::Client(known) => Actor::Client(known.client.id),
        Holder::Workload(trust, name) => Actor::Workload(trust.id, name.clone()),
    };
    (actor, identity.actor.is_none() && identity.beside.is_empty())
}

/// All whose credentials were needed.
fn everybody(identity: &Identity) -> impl Iterator<Item = Facts> {
    let client = identity.client.as_ref().map(|known| Facts::of_client(known));
    let holders = [identity].into_iter().chain(&identity.beside);
    holders.map(Facts::of_holder).chain(client)
}

/// From where, and after which proof of possession, a credential is used.
#[derive(Default)]
struct Facts {
    networks: Networks,
    proof: ProofDemand,
}

impl Facts {
    fn of_holder(identity: &Identity) -> Self {
        match &identity.holder {
            Holder::Key(presented) => Self {
                networks: presented.key.allowed_networks.clone(),
                proof: presented.key.proof.clone(),
            },
            Holder::Client(known) => Self::of_client(known),
            Holder::Workload(trust, _) => Self {
                networks: trust.terms.allowed_networks.clone(),
                proof: ProofDemand::default(),
            },
        }
    }

    /// A client is used from anywhere.
    fn of_client(known: &KnownClient) -> Self {
        let terms = &known.client.terms;
        Self { proof: terms.proof.clone(), ..Self::default() }
    }

    fn and(self, other: Self) -> Self {
        Self {
            networks: self.networks.intersection(&other.networks),
            proof: if other.proof.is_as_strict_as(&self.proof) { other.proof } else { self.proof },
        }
    }
}
