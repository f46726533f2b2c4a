//! Which organization runs the server is kept and handed on, never inferred.

use keyturn::manage::{Asker, Rejection, server as whole_server};
use serde_json::json;

use super::{acme, at, owner_of};
use crate::support::{TestServer, problem};

const SIGNING_KEYS: &str = "/api/v1/signing-keys";

#[tokio::test]
async fn fx_03_the_organization_that_runs_the_server_is_neither_disabled_nor_deleted() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;

        let disabled = caller.patch(&at(acme, ""), "*", &json!({ "enabled": false })).await;
        let deleted = caller.delete(&at(acme, ""), "*").await;

        for refused in [disabled, deleted] {
            assert_eq!(problem(&refused), (409, "conflict"), "{}", server.engine);
            assert!(refused.detail().contains("runs the server"), "{}", refused.text);
        }
        assert_eq!(problem(&stranger.get(SIGNING_KEYS).await), (403, "forbidden"));
        assert_eq!(caller.get(SIGNING_KEYS).await.status, 200);
    }
}

#[tokio::test]
async fn fx_03_the_server_is_handed_on_at_once_on_every_node_and_the_trail_says_so() {
    for (server, there) in TestServer::pairs_on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let elsewhere = there.manage_by(&stranger.token);
        assert_eq!(problem(&elsewhere.get(SIGNING_KEYS).await), (403, "forbidden"));
        let olga = Asker::operator("olga");

        whole_server::set_operators(&server.app, &olga, other).await.unwrap();

        assert_eq!(problem(&caller.get(SIGNING_KEYS).await), (403, "forbidden"));
        assert_eq!(stranger.get(SIGNING_KEYS).await.status, 200, "{}", server.engine);
        assert_eq!(elsewhere.get(SIGNING_KEYS).await.status, 200, "{}", server.engine);
        let trail = server.audit_trail(&format!("organization:{other}")).await;
        let event = trail.last().unwrap();
        assert_eq!(
            (&*event.action, event.actor.to_string()),
            ("server.operators_set", "operator:olga".to_owned())
        );
        assert_eq!(event.detail, json!({ "from": acme, "to": other }));
        let freed = stranger.patch(&at(other, ""), "*", &json!({ "enabled": false })).await;
        assert_eq!(problem(&freed), (409, "conflict"), "it runs the server now");
        server.enable_organization(acme, false).await;
    }
}

#[tokio::test]
async fn fx_03_only_a_root_that_works_runs_the_server() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let below = server.suborganization(acme, "below").await;
        let stopped = server.root("stopped").await;
        server.enable_organization(stopped, false).await;
        let asker = Asker::keyturn();

        for id in [below, stopped] {
            let refused = whole_server::set_operators(&server.app, &asker, id).await;
            let is_refused = matches!(refused, Err(Rejection::CannotRunServer));
            assert!(is_refused, "{}: {refused:?}", server.engine);
        }
        let kept = whole_server::operators(&server.app, &asker).await.unwrap().unwrap();
        assert_eq!(kept.id(), acme, "{}", server.engine);
    }
}
