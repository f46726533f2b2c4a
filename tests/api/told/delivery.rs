//! Messages arrive, signed, also when the receiver is away for a while, whoever else hangs.

use std::collections::HashSet;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use keyturn::{
    courier,
    domain::{Expected, Owner, Recipient},
    manage::{
        Asker,
        reminders::remind,
        webhooks::{self, WebhookChange},
    },
    random::Random,
    signing::{KeyEncryptionKey, WebhookSecret},
    store::outbox::State,
};
use secrecy::ExposeSecret as _;

use super::TestServer;
use crate::{
    peers::{MailServer, Reaction, Received, Receiver},
    support::Options,
};

/// Computes a signature as the text of Standard Webhooks says.
fn signature(secret: &WebhookSecret, request: &Received) -> String {
    let secret = secret.reveal().strip_prefix("whsec_").unwrap().to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(secret).unwrap());
    let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    let signed = format!("{id}.{at}.{}", request.body);
    format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
}

impl TestServer {
    pub(super) async fn test_webhook(&self, webhook: &keyturn::domain::Webhook) {
        webhooks::test(&self.app, &Asker::keyturn(), webhook.id).await.unwrap();
    }
}

fn sent(request: &Received) -> Vec<String> {
    request.header("webhook-signature").split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_message_is_signed_so_that_its_receiver_can_verify_it() {
    for server in TestServer::on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(200));
        let (webhook, secret) = server.webhook_with_secret(server.acme().await, &receiver).await;
        server.test_webhook(&webhook).await;

        server.deliver().await;

        let request = receiver.received().remove(0);
        assert_eq!(sent(&request), [signature(&secret, &request)], "{}", server.engine);
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("webhook-timestamp"), "1800000000");
        assert!(request.head.starts_with("POST /hook HTTP/1.1"), "{}", request.head);
        assert_eq!(request.json()["type"], "webhook.test");
        let fate = server.fates(&Recipient::Webhook(webhook.id)).await.remove(0);
        assert_eq!(fate.state, State::Delivered(server.app.clock.now()), "{}", server.engine);
        assert_eq!(format!("msg_{}", fate.id.0.simple()), request.header("webhook-id"));
    }
}

#[tokio::test]
async fn for_a_day_after_a_rotation_messages_carry_both_signatures() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(200));
    let (webhook, old) = server.webhook_with_secret(server.acme().await, &receiver).await;
    let rotated =
        webhooks::rotate_secret(&server.app, &Asker::keyturn(), webhook.id, &Expected::Any).await;
    let new = rotated.unwrap().secret;

    server.test_webhook(&webhook).await;
    server.deliver().await;
    server.pass(1);
    server.test_webhook(&webhook).await;
    server.deliver().await;

    let [during, after] = receiver.received().try_into().unwrap();
    assert_eq!(sent(&during), [signature(&new, &during), signature(&old, &during)]);
    assert_eq!(sent(&after), [signature(&new, &after)]);
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_after_longer_and_longer_pauses_until_it_is_given_up() {
    for server in TestServer::on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(503));
        let webhook = server.webhook(server.acme().await, &receiver).await;
        server.test_webhook(&webhook).await;
        let recipient = Recipient::Webhook(webhook.id);
        let mut pauses = Vec::new();

        loop {
            server.deliver().await;
            let fate = server.fates(&recipient).await.remove(0);
            assert_eq!(fate.last_error.as_deref(), Some("the receiver answered 503"));
            let State::Waiting(until) = fate.state else { break };
            let pause = until - server.app.clock.now();
            pauses.push(pause.num_seconds());
            server.app.clock.advance(pause - TimeDelta::seconds(1));
            server.deliver().await;
            server.app.clock.advance(TimeDelta::seconds(1));
        }

        assert_eq!(pauses, [10, 60, 300, 1800, 7200, 28_800, 86_400], "{}", server.engine);
        let ids: HashSet<_> =
            receiver.received().iter().map(|request| request.header("webhook-id")).collect();
        assert_eq!((receiver.received().len(), ids.len()), (8, 1), "{}", server.engine);
    }
}

#[tokio::test]
async fn a_receiver_that_comes_back_gets_what_it_missed() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(500));
    let webhook = server.webhook(server.acme().await, &receiver).await;
    server.test_webhook(&webhook).await;
    server.test_webhook(&webhook).await;
    server.deliver().await;

    receiver.react(Reaction::status(204));
    server.app.clock.advance(TimeDelta::seconds(30));
    server.deliver().await;

    let fates = server.fates(&Recipient::Webhook(webhook.id)).await;
    let now = server.app.clock.now();
    assert!(fates.iter().all(|fate| fate.state == State::Delivered(now)), "{fates:?}");
    assert_eq!(receiver.received().len(), 3, "one failed, and the other had not been tried");
}

