//! Tells a person at a terminal that a command is still at work.

use std::{
    io::{self, IsTerminal as _, Write},
    pin::{Pin, pin},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Before the first line, in seconds. Each later one comes after twice as long.
const FIRST: u64 = 1;
const LONGEST: u64 = 30;

/// Waits for `work`, which is put on the heap: it may be large. Where that takes more than a second,
/// lines on the terminal say so.
pub(super) async fn shown<T>(what: &str, work: Pin<Box<impl Future<Output = T>>>) -> T {
    if !io::stderr().is_terminal() {
        return work.await;
    }
    let (began, mut pause) = (Instant::now(), FIRST);
    let tick = async || {
        sleep(Duration::from_secs(pause)).await;
        pause = (pause * 2).min(LONGEST);
        began.elapsed().as_secs()
    };
    shown_on(&mut io::stderr(), what, tick, work).await
}

/// Writes a line at each tick, which gives the seconds since the beginning.
async fn shown_on<T>(
    terminal: &mut impl Write,
    what: &str,
    mut tick: impl AsyncFnMut() -> u64,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        let seconds = tokio::select! {
            biased;
            done = &mut work => return done,
            seconds = tick() => seconds,
        };
        // A terminal that is gone needs to be told nothing.
        let _ = writeln!(terminal, "{what} … {seconds} s");
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn fx_26k_work_that_takes_long_is_shown_and_other_work_is_not() {
        let mut terminal = Vec::new();
        shown_on(&mut terminal, "checking", async || 1, async {}).await;
        assert!(terminal.is_empty());

        let (finish, finished) = oneshot::channel();
        let (mut finish, mut seconds) = (Some(finish), 0);
        let tick = async || {
            seconds += 1;
            if seconds == 3 {
                finish.take().unwrap().send("done").unwrap();
            }
            seconds
        };
        assert_eq!(shown_on(&mut terminal, "checking", tick, finished).await, Ok("done"));
        let lines = String::from_utf8(terminal).unwrap();
        assert_eq!(lines, "checking … 1 s\nchecking … 2 s\nchecking … 3 s\n");
    }
}
