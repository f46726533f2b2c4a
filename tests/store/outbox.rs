//! Messages on their way out: who takes one has it alone, and who waits is not forgotten.

use chrono::TimeDelta;
use keyturn::{
    domain::{Channel, Message, MessageId, Recipient, WebhookId},
    store::{
        Store,
        outbox::{self, Fate, State, Waiting},
    },
};

use crate::{Engine, engines, id, now};

fn to(recipient: Recipient) -> Message {
    Message {
        id: MessageId(id()),
        recipient,
        organization_id: None,
        subject: "api_key.expires_soon".to_owned(),
        body: "{}".to_owned(),
        created_at: now(),
    }
}

fn webhook() -> Recipient {
    Recipient::Webhook(WebhookId(id()))
}

impl Engine {
    async fn post(&self, message: &Message) {
        let mut tx = self.store.write().await.unwrap();
        outbox::insert(&mut tx, message).await.unwrap();
        tx.commit(now()).await.unwrap();
    }

    async fn fate(&self, message: &Message) -> Fate {
        let mut tx = self.store.read().await.unwrap();
        let fates = outbox::of_recipient(&mut tx, &message.recipient, 100).await.unwrap();
        fates.into_iter().find(|fate| fate.id == message.id).unwrap()
    }
}

async fn due(store: &Store, after: TimeDelta) -> Vec<Waiting> {
    outbox::due(store, Channel::Webhook, now() + after, 10).await.unwrap()
}

#[tokio::test]
async fn what_is_put_in_is_due_at_once_and_only_on_its_own_channel() {
    for engine in engines().await {
        let event = to(webhook());
        let mail = to(Recipient::Email("ada@example.com".parse().unwrap()));
        engine.post(&event).await;
        engine.post(&mail).await;

        let events = due(&engine.store, TimeDelta::zero()).await;
        let mails = outbox::due(&engine.store, Channel::Email, now(), 10).await.unwrap();

        assert_eq!(events, [Waiting { message: event, attempts: 0 }], "{}", engine.name);
        assert_eq!(mails, [Waiting { message: mail, attempts: 0 }], "{}", engine.name);
    }
}

#[tokio::test]
async fn what_a_transaction_gives_up_is_never_announced() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        outbox::insert(&mut tx, &to(webhook())).await.unwrap();
        drop(tx);

        assert_eq!(due(&engine.store, TimeDelta::zero()).await, [], "{}", engine.name);
    }
}

#[tokio::test]
async fn of_many_who_take_a_message_one_has_it_until_its_time_has_run_out() {
    for engine in engines().await {
        engine.post(&to(webhook())).await;
        let other = engine.other_store().await;
        let waiting = due(&engine.store, TimeDelta::zero()).await.remove(0);
        let until = now() + TimeDelta::minutes(2);

        let (here, there) = tokio::join!(
            outbox::take(&engine.store, &waiting, until),
            outbox::take(&other, &waiting, until),
        );

        assert_eq!(u8::from(here.unwrap()) + u8::from(there.unwrap()), 1, "{}", engine.name);
        assert_eq!(due(&other, TimeDelta::seconds(119)).await, [], "{}", engine.name);
        let again = due(&other, TimeDelta::minutes(2)).await;
        assert_eq!(again[0].attempts, 1, "{}", engine.name);
    }
}

#[tokio::test]
async fn of_each_recipient_only_the_message_that_waited_longest_is_due() {
    for engine in engines().await {
        let (busy, quiet) = (webhook(), webhook());
        let first = to(busy.clone());
        engine.post(&first).await;
        for _ in 0..20 {
            let later = Message { created_at: now() + TimeDelta::seconds(1), ..to(busy.clone()) };
            engine.post(&later).await;
        }
        let other = Message { created_at: now() + TimeDelta::seconds(2), ..to(quiet) };
        engine.post(&other).await;

        let due = due(&engine.store, TimeDelta::minutes(1)).await;

        let due: Vec<_> = due.into_iter().map(|waiting| waiting.message).collect();
        assert_eq!(due, [first, other], "{}", engine.name);
    }
}

#[tokio::test]
async fn what_became_of_a_message_is_found() {
    for engine in engines().await {
        let [arrived, late, lost] = [to(webhook()), to(webhook()), to(webhook())];
        for message in [&arrived, &late, &lost] {
            engine.post(message).await;
        }
        let later = now() + TimeDelta::hours(1);

        outbox::delivered(&engine.store, arrived.id, later).await.unwrap();
        outbox::postpone(&engine.store, late.id, later, "too slow").await.unwrap();
        outbox::give_up(&engine.store, lost.id, later, "gone").await.unwrap();

        assert_eq!(engine.fate(&arrived).await.state, State::Delivered(later), "{}", engine.name);
        let fate = engine.fate(&late).await;
        assert_eq!((fate.state, fate.last_error), (State::Waiting(later), Some("too slow".into())));
        let fate = engine.fate(&lost).await;
        assert_eq!((fate.state, fate.last_error), (State::GivenUp(later), Some("gone".into())));
        let due = due(&engine.store, TimeDelta::hours(1)).await;
        assert_eq!(due.len(), 1, "{}: only the late one waits", engine.name);
        assert_eq!(due[0].message.id, late.id, "{}", engine.name);
    }
}

#[tokio::test]
async fn a_recipient_that_fails_gets_a_breath_and_others_do_not_wait_for_it() {
    for engine in engines().await {
        let (slow, quick) = (webhook(), to(webhook()));
        let (one, two) = (to(slow.clone()), to(slow.clone()));
        for message in [&one, &two, &quick] {
            engine.post(message).await;
        }
        let far = now() + TimeDelta::hours(8);
        outbox::postpone(&engine.store, one.id, far, "too slow").await.unwrap();

        let until = now() + TimeDelta::seconds(30);
        outbox::postpone_all_for(&engine.store, &slow, until).await.unwrap();

        assert_eq!(engine.fate(&one).await.state, State::Waiting(far), "{}", engine.name);
        assert_eq!(engine.fate(&two).await.state, State::Waiting(until), "{}", engine.name);
        assert_eq!(engine.fate(&quick).await.state, State::Waiting(now()), "{}", engine.name);
    }
}

#[tokio::test]
async fn old_messages_are_forgotten_and_young_ones_are_not() {
    for engine in engines().await {
        let old = Message { created_at: now() - TimeDelta::days(31), ..to(webhook()) };
        let young = to(webhook());
        engine.post(&old).await;
        engine.post(&young).await;

        let mut tx = engine.store.write().await.unwrap();
        let gone = outbox::prune(&mut tx, now() - TimeDelta::days(30), 1000).await.unwrap();
        tx.commit(now()).await.unwrap();

        assert_eq!(gone, 1, "{}", engine.name);
        assert_eq!(due(&engine.store, TimeDelta::zero()).await[0].message, young);
    }
}
