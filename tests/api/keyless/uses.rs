//! A token counts once, and what was obtained by it ends with its rule.

use keyturn::{
    domain::{Expected, Trust},
    exchange::standing,
    manage::{
        Asker,
        trusts::{self, NewTrust, TrustChange},
    },
    signing::{Audience, TokenType},
};
use serde_json::json;

use super::{Issuer, conditions_of, of_main, without};
use crate::support::{Answer, TestServer};

const ANY: &Expected = &Expected::Any;

impl TestServer {
    /// Whether whoever asks us about the token is told that it is good.
    async fn is_good(&self, answer: &Answer) -> bool {
        let token =
            answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
        let now = self.app.clock.now();
        let token = self.app.signer.verify(token, now, TokenType::ACCESS_TOKENS, Audience::Any);
        standing(&self.app, &token.unwrap(), None).await.unwrap().is_some()
    }

    pub(super) async fn change(&self, rule: &Trust, to: TrustChange) {
        trusts::update(&self.app, &Asker::keyturn(), rule.id, ANY, to).await.unwrap();
    }
}

#[tokio::test]
async fn jb_07_a_token_counts_once_on_all_nodes_together() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        server.trust(issuer.rule(acme, "deploy", of_main())).await;
        other.app.catch_up().await.unwrap();
        let token = issuer.token(&issuer.github("1"));

        let first = server.assert(&token).await;
        let replayed = other.assert(&token).await;
        let next = other.assert(&issuer.token(&issuer.github("2"))).await;

        assert_eq!(first.status, 200, "{}: {}", server.engine, first.text);
        assert_eq!(replayed.error(), (400, "invalid_grant"), "{}", server.engine);
        assert!(replayed.text.contains("used before"), "{}", replayed.text);
        assert_eq!(next.status, 200, "{}: {}", server.engine, next.text);
    }
}

#[tokio::test]
async fn jb_07_of_many_at_once_one_is_the_first() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        server.trust(issuer.rule(acme, "deploy", of_main())).await;
        other.app.catch_up().await.unwrap();
        let token = issuer.token(&issuer.github("1"));

        let (a, b, c, d) = tokio::join!(
            server.assert(&token),
            other.assert(&token),
            server.assert(&token),
            other.assert(&token)
        );

        let first = [a, b, c, d].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(first, 1, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_rule_may_take_a_token_as_often_as_it_comes() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let once = server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let token = issuer.token(&without(issuer.github("1"), "jti"));

    let refused = server.assert(&token).await;
    server.change(&once, TrustChange { once: Some(false), ..TrustChange::default() }).await;
    let first = server.assert(&token).await;
    let second = server.assert(&token).await;

    assert_eq!(refused.error(), (400, "invalid_grant"));
    assert!(refused.text.contains("jti"), "{}", refused.text);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn what_a_rule_gave_ends_with_the_rule_on_every_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        let rule = NewTrust { once: false, ..issuer.rule(acme, "deploy", of_main()) };
        let rule = server.trust(rule).await;
        other.app.catch_up().await.unwrap();
        let token = issuer.token(&issuer.github("1"));
        let given = server.assert(&token).await;
        let good = other.is_good(&given).await;

        server.change(&rule, TrustChange::enabled(false)).await;
        other.app.catch_up().await.unwrap();
        let disabled = (other.is_good(&given).await, other.assert(&token).await);
        server.change(&rule, TrustChange::enabled(true)).await;
        other.app.catch_up().await.unwrap();
        let enabled = other.is_good(&given).await;
        trusts::delete(&server.app, &Asker::keyturn(), rule.id, ANY).await.unwrap();
        other.app.catch_up().await.unwrap();
        let deleted = (other.is_good(&given).await, other.assert(&token).await);

        assert!(good && enabled, "{}", server.engine);
        assert!(!disabled.0 && !deleted.0, "{}", server.engine);
        assert!(disabled.1.text.contains("is disabled"), "{}", disabled.1.text);
        assert_eq!(deleted.1.error(), (400, "invalid_grant"));
    }
}

#[tokio::test]
async fn a_token_has_no_more_than_the_rule_gives_now() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let rule = server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let given = server.assert(&issuer.token(&issuer.github("1"))).await;
    let token = given.body["access_token"].as_str().unwrap();
    let now = server.app.clock.now();

    let fewer = TrustChange { roles: Some("viewer".parse().unwrap()), ..TrustChange::default() };
    server.change(&rule, fewer).await;
    let token = server.app.signer.verify(token, now, TokenType::ACCESS_TOKENS, Audience::Any);
    let left = standing(&server.app, &token.unwrap(), None).await.unwrap().unwrap();

    assert_eq!(given.body["scope"], "read write");
    assert_eq!(left.scopes.to_string(), "read");
}

#[tokio::test]
async fn a_changed_condition_counts_for_the_next_job() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let rule = server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let narrower = conditions_of(json!({ "repository_id": ["1296269"], "ref": ["refs/tags/*"] }));

    let before = server.assert(&issuer.token(&issuer.github("1"))).await;
    let change = TrustChange { conditions: Some(narrower), ..TrustChange::default() };
    server.change(&rule, change).await;
    let after = server.assert(&issuer.token(&issuer.github("2"))).await;

    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(after.error(), (400, "invalid_grant"));
}
