//! Runs what a server does beside its requests: begins it again where it ends, and tells where it
//! cannot be begun again.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{Id, JoinSet},
    time::sleep,
};

/// Before a task is begun again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Background {
    pause: Duration,
    repeated: JoinSet<()>,
    vital: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    restarts: Arc<AtomicU64>,
}

/// A task without which the process is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task `{0}` has ended, and the server cannot go on without it")]
pub(super) struct VitalTaskEnded(&'static str);

impl Background {
    pub(super) fn new(pause: Duration, restarts: Arc<AtomicU64>) -> Self {
        let (repeated, vital) = (JoinSet::new(), JoinSet::new());
        Self { pause, repeated, vital, names: HashMap::new(), restarts }
    }

    /// Runs a task that never ends; where it does, or panics, it is begun again after a pause.
    pub(super) fn repeat<F>(&mut self, name: &'static str, begin: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (pause, restarts) = (self.pause, Arc::clone(&self.restarts));
        self.repeated.spawn(async move {
            loop {
                // A set of one: it ends with this task, and a panic stays in it.
                let mut task = JoinSet::new();
                task.spawn(begin());
                let panicked = task.join_next().await.is_some_and(|ended| ended.is_err());
                restarts.fetch_add(1, Ordering::Relaxed);
                tracing::error!(name, panicked, "a background task ended and is begun again");
                sleep(pause).await;
            }
        });
    }

    /// Runs a task that ends when the server has ended, and not before.
    pub(super) fn vital(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.vital.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Returns when a vital task has ended; never, where there is none.
    pub(super) async fn vital_task_ended(&mut self) -> VitalTaskEnded {
        let Some(ended) = self.vital.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        let ended = VitalTaskEnded(self.names[&id]);
        tracing::error!(error = %ended, "the server ends");
        ended
    }

    /// Ends the repeated tasks, then waits for the vital ones to end after `close`.
    pub(super) async fn end(
        mut self,
        close: impl Future<Output = ()>,
    ) -> Result<(), VitalTaskEnded> {
        self.repeated.shutdown().await;
        close.await;
        while let Some(ended) = self.vital.join_next_with_id().await {
            // What a panic says is not repeated: it could quote anything.
            ended.map_err(|error| VitalTaskEnded(self.names[&error.id()]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    fn background() -> (Background, Arc<AtomicU64>) {
        let restarts = Arc::default();
        (Background::new(Duration::ZERO, Arc::clone(&restarts)), restarts)
    }

    #[tokio::test]
    async fn fx_45e_a_task_that_panics_or_ends_is_begun_again_and_counted() {
        let (mut background, restarts) = background();
        let (begun, mut beginnings) = unbounded_channel();

        background.repeat("panics", move || {
            let begun = begun.clone();
            async move {
                begun.send(()).unwrap();
                assert!(begun.is_closed(), "a panic that a test wants");
            }
        });
        for _ in 0..3 {
            beginnings.recv().await.unwrap();
        }

        assert!(restarts.load(Ordering::Relaxed) >= 2);
        background.end(async {}).await.unwrap();
    }

    #[tokio::test]
    async fn fx_45f_the_end_of_a_vital_task_is_told_by_its_name() {
        for panics in [false, true] {
            let (mut background, _) = background();
            background.vital("lives on", std::future::pending());
            background.vital("writes", async move { assert!(!panics, "a panic a test wants") });
            assert_eq!(background.vital_task_ended().await, VitalTaskEnded("writes"));
        }
    }
}
