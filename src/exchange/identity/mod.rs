//! What a credential has proved: whose rights a token draws on, what bounds them, and through what
//! it was obtained.

mod chain;
mod refreshed;

use std::sync::Arc;

use serde_json::Value;

pub(super) use self::refreshed::Refreshed;
use super::{Failed, Refusal};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKeyId, Ceiling, ClientTerms, Delegate, KnownClient, Owner, Presented,
        ResourceIdentifier, SecretId, Source, Thumbprint, Trust, UserId,
    },
};

#[derive(Clone)]
pub(super) struct Identity {
    pub(super) holder: Holder,
    /// The client that asks, where it is not itself the holder.
    pub(super) client: Option<Arc<KnownClient>>,
    /// Others whose credentials were needed, too: the token may do only what each of them may do.
    pub(super) beside: Vec<Identity>,
    pub(super) ceiling: Ceiling,
    /// Whom the token is for where none is asked for, if that is allowed.
    pub(super) usual: Option<ResourceIdentifier>,
    /// For whom alone it may be, where the client that asks came by it by its rules of exchange.
    pub(super) by_rules: Option<Vec<ResourceIdentifier>>,
    /// From the holder's own to the latest.
    pub(super) sources: Vec<Source>,
    pub(super) actor: Option<Delegate>,
    /// Who alone may act or ask on behalf of it, as the issuer of its token wrote it (RFC 8693,
    /// section 4.4).
    pub(super) may_act: Option<Value>,
    /// The key whose possession was proved, or has to be.
    pub(super) bound_to: Option<Thumbprint>,
    /// The refresh token it was proved by, if it was one.
    pub(super) refreshed: Option<Box<Refreshed>>,
    /// Under which id its uses are counted.
    pub(super) counted_as: SecretId,
}

/// Whose rights they are.
#[derive(Clone)]
pub(super) enum Holder {
    Key(Arc<Presented>),
    Client(Arc<KnownClient>),
    /// A workload of another issuer, as a trust policy sees it, by its name there.
    Workload(Arc<Trust>, String),
}

impl Identity {
    pub(super) fn of_key(presented: Arc<Presented>) -> Self {
        let secret = presented.secret.id;
        Self::of(Holder::Key(presented), Source::Secret(secret), secret)
    }

    /// `secret`: the one it proved itself by, if it was one.
    pub(super) fn of_client(known: Arc<KnownClient>, secret: Option<SecretId>) -> Self {
        let id = known.client.id;
        Self::of(Holder::Client(known), Source::Client(id), secret.unwrap_or(SecretId(id.0)))
    }

    pub(super) fn of_workload(trust: Arc<Trust>, subject: String) -> Self {
        let id = trust.id;
        Self::of(Holder::Workload(trust, subject), Source::Trust(id), SecretId(id.0))
    }

    fn of(holder: Holder, source: Source, counted_as: SecretId) -> Self {
        Self {
            holder,
            client: None,
            beside: Vec::new(),
            ceiling: Ceiling::default(),
            usual: None,
            by_rules: None,
            sources: vec![source],
            actor: None,
            may_act: None,
            bound_to: None,
            refreshed: None,
            counted_as,
        }
    }

    /// The key, where the rights are one's.
    pub(super) fn key(&self) -> Option<(ApiKeyId, SecretId)> {
        match &self.holder {
            Holder::Key(presented) => Some((presented.key.id, presented.secret.id)),
            Holder::Client(_) | Holder::Workload(..) => None,
        }
    }

    /// `sub`. Its prefix says which kind of subject it is: none can pass for one of another kind.
    pub(super) fn subject(&self) -> String {
        match &self.holder {
            Holder::Key(presented) => format!("key:{}", presented.key.id),
            Holder::Client(known) => format!("client:{}", known.client.id),
            Holder::Workload(trust, name) => format!("trust:{}:{name}", trust.id),
        }
    }

    /// `client_id`: the client that asks; a key is its own, and so is a trust policy.
    pub(super) fn client_id(&self) -> String {
        match (&self.client, &self.holder) {
            (Some(known), _) | (None, Holder::Client(known)) => known.client.id.to_string(),
            (None, Holder::Key(presented)) => presented.key.id.to_string(),
            (None, Holder::Workload(trust, _)) => trust.id.to_string(),
        }
    }

    pub(super) fn user(&self) -> Option<UserId> {
        match &self.holder {
            Holder::Key(presented) => match presented.key.owner {
                Owner::User(id) => Some(id),
                Owner::Organization(_) => None,
            },
            Holder::Client(_) | Holder::Workload(..) => None,
        }
    }

