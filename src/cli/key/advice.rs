//! What to do about a change to a key that was refused.

use anyhow::anyhow;

use crate::{cli::words, domain::KeyName, manage::Rejection};

/// The refusal with the command that helps.
pub(super) fn with_advice(error: Rejection, name: &KeyName) -> anyhow::Error {
    let key = words::argument(name.as_str());
    let advice = match &error {
        Rejection::Locked => format!("`keyturn key unlock {key}`"),
        Rejection::Expired => format!("`keyturn key rotate {key} --expires 90d`"),
        Rejection::NotRotating => format!("`keyturn key rotate {key}` makes a new one beside it"),
        Rejection::ExpiryIsFixed => {
            format!("`keyturn key rotate {key} --expires 90d` gives it a new end with a new secret")
        }
        Rejection::ChangedMeanwhile => format!("`keyturn key show {key}`"),
        Rejection::NameTaken(_) => "choose another".to_owned(),
        Rejection::Revoked => {
            format!("`keyturn key delete {key}` frees its name for `keyturn key create {key}`")
        }
        Rejection::TooManyKeys(_) => {
            "`keyturn key list --unused-since 90d` lists unused keys, `keyturn key revoke` \
             makes room (setting api_keys.most_per_tree)"
                .to_owned()
        }
        Rejection::UnknownRole(_) => "`keyturn role list` shows them all".to_owned(),
        _ => return anyhow::Error::new(error).context(format!("key {name}")),
    };
    anyhow!("key {name}: {error}: {advice}")
}
