//! Follows the chain of sources that a token or a refresh family came through, as of now.

use std::sync::Arc;

use super::Identity;
use crate::{
    app::App,
    domain::{KnownClient, ResourceIdentifier, Source},
    exchange::{Failed, Refusal, judge},
};

impl Identity {
    /// The holder at the beginning of this chain, provided that every link of it still holds.
    /// `subject` is `sub` of what was obtained through it.
    pub(in crate::exchange) async fn through(
        app: &App,
        sources: &[Source],
        subject: &str,
    ) -> Result<Self, Failed> {
        let (first, rest) = sources.split_first().ok_or(Refusal::NoSource)?;
        let mut identity = Self::holder(app, *first, subject).await?;
        for source in rest {
            match follow(app, &identity, *source).await? {
                Link::Client(known) => identity = identity.asked_by(known),
                Link::Beside(other) => identity.beside.push(*other),
                Link::Rules(resources) => identity.by_rules = Some(resources),
                Link::Holds => (),
            }
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
            Source::Family(_) | Source::Token(_) | Source::Exchange(_) => {
                Err(Refusal::NoSource.into())
            }
        }
    }
}

/// What a later link of a chain adds to those before it.
enum Link {
    Client(Arc<KnownClient>),
    Beside(Box<Identity>),
    /// For whom the rules are that the client before it has for this.
    Rules(Vec<ResourceIdentifier>),
    Holds,
}

/// Provided that the link still holds.
async fn follow(app: &App, before: &Identity, source: Source) -> Result<Link, Failed> {
    let now = app.clock.now();
    let gone = Refusal::SourceGone(source);
    match source {
        Source::Client(id) => {
            let known = app.directory.client(id).await?.ok_or(gone.clone())?;
            let itself = Identity::of_client(Arc::clone(&known), None);
            match judge::judge(app, &itself, None, now).await {
                Ok(_) => Ok(Link::Client(known)),
                Err(Failed::Refused(_)) => Err(gone.into()),
                Err(failed) => Err(failed),
            }
        }
        Source::Secret(id) => {
            let presented = app.directory.key_of(id).await?.ok_or(gone)?;
            Ok(Link::Beside(Box::new(Identity::of_key(presented))))
        }
        Source::Trust(id) => {
            let trust = app.directory.trust(id).await?.ok_or(gone)?;
            Ok(Link::Beside(Box::new(Identity::of_workload(trust, String::new()))))
        }
        Source::Family(id) => {
            let family = app.directory.family(id).await?.ok_or(gone.clone())?;
            let is_over = family.ended_at.is_some() || family.expires_at <= now;
            if is_over { Err(gone.into()) } else { Ok(Link::Holds) }
        }
        Source::Token(id) => {
            let is_revoked = app.directory.is_revoked(id).await?;
            if is_revoked { Err(gone.into()) } else { Ok(Link::Holds) }
        }
        Source::Exchange(kind) => {
            let resources = before.terms().map(|terms| terms.exchanged_for(kind));
            match resources.filter(|resources| !resources.is_empty()) {
                Some(resources) => Ok(Link::Rules(resources)),
                None => Err(gone.into()),
            }
        }
    }
}
