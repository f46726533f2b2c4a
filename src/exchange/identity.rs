//! What a credential has proved: whose rights a token draws on, what bounds them, and through what
//! it was obtained.

use std::sync::Arc;

use super::{Failed, Refusal, refresh_token::Refreshed};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKeyId, Ceiling, ClientTerms, Delegate, KnownClient, Owner, Presented, SecretId, Source,
        Thumbprint, Trust, UserId,
    },
};

#[derive(Clone)]
pub(super) struct Identity {
    pub(super) holder: Holder,
    /// The client that asks, where it is not itself the holder.
    pub(super) client: Option<Arc<KnownClient>>,
    pub(super) ceiling: Ceiling,
    /// From the holder's own to the latest.
    pub(super) sources: Vec<Source>,
    pub(super) actor: Option<Delegate>,
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
    /// Somebody else's, as a rule of trust sees it, by the name they have there.
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
            ceiling: Ceiling::default(),
            sources: vec![source],
            actor: None,
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

    /// `client_id`: the client that asks; a key is its own, and so is a rule of trust.
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

    /// All that bounds the token beside the rights of its holder.
    pub(super) fn bounds(&self) -> Ceiling {
        let of_client = self.terms().map(|terms| Ceiling {
            scopes: Some(terms.scopes.clone()),
            resources: terms.resources.clone(),
            ..Ceiling::default()
        });
        let of_rule = match &self.holder {
            Holder::Workload(trust, _) => {
                Some(Ceiling { resources: trust.terms.resources.clone(), ..Ceiling::default() })
            }
            Holder::Key(_) | Holder::Client(_) => None,
        };
        let all = of_client.iter().chain(&of_rule);
        all.fold(self.ceiling.clone(), |bounds, bound| bounds.and(bound))
    }

    /// When the holder's right ends, whatever becomes of it.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        let of_holder = match &self.holder {
            Holder::Key(presented) => {
                [presented.key.expires_at, presented.secret.dies_at].into_iter().flatten().min()
            }
            Holder::Client(_) | Holder::Workload(..) => None,
        };
        [of_holder, self.ceiling.expires_at].into_iter().flatten().min()
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
        Ok(Self { holder: again.holder, client: again.client, ..self.clone() })
    }

    /// Whoever stands at the beginning of this chain, provided that every link of it still holds.
    /// `subject` is `sub` of what was obtained through it.
    pub(super) async fn through(
        app: &App,
        sources: &[Source],
        subject: &str,
    ) -> Result<Self, Failed> {
        let (first, rest) = sources.split_first().ok_or(Refusal::NoSource)?;
        let mut identity = Self::holder(app, *first, subject).await?;
        for source in rest {
            identity.client = follow(app, *source).await?.or(identity.client);
        }
        identity.sources = sources.to_vec();
        Ok(identity)
    }

    async fn holder(app: &App, first: Source, subject: &str) -> Result<Self, Failed> {
        let gone = Refusal::SourceGone(first);
        match first {
            Source::Secret(id) => Ok(Self::of_key(app.directory.key_of(id).await?.ok_or(gone)?)),
            Source::Client(id) => {
                Ok(Self::of_client(app.directory.client(id).await?.ok_or(gone)?, None))
            }
            Source::Trust(id) => {
                let trust = app.directory.trust(id).await?.ok_or(gone)?;
                let name = subject.strip_prefix(&format!("trust:{id}:")).unwrap_or_default();
                Ok(Self::of_workload(trust, name.to_owned()))
            }
            Source::Family(_) | Source::Token(_) => Err(Refusal::NoSource.into()),
        }
    }
}

/// Whether a later link of a chain still holds; the client, where it is one.
async fn follow(app: &App, source: Source) -> Result<Option<Arc<KnownClient>>, Failed> {
    let now = app.clock.now();
    match source {
        Source::Client(id) => {
            let known = app.directory.client(id).await?;
            return known.map(Some).ok_or(Refusal::SourceGone(source).into());
        }
        Source::Secret(id) => {
            let presented = app.directory.key_of(id).await?.ok_or(Refusal::SourceGone(source))?;
            super::judge::judge(app, &Identity::of_key(presented), None, now).await?;
        }
        Source::Trust(id) => {
            let trust = app.directory.trust(id).await?.ok_or(Refusal::SourceGone(source))?;
            let identity = Identity::of_workload(trust, String::new());
            super::judge::judge(app, &identity, None, now).await?;
        }
        Source::Family(id) => {
            let family = app.directory.family(id).await?.ok_or(Refusal::SourceGone(source))?;
            if family.ended_at.is_some() || family.expires_at <= now {
                return Err(Refusal::SourceGone(source).into());
            }
        }
        Source::Token(id) => {
            if app.directory.is_revoked(id).await? {
                return Err(Refusal::SourceGone(source).into());
            }
        }
    }
    Ok(None)
}
