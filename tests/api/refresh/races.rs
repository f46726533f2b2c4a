//! Many who use one refresh token at once: one successor is alive, and nobody is locked out.

use std::collections::BTreeSet;

use keyturn::{
    domain::{FamilyId, Owner, RefreshToken},
    random::Random,
    store,
};
use tokio::task::JoinSet;

use super::{Shop, access_token, exchange, for_keys, refresh, refresh_token, shop_terms, works};
use crate::support::{Answer, TestServer, encoded, post};

/// As many as this use one token at once, on these nodes in turn.
async fn at_once(nodes: &[&TestServer], token: &str, count: usize) -> Vec<Answer> {
    let mut all = JoinSet::new();
    for node in nodes.iter().cycle().take(count) {
        let router = node.router.clone();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let request = post(crate::support::OAUTH, &encoded(&form));
        all.spawn(async move { crate::support::send(&router, request).await });
    }
    all.join_all().await
}

fn one_successor(answers: &[Answer], engine: &str) -> String {
    let successors: BTreeSet<_> = answers.iter().map(refresh_token).collect();
    assert_eq!(successors.len(), 1, "{engine}");
    successors.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rt_10_inc_01_many_at_once_in_one_process_get_one_successor_that_works() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        for count in [20, 100] {
            let token = refresh_token(&exchange(&server, &secret).await);

            let answers = at_once(&[&server], &token, count).await;

            let successor = one_successor(&answers, server.engine);
            let next = refresh(&server, &successor).await;
            assert_eq!(next.status, 200, "{}: {}", server.engine, next.text);
            let reused = refresh(&server, &token).await;
            assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
            let after = refresh(&server, &refresh_token(&next)).await;
            assert_eq!(after.error(), (400, "invalid_grant"), "reuse ends the family");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rt_11_many_at_once_on_two_nodes_get_one_successor_that_works_on_both() {
    for (here, there) in TestServer::pairs_on_each_engine_with(|| for_keys(true)).await {
        let acme = here.acme().await;
        let (_, secret) = here.key(Owner::Organization(acme), "ci").await;
        there.app.catch_up().await.unwrap();
        let mut token = refresh_token(&exchange(&here, &secret).await);

        for _ in 0..10 {
            let answers = at_once(&[&here, &there], &token, 20).await;
            token = one_successor(&answers, here.engine);
        }

        assert_eq!(refresh(&there, &token).await.status, 200, "{}", here.engine);
    }
}

/// Decisions of different families share commits, whose rows two nodes take in the same order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rt_11_many_families_at_once_on_two_nodes_stand_in_nobodys_way() {
    for (here, there) in TestServer::pairs_on_each_engine_with(|| for_keys(true)).await {
        let acme = here.acme().await;
        let (_, secret) = here.key(Owner::Organization(acme), "ci").await;
        there.app.catch_up().await.unwrap();
        let mut tokens = Vec::new();
        for _ in 0..20 {
            tokens.push(refresh_token(&exchange(&here, &secret).await));
        }

        for _ in 0..5 {
            let nodes = [&here, &there];
            let all = tokens.iter().map(|token| at_once(&nodes, token, 4));
            let answers = futures(all.collect()).await;
            tokens = answers.iter().map(|all| one_successor(all, here.engine)).collect();
        }

        assert_eq!(here.count("refresh_families").await, 20, "{}", here.engine);
    }
}

/// All of them at the same time.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in &mut all {
            if done.is_none()
                && let std::task::Poll::Ready(output) = one.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        let ready = all.iter().all(|(_, done)| done.is_some());
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}

fn family_of(token: &str) -> FamilyId {
    token.parse::<RefreshToken>().unwrap().family
}

/// When the revocation has returned, whatever was under way has given nothing that works.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rt_17_inc_02_no_refresh_outlives_the_end_of_its_family() {
    let server = TestServer::with(for_keys(true)).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    for round in 0..1000 {
        let token = refresh_token(&exchange(&server, &secret).await);
        let (app, router) = (server.app.clone(), server.router.clone());
        let before = usize::from(Random::System.bytes::<1>()[0] % 8);
        let id = family_of(&token);
        let end = tokio::spawn(async move {
            for _ in 0..before {
                tokio::task::yield_now().await;
            }
            let mut tx = app.store.write().await.unwrap();
            store::refresh_families::end(&mut tx, id, app.clock.now()).await.unwrap();
            app.commit(tx).await.unwrap();
        });
        let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
        let request = post(crate::support::OAUTH, &form);
        let refreshing = tokio::spawn(async move { crate::support::send(&router, request).await });

        end.await.unwrap();
        let answer = refreshing.await.unwrap();

        match answer.status.as_u16() {
            200 => {
                assert!(!works(&server, access_token(&answer)).await, "{round}: it works");
                let next = refresh(&server, &refresh_token(&answer)).await;
                assert_eq!(next.error(), (400, "invalid_grant"), "{round}");
            }
            _ => assert_eq!(answer.error(), (400, "invalid_grant"), "{round}: {}", answer.text),
        }
    }
}

/// The commit was reported as failed and happened all the same: the client is told to come again.
#[tokio::test]
async fn rt_18_a_use_whose_commit_seemed_to_fail_is_answered_when_it_is_tried_again() {
    for (here, there) in TestServer::pairs_on_each_engine_with(|| for_keys(true)).await {
        let acme = here.acme().await;
        let shop = Shop::with(&here, acme, "shop", shop_terms()).await;
        let token = refresh_token(&shop.first(&here).await);
        let now = here.app.clock.now();
        let mut tx = there.app.store.write().await.unwrap();
        let advanced =
            store::refresh_families::advance(&mut tx, family_of(&token), 1, now).await.unwrap();
        tx.commit(now).await.unwrap();
        there.lose_the_database().await;

        let failed = shop.refresh(&there, &token).await;
        let again = shop.refresh(&here, &token).await;

        assert!(advanced);
        assert_eq!(failed.error(), (503, "temporarily_unavailable"), "{}", here.engine);
        assert_eq!(again.status, 200, "{}: {}", here.engine, again.text);
        let next = shop.refresh(&here, &refresh_token(&again)).await;
        assert_eq!(next.status, 200, "{}: {}", here.engine, next.text);
    }
}
