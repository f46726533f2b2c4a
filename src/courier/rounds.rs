//! Looks for what is due and has several messages under way side by side.

use std::{collections::HashMap, time::Duration};

use tokio::{
    task::{Id, JoinSet},
    time::sleep,
};

use super::{Courier, attempt};
use crate::{
    domain::{Channel, Recipient},
    store::{StoreError, outbox},
};

/// How often to look. A command beside the server puts messages into the outbox, too.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Most messages under way at once.
fn most_at_once(channel: Channel) -> usize {
    match channel {
        // One server takes them all.
        Channel::Email => 4,
        Channel::Webhook => 16,
    }
}

/// Deliveries of one channel that are under way.
struct Rounds {
    courier: Courier,
    channel: Channel,
    under_way: JoinSet<Result<(), StoreError>>,
    /// Of each delivery that is under way: a recipient has one at a time.
    busy: HashMap<Id, Recipient>,
}

/// Looks again at once when a delivery has ended: the recipient may have more to get.
pub(super) async fn run(courier: Courier, channel: Channel) {
    if !courier.serves(channel) {
        return;
    }
    let mut rounds = Rounds::new(courier, channel);
    let mut failing = false;
    loop {
        let outcome = rounds.begin().await;
        let outcome = tokio::select! {
            Some(ended) = rounds.end_one(), if outcome.is_ok() => ended,
            () = sleep(LOOK_EVERY) => outcome.map(drop),
        };
        match (&outcome, failing) {
            (Err(error), false) => tracing::error!(%error, "cannot use the outbox"),
            (Ok(()), true) => tracing::info!("uses the outbox again"),
            _ => (),
        }
        failing = outcome.is_err();
        if failing {
            // Nothing could be taken or written down: what is due is due again at once.
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Delivers until nothing is due, each message that fails once.
pub async fn deliver_due(courier: &Courier) -> Result<(), StoreError> {
    for channel in [Channel::Webhook, Channel::Email] {
        let mut rounds = Rounds::new(courier.clone(), channel);
        while courier.serves(channel) {
            let begun = rounds.begin().await?;
            match rounds.end_one().await {
                Some(ended) => ended?,
                None if begun == 0 => break,
                None => (),
            }
        }
    }
    Ok(())
}

impl Rounds {
    fn new(courier: Courier, channel: Channel) -> Self {
        Self { courier, channel, under_way: JoinSet::new(), busy: HashMap::new() }
    }

    /// Begins what is due, as far as there is room. Tells how many that were.
    async fn begin(&mut self) -> Result<usize, StoreError> {
        let most = most_at_once(self.channel);
        let free = most - self.busy.len();
        if free == 0 {
            return Ok(0);
        }
        let now = self.courier.0.clock.now();
        // Of those found as many as are under way may be for recipients that are busy.
        let enough = i64::try_from(most * 2).unwrap_or(i64::MAX);
        let due = outbox::due(&self.courier.0.store, self.channel, now, enough).await?;
        let is_busy = |recipient: &Recipient| self.busy.values().any(|busy| busy == recipient);
        let due = due.into_iter().filter(|waiting| !is_busy(&waiting.message.recipient));
        let due: Vec<_> = due.take(free).collect();
        let begun = due.len();
        for waiting in due {
            let (courier, recipient) = (self.courier.clone(), waiting.message.recipient.clone());
            let delivery = async move { attempt::attempt(&courier, waiting).await };
            let task = self.under_way.spawn(delivery).id();
            self.busy.insert(task, recipient);
        }
        Ok(begun)
    }

    /// Waits for a delivery to end, and tells whether what became of it is written down. If not, the
    /// message is sent again when the attempt has run out. `None`: nothing is under way.
    async fn end_one(&mut self) -> Option<Result<(), StoreError>> {
        let (task, outcome) = match self.under_way.join_next_with_id().await? {
            Ok((task, outcome)) => (task, outcome),
            // It panicked: its message is due again when the attempt has run out.
            Err(ended) => (ended.id(), Ok(())),
        };
        self.busy.remove(&task);
        Some(outcome)
    }
}
