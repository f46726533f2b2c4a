//! Takes a signing key out before its time.

use serde_json::json;

use super::{WRITE, all, change, generate, record};
use crate::{
    app::App,
    domain::{SigningKey, SigningKeyState},
    manage::{Asker, Rejection, audit},
    store,
};

/// Takes a key out at once: it neither signs nor is published from here on. Tokens it signed fail
/// wherever the JWKS is fetched anew. If it was the one that signs, another takes over at once.
pub async fn revoke(
    app: &App,
    asker: &Asker,
    signing_key_id: &str,
) -> Result<SigningKey, Rejection> {
    asker.must_run_server(WRITE)?;
    let known = all(app).await?.into_iter().find(|key| key.signing_key_id == signing_key_id);
    let algorithm = known.ok_or(Rejection::NotFound("signing key"))?.algorithm;
    // Perhaps not needed, but no one may wait for it once the transaction has begun.
    let spare = generate(app, algorithm).await?;

    let now = app.clock.now();
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server(WRITE)?;
    // Before the list: anyone who makes a key after this has taken the generation that we try for.
    let last = store::signing_keys::last_generation(&mut tx, algorithm).await?;
    let mut keys = store::signing_keys::list(&mut tx).await?;
    let position = keys.iter().position(|key| key.signing_key_id == signing_key_id);
    let mut revoked = keys.remove(position.ok_or(Rejection::NotFound("signing key"))?);
    if revoked.revoked_at.is_some() {
        return Ok(revoked);
    }
    // No one has a token by a key that did not sign yet, so that nothing hurries.
    let has_signed = revoked.state(now) != SigningKeyState::Pending;
    revoked.revoked_at = Some(now);
    store::signing_keys::set_life(&mut tx, &revoked).await?;

    let mut others = keys.into_iter().filter(|key| key.algorithm == algorithm).collect::<Vec<_>>();
    let signs = others.iter_mut().rfind(|key| key.state(now) == SigningKeyState::Active);
    if let Some(active) = signs {
        if active.retires_at == Some(revoked.activates_at) {
            // Its successor is gone.
            (active.retires_at, active.gone_at) = (None, None);
            store::signing_keys::set_life(&mut tx, active).await?;
        }
    } else if let Some(next) =
        others.iter_mut().find(|key| key.state(now) == SigningKeyState::Pending)
    {
        next.activates_at = now;
        store::signing_keys::set_life(&mut tx, next).await?;
    } else {
        let lead = app.settings.rotation.publish_lead();
        let from = if has_signed { now } else { now + lead };
        let spare = record(spare, last.unwrap_or(0) + 1, now, from);
        store::signing_keys::insert(&mut tx, &spare).await?;
    }
    let detail = json!({ "algorithm": algorithm });
    audit(app, &mut tx, asker, change("signing_key.revoked", signing_key_id, detail));
    app.commit(tx).await?;
    Ok(revoked)
}
