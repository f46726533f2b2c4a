//! The audit trail: numbered without gaps, chained, and pruned from its beginning only.

mod altered;

use std::borrow::Cow;

use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{Actor, ApiKeyId, AuditEvent, Below, OrganizationId, Sight, UserId},
    store::{
        Page, Store,
        audit_chain::{self, Chain},
        audit_events::{self, Filter, Recorded},
        organizations,
    },
};
use tokio::task::JoinSet;

use crate::{engines, id, now, organization};

fn event(action: &'static str) -> AuditEvent {
    AuditEvent {
        id: id(),
        at: now(),
        actor: Actor::Operator("ada".to_owned()),
        actor_email: None,
        action: Cow::Borrowed(action),
        subject: format!("key:{}", id()),
        organization_id: None,
        source: None,
        request_id: None,
        detail: serde_json::json!({}),
    }
}

/// One transaction with these events.
async fn record(store: &Store, events: impl IntoIterator<Item = AuditEvent>) {
    let mut tx = store.write().await.unwrap();
    for event in events {
        tx.record(event);
    }
    tx.commit(now()).await.unwrap();
}

async fn list(store: &Store, sight: Sight, filter: &Filter, page: Page<i64>) -> Vec<Recorded> {
    let mut tx = store.read().await.unwrap();
    audit_events::list(&mut tx, sight, false, filter, page).await.unwrap()
}

async fn everything(store: &Store) -> Vec<Recorded> {
    list(store, Sight::Everything, &Filter::default(), Page::ALL).await
}

async fn verify(store: &Store) -> Chain {
    audit_chain::verify(&mut store.read().await.unwrap()).await.unwrap()
}

/// How many events a whole chain has.
async fn whole(store: &Store) -> i64 {
    match verify(store).await {
        Chain::Whole { events, .. } => events,
        broken => panic!("{broken:?}"),
    }
}

/// Until nothing is left to prune: how many went in each step.
async fn prune(store: &Store, before: Timestamp) -> Vec<u64> {
    let mut steps = Vec::new();
    loop {
        let mut tx = store.write().await.unwrap();
        let pruned = audit_chain::prune(&mut tx, Some(before), None).await.unwrap();
        tx.commit(now()).await.unwrap();
        if pruned == 0 {
            return steps;
        }
        steps.push(pruned);
    }
}

#[tokio::test]
async fn an_empty_trail_is_whole() {
    for engine in engines().await {
        let found = verify(&engine.store).await;

        let nothing = Chain::Whole { events: 0, unchained: 0, head: vec![0; 32] };
        assert_eq!(found, nothing, "{}", engine.name);
    }
}

#[tokio::test]
async fn what_was_recorded_comes_back_with_its_number() {
    for engine in engines().await {
        let full = AuditEvent {
            organization_id: Some(OrganizationId(id())),
            source: Some("2001:db8::1".parse().unwrap()),
            request_id: Some(id()),
            detail: serde_json::json!({ "name": "\u{e9} 'quoted'", "roles": ["a", null] }),
            ..event("api_key.created")
        };
        let actors = [
            Actor::Keyturn,
            Actor::User(UserId(id())),
            Actor::ApiKey(ApiKeyId(id())),
            Actor::Operator("ad:a \u{e9}".to_owned()),
        ];
        let others = actors.map(|actor| AuditEvent { actor, ..event("api_key.revoked") });

        record(&engine.store, [full.clone()]).await;
        record(&engine.store, others.clone()).await;

        let written = [vec![full], others.to_vec()].concat();
        let found = everything(&engine.store).await.into_iter().rev();
        let found: Vec<_> = found.map(|recorded| (recorded.number, recorded.event)).collect();
        let expected: Vec<_> = (1..).zip(written).collect();
        assert_eq!(found, expected, "{}", engine.name);
        assert_eq!(whole(&engine.store).await, 5);
    }
}

