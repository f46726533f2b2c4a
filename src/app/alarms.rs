//! Tells the log, once, what an operator has to see to: a clock that is wrong.

use super::App;

/// What the log was told of.
#[derive(Default)]
pub(super) struct Alarms {
    not_due: Vec<String>,
    is_skewed: bool,
}

impl Alarms {
    pub(super) fn look(&mut self, app: &App) {
        let mut not_due = Vec::new();
        for (algorithm, signing_key_id) in app.signer.not_due(app.clock.now()) {
            if !self.not_due.contains(&signing_key_id) {
                tracing::error!(
                    %signing_key_id, %algorithm,
                    "no signing key is due, so this one signs: was the clock set back?"
                );
            }
            not_due.push(signing_key_id);
        }
        self.not_due = not_due;
        let (ahead, is_skewed) = (app.clock.ahead(), app.clock.is_skewed());
        match (self.is_skewed, is_skewed) {
            (false, true) => tracing::warn!(
                seconds_ahead = ahead,
                "the clock of this node differs from the database's: set both by NTP"
            ),
            (true, false) => tracing::info!("the clock of this node agrees with the database's"),
            _ => (),
        }
        self.is_skewed = is_skewed;
    }
}
