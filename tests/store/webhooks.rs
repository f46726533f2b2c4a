//! Webhooks: which of them hear of an organization, and that no edit is lost.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        Below, EventName, Events, OrganizationId, SecretOrigin, Sight, Version, Webhook, WebhookId,
    },
    store::{organizations, webhooks},
};

use crate::{Engine, engines, id, now, organization};

fn of(organization_id: OrganizationId, age: i64) -> Webhook {
    let created_at = now() - TimeDelta::seconds(age);
    Webhook {
        id: WebhookId(id()),
        organization_id,
        url: "https://hooks.example.com/a".to_owned(),
        events: Events::from_iter([EventName::ApiKeyLeaked]),
        secret: SecretOrigin { generation: 1, made_by: "00".to_owned(), made_at: created_at },
        created_at,
        disabled_at: None,
        version: Version::FIRST,
    }
}

impl Engine {
    async fn webhook(&self, webhook: &Webhook) {
        let mut tx = self.store.write().await.unwrap();
        webhooks::insert(&mut tx, webhook).await.unwrap();
        tx.commit(now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_webhook_is_found_as_it_was_made_until_it_is_removed() {
    for engine in engines().await {
        let webhook = of(engine.organization().await.id, 0);
        engine.webhook(&webhook).await;

        let found = webhooks::look_up(&engine.store, webhook.id).await.unwrap();
        let mut tx = engine.store.write().await.unwrap();
        let removed = webhooks::remove(&mut tx, &webhook).await.unwrap();
        let removed_again = webhooks::remove(&mut tx, &webhook).await.unwrap();

        assert_eq!(found, Some(webhook.clone()), "{}", engine.name);
        assert!(removed && !removed_again, "{}", engine.name);
        assert_eq!(webhooks::find(&mut tx, webhook.id).await.unwrap(), None, "{}", engine.name);
    }
}

#[tokio::test]
async fn an_organization_is_heard_by_its_webhooks_and_those_above_it() {
    for engine in engines().await {
        let root = engine.organization().await;
        let team = organization("team", Some(root.id));
        let other = organization("other", Some(root.id));
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &team).await.unwrap();
        organizations::insert(&mut tx, &other).await.unwrap();
        tx.commit(now()).await.unwrap();
        let (above, own, beside) = (of(root.id, 3), of(team.id, 2), of(other.id, 1));
        let disabled = Webhook { disabled_at: Some(now()), ..of(team.id, 0) };
        for webhook in [&above, &own, &beside, &disabled] {
            engine.webhook(webhook).await;
        }

        let mut tx = engine.store.read().await.unwrap();
        let hearing = webhooks::hearing(&mut tx, team.id).await.unwrap();

        assert_eq!(hearing, [above, own], "{}", engine.name);
        let sight = Sight::Of { organization: team.id, below: Below::Included, user: None };
        assert_eq!(webhooks::list(&mut tx, sight).await.unwrap().len(), 2, "{}", engine.name);
        assert_eq!(webhooks::count_of(&mut tx, team.id).await.unwrap(), 2, "{}", engine.name);
        assert_eq!(
            webhooks::list(&mut tx, Sight::Everything).await.unwrap().len(),
            4,
            "{}",
            engine.name
        );
    }
}

#[tokio::test]
async fn of_two_edits_of_one_version_the_second_is_not_made() {
    for engine in engines().await {
        let webhook = of(engine.organization().await.id, 0);
        engine.webhook(&webhook).await;
        let first = Webhook { url: "https://first.example.com/".into(), ..webhook.clone() };
        let second = Webhook { url: "https://second.example.com/".into(), ..webhook.clone() };

        let mut tx = engine.store.write().await.unwrap();
        let outcome = (
            webhooks::update(&mut tx, &first).await.unwrap(),
            webhooks::update(&mut tx, &second).await.unwrap(),
        );

        assert_eq!(outcome, (true, false), "{}", engine.name);
        let found = webhooks::find(&mut tx, webhook.id).await.unwrap();
        assert_eq!(found, Some(Webhook { version: Version(2), ..first }), "{}", engine.name);
    }
}
