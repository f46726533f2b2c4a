//! Ends access tokens before their time.

use serde_json::json;

use super::{Asker, Change, Rejection, audit};
use crate::{app::App, signing::VerifiedToken, store};

/// From here on the token is no longer valid here. Revoking it twice is no error.
pub async fn revoke(app: &App, asker: &Asker, token: &VerifiedToken) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    if store::revoked_tokens::insert(&mut tx, token.token_id, token.expires_at).await? {
        let change = Change {
            action: "token.revoked",
            subject: format!("token:{}", token.token_id),
            organization_id: Some(token.organization_id),
            detail: json!({ "sub": token.subject, "client_id": token.client_id }),
        };
        audit(app, &mut tx, asker, change);
        app.commit(tx).await?;
    }
    Ok(())
}
