//! Holds the caller to the key that they have to prove the possession of (RFC 9449).

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Caller, ExchangeError, Failed, Refusal, Unproved,
    identity::{Holder, Identity},
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{ProofDemand, Thumbprint},
    ledger::Decision,
    signing::{Proof, ProvedRequest, verify_proof},
};

/// A proof with the request that it came with. Nothing in it has been checked.
#[derive(Clone, Debug)]
pub struct OfferedProof {
    pub proof: String,
    pub method: String,
    /// By its public name, whatever a proxy made of it.
    pub url: String,
    /// The token or key that it was presented with, to whom that is for: the proof has to name it.
    pub goes_with: Option<SecretString>,
}

/// How a token or a key is presented to whom it is for.
#[derive(Debug)]
pub enum Manner {
    /// Its holder may (RFC 6750).
    Bearer,
    /// Anyone who has its key, too, may (RFC 9449, section 7): with a proof of that, or with none
    /// that could be looked at.
    Proved(Result<OfferedProof, Unproved>),
}

impl From<Unproved> for Failed {
    fn from(unproved: Unproved) -> Self {
        Refusal::from(unproved).into()
    }
}

/// What a request proves, no matter who sent it.
pub(super) fn read(
    app: &App,
    offered: Option<&OfferedProof>,
    now: Timestamp,
) -> Result<Option<Proof>, Refusal> {
    Ok(offered.map(|offered| verify(app, offered, now)).transpose()?)
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

fn verify(app: &App, offered: &OfferedProof, now: Timestamp) -> Result<Proof, Unproved> {
    let OfferedProof { proof, method, url, goes_with } = offered;
    let access_token = goes_with.as_ref().map(SecretString::expose_secret);
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

/// That anyone who presents an access token holds the key it is bound to: a bound one is no bearer
/// token, nor the other way round (RFC 9449, section 7.2).
pub async fn hold(
    app: &App,
    manner: &Manner,
    bound_to: Option<&Thumbprint>,
) -> Result<(), ExchangeError> {
    held(app, manner, bound_to).await.map_err(|failed| match failed {
        Failed::Refused(refused) => refused.refusal.into(),
        Failed::Error(error) => error,
    })
}

pub(super) async fn held(
    app: &App,
    manner: &Manner,
    bound_to: Option<&Thumbprint>,
) -> Result<(), Failed> {
    match (manner, bound_to) {
        (Manner::Bearer, None) => Ok(()),
        (Manner::Bearer, Some(key)) => Err(Unproved::BoundToken(key.clone()).into()),
        (Manner::Proved(_), None) => Err(Unproved::UnboundToken.into()),
        (Manner::Proved(offered), Some(key)) => {
            let offered = offered.as_ref().map_err(Clone::clone)?;
            let proof = verify(app, offered, app.clock.now())?;
            same(key, &proof.thumbprint)?;
            use_up(app, &proof).await
        }
    }
}
