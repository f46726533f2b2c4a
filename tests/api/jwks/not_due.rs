//! With the clock set back there is no time without a signature: check FX-47.

use chrono::TimeDelta;
use keyturn::{
    domain::Algorithm,
    manage::{Asker, signing_keys},
};
use serde_json::json;

use super::{kid, secret};
use crate::support::TestServer;

#[tokio::test]
async fn fx_47a_a_first_key_that_is_not_due_signs_and_the_operator_is_told() {
    for server in TestServer::on_each_engine().await {
        let secret = secret(&server).await;
        let due = server.exchange("ci", &secret).await;

        server.app.clock.advance(TimeDelta::days(-1));
        let early = server.exchange("ci", &secret).await;
        let ready = server.get("/readyz").await;
        let rsa = server.app.signer.not_due(server.app.clock.now()).pop().unwrap();
        server.app.clock.advance(TimeDelta::days(1));
        let told = server.get("/readyz").await;

        assert_eq!(early.status, 200, "{}: {}", server.engine, early.text);
        assert_eq!(kid(&early), kid(&due), "{}", server.engine);
        assert_eq!(ready.status, 200, "{}", ready.text);
        assert_eq!(rsa.0, Algorithm::Rs256);
        assert_eq!(ready.body["signing_keys_not_due"], json!([kid(&due), rsa.1]));
        assert_eq!(told.body["signing_keys_not_due"], json!([]));
    }
}

#[tokio::test]
async fn fx_47b_its_tokens_verify_here_and_elsewhere() {
    let server = TestServer::start().await;
    let secret = secret(&server).await;
    server.app.clock.advance(TimeDelta::days(-1));

    let answer = server.exchange("ci", &secret).await;
    let own = server.manage(&secret).await.get("/api/v1/api-keys").await;

    assert!(server.claims(&answer).await["jti"].is_string());
    assert_eq!(own.status, 200, "{}", own.text);
}

#[tokio::test]
async fn fx_47c_of_several_that_are_not_due_the_one_published_longest_signs() {
    let server = TestServer::start().await;
    let secret = secret(&server).await;
    let first = kid(&server.exchange("ci", &secret).await);
    signing_keys::rotate(&server.app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();

    server.app.clock.advance(TimeDelta::days(-1));

    assert_eq!(kid(&server.exchange("ci", &secret).await), first);
}
