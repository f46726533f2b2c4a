//! Holds whoever asks to the key that they have to prove the possession of (RFC 9449).

use super::{
    Caller, ExchangeError, Failed, Refusal,
    identity::{Holder, Identity},
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{ProofDemand, Thumbprint},
    ledger::Decision,
    signing::{BadProof, Proof, ProvedRequest, verify_proof},
};

/// A proof with the request that it came with. Nothing in it has been checked.
#[derive(Debug)]
pub struct OfferedProof {
    pub proof: String,
    pub method: String,
    /// By its public name, whatever a proxy made of it.
    pub url: String,
}

/// Why the possession of the right key is not proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    #[error("a proof of possession is demanded, and there is none")]
    Missing,
    #[error(transparent)]
    Bad(#[from] BadProof),
    #[error("the proof was used before")]
    Replayed,
    #[error("the proof has no nonce of this server, or one that is too old")]
    Nonce,
    #[error("the proof is by the key {0}, which is none of those that are demanded")]
    KeyNotAllowed(Thumbprint),
    #[error("it is bound to the key {bound_to}, and the proof is by {proved}")]
    OtherKey { bound_to: Thumbprint, proved: Thumbprint },
    #[error(
        "it is bound to the key {0}: send it as `Authorization: DPoP` with a proof by that key"
    )]
    BoundToken(Thumbprint),
    #[error("it is bound to no key: send it as `Authorization: Bearer`")]
    UnboundToken,
}

impl Unproved {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "no_proof",
            Self::Bad(_) => "bad_proof",
            Self::Replayed => "proof_replayed",
            Self::Nonce => "no_proof_nonce",
            Self::KeyNotAllowed(_) => "proof_key_not_allowed",
            Self::OtherKey { .. } => "bound_to_other_key",
            Self::BoundToken(_) => "bound_token_without_proof",
            Self::UnboundToken => "unbound_token_with_proof",
        }
    }
}

impl From<Unproved> for Failed {
    fn from(unproved: Unproved) -> Self {
        Refusal::from(unproved).into()
    }
}

/// What a request proves, whoever sent it.
pub(super) fn read(
    app: &App,
    offered: Option<&OfferedProof>,
    now: Timestamp,
) -> Result<Option<Proof>, Refusal> {
    Ok(offered.map(|offered| verify(app, offered, None, now)).transpose()?)
}

/// The key to bind the token to: the one whose possession is proved. What is bound already, a
/// refresh token or a token to exchange, is worth nothing without its key.
pub(super) async fn prove(
    app: &App,
    identity: &Identity,
    caller: Option<&Caller>,
    proof: Option<Proof>,
) -> Result<Option<Thumbprint>, Failed> {
    let proved = proof.as_ref().map(|proof| &proof.thumbprint);
    if let Some(bound_to) = &identity.bound_to {
        same(bound_to, proved.ok_or(Unproved::Missing)?)?;
    }
    let of_caller = caller.into_iter().flat_map(|caller| demands(&caller.0));
    demands(identity).chain(of_caller).try_for_each(|demand| meet(demand, proved))?;
    // Last: strangers, whose credentials are not right, use up nothing.
    if let Some(proof) = &proof {
        use_up(app, proof).await?;
    }
    Ok(proof.map(|proof| proof.thumbprint))
}

/// That what is bound, or is not, is so as its holder and its client demand by now.
pub(super) fn check(identity: &Identity) -> Result<(), Refusal> {
    let bound_to = identity.bound_to.as_ref();
    Ok(demands(identity).try_for_each(|demand| meet(demand, bound_to))?)
}

/// Of all whose credentials are needed.
fn demands(identity: &Identity) -> impl Iterator<Item = &ProofDemand> {
    let all = std::iter::once(identity).chain(&identity.beside);
    all.flat_map(|one| {
        let of_key = match &one.holder {
            Holder::Key(presented) => Some(&presented.key.proof),
            Holder::Client(_) | Holder::Workload(..) => None,
        };
        of_key.into_iter().chain(one.terms().map(|terms| &terms.proof))
    })
}

fn meet(demand: &ProofDemand, proved: Option<&Thumbprint>) -> Result<(), Unproved> {
    match (demand, proved) {
        (ProofDemand::None, _) | (ProofDemand::Any, Some(_)) => Ok(()),
        (ProofDemand::OneOf(all), Some(key)) if all.contains(key) => Ok(()),
        (ProofDemand::OneOf(_), Some(key)) => Err(Unproved::KeyNotAllowed(key.clone())),
        (ProofDemand::Any | ProofDemand::OneOf(_), None) => Err(Unproved::Missing),
    }
}

fn same(bound_to: &Thumbprint, proved: &Thumbprint) -> Result<(), Unproved> {
    if bound_to == proved {
        return Ok(());
    }
    Err(Unproved::OtherKey { bound_to: bound_to.clone(), proved: proved.clone() })
}

fn verify(
    app: &App,
    offered: &OfferedProof,
    access_token: Option<&str>,
    now: Timestamp,
) -> Result<Proof, Unproved> {
    let OfferedProof { proof, method, url } = offered;
    let proof = verify_proof(proof, &ProvedRequest { method, url, access_token }, now)?;
    match (&app.proof_nonces, &proof.nonce) {
        (None, _) => Ok(proof),
        (Some(nonces), Some(nonce)) if nonces.accepts(nonce, now) => Ok(proof),
        (Some(_), _) => Err(Unproved::Nonce),
    }
}

async fn use_up(app: &App, proof: &Proof) -> Result<(), Failed> {
    let once = Decision::Once { hash: proof.hash, until: proof.until };
    if app.ledger.decide(once).await? { Ok(()) } else { Err(Unproved::Replayed.into()) }
}

/// That whoever presents an access token as bound, with a proof, holds the key it is bound to.
pub async fn hold(
    app: &App,
    token: &str,
    bound_to: Option<&Thumbprint>,
    offered: Option<&OfferedProof>,
) -> Result<(), ExchangeError> {
    let held = async {
        let bound_to = bound_to.ok_or(Unproved::UnboundToken)?;
        let offered = offered.ok_or(Unproved::Missing)?;
        let proof = verify(app, offered, Some(token), app.clock.now())?;
        same(bound_to, &proof.thumbprint)?;
        use_up(app, &proof).await
    };
    held.await.map_err(|failed| match failed {
        Failed::Refused(refused) => refused.refusal.into(),
        Failed::Error(error) => error,
    })
}
