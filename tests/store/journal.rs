//! The usage journal: whoever takes a batch has it alone, and only if it commits.

use keyturn::store::{Store, usage_journal};

use crate::{engines, id, now};

async fn append(store: &Store, batch: &str) {
    usage_journal::append(store, id(), batch).await.unwrap();
}

async fn take_all(store: &Store) -> Vec<String> {
    let mut tx = store.write().await.unwrap();
    let taken = usage_journal::take(&mut tx, 100).await.unwrap();
    tx.commit(now()).await.unwrap();
    let mut taken: Vec<_> = taken.into_iter().map(|(_, batch)| batch).collect();
    taken.sort();
    taken
}

#[tokio::test]
async fn what_was_taken_and_committed_is_gone() {
    for engine in engines().await {
        for batch in ["a", "b", "c"] {
            append(&engine.store, batch).await;
        }

        let mut tx = engine.store.write().await.unwrap();
        let two = usage_journal::take(&mut tx, 2).await.unwrap();
        tx.commit(now()).await.unwrap();
        let rest = take_all(&engine.store).await;

        let two: Vec<_> = two.into_iter().map(|(_, batch)| batch).collect();
        let mut all = [two.clone(), rest].concat();
        all.sort();
        assert_eq!(two.len(), 2, "{}", engine.name);
        assert_eq!(all, ["a", "b", "c"]);
        assert_eq!(take_all(&engine.store).await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn what_was_taken_and_rolled_back_is_there_again() {
    for engine in engines().await {
        append(&engine.store, "a").await;

        let mut tx = engine.store.write().await.unwrap();
        let taken = usage_journal::take(&mut tx, 1).await.unwrap();
        drop(tx);

        assert_eq!(taken[0].1, "a", "{}", engine.name);
        assert_eq!(take_all(&engine.store).await, ["a"]);
    }
}

#[tokio::test]
async fn two_who_take_at_once_share_nothing_and_miss_nothing() {
    for engine in engines().await {
        let other = engine.other_store().await;
        let batches: Vec<_> = (0..40).map(|number| format!("{number:02}")).collect();
        for batch in &batches {
            append(&engine.store, batch).await;
        }

        let (here, there) = tokio::join!(take_all(&engine.store), take_all(&other));
        let left = take_all(&engine.store).await;

        let mut all = [here, there, left].concat();
        all.sort();
        assert_eq!(all, batches, "{}", engine.name);
    }
}
