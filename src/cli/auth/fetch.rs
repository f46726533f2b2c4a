//! From a holder to an access token: the kept one if it still lives, else a new one.

use anyhow::Context as _;

use super::{
    Server, Wanted,
    access_token::AccessToken,
    answer::Granted,
    cache::Slot,
    credential::Credential,
    holder::{Holder, KEY_VARIABLE, Source},
    note,
    wire::Wire,
};
use crate::clock::Clock;

pub(super) async fn access_token(server: &Server, wanted: &Wanted) -> anyhow::Result<AccessToken> {
    obtain(&Holder::find(server)?, wanted).await
}

pub(super) async fn obtain(holder: &Holder, wanted: &Wanted) -> anyhow::Result<AccessToken> {
    let clock = Clock::system();
    let mut slot = match Slot::open(holder, wanted) {
        Some(Ok(slot)) => Some(slot),
        Some(Err(error)) => {
            note(&format!("access tokens cannot be kept, each use asks the server: {error}"));
            None
        }
        None => None,
    };
    if !wanted.fresh
        && let Some(token) = slot.as_mut().and_then(|slot| slot.token(clock.now()))
    {
        return Ok(token);
    }
    let token = fetch(holder, wanted, &clock).await?;
    if let Some(Err(error)) = slot.map(|slot| slot.keep(&token, clock.now())) {
        note(&format!("the access token could not be kept: {error}"));
    }
    Ok(token)
}

async fn fetch(holder: &Holder, wanted: &Wanted, clock: &Clock) -> anyhow::Result<AccessToken> {
    let wire = Wire::to(&holder.url, clock, holder.proof_key.as_ref());
    match (&holder.credential, holder.source) {
        (Credential::Key(secret), _) => Ok(wire.exchange(secret.reveal(), wanted).await?.token),
        (Credential::RefreshToken(_), Source::File) => refresh_kept(holder, wanted, &wire).await,
        (Credential::RefreshToken(_), Source::Environment) => {
            let sent = holder.credential.reveal();
            let granted = wire.refresh(sent, &holder.client_id, wanted).await?;
            if successor(&granted, sent).is_some() {
                note(&format!(
                    "the server replaced the refresh token in {KEY_VARIABLE}, where no other can \
                     be kept: use `keyturn auth set-token`, or a client whose tokens do not rotate"
                ));
            }
            Ok(granted.token)
        }
    }
}

/// Alone with the settings from the first byte to the last: a second process that sent the same
/// refresh token could look like a thief to the server.
async fn refresh_kept(
    holder: &Holder,
    wanted: &Wanted,
    wire: &Wire<'_>,
) -> anyhow::Result<AccessToken> {
    let folder = holder.folder.as_ref().context("settings without a folder")?;
    let alone = folder.alone()?;
    let credential = holder.reread(&alone)?;
    let granted = wire.refresh(credential.reveal(), &holder.client_id, wanted).await?;
    if let Some(token) = successor(&granted, credential.reveal()) {
        holder
            .keep_successor(&alone, token)
            .context("the server replaced the refresh token, and the new one is lost")?;
    }
    Ok(granted.token)
}

/// What the server gave in place of the refresh token that was sent.
fn successor<'a>(granted: &'a Granted, sent: &str) -> Option<&'a str> {
    granted.refresh_token.as_deref().filter(|token| *token != sent && !token.is_empty())
}