    /// The registered client that asks, as holder or on behalf of one.
    pub(super) fn registered(&self) -> Option<&Arc<KnownClient>> {
        match (&self.client, &self.holder) {
            (Some(known), _) | (None, Holder::Client(known)) => Some(known),
            (None, Holder::Key(_) | Holder::Workload(..)) => None,
        }
    }

    /// What that client agreed to.
    pub(super) fn terms(&self) -> Option<&ClientTerms> {
        self.registered().map(|known| &known.client.terms)
    }

    /// All that bounds the token beside the rights of its holder and of others.
    pub(super) fn bounds(&self) -> Ceiling {
        let of_holder = match &self.holder {
            Holder::Key(_) => None,
            Holder::Client(known) => Some(Ceiling::of(&known.client.terms)),
            Holder::Workload(trust, _) => {
                Some(Ceiling { resources: trust.terms.resources.clone(), ..Ceiling::default() })
            }
        };
        let of_client = self.client.as_ref().map(|known| Ceiling::of(&known.client.terms));
        let of_rules = Ceiling { resources: self.by_rules.clone(), ..Ceiling::default() };
        let all = of_holder.iter().chain(&of_client).chain([&of_rules]);
        all.fold(self.ceiling.clone(), |bounds, bound| bounds.and(bound))
    }

    /// When the right ends, whatever becomes of it.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.credentials_end().into_iter().chain(self.ceiling.expires_at).min()
    }

    /// When the first of the credentials ends that were needed. A secret that is being rotated out
    /// ends before its key.
    pub(super) fn credentials_end(&self) -> Option<Timestamp> {
        let of_holder = match &self.holder {
            Holder::Key(presented) => {
                [presented.key.expires_at, presented.secret.dies_at].into_iter().flatten().min()
            }
            Holder::Workload(trust, _) => trust.terms.expires_at,
            Holder::Client(known) => known.client.terms.expires_at,
        };
        let of_client = self.client.as_ref().and_then(|known| known.client.terms.expires_at);
        let of_others = self.beside.iter().filter_map(Self::credentials_end);
        of_others.chain(of_holder).chain(of_client).min()
    }

    /// The same, asked for by this client. The client that asked before still bounds it.
    pub(super) fn asked_by(mut self, known: Arc<KnownClient>) -> Self {
        let latest = match (&self.client, &self.holder) {
            (Some(latest), _) | (None, Holder::Client(latest)) => Some(latest.client.id),
            (None, Holder::Key(_) | Holder::Workload(..)) => None,
        };
        if latest == Some(known.client.id) {
            return self;
        }
        self.sources.push(Source::Client(known.client.id));
        self.by_rules = None;
        if let Some(before) = self.client.replace(known) {
            self.ceiling = self.ceiling.and(&Ceiling::of(&before.client.terms));
        }
        self
    }

    /// The same with no more rights than another has, whose credential was needed, too.
    pub(super) fn together_with(mut self, other: Self) -> Self {
        self.ceiling = self.ceiling.and(&other.bounds()).and(&Ceiling::until(other.ends()));
        let is_known = other.sources.first().is_some_and(|first| self.sources.contains(first));
        for source in &other.sources {
            if !self.sources.contains(source) {
                self.sources.push(*source);
            }
        }
        self.beside.extend(other.beside.iter().cloned());
        match &other.holder {
            // What bounds a client is in its terms.
            Holder::Client(_) => (),
            Holder::Key(_) | Holder::Workload(..) if is_known => (),
            Holder::Key(_) | Holder::Workload(..) => self.beside.push(other),
        }
        self
    }

    /// The same as of now: what was changed meanwhile counts.
    pub(super) async fn again(&self, app: &App) -> Result<Self, Failed> {
        if let Holder::Key(presented) = &self.holder
            && self.sources.len() == 1
        {
            let known = app.directory.key(&presented.secret.hash).await?;
            let known = known.ok_or(Refusal::UnknownSecret)?;
            return Ok(Self { holder: Holder::Key(known), ..self.clone() });
        }
        let again = Self::through(app, &self.sources, &self.subject()).await?;
        Ok(Self {
            holder: again.holder,
            client: again.client,
            beside: again.beside,
            by_rules: again.by_rules,
            ceiling: self.ceiling.and(&again.ceiling),
            ..self.clone()
        })
    }
}
