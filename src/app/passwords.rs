//! Hashes passwords on threads of their own, few at a time: a flood of sign-ins must not slow an
//! exchange, nor take all memory.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::domain::{Password, PasswordHash};

pub struct Passwords {
    /// Each running hash takes a core and 19 MiB.
    running: Arc<Semaphore>,
    /// Those that wait are bounded as well.
    admitted: Semaphore,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct TooBusy;

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(cores, cores * 16)
    }
}

impl Passwords {
    pub fn new(running: usize, admitted: usize) -> Self {
        Self { running: Arc::new(Semaphore::new(running)), admitted: Semaphore::new(admitted) }
    }

    pub async fn hash(&self, password: Password) -> Result<PasswordHash, TooBusy> {
        self.run(move || password.hash()).await
    }

    /// Against a user without a password pass `None`: it takes as long.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, TooBusy> {
        self.run(move || {
            let Some(hash) = hash else {
                drop(password.hash());
                return false;
            };
            hash.matches(&password)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TooBusy> {
        let _admitted = self.admitted.try_acquire().map_err(|_| TooBusy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| TooBusy)?;
        let work = move || {
            // Kept until the work has ended, also when no one waits for it any more.
            let _turn = turn;
            work()
        };
        spawn_blocking(work).await.map_err(|_| TooBusy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_checked_and_a_missing_one_is_wrong() {
        let passwords = Passwords::new(1, 1);
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert_eq!(passwords.verify(password("correct horse"), Some(hash.clone())).await, Ok(true));
        assert_eq!(passwords.verify(password("wrong horse"), Some(hash)).await, Ok(false));
        assert_eq!(passwords.verify(password("correct horse"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn th_06_beyond_the_bound_nobody_waits() {
        let passwords = Passwords::new(1, 0);
        assert_eq!(passwords.hash(password("correct horse")).await, Err(TooBusy));
    }
}
