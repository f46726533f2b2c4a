//! Log lines wait here for the one thread that writes them; what finds no room is counted.

use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{count, repeats::Repeats};

/// Lines that may wait: some megabytes.
const MOST_WAITING: usize = 8192;
/// How often the thread looks whether repeated lines are to be summed up.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks at a reader that takes nothing just now.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) struct Queue {
    waiting: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

enum Item {
    Line(Vec<u8>),
    /// Answered when all lines before it are written or lost.
    Flush(SyncSender<()>),
}

impl Queue {
    /// Begins the thread, which writes to `out` for as long as the process runs.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        repeats: Arc<Repeats>,
    ) -> io::Result<Self> {
        let (sender, waiting) = sync_channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { out, waiting, lost: Arc::clone(&lost), repeats, in_line: false };
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(Self { waiting: sender, lost })
    }

    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Waits until what is queued is written, and no longer than that.
    pub(super) fn flush(&self, within: Duration) {
        let until = Instant::now() + within;
        let (done, wait) = sync_channel(1);
        let mut flush = Item::Flush(done);
        while let Err(TrySendError::Full(again)) = self.waiting.try_send(flush) {
            if Instant::now() >= until {
                return;
            }
            flush = again;
            thread::sleep(PAUSE);
        }
        // An error means that no one reads the log: then there is nothing to wait for.
        let _ = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// Takes a whole line with every call. Never fails and never waits.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.waiting.try_send(Item::Line(line.to_vec())).is_err() {
            count(&self.lost);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Writer<W> {
    out: W,
    waiting: Receiver<Item>,
    lost: Arc<AtomicU64>,
    repeats: Arc<Repeats>,
    /// The last line was written in part only.
    in_line: bool,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        let (mut works, mut told, mut ticked) = (true, 0, Instant::now());
        loop {
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.repeats.tell_due(ticked);
            }
            let next = self.waiting.try_recv().or_else(|none| match none {
                TryRecvError::Disconnected => Err(RecvTimeoutError::Disconnected),
                TryRecvError::Empty => {
                    let lost = self.lost.load(Ordering::Relaxed);
                    // Only once a line has gone out: otherwise this one would be lost as well.
                    if works && lost > told {
                        tracing::warn!(lines = lost - told, "log lines were lost");
                        told = lost;
                    }
                    self.waiting.recv_timeout(TICK)
                }
            });
            match next {
                Ok(Item::Line(line)) => {
                    works = self.write(&line);
                    if !works {
                        count(&self.lost);
                    }
                }
                Ok(Item::Flush(done)) => {
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => (),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tells whether the whole line is out.
    fn write(&mut self, line: &[u8]) -> bool {
        if self.in_line && self.write_part(b"\n") != 1 {
            return false;
        }
        let written = self.write_part(line);
        self.in_line = written < line.len() && (written > 0 || self.in_line);
        written == line.len()
    }

    /// How much of it could be written.
    fn write_part(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.out.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                // Someone who shares the pipe with us has made it one that does not wait.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(_) => break,
            }
        }
        written
    }
}

/// Writes to standard error why the process ends, and waits a second for its reader at most.
pub fn last_words(words: String) {
    let (done, wait) = sync_channel(1);
    let started = thread::Builder::new().spawn(move || {
        let _ = writeln!(io::stderr(), "{words}");
        let _ = done.send(());
    });
    if started.is_ok() {
        let _ = wait.recv_timeout(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes what a test lets it take, and then refuses.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (held, room) = &mut *self.0.lock().unwrap();
            if *room == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(*room);
            held.extend(&bytes[..taken]);
            *room -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn fx_45d_a_line_that_was_cut_does_not_run_into_the_next() {
        let disk = Disk::default();
        let queue = Queue::start(disk.clone(), Arc::default()).unwrap();
        let mut log = &queue;
        let write = |log: &mut &Queue, line: &[u8], room: usize| {
            disk.0.lock().unwrap().1 = room;
            log.write_all(line).unwrap();
            queue.flush(Duration::from_mins(1));
        };

        write(&mut log, b"the first\n", 4);
        write(&mut log, b"the second\n", 0);
        write(&mut log, b"the third\n", 100);

        assert_eq!(disk.0.lock().unwrap().0, b"the \nthe third\n");
        assert_eq!(queue.lost().load(Ordering::Relaxed), 2);
    }
}