#[tokio::test]
async fn what_is_rolled_back_is_no_part_of_the_trail() {
    for engine in engines().await {
        record(&engine.store, [event("first")]).await;
        let mut tx = engine.store.write().await.unwrap();
        tx.record(event("undone"));
        drop(tx);
        record(&engine.store, [event("second")]).await;

        let actions: Vec<_> = everything(&engine.store)
            .await
            .into_iter()
            .map(|recorded| (recorded.number, recorded.event.action))
            .collect();

        assert_eq!(actions, [(2, "second".into()), (1, "first".into())], "{}", engine.name);
        assert_eq!(whole(&engine.store).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_write_at_once_make_one_chain_without_gaps() {
    const WRITERS: usize = 8;
    const COMMITS: usize = 10;
    for engine in engines().await {
        let other = engine.other_store().await;
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let store = if number % 2 == 0 { engine.store.clone() } else { other.clone() };
            writers.spawn(async move {
                for _ in 0..COMMITS {
                    record(&store, [event("first"), event("second")]).await;
                }
            });
        }
        // Whoever looks in between sees a whole chain as well.
        let mut seen = 0;
        while !writers.is_empty() {
            while let Some(done) = writers.try_join_next() {
                done.unwrap();
            }
            let events = whole(&other).await;
            assert!(events >= seen, "{}", engine.name);
            seen = events;
        }

        let numbers: Vec<_> =
            everything(&engine.store).await.iter().map(|recorded| recorded.number).collect();
        let expected: Vec<_> = (1..=160).rev().collect();
        assert_eq!(numbers, expected, "{}", engine.name);
        assert_eq!(whole(&engine.store).await, 160);
    }
}

#[tokio::test]
async fn pruning_takes_the_oldest_in_steps_and_keeps_the_chain_whole() {
    for engine in engines().await {
        let old = || AuditEvent { at: now() - TimeDelta::days(2), ..event("old") };
        record(&engine.store, std::iter::repeat_with(old).take(2100)).await;
        record(&engine.store, [event("young"), event("young")]).await;

        let none = prune(&engine.store, now() - TimeDelta::days(3)).await;
        let steps = prune(&engine.store, now() - TimeDelta::days(1)).await;
        let left = whole(&engine.store).await;
        record(&engine.store, [event("next")]).await;

        assert_eq!(none, [] as [u64; 0], "{}", engine.name);
        assert_eq!(steps, [1000, 1000, 100]);
        assert_eq!(left, 2);
        assert_eq!(everything(&engine.store).await[0].number, 2103, "numbers go on");
        assert_eq!(whole(&engine.store).await, 3);
        engine.sql("delete from audit_events where number = 2101").await;
        let found = verify(&engine.store).await;
        assert_eq!(found, Chain::Missing { number: 2101 }, "the oldest that is kept is missed");
    }
}

#[tokio::test]
async fn a_trail_of_which_all_was_pruned_goes_on_where_it_was() {
    for engine in engines().await {
        record(&engine.store, [event("old"), event("old")]).await;
        let Chain::Whole { head, .. } = verify(&engine.store).await else { panic!("whole") };

        let steps = prune(&engine.store, now() + TimeDelta::days(1)).await;
        let emptied = verify(&engine.store).await;
        record(&engine.store, [event("next")]).await;

        assert_eq!(steps, [2], "{}", engine.name);
        assert_eq!(emptied, Chain::Whole { events: 0, unchained: 0, head });
        assert_eq!(everything(&engine.store).await[0].number, 3);
        assert_eq!(whole(&engine.store).await, 1);
        engine.sql("delete from audit_events").await;
        assert_eq!(verify(&engine.store).await, Chain::Missing { number: 3 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_prune_at_once_leave_a_whole_chain() {
    for engine in engines().await {
        let other = engine.other_store().await;
        let old = || AuditEvent { at: now() - TimeDelta::days(2), ..event("old") };
        record(&engine.store, std::iter::repeat_with(old).take(1500)).await;
        record(&engine.store, [event("young")]).await;
        let (day, two) = (now() - TimeDelta::days(1), now() - TimeDelta::seconds(100_000));

        let (here, there, ()) = tokio::join!(
            prune(&engine.store, day),
            prune(&other, two),
            record(&other, [event("young")])
        );

        assert_eq!(here.iter().sum::<u64>() + there.iter().sum::<u64>(), 1500, "{}", engine.name);
        assert_eq!(whole(&engine.store).await, 2);
    }
}

/// As an older version has written it.
async fn record_unchained(engine: &crate::Engine, at: Timestamp) {
    record(&engine.store, [AuditEvent { at, ..event("unchained") }]).await;
    engine
        .sql("update audit_events set number = null, hash = null where action = 'unchained'")
        .await;
    engine.sql("update counters set value = value - 1 where name = 'audit_events'").await;
}

#[tokio::test]
async fn what_was_written_before_there_was_a_chain_is_counted_and_pruned() {
    for engine in engines().await {
        record_unchained(&engine, now() - TimeDelta::days(2)).await;
        record_unchained(&engine, now()).await;
        record(&engine.store, [event("first")]).await;

        let before = verify(&engine.store).await;
        let steps = prune(&engine.store, now() - TimeDelta::days(1)).await;
        let after = verify(&engine.store).await;

        let is = |chain: &Chain, expected| matches!(chain, Chain::Whole { events: 1, unchained, .. } if *unchained == expected);
        assert!(is(&before, 2), "{}: {before:?}", engine.name);
        assert_eq!(steps, [1]);
        assert!(is(&after, 1), "{}: {after:?}", engine.name);
    }
}

#[tokio::test]
async fn the_trail_is_searched_by_what_is_known_and_read_page_by_page() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let ada = Actor::User(UserId(id()));
        let hour = |hours| now() + TimeDelta::hours(hours);
        let mut written = Vec::new();
        for hours in 0..6 {
            written.push(AuditEvent { at: hour(hours), ..event("api_key.created") });
        }
        written[1].organization_id = Some(acme.id);
        written[2].subject = "key:2".to_owned();
        written[3].actor = ada.clone();
        written[4].action = "api_key.revoked".into();
        record(&engine.store, written).await;

        let all = Filter::default();
        let cases = [
            (Filter { organization: Some(acme.id), ..all.clone() }, vec![2]),
            (Filter { subject: Some("key:2".to_owned()), ..all.clone() }, vec![3]),
            (Filter { actor: Some(ada.clone()), ..all.clone() }, vec![4]),
            (Filter { action: Some("api_key.revoked".to_owned()), ..all.clone() }, vec![5]),
            (Filter { from: Some(hour(4)), ..all.clone() }, vec![6, 5]),
            (Filter { until: Some(hour(2)), ..all.clone() }, vec![2, 1]),
            (Filter { from: Some(hour(1)), until: Some(hour(2)), ..all.clone() }, vec![2]),
            (Filter { actor: Some(ada), organization: Some(acme.id), ..all.clone() }, vec![]),
        ];
        for (filter, expected) in cases {
            let found = list(&engine.store, Sight::Everything, &filter, Page::ALL).await;
            let found: Vec<_> = found.iter().map(|recorded| recorded.number).collect();
            assert_eq!(found, expected, "{} {filter:?}", engine.name);
        }
        let mut pages = Vec::new();
        let mut page = Page { after: None, most: 4 };
        while pages.len() < 3 {
            let found = list(&engine.store, Sight::Everything, &all, page).await;
            pages.push(found.iter().map(|recorded| recorded.number).collect::<Vec<_>>());
            page.after = found.last().map(|recorded| recorded.number).or(page.after);
        }
        assert_eq!(pages, [vec![6, 5, 4, 3], vec![2, 1], vec![]], "{}", engine.name);
    }
}

#[tokio::test]
async fn nobody_sees_events_of_organizations_out_of_sight() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let (below, beside) = (organization("below", Some(acme.id)), organization("beside", None));
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &below).await.unwrap();
        organizations::insert(&mut tx, &beside).await.unwrap();
        tx.commit(now()).await.unwrap();
        for organization_id in [Some(acme.id), Some(below.id), Some(beside.id), None] {
            record(&engine.store, [AuditEvent { organization_id, ..event("any") }]).await;
        }

        let seen = async |organization, below| {
            let sight = Sight::Of { organization, below, user: None };
            let found = list(&engine.store, sight, &Filter::default(), Page::ALL).await;
            found.iter().map(|recorded| recorded.number).collect::<Vec<_>>()
        };
        assert_eq!(seen(acme.id, Below::Included).await, [2, 1], "{}", engine.name);
        assert_eq!(seen(acme.id, Below::Excluded).await, [1]);
        assert_eq!(seen(below.id, Below::Included).await, [2]);
        assert_eq!(everything(&engine.store).await.len(), 4);
    }
}
