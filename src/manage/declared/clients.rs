//! Makes and changes the clients of a plan.

use super::{MadeId, MadeSecret, carry_out::Work, carry_out::seen};
use crate::{
    declare::{Client, Step, Thing as _},
    domain::Version,
    manage::{
        Rejection,
        clients::{self, Edit, NewClient, TermsEdit},
    },
};

impl Work<'_> {
    pub(super) async fn client(&mut self, step: &Step<Client>) -> Result<(), Rejection> {
        let Step { name, before, after } = step;
        let (app, asker) = (self.app, self.asker);
        let (id, version) = if before.is_some() {
            *self.known.clients.get(name).ok_or(Rejection::ChangedMeanwhile)?
        } else {
            let organization_id = self.organization_id(&name.organization)?;
            let new =
                NewClient { organization_id, name: name.name.clone(), terms: after.terms.clone() };
            let made = clients::add(app, self.tx, asker, new).await?;
            let id = made.client.id;
            let made_secret = made.secret.map(|secret| MadeSecret {
                thing: Client::describe(name),
                secret,
                id: MadeId::Client(id),
            });
            self.secrets.extend(made_secret);
            (id, Version::FIRST)
        };
        let terms = TermsEdit::whole(after.terms.clone());
        let edit = Edit { name: None, enabled: Some(after.enabled), terms };
        clients::edit_in(app, self.tx, asker, id, &seen(version), edit).await.map(drop)
    }
}
