//! Families of refresh tokens: of many who use one generation, one is first.

use keyturn::{
    domain::{Ceiling, Family, FamilyId, Granted, RefreshTerms, SecretId, Source},
    store::refresh_families,
};

use super::{engines, id, now};

fn family() -> Family {
    let granted = Granted {
        sources: vec![Source::Secret(SecretId(id()))],
        subject: "key:x".to_owned(),
        ceiling: Ceiling::default(),
        actor: None,
        bound_to: None,
        terms: RefreshTerms { rotates: true, lifetime: 100, idle: 100 },
    };
    Family {
        id: FamilyId(id()),
        salt: [7; 16],
        client_id: None,
        granted,
        generation: 1,
        answered_at: None,
        created_at: now(),
        used_at: now(),
        expires_at: now() + chrono::TimeDelta::seconds(100),
        ended_at: None,
        status_index: 0,
    }
}

#[tokio::test]
async fn a_family_is_found_as_it_was_written() {
    for engine in engines().await {
        let family = family();
        let mut tx = engine.store.write().await.unwrap();
        let inserted = refresh_families::insert(&mut tx, family.clone(), None).await.unwrap();
        tx.commit(now()).await.unwrap();

        let found = refresh_families::find(&engine.store, family.id).await.unwrap().unwrap();

        assert!(inserted, "{}", engine.name);
        assert_eq!(found, Family { status_index: found.status_index, ..family }, "{}", engine.name);
    }
}

/// It would end the whole commit that it shares with others.
#[tokio::test]
async fn a_family_of_a_key_that_is_gone_does_not_begin() {
    for engine in engines().await {
        let gone = keyturn::domain::ApiKeyId(id());
        let of_client = Family { client_id: Some(keyturn::domain::ClientId(id())), ..family() };
        let mut tx = engine.store.write().await.unwrap();

        let of_key = refresh_families::insert(&mut tx, family(), Some(gone)).await.unwrap();
        let of_client = refresh_families::insert(&mut tx, of_client, None).await.unwrap();
        tx.commit(now()).await.unwrap();

        assert_eq!((of_key, of_client), (false, false), "{}", engine.name);
    }
}

#[tokio::test]
async fn fx_44_the_first_answer_counts_and_only_for_its_own_generation() {
    for engine in engines().await {
        let family = family();
        let later = now() + chrono::TimeDelta::seconds(9);
        let mut tx = engine.store.write().await.unwrap();
        refresh_families::insert(&mut tx, family.clone(), None).await.unwrap();
        refresh_families::advance(&mut tx, family.id, 1, now()).await.unwrap();

        let early = refresh_families::answered(&mut tx, family.id, 3, now()).await.unwrap();
        let first = refresh_families::answered(&mut tx, family.id, 2, now()).await.unwrap();
        let again = refresh_families::answered(&mut tx, family.id, 2, later).await.unwrap();
        tx.commit(now()).await.unwrap();

        let found = refresh_families::find(&engine.store, family.id).await.unwrap().unwrap();
        assert_eq!((early, first, again), (false, true, false), "{}", engine.name);
        assert_eq!(found.answered_at, Some(now()), "{}", engine.name);
    }
}

#[tokio::test]
async fn rt_11_a_generation_is_used_up_once_and_not_after_the_end() {
    for engine in engines().await {
        let family = family();
        let mut tx = engine.store.write().await.unwrap();
        refresh_families::insert(&mut tx, family.clone(), None).await.unwrap();

        let first = refresh_families::advance(&mut tx, family.id, 1, now()).await.unwrap();
        let again = refresh_families::advance(&mut tx, family.id, 1, now()).await.unwrap();
        let late = refresh_families::advance(&mut tx, family.id, 2, family.expires_at).await;
        let ended = refresh_families::end(&mut tx, family.id, now()).await.unwrap();
        let after = refresh_families::advance(&mut tx, family.id, 2, now()).await.unwrap();
        let noted = refresh_families::note_use(&mut tx, family.id, 2, now()).await.unwrap();

        assert_eq!((first, again, late.unwrap()), (true, false, false), "{}", engine.name);
        assert_eq!((ended, after, noted), (true, false, false), "{}", engine.name);
    }
}
