//! Why a token that was offered is not exchanged.

use std::fmt;

use crate::{
    domain::{ClientId, Delegate, Source},
    signing::Untrusted,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExchanged {
    #[error("an access token is exchanged only for a client that proves who it is")]
    NoClient,
    #[error("the {0} is not good: {1}")]
    Untrusted(Part, Untrusted),
    #[error("the {0} is a refresh token that rotates: its only use is grant_type=refresh_token")]
    Rotates(Part),
    #[error("a key may have only its own tokens exchanged, and this is not one of them")]
    NotTheKeys,
    #[error("no rule lets client {0} exchange tokens of {1}")]
    NoRule(ClientId, String),
    #[error("client {0} exchanges only tokens of its own organization and of those below it")]
    OtherTree(ClientId),
    #[error("client {0} may exchange tokens of {1} only with an actor_token of its own")]
    NoActor(ClientId, String),
    #[error("the actor_token is not the client's own")]
    OtherActor,
    #[error("the subject_token says by may_act that another may act")]
    NotTheActor,
    #[error("more than {} would act for each other", Delegate::DEEPEST)]
    TooManyActors,
    #[error("the token would come from more than {} others", Source::MOST)]
    TooLong,
    #[error("subject_token and actor_token are bound to different keys")]
    TwoProofKeys,
}

/// Which of the two tokens of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Subject,
    Actor,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject_token",
            Self::Actor => "actor_token",
        })
    }
}

impl NotExchanged {
    pub(in crate::exchange) fn code(&self) -> &'static str {
        match self {
            Self::NoClient => "exchange_without_client",
            Self::Untrusted(Part::Subject, _) => "subject_token_untrusted",
            Self::Untrusted(Part::Actor, _) => "actor_token_untrusted",
            Self::Rotates(Part::Subject) => "subject_token_rotates",
            Self::Rotates(Part::Actor) => "actor_token_rotates",
            Self::NotTheKeys => "exchange_not_the_keys",
            Self::NoRule(..) => "exchange_without_rule",
            Self::OtherTree(_) => "exchange_of_another_tree",
            Self::NoActor(..) => "exchange_without_actor",
            Self::OtherActor => "actor_not_the_client",
            Self::NotTheActor => "not_the_actor",
            Self::TooManyActors => "too_many_actors",
            Self::TooLong => "exchanged_too_often",
            Self::TwoProofKeys => "two_proof_keys",
        }
    }
}
