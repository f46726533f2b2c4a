//! Does a change anew where another change came between: for changes that mean the same whatever
//! the other one was.

use crate::manage::Rejection;

const TRIES: usize = 5;

pub(super) async fn again<T>(
    mut change: impl AsyncFnMut() -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    for _ in 1..TRIES {
        match change().await {
            Err(Rejection::ChangedMeanwhile) => (),
            done => return done,
        }
    }
    change().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_tried_until_nothing_comes_between_but_not_for_ever() {
        let mut tries = 0;
        let third = again(async || {
            tries += 1;
            if tries < 3 { Err(Rejection::ChangedMeanwhile) } else { Ok(tries) }
        });
        assert_eq!(third.await.unwrap(), 3);

        let mut tries = 0;
        let refused = again(async || -> Result<(), _> {
            tries += 1;
            Err(if tries < 9 { Rejection::ChangedMeanwhile } else { Rejection::Locked })
        });
        assert!(matches!(refused.await, Err(Rejection::ChangedMeanwhile)));
        assert_eq!(tries, TRIES);
    }
}
