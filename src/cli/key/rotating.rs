//! A key that is being rotated, and whether its owner can let the old secret die.

use serde::Serialize;

use super::shown_secret::{LastUsed, ShownSecret};
use crate::{
    cli::words,
    clock::Timestamp,
    domain::{KeyName, SecretId},
};

/// Two secrets that work side by side.
#[derive(Serialize)]
pub(super) struct Rotating {
    old_secret_id: SecretId,
    old_secret_dies_at: Timestamp,
    /// When the new secret was made.
    since: Timestamp,
    old_secret_used: Used,
    /// Else the holder of the key may not have it yet.
    is_new_secret_used: bool,
    #[serde(skip)]
    last_used: LastUsed,
}

/// Whether the old secret was used since there is a new one, as far as uses are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Used {
    NotSince,
    /// In its very minute, before or after it.
    AboutThen,
    Since,
}

impl Rotating {
    pub(super) fn find(secrets: &[ShownSecret]) -> Option<Self> {
        let new = secrets.last()?;
        let old = secrets.iter().rev().find(|it| it.is_live && it.dies_at.is_some())?;
        Some(Self {
            old_secret_id: old.id,
            old_secret_dies_at: old.dies_at?,
            since: new.created_at,
            is_new_secret_used: new.last_used.at.is_some(),
            old_secret_used: used(&old.last_used, new.created_at),
            last_used: old.last_used.clone(),
        })
    }

    /// Where the old secret was seen since the rotation, or may have been.
    pub(super) fn last_use(&self, now: Timestamp) -> Option<String> {
        (self.old_secret_used != Used::NotSince).then(|| self.last_used.text(now))
    }

    /// What the owner needs to know to end it.
    pub(super) fn advice(&self, name: &KeyName, now: Timestamp) -> String {
        let finish = format!("`keyturn key rotation {} --finish`", words::argument(name.as_str()));
        let seen = match self.old_secret_used {
            Used::NotSince if !self.is_new_secret_used => {
                return format!(
                    "neither secret used since the rotation: finish by {finish} when the new one \
                     is where it is needed"
                );
            }
            Used::NotSince => {
                return format!(
                    "old secret not used since the rotation: safe to finish by {finish}"
                );
            }
            Used::AboutThen => "about when the key was rotated, ",
            Used::Since => "",
        };
        let (last, left) = (self.last_used.text(now), words::span(self.old_secret_dies_at - now));
        format!("old secret last seen {seen}{last}; dies in {left}: finish early by {finish}")
    }
}

fn used(last: &LastUsed, since: Timestamp) -> Used {
    /// What is remembered is a minute, and without the address up to two hours more.
    const MINUTE: i64 = 60;
    const ROUGHLY: i64 = 121 * MINUTE;
    let Some(at) = last.at else { return Used::NotSince };
    let slack = if last.from.is_some() { MINUTE } else { ROUGHLY };
    if at > since {
        Used::Since
    } else if at.timestamp() + slack > since.timestamp() {
        Used::AboutThen
    } else {
        Used::NotSince
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    #[test]
    fn a_use_in_the_minute_of_the_rotation_does_not_pass_for_none() {
        let since = timestamp(6030).unwrap();
        let used_at = |seconds: i64, from: Option<&str>| {
            let last = LastUsed { at: timestamp(seconds), from: from.map(str::to_owned) };
            used(&last, since)
        };
        assert_eq!(used_at(5940, Some("10.2.3.4")), Used::NotSince);
        assert_eq!(used_at(6000, Some("10.2.3.4")), Used::AboutThen);
        assert_eq!(used_at(6060, Some("10.2.3.4")), Used::Since);
        assert_eq!(used_at(0, None), Used::AboutThen);
        assert_eq!(used_at(-1_300, None), Used::NotSince);
        assert_eq!(used(&LastUsed { at: None, from: None }, since), Used::NotSince);
    }
}
