//! Lets something happen between what a request reads and what it writes: for those who prove that
//! it does not matter.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
};

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Empty on every server.
#[derive(Default)]
pub struct Pauses(Mutex<Option<Waiting>>);

impl Pauses {
    /// The next change of state waits until this is over.
    pub fn before_next_change(&self, first: impl Future<Output = ()> + Send + 'static) {
        *self.waiting() = Some(Box::pin(first));
    }

    /// Where every change of state passes before it begins.
    pub async fn before_change(&self) {
        let first = self.waiting().take();
        if let Some(first) = first {
            first.await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
