//! A refusal on its way to the record, with what is known of whom it concerns.

use std::fmt;

use super::{Refusal, identity::Identity};
use crate::domain::{ApiKeyId, SecretId, Source};

/// A refusal with the key it concerns, once that is known.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) key: Option<(ApiKeyId, SecretId)>,
    /// As what the uses of the credential are counted.
    pub(super) counted_as: Option<SecretId>,
    /// What was to be exchanged came through these, if through more than one.
    pub(super) through: Option<Box<Chain>>,
}

#[derive(Debug)]
pub(super) struct Chain(Vec<Source>);

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&links.join(", "))
    }
}

impl Refused {
    pub(super) fn new(refusal: Refusal) -> Self {
        Self { counted_as: refusal.client(), refusal, key: None, through: None }
    }

    pub(super) fn of(self, identity: &Identity) -> Self {
        let is_chain = identity.sources.len() > 1;
        let through = is_chain.then(|| Box::new(Chain(identity.sources.clone())));
        Self { key: identity.key(), counted_as: Some(identity.counted_as), through, ..self }
    }
}
