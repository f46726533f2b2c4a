//! Tokens that are revoked at one server: for good, and at the other one within a second.

use std::time::Instant;

use super::{
    http::{Answer, Connection},
    postgres,
    support::{A_SECOND_WITH_SLACK, Key, Place, Server, wait},
};

/// A key, and a place whose servers are nodes of one.
fn place(database: Option<&str>) -> (Place, Key) {
    let issuer = ("ISSUER", "http://127.0.0.1:8080");
    match database {
        Some(url) => Place::with_key_and(&[issuer, ("DATABASE__URL", url)]),
        None => Place::with_key_and(&[issuer]),
    }
}

async fn places() -> Vec<(Place, Key)> {
    let mut places = vec![place(None)];
    if let Some(server) = postgres::server() {
        places.push(place(Some(&server.database().await)));
    }
    places
}

/// Ends the token as the key that it was given to.
fn revoke(server: &Server<'_>, key: &Key, token: &str) -> Answer {
    let form = format!("token={token}&client_id={}&client_secret={}", key.id, key.secret);
    let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
    Connection::open(server.address).unwrap().post("/oauth2/revoke", form_type, &form).unwrap()
}

/// What a gateway hears of it.
fn verify(server: &Server<'_>, token: &str) -> u16 {
    let header = format!("Authorization: Bearer {token}\r\n");
    let mut connection = Connection::open(server.address).unwrap();
    connection.get_with("/auth/v1/verify", &header).unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_token_that_one_node_revoked_is_refused_by_the_other_within_a_second() {
    for (place, key) in places().await {
        let (here, there) = (place.serve(), place.serve());
        let token = here.exchange(&key).token();
        assert_eq!((verify(&here, &token), verify(&there, &token)), (200, 200));

        let answer = revoke(&here, &key, &token);
        let began = Instant::now();
        let at_once = verify(&here, &token);
        wait(|| verify(&there, &token) == 401, || "the other node never heard of it".to_owned());

        assert_eq!((answer.status, at_once), (200, 401), "{}", answer.body);
        assert!(began.elapsed() < A_SECOND_WITH_SLACK, "{:?}", began.elapsed());
        assert_eq!(verify(&there, &there.exchange(&key).token()), 200, "others live on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rv_07_a_revocation_outlives_the_server_that_acknowledged_it() {
    for (place, key) in places().await {
        let server = place.serve();
        let token = server.exchange(&key).token();

        let answer = revoke(&server, &key, &token);
        server.kill();
        let server = place.serve();

        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(verify(&server, &token), 401);
    }
}
