//! A client's token for itself is replaced by each change, and no lost answer costs the client its
//! registration.

use keyturn::{
    manage::{Asker, clients},
    store,
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Itself, furnished, options, policy, server_with, servers, shop, shop_with};
use crate::support::{Answer, TestServer, send};

#[tokio::test]
async fn dc_07_a_change_gives_the_next_token_and_the_last_one_ends_when_that_is_used() {
    for server in servers().await {
        let first = Itself::registered(&server, &shop()).await;

        let changed = first.put(&server, &shop()).await;
        let second = first.by(&changed);
        let lost = first.get(&server).await;
        let used = second.get(&server).await;

        assert_ne!(second.token, first.token);
        assert_eq!(lost.body["registration_access_token"], first.token, "{}", lost.text);
        assert_eq!(used.body["registration_access_token"], second.token, "{}", used.text);
        for answer in [
            first.get(&server).await,
            first.put(&server, &shop()).await,
            first.delete(&server).await,
        ] {
            assert_eq!(answer.error(), (401, "invalid_token"), "{}", server.engine);
        }
        assert_eq!(second.get(&server).await.status, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn dc_07_a_client_that_lost_the_answer_asks_again_by_the_token_it_has() {
    for server in servers().await {
        let first = Itself::registered(&server, &shop()).await;

        let lost = first.by(&first.put(&server, &shop()).await);
        let second = first.by(&first.put(&server, &shop()).await);
        let used = second.put(&server, &shop()).await;

        assert_eq!(lost.get(&server).await.error(), (401, "invalid_token"), "{}", server.engine);
        assert_eq!(used.status, 200, "{}: {}", server.engine, used.text);
        assert_eq!(first.get(&server).await.error(), (401, "invalid_token"), "{}", server.engine);
        assert_eq!(second.get(&server).await.status, 200, "{}: it is the last one", server.engine);
    }
}

#[tokio::test]
async fn a_client_that_comes_to_need_a_secret_is_given_one_until_it_has_it() {
    let server = server_with(policy()).await;
    let bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let public = json!({ "grant_types": [bearer], "token_endpoint_auth_method": "none" });
    let confidential = json!({
        "grant_types": [bearer], "token_endpoint_auth_method": "client_secret_post",
    });
    let first = Itself::registered(&server, &public).await;

    let lost = first.put(&server, &confidential).await;
    let given = first.put(&server, &confidential).await;
    let second = first.by(&given);
    let again = second.put(&server, &confidential).await;

    assert_eq!(first.secret, "");
    assert!(lost.body["client_secret"].is_string(), "{}", lost.text);
    assert_ne!(lost.body["client_secret"], given.body["client_secret"]);
    assert_eq!(given.body["client_secret_expires_at"], 0, "{}", given.text);
    assert_eq!(again.body.get("client_secret"), None, "it has it: {}", again.text);
    assert_eq!(server.count("client_secrets").await, 1, "what was lost is gone");
}

#[tokio::test]
async fn fx_22_a_change_that_is_sent_again_leaves_the_secret_that_the_client_has() {
    for server in servers().await {
        let first = Itself::registered(&server, &shop()).await;

        let lost = first.put(&server, &shop()).await;
        let again = first.put(&server, &shop()).await;
        let by_next = first.by(&again).put(&server, &shop()).await;

        for answer in [&lost, &again, &by_next] {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
            assert_eq!(answer.body.get("client_secret"), None, "{}", answer.text);
        }
        assert_eq!(first.ask(&server, &[]).await.status, 200, "{}", server.engine);
        assert_eq!(server.count("client_secrets").await, 1);
    }
}

#[tokio::test]
async fn fx_22_what_an_operator_gave_meanwhile_stays_as_well() {
    let server = server_with(policy()).await;
    let bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let public = json!({ "grant_types": [bearer], "token_endpoint_auth_method": "none" });
    let confidential = json!({
        "grant_types": [bearer], "token_endpoint_auth_method": "client_secret_post",
    });
    let first = Itself::registered(&server, &public).await;
    first.put(&server, &confidential).await;
    let id = first.id.parse().unwrap();
    let given = clients::add_secret(&server.app, &Asker::keyturn(), id, None).await.unwrap();

    let again = first.put(&server, &confidential).await;

    let mut tx = server.app.store.read().await.unwrap();
    let kept = store::client_secrets::of_client(&mut tx, id).await.unwrap();
    assert!(again.body["client_secret"].is_string(), "{}", again.text);
    assert_eq!(kept.len(), 2, "the one that was lost is replaced, and no other");
    assert!(kept.iter().any(|it| it.id == given.id));
}

#[tokio::test]
async fn a_client_that_signs_from_now_on_has_no_secret_any_more() {
    let server = server_with(policy()).await;
    let client = Itself::registered(&server, &shop()).await;
    let keys: serde_json::Value =
        serde_json::from_str(&crate::foreign::Foreigner::new("mine").jwks()).unwrap();
    let signs = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys });

    let changed = client.put(&server, &shop_with(signs)).await;

    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(client.ask(&server, &[]).await.error(), (401, "invalid_client"));
    assert_eq!(server.count("client_secrets").await, 0);
}

#[tokio::test]
async fn dc_07_changes_at_once_lock_no_client_out() {
    for (here, there) in TestServer::pairs_on_each_engine_with(|| options(policy())).await {
        let here = furnished(here).await;
        let first = Itself::registered(&here, &shop()).await;

        let mut all = JoinSet::new();
        for number in 0..10 {
            let node = if number % 2 == 0 { &here } else { &there };
            let (router, request) = (node.router.clone(), first.change(&shop()));
            all.spawn(async move { send(&router, request).await });
        }
        let answers = all.join_all().await;

        let (done, rest): (Vec<Answer>, Vec<Answer>) =
            answers.into_iter().partition(|it| it.status == 200);
        assert!(!done.is_empty(), "{}", here.engine);
        for answer in rest {
            assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", here.engine);
        }
        assert_eq!(first.get(&there).await.status, 200, "{}: nobody used the next", here.engine);
        let mut good = 0;
        for answer in done {
            good += u32::from(first.by(&answer).get(&there).await.status == 200);
        }
        assert_eq!(good, 1, "{}: the last one counts", here.engine);
        assert_eq!(first.get(&here).await.error(), (401, "invalid_token"), "{}", here.engine);
    }
}
