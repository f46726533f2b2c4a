//! Stops keys, lets them work again, ends them: several at once where that makes sense.

use serde::Serialize;

use super::advice::with_advice;
use crate::{
    app::App,
    cli::{again::again, named, output::Output, start, words},
    clock::Timestamp,
    domain::{ApiKey, ApiKeyId, Expected, KeyName, Status},
    manage::{Asker, Rejection, api_keys},
};

#[derive(clap::Args)]
pub(super) struct Several {
    /// The keys' names, or their ids
    #[arg(value_name = "NAME|ID", required = true)]
    keys: Vec<String>,
}

#[derive(Clone, Copy)]
pub(super) enum Change {
    Disable,
    Enable,
    Lock,
    Unlock,
    Revoke,
    Delete,
}

/// What became of a key, as `--json` tells it.
#[derive(Serialize)]
struct Changed {
    id: ApiKeyId,
    name: KeyName,
    /// `deleted`, or that of a key that is there.
    status: &'static str,
    locked_at: Option<Timestamp>,
}

/// One after the other. What is not found is said before anything is done.
pub(super) async fn run(
    app: &App,
    change: Change,
    args: Several,
    output: Output,
) -> anyhow::Result<()> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for name in args.keys {
        let key = named::api_key(app, &name).await?;
        if keys.iter().all(|known| known.id != key.id) {
            keys.push(key);
        }
    }
    let asker = start::asker();
    let (mut texts, mut changed, mut refused) = (Vec::new(), Vec::new(), None);
    for key in keys {
        match again(async || change.make(app, &asker, key.id).await).await {
            Ok(after) => {
                let status = after.as_ref().map(|key| key.status(app.clock.now()));
                texts.push(change.told(&key.name, status));
                changed.push(Changed {
                    id: key.id,
                    name: key.name,
                    status: status.map_or("deleted", Status::as_str),
                    locked_at: after.and_then(|key| key.locked_at),
                });
            }
            Err(error) => {
                refused = Some(with_advice(error, &key.name));
                break;
            }
        }
    }
    // What was done before something was refused stays done.
    if refused.is_none() || !changed.is_empty() {
        output.say(&texts.join("\n"), &changed)?;
    }
    refused.map_or(Ok(()), Err)
}

impl Change {
    /// Gives the key as it is now, if it is still there.
    async fn make(
        self,
        app: &App,
        asker: &Asker,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, Rejection> {
        let any = &Expected::Any;
        match self {
            Self::Disable => api_keys::set_enabled(app, asker, id, any, false).await.map(Some),
            Self::Enable => api_keys::set_enabled(app, asker, id, any, true).await.map(Some),
            Self::Lock => api_keys::set_locked(app, asker, id, any, true).await.map(Some),
            Self::Unlock => api_keys::set_locked(app, asker, id, any, false).await.map(Some),
            Self::Revoke => api_keys::revoke(app, asker, id, any).await.map(Some),
            Self::Delete => api_keys::delete(app, asker, id, any).await.map(|()| None),
        }
    }

    fn told(self, name: &KeyName, status: Option<Status>) -> String {
        let argument = words::argument(name.as_str());
        match self {
            Self::Disable => {
                format!(
                    "Key {name} is disabled. `keyturn key enable {argument}` lets it work again."
                )
            }
            Self::Enable if status == Some(Status::Active) => format!("Key {name} works again."),
            Self::Enable => {
                let status = status.map_or("gone", Status::as_str);
                format!("Key {name} is enabled, and it is still {status}.")
            }
            Self::Lock => {
                format!("Key {name} is locked: it works, and cannot be changed or deleted.")
            }
            Self::Unlock => format!("Key {name} may be changed again."),
            Self::Revoke => format!("Key {name} is revoked. This is final."),
            Self::Delete => format!(
                "Key {name} is deleted and its name is free again. What it did stays in the audit \
                 trail. Where a key is only to end, `keyturn key revoke` keeps its record."
            ),
        }
    }
}
