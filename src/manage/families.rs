//! Ends families of refresh tokens.

use serde_json::json;

use super::{Asker, Change, Rejection, audit};
use crate::{app::App, domain::Family, store};

/// Why a family ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyEnded {
    /// Its holder no longer wants it.
    Revoked,
}

impl WhyEnded {
    fn action(self) -> &'static str {
        match self {
            Self::Revoked => "refresh.revoked",
        }
    }
}

/// Ends the family, and with it every token that came of it. Ending it twice is no error.
pub async fn end(
    app: &App,
    asker: &Asker,
    family: &Family,
    why: WhyEnded,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    if store::refresh_families::end(&mut tx, family.id, app.clock.now()).await? {
        let organizations = family.granted.ceiling.organizations.as_deref().unwrap_or_default();
        let change = Change {
            action: why.action(),
            subject: format!("family:{}", family.id),
            organization_id: organizations.first().copied(),
            detail: json!({ "sub": family.granted.subject, "client_id": family.client_id }),
        };
        audit(app, &mut tx, asker, change);
        app.commit(tx).await?;
    }
    Ok(())
}
