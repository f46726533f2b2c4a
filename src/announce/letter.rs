//! What the mails say. Names are plain by their type; nothing else in here comes from strangers
//! but where a secret was found, which is cleaned.

use chrono::TimeDelta;

use super::{Leaked, News, Place, Subject};
use crate::{app::App, clock::Timestamp, domain::KeyName};

pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
}

/// `None` for what only programs care for.
pub(super) fn write(app: &App, of: Subject<'_>, place: &Place, news: &News) -> Option<Letter> {
    let name = of.name();
    let whose = if place.name.is_empty() { String::new() } else { format!(" of {}", place.name) };
    let (what, then) = match news {
        News::ExpiresSoon { days } => {
            let when = of.expires_at().map(written).unwrap_or_default();
            let what = format!("expires in {}", counted(*days));
            (
                what,
                format!(
                    "It ends at {when}; whatever uses it stops working then.\n\n{}",
                    rotate(name)
                ),
            )
        }
        News::DisabledUnused { days } => {
            let then = format!(
                "Because it was unused for {}. To enable it again:\n\n    keyturn key enable {}\n\n\
                 Otherwise leave it disabled, or revoke it.",
                counted(*days),
                quoted(name)
            );
            ("was disabled because it is unused".to_owned(), then)
        }
        News::Leaked { found_at, became } => {
            let found = found_at.as_deref().map_or_else(String::new, |place| {
                format!("It was found here: {}\n\n", cleaned(place))
            });
            let done = outcome(*became);
            let what = "has leaked: its secret can be read by others".to_owned();
            (what, format!("{found}{done}\n\n{}", rotate(name)))
        }
        News::GivenUp { became } => {
            let what = "was given up: a holder of its secret asked to end it".to_owned();
            (what, format!("{}\n\n{}", outcome(*became), rotate(name)))
        }
        News::RefreshReused { source, request_id, .. } => {
            let then = format!(
                "It came from {source}. It was stolen, or a program keeps an old one. Everything that \
                 was obtained with it has ended; its users have to sign in again.\n\nTo see the \
                 request:\n\n    keyturn explain {request_id}"
            );
            ("had one of its refresh tokens used twice".to_owned(), then)
        }
        News::Rotated { .. } => return None,
    };
    let subject = format!("{} {name}{whose} {what}", of.kind());
    let text =
        format!("{subject}.\n\n{then}\n\nThis mail is from keyturn at {}.\n", app.settings.issuer);
    Some(Letter { subject, text })
}

fn outcome(became: Leaked) -> &'static str {
    match became {
        Leaked::WasDead => "That secret no longer works, so it cannot be used.",
        Leaked::SecretEnded => "That secret was ended. The key goes on with the newer one.",
        Leaked::Noticed => "The key still works. The finder of the secret can use it.",
        Leaked::Disabled => "The key was disabled and no longer works.",
        Leaked::Revoked => "The key was revoked and never works again.",
    }
}

fn rotate(name: &KeyName) -> String {
    format!("This gives it a new secret:\n\n    keyturn key rotate {}", quoted(name))
}

/// As a shell reads it: no name has more than spaces that a shell would trip over.
fn quoted(name: &KeyName) -> String {
    let name = name.as_str();
    if name.contains(' ') { format!("'{name}'") } else { name.to_owned() }
}

fn counted(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn written(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// In one line, and not long.
fn cleaned(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(300).collect()
}

/// Begun days count.
pub(crate) fn days_until(end: Timestamp, now: Timestamp) -> i64 {
    (end - now + TimeDelta::days(1) - TimeDelta::seconds(1)).num_days()
}
