//! How many requests may be under way: few at one server, and not many in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

const AT_ONCE: usize = 16;
/// A server that hangs keeps no more than these from the others.
const AT_ONE_HOST: usize = 2;

pub(super) struct Turns {
    all: Semaphore,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Semaphore::new(AT_ONCE), hosts: Mutex::default() }
    }
}

/// The right to make one request.
pub(super) struct Turn<'a> {
    _one_of_all: SemaphorePermit<'a>,
    _place: Place<'a>,
}

/// A place at a host, or in the queue for one.
struct Place<'a> {
    turns: &'a Turns,
    host: String,
    places: Arc<Semaphore>,
    taken: bool,
}

impl Turns {
    /// Waits for a place at the host first, so that no one who waits there keeps others waiting.
    pub(super) async fn take(&self, host: String) -> Turn<'_> {
        let place = self.place(host).await;
        let one_of_all = self.all.acquire().await.expect("it is never closed");
        Turn { _one_of_all: one_of_all, _place: place }
    }

    async fn place(&self, host: String) -> Place<'_> {
        let places = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(AT_ONE_HOST));
            Arc::clone(hosts.entry(host.clone()).or_insert_with(new))
        };
        let mut place = Place { turns: self, host, places, taken: false };
        place.places.acquire().await.expect("it is never closed").forget();
        place.taken = true;
        place
    }

    #[cfg(test)]
    fn hosts(&self) -> usize {
        self.hosts.lock().unwrap().len()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut hosts = self.turns.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if self.taken {
            self.places.add_permits(1);
        }
        // The map has one, we have the other: no one else is there.
        if Arc::strong_count(&self.places) == 2 {
            hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn is_ready<T>(waiting: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn sf_07_a_host_has_two_turns_and_others_need_not_wait_for_it() {
        let turns = Turns::default();
        let first = turns.take("slow".into()).await;
        let _second = turns.take("slow".into()).await;
        let mut third = pin!(turns.take("slow".into()));
        assert!(is_ready(third.as_mut()).is_none());

        drop(turns.take("quick".into()).await);
        drop(first);

        assert!(is_ready(third).is_some());
    }

    #[tokio::test]
    async fn sf_07_there_are_sixteen_turns_in_all() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for host in 0..16 {
            taken.push(turns.take(host.to_string()).await);
        }
        let mut next = pin!(turns.take("next".into()));
        assert!(is_ready(next.as_mut()).is_none());
        taken.pop();
        assert!(is_ready(next).is_some());
    }

    #[tokio::test]
    async fn a_host_is_forgotten_when_nobody_is_there() {
        let turns = Turns::default();
        let held = [turns.take("a".into()).await, turns.take("a".into()).await];
        {
            let mut given_up = pin!(turns.take("a".into()));
            assert!(is_ready(given_up.as_mut()).is_none());
        }
        assert_eq!(turns.hosts(), 1);
        drop(held);
        assert_eq!(turns.hosts(), 0);
    }
}
