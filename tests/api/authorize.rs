//! The authorization endpoint: nobody is sent where the client did not register, and who is sent
//! back hears why.

use keyturn::{
    domain::{Authentication, ClientTerms, Expected},
    manage::{
        Asker,
        clients::{self, Edit},
    },
};
use url::Url;

use crate::support::{Answer, Client, ISSUER, TestServer, encoded};

const AUTHORIZE: &str = "/oauth2/authorize";
const CALLBACK: &str = "https://app.example.com/callback?from=keyturn";

impl TestServer {
    /// In an organization of its own.
    async fn application(&self, name: &str, redirect_uris: &[&str]) -> Client {
        let terms = ClientTerms {
            authentication: Authentication::None,
            redirect_uris: redirect_uris.iter().map(ToString::to_string).collect(),
            ..ClientTerms::default()
        };
        self.client(self.root(name).await, name, terms).await.into()
    }

    async fn disabled_application(&self, redirect_uri: &str) -> String {
        let client = self.application("gone", &[redirect_uri]).await;
        let edit = Edit { enabled: Some(false), ..Edit::default() };
        let id = client.id.parse().unwrap();
        clients::update(&self.app, &Asker::keyturn(), id, &Expected::Any, edit).await.unwrap();
        client.id
    }

    async fn authorize(&self, parameters: &[(&str, &str)]) -> Answer {
        self.get(&format!("{AUTHORIZE}?{}", encoded(parameters))).await
    }
}

/// Where the browser is sent and with what, `from` left out.
fn back(answer: &Answer) -> (String, Vec<(String, String)>) {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let mut url = Url::parse(answer.header("location")).unwrap();
    let all = url.query_pairs().into_owned().filter(|(name, _)| name != "from").collect();
    url.set_query(None);
    (url.into(), all)
}

fn member<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
    all.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn ac_01_an_application_hears_at_its_own_address_that_nobody_signs_in_here() {
    for server in TestServer::on_each_engine().await {
        let client = server.application("app", &[CALLBACK]).await;
        for (response_type, error) in [
            ("code", "unsupported_response_type"),
            ("id_token token", "unsupported_response_type"),
            ("", "invalid_request"),
        ] {
            let answer = server
                .authorize(&[
                    ("response_type", response_type),
                    ("client_id", &client.id),
                    ("redirect_uri", CALLBACK),
                    ("scope", "openid"),
                    ("state", "a b&c=%41+"),
                    ("nonce", "n"),
                    ("code_challenge_method", "S256"),
                ])
                .await;

            let (url, told) = back(&answer);
            assert_eq!(url, "https://app.example.com/callback");
            assert_eq!(member(&told, "error"), Some(error), "{response_type}");
            assert_eq!(member(&told, "state"), Some("a b&c=%41+"));
            assert_eq!(member(&told, "iss"), Some(ISSUER));
            assert!(member(&told, "error_description").is_some());
            assert!(answer.header("location").contains("?from=keyturn&"));
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn ac_02_nobody_is_sent_anywhere_by_an_application_that_is_not_known_there() {
    for server in TestServer::on_each_engine().await {
        let client = server.application("app", &[CALLBACK]).await;
        let id = client.id.as_str();
        let disabled = server.disabled_application(CALLBACK).await;
        let evil = "https://evil.example/callback";
        for (client_id, redirect_uri) in [
            ("", CALLBACK),
            ("0197f000-0000-7000-8000-000000000000", CALLBACK),
            ("<script>alert(1)</script>", CALLBACK),
            (&*disabled, CALLBACK),
            (id, evil),
            (id, "https://app.example.com/callback"),
            (id, "https://app.example.com/callback?from=keyturn&to=evil"),
            (id, "https://app.example.com/callback?from=keyturn#a"),
            (id, "https://app.example.com/..;/callback?from=keyturn"),
            (id, "javascript:alert(1)"),
        ] {
            let answer = server
                .authorize(&[
                    ("response_type", "code"),
                    ("client_id", client_id),
                    ("redirect_uri", redirect_uri),
                    ("state", "s"),
                ])
                .await;

            assert_eq!(answer.status, 400, "{client_id} {redirect_uri}");
            assert_eq!(answer.header("location"), "");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            assert!(answer.text.contains("application that sent you here"), "{}", answer.text);
            assert!(!answer.text.contains("alert"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn ac_03_an_application_on_the_users_machine_listens_on_any_port() {
    let server = TestServer::start().await;
    let client = server.application("app", &["http://127.0.0.1/callback"]).await;
    let asked = [
        ("response_type", "code"),
        ("client_id", &*client.id),
        ("redirect_uri", "http://127.0.0.1:51004/callback"),
    ];

    let answer = server.authorize(&asked).await;

    assert_eq!(back(&answer).0, "http://127.0.0.1:51004/callback");
}

#[tokio::test]
async fn ac_06_the_address_may_be_left_out_where_there_is_one() {
    let server = TestServer::start().await;
    let one = server.application("app", &[CALLBACK]).await;
    let two = server.application("two", &[CALLBACK, "https://b.example/"]).await;

    let answer = server.authorize(&[("response_type", "code"), ("client_id", &one.id)]).await;
    let guess = server.authorize(&[("response_type", "code"), ("client_id", &two.id)]).await;

    assert_eq!(back(&answer).0, "https://app.example.com/callback");
    assert_eq!(guess.status, 400);
}

#[tokio::test]
async fn ac_07_the_request_may_be_posted() {
    let server = TestServer::start().await;
    let client = server.application("app", &[CALLBACK]).await;

    let answer =
        server.post(AUTHORIZE, &[("response_type", "code"), ("client_id", &client.id)]).await;

    let (_, told) = back(&answer);
    assert_eq!(member(&told, "error"), Some("unsupported_response_type"));
}

#[tokio::test]
async fn ac_08_what_is_said_twice_goes_nowhere_and_a_state_comes_back_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let client = server.application("app", &[CALLBACK]).await;
    let asked = |state: &str| {
        let form = [("response_type", "code"), ("client_id", &*client.id), ("state", state)];
        format!("{AUTHORIZE}?{}", encoded(&form))
    };
    let longest = "~".repeat(2048);

    let twice = server.get(&format!("{}&state=other", asked("one"))).await;
    let whole = server.get(&asked(&longest)).await;
    let bad = [server.get(&asked(&format!("{longest}~"))).await, server.get(&asked("é")).await];

    assert_eq!((twice.status.as_u16(), twice.header("location")), (400, ""));
    assert_eq!(member(&back(&whole).1, "state"), Some(&*longest));
    for answer in bad {
        let (_, told) = back(&answer);
        assert_eq!(member(&told, "error"), Some("invalid_request"));
        assert_eq!(member(&told, "state"), None);
    }
}
