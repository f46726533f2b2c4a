//! Looks at the database once a second: is it the one that was opened, and does it take writes?

use std::time::Duration;

use sqlx::{Postgres, Sqlite};
use tokio::time::{MissedTickBehavior, interval};

use super::{Store, connection::Held, watch::check_session};

const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Watches forever, every second.
    pub async fn watch(self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the database cannot be looked at");
            }
        }
    }

    /// Looks once whether the database is the one that was opened and takes writes.
    pub async fn look(&self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite { pool, session, writer } => {
                session.watch.look_at_file()?;
                if session.watch.log_is_long() {
                    let _turn = session.turn(writer).await?;
                    let mut held = Held::<Sqlite>::acquire(pool, session).await?;
                    let (progress, connection) = held.parts();
                    let checkpoint = sqlx::raw_sql("pragma wal_checkpoint(truncate)");
                    progress.run(checkpoint.execute(connection)).await?;
                }
                Ok(())
            }
            Self::Postgres { pool, session, .. } => {
                let mut held = Held::<Postgres>::acquire(pool, session).await?;
                let (progress, connection) = held.parts();
                progress.run(check_session(connection)).await
            }
        }
    }

    /// False where the file of the database was deleted or replaced.
    pub fn is_whole(&self) -> bool {
        self.session().watch.check_file().is_ok()
    }
}
