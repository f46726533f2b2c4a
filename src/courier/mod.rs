//! Delivers what waits in the outbox, on any number of nodes: each message at least once.
//!
//! Mails and webhooks go separate ways, and every recipient has one message under way at most, so
//! that one that hangs delays no other.

mod attempt;
mod rounds;

use std::sync::Arc;

use arc_swap::ArcSwapOption;

pub use self::rounds::deliver_due;
use crate::{
    clock::Clock,
    domain::Channel,
    outbound::{Mail, Outbound},
    signing::KeyEncryptionKey,
    store::Store,
};

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Courier(Arc<Equipment>, Arc<ArcSwapOption<Mail>>);

/// What a courier needs.
pub struct Equipment {
    pub store: Store,
    pub clock: Clock,
    pub outbound: Outbound,
    /// `None`: mails are left to nodes that can send them.
    pub mail: Option<Mail>,
    /// Webhooks' secrets are derived from it.
    pub key_encryption_key: KeyEncryptionKey,
}

impl Courier {
    pub fn new(equipment: Equipment) -> Self {
        let mail = Arc::new(ArcSwapOption::from_pointee(equipment.mail.clone()));
        Self(Arc::new(equipment), mail)
    }

    /// Sends mails by another login from now on, where mails are sent at all.
    pub fn replace_mail(&self, mail: Mail) {
        if self.1.load().is_some() {
            self.1.store(Some(Arc::new(mail)));
        }
    }

    /// Delivers forever.
    pub async fn run(self) {
        tokio::join!(
            rounds::run(self.clone(), Channel::Webhook),
            rounds::run(self.clone(), Channel::Email),
        );
    }

    fn serves(&self, channel: Channel) -> bool {
        channel == Channel::Webhook || self.1.load().is_some()
    }
}
