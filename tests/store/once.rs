//! Requests that are sent again: what they made is known for a while.

use chrono::TimeDelta;
use keyturn::{
    domain::Once,
    store::{
        Store, StoreError,
        idempotency_keys::{self, Before},
    },
};

use crate::{engines, now};

fn once(key: &str, request: &[u8]) -> Once {
    Once::new(key, &[request]).unwrap()
}

async fn insert(store: &Store, actor: &str, once: &Once, age: TimeDelta) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    idempotency_keys::insert(&mut tx, actor, once, "thing", now() - age).await?;
    tx.commit(now()).await.map(drop)
}

async fn find(store: &Store, actor: &str, once: &Once) -> Option<Before> {
    idempotency_keys::find(&mut store.read().await.unwrap(), actor, once).await.unwrap()
}

#[tokio::test]
async fn what_a_request_has_made_is_known_to_who_made_it() {
    for engine in engines().await {
        let (first, second) = (once("a", b"request"), once("a", b"another request"));
        insert(&engine.store, "key:1", &first, TimeDelta::zero()).await.unwrap();

        let known = find(&engine.store, "key:1", &first).await.unwrap();
        let other_request = find(&engine.store, "key:1", &second).await.unwrap();
        let other_key = find(&engine.store, "key:1", &once("b", b"request")).await;
        let other_actor = find(&engine.store, "key:2", &first).await;

        assert_eq!(known.made, "thing", "{}", engine.name);
        assert_eq!(known, other_request, "found by its key, told apart by its fingerprint");
        assert!(other_key.is_none() && other_actor.is_none());
        let again = insert(&engine.store, "key:1", &second, TimeDelta::zero()).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{}: {again:?}", engine.name);
        insert(&engine.store, "key:2", &first, TimeDelta::zero()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_send_the_same_request_at_once_one_is_first() {
    for engine in engines().await {
        let (other, once) = (engine.other_store().await, once("a", b"request"));

        let (here, there) = tokio::join!(
            insert(&engine.store, "key:1", &once, TimeDelta::zero()),
            insert(&other, "key:1", &once, TimeDelta::zero())
        );

        assert!(here.is_ok() != there.is_ok(), "{}: {here:?} {there:?}", engine.name);
    }
}

#[tokio::test]
async fn what_is_old_goes_in_steps() {
    for engine in engines().await {
        let day = TimeDelta::hours(24);
        let mut tx = engine.store.write().await.unwrap();
        for number in 0..1005 {
            let once = once(&number.to_string(), b"request");
            let age = if number < 1002 { day + TimeDelta::seconds(1) } else { day };
            let at = now() - age;
            idempotency_keys::insert(&mut tx, "key:1", &once, "thing", at).await.unwrap();
        }

        let mut steps = Vec::new();
        for _ in 0..3 {
            steps.push(idempotency_keys::prune(&mut tx, now() - day, 1000).await.unwrap());
        }
        tx.commit(now()).await.unwrap();

        assert_eq!(steps, [1000, 2, 0], "{}", engine.name);
        assert!(find(&engine.store, "key:1", &once("1001", b"request")).await.is_none());
        assert!(find(&engine.store, "key:1", &once("1002", b"request")).await.is_some());
    }
}
