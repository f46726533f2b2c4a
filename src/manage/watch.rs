//! What keyturn looks after every hour: keys that end, keys and clients that no one uses.

use super::{Rejection, clients::itself, reminders, unused};
use crate::app::App;

/// Does all that is due, in small steps, on any number of nodes.
pub async fn watch(app: &App) -> Result<(), Rejection> {
    reminders::remind(app).await?;
    unused::disable_unused(app).await?;
    itself::delete_unused(app).await?;
    Ok(())
}
