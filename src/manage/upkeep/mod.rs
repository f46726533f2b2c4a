//! What keyturn does by itself: lets signing keys follow each other, and tables not grow forever.

mod aged;
mod bounds;
mod replaced;
mod shares;
mod tally;

use std::collections::HashMap;

use chrono::TimeDelta;

pub use self::{
    aged::Aged,
    bounds::{Bound, bounds},
};
use self::{replaced::Replaced, shares::Shares, tally::Tally};
use super::{Rejection, signing_keys};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Kept, Retention},
    store::{self, StoreError},
};

/// A node that has not followed the change feed for this long forgets all it knows, so nothing
/// older is needed. Beyond this many a node that is late forgets all it knows, too.
const CHANGES: Kept = Kept { age: Some(TimeDelta::hours(1)), rows: Some(1_000_000) };

/// No one waits longer for an answer before sending a request again.
const IDEMPOTENCY_KEYS: Kept = Kept { age: Some(TimeDelta::hours(24)), rows: Some(1_000_000) };

/// Nothing is tried for longer than two days; the rest is for questions about what became of it.
const OUTBOX: Kept = Kept { age: Some(TimeDelta::days(30)), rows: Some(1_000_000) };

/// No one is reminded of an end that is past; the rest is for questions about what was said.
const ENDED_KEYS: TimeDelta = TimeDelta::days(30);

/// The clocks of nodes differ by less.
const ENDED: TimeDelta = TimeDelta::minutes(10);

/// A signing key that is gone verifies nothing. Its record still tells what signed what.
const GONE_SIGNING_KEYS: TimeDelta = TimeDelta::days(365);

/// Rows to one transaction: it must not keep other writers waiting.
const STEP: i64 = 1000;

/// Remembers what it has counted. A second one, on this node or another, is as good.
pub struct Upkeep {
    retention: Retention,
    tallies: HashMap<Aged, Tally>,
    shares: HashMap<Aged, Shares>,
    replaced: Replaced,
}

impl Upkeep {
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            tallies: HashMap::new(),
            shares: HashMap::new(),
            replaced: Replaced::default(),
        }
    }

    /// Does all that is due, in small steps. Call it every minute, on any number of nodes.
    pub async fn run(&mut self, app: &App) -> Result<(), Rejection> {
        app.attempts.prune_idle();
        app.registrations.prune_idle();
        // Whatever keeps new signing keys from being made must not let tables grow.
        let rotated = rotate(app).await;
        self.prune(app).await?;
        rotated
    }

    async fn prune(&mut self, app: &App) -> Result<(), Rejection> {
        let now = app.clock.now();
        prune_changes(app, now).await?;
        prune_audit(app, self.retention.audit, now).await?;
        for table in Aged::ALL {
            self.prune_aged(app, table, now).await?;
        }
        if let Some(before) = self.retention.usage.from(now) {
            self.replaced.prune_some(app, before).await?;
        }
        prune_reminders(app, now).await?;
        prune_ended(app, now).await?;
        prune_signing_keys(app, now).await
    }

    async fn prune_aged(
        &mut self,
        app: &App,
        table: Aged,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = table.kept(&self.retention);
        if let Some(before) = kept.from(now) {
            prune_up_to(app, table, before, u64::MAX).await?;
        }
        let Some(most) = kept.most() else { return Ok(()) };
        let mut tx = app.store.patient().read().await?;
        let tally = self.tallies.entry(table).or_default();
        let beyond = tally.beyond(&mut tx, table, most, now).await?;
        let oldest = table.oldest(&mut tx).await?;
        drop(tx);
        let (Some(beyond), Some(oldest)) = (beyond, oldest) else { return Ok(()) };
        let rows = match table.shared() {
            Some(owned) => {
                let shares = self.shares.entry(table).or_default();
                let gone = shares.prune(app, owned, (most, oldest), now).await?;
                tally.subtract(&gone);
                gone.values().sum::<i64>().unsigned_abs()
            }
            None => {
                prune_up_to(app, table, beyond.hour.start, u64::MAX).await?
                    + prune_up_to(app, table, beyond.hour.end, beyond.rows).await?
            }
        };
        tracing::warn!(table = table.name(), rows, most, "deleted the oldest");
        Ok(())
    }
}

/// Deletes the oldest rows from before this moment, at most so many, step by step.
async fn prune_up_to(
    app: &App,
    table: Aged,
    before: Timestamp,
    most: u64,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let step = i64::try_from(most - gone).unwrap_or(STEP).min(STEP);
        let mut tx = app.store.patient().write().await?;
        let rows = table.prune(&mut tx, before, step).await?;
        app.commit(tx).await?;
        gone += rows;
        if rows < STEP.unsigned_abs() {
            return Ok(gone);
        }
    }
}

async fn prune_changes(app: &App, now: Timestamp) -> Result<(), StoreError> {
    let (Some(before), Some(most)) = (CHANGES.from(now), CHANGES.most()) else { return Ok(()) };
    loop {
        let mut tx = app.store.patient().write().await?;
        let rows = store::changes::prune(&mut tx, before, most).await?;
        app.commit(tx).await?;
        if rows < STEP.unsigned_abs() {
            return Ok(());
        }
    }
}

async fn prune_audit(app: &App, kept: Kept, now: Timestamp) -> Result<(), StoreError> {
    if kept.age.is_none() && kept.rows.is_none() {
        return Ok(());
    }
    loop {
        let mut tx = app.store.patient().write().await?;
        let rows = store::audit_chain::prune(&mut tx, kept.from(now), kept.most()).await?;
        app.commit(tx).await?;
        if rows < STEP.unsigned_abs() {
            return Ok(());
        }
    }
}

async fn prune_reminders(app: &App, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let mut tx = app.store.patient().write().await?;
        let rows = store::reminders::prune(&mut tx, now - ENDED_KEYS).await?;
        app.commit(tx).await?;
        if rows < STEP.unsigned_abs() {
            return Ok(());
        }
    }
}

/// What counts only until a certain moment, and a while beyond for whose clock is late.
async fn prune_ended(app: &App, now: Timestamp) -> Result<(), StoreError> {
    let before = now - ENDED;
    loop {
        let mut tx = app.store.patient().write().await?;
        let rows = store::used_ids::prune(&mut tx, before, STEP).await?
            + store::revoked_tokens::prune(&mut tx, before, STEP).await?
            + store::refresh_families::prune(&mut tx, before, STEP).await?;
        app.commit(tx).await?;
        if rows < STEP.unsigned_abs() {
            return Ok(());
        }
    }
}

async fn prune_signing_keys(app: &App, now: Timestamp) -> Result<(), Rejection> {
    let mut tx = app.store.patient().write().await?;
    let rows = store::signing_keys::prune(&mut tx, now - GONE_SIGNING_KEYS).await?;
    app.commit(tx).await?;
    if rows > 0 {
        tracing::info!(rows, "deleted signing keys that were gone for a year");
    }
    Ok(())
}

async fn rotate(app: &App) -> Result<(), Rejection> {
    for key in signing_keys::rotate_due(app).await? {
        tracing::info!(
            signing_key_id = key.signing_key_id,
            algorithm = %key.algorithm,
            activates_at = %key.activates_at,
            "made the next signing key"
        );
    }
    Ok(())
}
