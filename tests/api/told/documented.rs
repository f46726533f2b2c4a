//! `docs/WEBHOOKS.md` shows every event, in the form in which it is sent.

use std::{collections::BTreeMap, fs};

use chrono::TimeDelta;
use keyturn::{
    announce::{Leaked, News, Subject, announce},
    domain::{ApiKey, Client, ClientTerms, EventName, FamilyId, Owner},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::TestServer;
use crate::peers::{Reaction, Receiver};

/// The examples, by the headings that are names of events.
fn documented() -> BTreeMap<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WEBHOOKS.md");
    let text = fs::read_to_string(path).unwrap();
    let sections = text.split("\n### ").skip(1).map(|section| {
        let (name, rest) = section.split_once('\n').unwrap();
        let (_, example) = rest.split_once("```json\n").unwrap();
        let example = example.split("```").next().unwrap();
        (name.to_owned(), serde_json::from_str(example).unwrap())
    });
    sections.collect()
}

/// The value with a word for the kind of each text and number.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), form(value))).collect()
        }
        Value::String(text) if text.parse::<Uuid>().is_ok() => json!("an id"),
        Value::String(text) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => {
            json!("a moment")
        }
        Value::String(_) => json!("a text"),
        Value::Number(_) => json!("a number"),
        other => other.clone(),
    }
}

/// Of what such an event tells; `None` where a webhook is tested.
fn news(server: &TestServer, event: EventName) -> Option<News> {
    Some(match event {
        EventName::ApiKeyDisabledUnused => News::DisabledUnused { days: 90 },
        EventName::ApiKeyExpiresSoon => News::ExpiresSoon { days: 7 },
        EventName::ApiKeyGivenUp => News::GivenUp { became: Leaked::Revoked },
        EventName::ApiKeyLeaked => {
            let found_at = Some("https://paste.example.com/1".to_owned());
            News::Leaked { found_at, became: Leaked::Revoked }
        }
        EventName::ApiKeyRotated => {
            let dies_at = server.app.clock.now() + TimeDelta::days(1);
            News::Rotated { old_secret_dies_at: Some(dies_at) }
        }
        EventName::RefreshReused => News::RefreshReused {
            family: FamilyId(Uuid::nil()),
            source: "192.0.2.1".parse().unwrap(),
            request_id: Uuid::nil(),
        },
        EventName::WebhookTest => return None,
    })
}

impl TestServer {
    async fn announce(&self, event: EventName, key: &ApiKey, client: &Client) {
        let Some(news) = news(self, event) else { return };
        let subject = match event {
            EventName::RefreshReused => Subject::Client(client),
            _ => Subject::Key(key),
        };
        let mut tx = self.app.store.write().await.unwrap();
        announce(&self.app, &mut tx, subject, &news).await.unwrap();
        self.app.commit(tx).await.unwrap();
    }
}

#[tokio::test]
async fn fx_40_every_event_is_documented_in_the_form_in_which_it_is_sent() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(204));
    let acme = server.acme().await;
    let webhook = server.webhook(acme, &receiver).await;
    let (key, _) = server.key(Owner::Organization(acme), "deploy").await;
    let client = server.client(acme, "shop", ClientTerms::default()).await.client;

    for event in EventName::ALL {
        server.announce(event, &key, &client).await;
    }
    server.test_webhook(&webhook).await;
    server.deliver().await;

    let sent = receiver.received().into_iter().map(|request| {
        let event = request.json();
        (event["type"].as_str().unwrap().to_owned(), form(&event))
    });
    let sent: BTreeMap<_, _> = sent.collect();
    let documented = documented();
    for (name, example) in &documented {
        assert_eq!(example["type"], name.as_str());
    }
    let documented = documented.into_iter().map(|(name, example)| (name, form(&example)));
    assert_eq!(sent.len(), EventName::ALL.len());
    assert_eq!(sent, documented.collect());
}

#[test]
fn fx_40_what_became_of_a_leaked_key_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WEBHOOKS.md");
    let text = fs::read_to_string(path).unwrap();

    for became in Leaked::ALL {
        let name = format!("`{}`", became.as_str());
        assert!(text.contains(&name), "docs/WEBHOOKS.md does not name {name}");
    }
}