#[tokio::test]
async fn lo_14_a_receiver_that_hangs_keeps_nothing_from_the_others() {
    for server in TestServer::on_each_engine().await {
        let (slow, quick) =
            (Receiver::start(Reaction::hang()), Receiver::start(Reaction::status(204)));
        let acme = server.acme().await;
        let hanging = server.webhook(acme, &slow).await;
        let other = server.webhook(acme, &quick).await;
        for _ in 0..20 {
            server.test_webhook(&hanging).await;
        }
        for _ in 0..20 {
            server.test_webhook(&other).await;
        }

        server.deliver().await;

        assert_eq!(quick.received().len(), 20, "{}", server.engine);
        assert_eq!(slow.received().len(), 1, "{}", server.engine);
        let fates = server.fates(&Recipient::Webhook(hanging.id)).await;
        let errors: Vec<_> = fates.into_iter().filter_map(|fate| fate.last_error).collect();
        assert_eq!(errors, ["there was no whole answer within 3 seconds"], "{}", server.engine);
    }
}

#[tokio::test]
async fn of_two_nodes_that_deliver_at_once_one_delivers_each_message() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(204));
        let acme = here.acme().await;
        for _ in 0..10 {
            let webhook = here.webhook(acme, &receiver).await;
            for _ in 0..5 {
                here.test_webhook(&webhook).await;
            }
        }

        tokio::join!(here.deliver(), there.deliver());

        let ids: HashSet<_> =
            receiver.received().iter().map(|request| request.header("webhook-id")).collect();
        assert_eq!((receiver.received().len(), ids.len()), (50, 50), "{}", here.engine);
    }
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_gone_or_disabled_is_given_up() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(204));
    let acme = server.acme().await;
    let (gone, disabled) =
        (server.webhook(acme, &receiver).await, server.webhook(acme, &receiver).await);
    let (app, asker) = (&server.app, Asker::keyturn());
    for webhook in [&gone, &disabled] {
        server.test_webhook(webhook).await;
    }
    webhooks::delete(app, &asker, gone.id, &Expected::Any).await.unwrap();
    let change = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    webhooks::update(app, &asker, disabled.id, &Expected::Any, change).await.unwrap();

    server.deliver().await;

    for webhook in [gone, disabled] {
        let fate = server.fates(&Recipient::Webhook(webhook.id)).await.remove(0);
        assert_eq!(fate.state, State::GivenUp(app.clock.now()));
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_node_with_another_key_encryption_key_signs_nothing_and_says_why() {
    let (server, _) = TestServer::pairs_on_each_engine().await.remove(0);
    let receiver = Receiver::start(Reaction::status(204));
    let webhook = server.webhook(server.acme().await, &receiver).await;
    let text = KeyEncryptionKey::generate(&Random::System);
    let key_encryption_key = KeyEncryptionKey::from_text(text.expose_secret()).unwrap();
    let other = server.second_node_with(Options { key_encryption_key, ..Options::default() }).await;
    server.test_webhook(&webhook).await;

    other.deliver().await;

    let fate = server.fates(&Recipient::Webhook(webhook.id)).await.remove(0);
    assert!(fate.last_error.unwrap().contains("keyturn webhook rotate-secret"));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_reminder_arrives_as_a_mail_that_says_what_to_do() {
    for server in TestServer::on_each_engine().await {
        let mail_server = MailServer::start();
        let acme = server.acme().await;
        server.user("ada@acme.test", &[(acme, "owner")]).await;
        server.key_for(Owner::Organization(acme), "Nightly Build", 40).await;
        server.pass(33);
        remind(&server.app).await.unwrap();
        // A node without a mail server leaves mails to others.
        server.deliver().await;

        courier::deliver_due(&server.courier(Some(&mail_server))).await.unwrap();

        let mail = mail_server.mails().remove(0);
        for part in [
            "RCPT TO:<ada@acme.test>",
            "Subject: API key Nightly Build of acme expires in 7 days",
            "2027-02-24 08:00 UTC",
            "keyturn key rotate 'Nightly Build'",
            "https://keyturn.test",
        ] {
            assert!(mail.contains(part), "{}: {part}: {mail}", server.engine);
        }
        assert_eq!(mail_server.mails().len(), 1, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_is_tried_again() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    server.user("ada@acme.test", &[(acme, "owner")]).await;
    server.key_for(Owner::Organization(acme), "ci", 40).await;
    server.pass(33);
    remind(&server.app).await.unwrap();
    let refusing = MailServer::that_says("550 no");
    courier::deliver_due(&server.courier(Some(&refusing))).await.unwrap();

    let taking = MailServer::start();
    server.app.clock.advance(TimeDelta::seconds(10));
    courier::deliver_due(&server.courier(Some(&taking))).await.unwrap();

    assert_eq!((refusing.mails().len(), taking.mails().len()), (0, 1));
}
