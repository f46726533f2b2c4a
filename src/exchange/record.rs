//! Leaves the trace of every exchange: a count of what was issued, the reason for what was not.

use super::{Caller, Failed, Refusal, identity::Identity, refused::Refused};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Circumstances, Origin, RefusalRecord, SecretId, Use},
};

/// What is counted when a token goes out: the use of its source, and of who asked for it.
pub(super) fn uses_of(
    identity: &Identity,
    caller: Option<&Caller>,
    origin: &Origin,
    now: Timestamp,
) -> Vec<Use> {
    let of_caller = caller.map(|caller| caller.0.counted_as);
    let other = of_caller.filter(|other| *other != identity.counted_as);
    let all = other.into_iter().chain([identity.counted_as]);
    all.map(|it| counted(it, origin, now, Circumstances::ISSUED)).collect()
}

/// Hands the uses to the ledger. The token may go out when this returns.
pub(super) async fn used(app: &App, uses: Vec<Use>) -> Result<(), Failed> {
    let mut receipt = None;
    for used in uses {
        // What is handed over later is durable later.
        receipt = Some(app.ledger.record_use(used)?);
    }
    if let Some(receipt) = receipt {
        receipt.durable().await?;
    }
    Ok(())
}

/// Records a refusal with its true reason, and counts it against the sender.
pub(super) fn refusal(app: &App, origin: &Origin, refused: Refused) -> Refusal {
    let now = app.clock.now();
    let Refused { refusal, key, counted_as, through } = refused;
    let told = if refusal.is_after_proof() {
        // Who has proved a secret does not guess, and spends no budget that others share.
        app.attempts.failed_after_proof(counted_as, origin.source)
    } else {
        app.attempts.failed(origin.source)
    };
    // Anyone who is told to slow down is counted (`/metrics`) and not logged.
    if told.is_ok() {
        tracing::info!(
            request_id = %origin.request_id,
            reason = refusal.code(),
            door = origin.door,
            source = %origin.source,
            api_key_id = key.map(|(id, _)| id.to_string()),
            "refused a token"
        );
    }
    if let Some((_, secret_id)) = key.filter(|_| refusal.is_after_proof()) {
        app.ledger.record_refused_use(counted(secret_id, origin, now, refusal.code()));
    }
    let mut detail = refusal.in_words(now);
    if let Some(chain) = through {
        detail = format!("{detail}; it came through {chain}");
    }
    if let Err(slow_down) = &told {
        detail = format!("{detail}; the caller was only told of {slow_down}");
    }
    let api_key_id = key.map(|(id, _)| id);
    app.record_refusal(RefusalRecord { api_key_id, ..kept(&refusal, detail, origin, now) });
    match told {
        Ok(()) => refusal,
        Err(slow_down) => slow_down.into(),
    }
}

/// Keeps why nothing could be decided. It counts against no one: what was sent may be good.
pub(super) fn undecided(app: &App, origin: &Origin, why: &Refusal, now: Timestamp) {
    app.record_refusal(kept(why, why.in_words(now), origin, now));
}

fn kept(refusal: &Refusal, detail: String, origin: &Origin, now: Timestamp) -> RefusalRecord {
    RefusalRecord {
        request_id: origin.request_id,
        at: now.timestamp(),
        reason: refusal.code().to_owned(),
        detail: detail.into(),
        api_key_id: None,
        organization_id: refusal.organization(),
        source: origin.source,
        user_agent: origin.user_agent.clone(),
        door: origin.door.to_owned(),
    }
}

fn counted(secret_id: SecretId, origin: &Origin, now: Timestamp, outcome: &'static str) -> Use {
    let circumstances = Circumstances {
        minute: now.timestamp() / 60,
        source: origin.source,
        user_agent: origin.user_agent.clone(),
        outcome: outcome.into(),
    };
    Use { secret_id, circumstances }
}
