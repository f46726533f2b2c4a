//! What people and programs outside are told of keys.

mod delivery;
mod documented;
mod reminders;
mod reuse;
mod unused;
mod webhooks;

use chrono::TimeDelta;
use keyturn::{
    courier::{self, Courier, Equipment},
    domain::{ApiKey, Email, Events, Lifetime, OrganizationId, Owner, Recipient, Webhook},
    manage::{
        Asker,
        api_keys::NewApiKey,
        webhooks::{NewWebhook, WithSecret, create},
    },
    outbound::Mail,
    signing::WebhookSecret,
    store::outbox::{self, Fate},
};

use crate::{
    peers::{MailServer, Receiver},
    support::{TestServer, new_key},
};

impl TestServer {
    fn courier(&self, mail: Option<&MailServer>) -> Courier {
        let mail = mail.map(|server| Mail::new(&server.url().into(), "keyturn@keyturn.test"));
        Courier::new(Equipment {
            store: self.app.store.clone(),
            clock: self.app.clock.clone(),
            outbound: self.app.outbound.clone(),
            mail: mail.transpose().unwrap(),
            key_encryption_key: self.app.key_encryption_key.clone(),
        })
    }

    /// Delivers all that is due.
    async fn deliver(&self) {
        courier::deliver_due(&self.courier(None)).await.unwrap();
    }

    async fn webhook(&self, organization_id: OrganizationId, receiver: &Receiver) -> Webhook {
        self.webhook_with_secret(organization_id, receiver).await.0
    }

    async fn webhook_with_secret(
        &self,
        organization_id: OrganizationId,
        receiver: &Receiver,
    ) -> (Webhook, WebhookSecret) {
        let new = NewWebhook { organization_id, url: receiver.url(), events: Events::default() };
        let WithSecret { webhook, secret } =
            create(&self.app, &Asker::keyturn(), new).await.unwrap();
        (webhook, secret)
    }

    async fn key_for(&self, owner: Owner, name: &str, days: i64) -> ApiKey {
        let end = self.app.clock.now() + TimeDelta::days(days);
        let new = NewApiKey { lifetime: Lifetime::Until(end), ..new_key(owner, name) };
        self.make_key(new).await.0
    }

    async fn fates(&self, recipient: &Recipient) -> Vec<Fate> {
        let mut tx = self.app.store.read().await.unwrap();
        outbox::of_recipient(&mut tx, recipient, 1000).await.unwrap()
    }

    /// The subjects of the mails to somebody, in alphabetical order.
    async fn mails_to(&self, email: &str) -> Vec<String> {
        let email: Email = email.parse().unwrap();
        let fates = self.fates(&Recipient::Email(email)).await.into_iter();
        let mut subjects: Vec<_> = fates.map(|fate| fate.subject).collect();
        subjects.sort();
        subjects
    }

    fn pass(&self, days: i64) {
        self.app.clock.advance(TimeDelta::days(days));
    }
}
