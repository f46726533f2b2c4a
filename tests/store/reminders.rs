//! Ends of keys and who is told of them; keys that nobody uses.

use chrono::TimeDelta;
use keyturn::{
    domain::{Email, Membership, OrganizationId, Text, User, UserId, Version},
    store::{memberships, organizations, reminders, users},
};

use crate::{Engine, engines, id, now, organization};

impl Engine {
    async fn user(&self, email: &str, memberships_of: &[(OrganizationId, &str)]) -> User {
        let user = User {
            id: UserId(id()),
            email: email.parse().unwrap(),
            name: Text::default(),
            created_at: now(),
            disabled_at: None,
            version: Version::FIRST,
        };
        let mut tx = self.store.write().await.unwrap();
        users::insert(&mut tx, &user, None).await.unwrap();
        for (organization_id, role) in memberships_of {
            let membership = Membership {
                organization_id: *organization_id,
                user_id: user.id,
                role: role.parse().unwrap(),
                created_at: now(),
                version: Version::FIRST,
            };
            memberships::set(&mut tx, &membership).await.unwrap();
        }
        tx.commit(now()).await.unwrap();
        user
    }
}

fn emails(texts: &[&str]) -> Vec<Email> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn the_nearest_owners_answer_for_an_organization() {
    for engine in engines().await {
        let root = engine.organization().await;
        let middle = organization("middle", Some(root.id));
        let leaf = organization("leaf", Some(middle.id));
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &middle).await.unwrap();
        organizations::insert(&mut tx, &leaf).await.unwrap();
        tx.commit(now()).await.unwrap();
        engine.user("root@example.com", &[(root.id, "owner")]).await;
        engine.user("b@example.com", &[(middle.id, "owner")]).await;
        engine.user("a@example.com", &[(middle.id, "owner"), (leaf.id, "manager")]).await;
        let gone = engine.user("gone@example.com", &[(leaf.id, "owner")]).await;
        let mut tx = engine.store.write().await.unwrap();

        let before = reminders::owners(&mut tx, leaf.id).await.unwrap();
        let disabled = User { disabled_at: Some(now()), ..gone.clone() };
        assert!(users::update(&mut tx, &disabled).await.unwrap());
        let of_leaf = reminders::owners(&mut tx, leaf.id).await.unwrap();
        let of_root = reminders::owners(&mut tx, root.id).await.unwrap();

        assert_eq!(before, emails(&["gone@example.com"]), "{}", engine.name);
        assert_eq!(of_leaf, emails(&["a@example.com", "b@example.com"]), "{}", engine.name);
        assert_eq!(of_root, emails(&["root@example.com"]), "{}", engine.name);
        assert_eq!(reminders::email_of(&mut tx, gone.id).await.unwrap(), None, "{}", engine.name);
    }
}

#[tokio::test]
async fn an_end_is_claimed_once_and_what_was_claimed_is_forgotten_after_it() {
    for engine in engines().await {
        let (key, _) = crate::records::key(&engine).await;
        let end = now() + TimeDelta::days(7);
        let mut tx = engine.store.write().await.unwrap();

        let first = reminders::claim(&mut tx, key, end, 7).await.unwrap();
        let second = reminders::claim(&mut tx, key, end, 7).await.unwrap();
        let nearer = reminders::claim(&mut tx, key, end, 1).await.unwrap();
        let other_end = reminders::claim(&mut tx, key, end + TimeDelta::days(9), 7).await.unwrap();

        assert_eq!(
            (first, second, nearer, other_end),
            (true, false, true, true),
            "{}",
            engine.name
        );
        let gone = reminders::prune(&mut tx, end + TimeDelta::seconds(1)).await.unwrap();
        assert_eq!(gone, 2, "{}", engine.name);
    }
}
