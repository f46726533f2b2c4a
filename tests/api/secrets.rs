//! What is secret stays secret: checks KS-01 to KS-06, EN-03, EN-04 and TE-20.

use std::{
    collections::HashSet,
    fmt::Write as _,
    io::Write,
    sync::{Arc, Mutex},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::TimeDelta;
use keyturn::{
    domain::{Owner, Password, Secret},
    manage::{Asker, signing_keys},
    random::Random,
    signing::KeyEncryptionKey,
    store,
};
use secrecy::ExposeSecret as _;

use crate::{
    doors::{DOORS, forms},
    support::{
        API_KEY, OAUTH, Options, TestServer, basic, encoded, key_encryption_key, mistyped, post,
    },
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The ways in which text could have been written down, in lower case.
fn disguises(secret: &str) -> [String; 5] {
    [
        secret.to_lowercase(),
        secret["ktk_".len()..].to_lowercase(),
        hex(secret.as_bytes()),
        BASE64_STANDARD.encode(secret).trim_end_matches('=').to_lowercase(),
        BASE64_URL_SAFE_NO_PAD.encode(secret).to_lowercase(),
    ]
}

/// A new Ed25519 key: as PEM, and the 32 bytes that are its secret.
fn ed25519() -> (String, Vec<u8>) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let pem = BASE64_STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
    // PKCS#8 of version 1 is 16 bytes that are always the same, then the secret (RFC 8410).
    (pem, der.as_ref()[16..48].to_vec())
}

#[tokio::test]
async fn ks_01_ks_03_a_secret_has_256_bits_and_a_form_that_scanners_know() {
    let server = TestServer::start().await;
    let acme = Owner::Organization(server.acme().await);

    let mut seen = HashSet::new();
    for number in 0..100 {
        let (_, secret) = server.key(acme, &format!("ci{number}")).await;
        let secret = secret.reveal().to_owned();
        let (prefix, body) = secret.split_once('_').unwrap();

        assert_eq!((prefix, body.len()), ("ktk", 43 + 6));
        assert!(body.bytes().all(|b| b.is_ascii_alphanumeric()), "a double click selects it all");
        assert!(seen.insert(secret));
    }
}

#[tokio::test]
async fn ks_03_the_prefix_can_be_a_brand_and_older_secrets_go_on() {
    let mut options = Options::default();
    options.settings.keys.prefix = "acme".parse().unwrap();
    let server = TestServer::with(options).await;
    let acme = server.acme().await;
    let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
    let older = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let now = server.app.clock.now();
    let mut tx = server.app.store.write().await.unwrap();
    let id = keyturn::domain::SecretId(Random::System.id(now));
    store::api_key_secrets::insert(&mut tx, id, key.id, older.hash(), now).await.unwrap();
    server.app.commit(tx).await.unwrap();

    let branded = server.exchange("ci", &secret).await;
    let before = server.exchange("ci", &older).await;

    assert!(secret.reveal().starts_with("acme_"));
    assert_eq!((branded.status.as_u16(), before.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn kx_11_ks_01_no_dump_of_the_database_holds_a_secret() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, first) = server.key(acme, "ci").await;
        let asker = Asker::keyturn();
        let second = server.rotate(key.id, TimeDelta::hours(1)).await;
        let (pem, seed) = ed25519();
        signing_keys::import(&server.app, &asker, &pem).await.unwrap();
        for secret in [&first, &second] {
            server.exchange("ci", secret).await;
            server.exchange("not-ci", secret).await;
            server.exchange(secret.reveal(), secret).await;
        }
        server.settle().await;

        let dump = server.dump().await;

        assert!(dump.contains(&hex(first.hash().as_bytes())), "{}: the hash is", server.engine);
        for secret in [&first, &second] {
            for disguise in disguises(secret.reveal()) {
                assert!(!dump.contains(&disguise), "{}: {disguise}", server.engine);
            }
        }
        assert!(!dump.contains(&hex(&seed)), "a signing key stands there open");
        assert!(!dump.contains(&hex(&seed[..16])), "half of one does");
    }
}

#[tokio::test]
async fn ks_05_a_stolen_database_opens_nothing_and_signs_nothing() {
    for (server, _) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let hash = secret.hash();
        let text = KeyEncryptionKey::generate(&Random::System);
        let guessed = KeyEncryptionKey::from_text(text.expose_secret()).unwrap();
        let options = Options { key_encryption_key: guessed, ..Options::default() };

        let thief = server.second_node_with(options).await;
        let mut replies = Vec::new();
        let finds = [
            hex(hash.as_bytes()),
            BASE64_STANDARD.encode(hash.as_bytes()),
            format!("ktk_{}", hex(hash.as_bytes())),
            hash.short().to_string(),
        ];
        for find in &finds {
            for server in [&server, &thief] {
                let form = [("name", "ci"), ("secret", find.as_str())];
                replies.push(server.post(API_KEY, &form).await);
            }
        }
        let even_with_the_secret = thief.exchange("ci", &secret).await;

        for reply in replies {
            assert_eq!(reply.error(), (401, "invalid_client"), "{}", server.engine);
        }
        let failed = (503, "temporarily_unavailable");
        assert_eq!(even_with_the_secret.error(), failed, "{}", server.engine);
        assert_eq!(thief.get("/.well-known/jwks.json").await.text, r#"{"keys":[]}"#);
        assert_eq!(thief.app.signer.damaged().len(), 2);
        assert_eq!(server.exchange("ci", &secret).await.status, 200, "nothing was harmed");
    }
}

#[tokio::test]
async fn ks_06_what_is_secret_does_not_print() {
    let server = TestServer::start().await;
    let acme = Owner::Organization(server.acme().await);
    let (key, secret) = server.key(acme, "ci").await;
    let mut tx = server.app.store.read().await.unwrap();
    let kept = store::api_key_secrets::of_key(&mut tx, key.id).await.unwrap();
    drop(tx);
    let signing_keys = signing_keys::list(&server.app, &Asker::keyturn()).await.unwrap();
    let password = Password::new("correct horse battery".into()).unwrap();
    let text = KeyEncryptionKey::generate(&Random::seeded(1));
    let key_encryption_key = KeyEncryptionKey::from_text(text.expose_secret()).unwrap();

    let printed = [
        format!("{secret:?} {:?} {kept:?} {key:?}", secret.hash()),
        format!("{signing_keys:?} {:?}", server.app.signer),
        format!("{password:?} {:?}", password.hash()),
        format!("{key_encryption_key:?} {text:?}"),
    ]
    .join(" ")
    .to_lowercase();

    let byte_list = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    for disguise in disguises(secret.reveal()) {
        assert!(!printed.contains(&disguise), "{printed}");
    }
    assert!(!printed.contains(&byte_list(&secret.hash().as_bytes()[..4])), "{printed}");
    for key in &signing_keys {
        assert!(!printed.contains(&byte_list(&key.wrapped[..8])), "{printed}");
    }
    assert!(!printed.contains("correct horse") && !printed.contains("$argon2id$"), "{printed}");
    assert!(!printed.contains(&text.expose_secret().to_lowercase()), "{printed}");
}

/// All that is logged while it lives, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn te_20_no_secret_is_logged_or_measured() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = TestServer::start().await;
    let acme = Owner::Organization(server.acme().await);
    let (key, secret) = server.key(acme, "ci").await;
    let asker = Asker::keyturn();
    let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let (pem, _) = ed25519();

    let mut tokens = Vec::new();
    for secret in [&secret, &unknown] {
        for (door, form) in forms(secret) {
            let answer = server.post(door, &form).await;
            tokens.extend(answer.body["access_token"].as_str().map(str::to_owned));
            // In every wrong place: as a name, an address, a scope, a resource, in the URL.
            let (name, value) = (form[0].0, secret.reveal());
            for place in [name, "scope", "resource", "audience", "organizationId", "name"] {
                server.post(door, &[(place, value), ("pat", value), ("secret", value)]).await;
            }
            server.send(post(&format!("{door}?{}", encoded(&[("secret", value)])), "")).await;
        }
        let mut request = post(OAUTH, "grant_type=client_credentials");
        let header = basic("ci", secret.reveal()).parse().unwrap();
        request.headers_mut().insert("authorization", header);
        request.headers_mut().insert("user-agent", secret.reveal().parse().unwrap());
        server.send(request).await;
    }
    let rotated = server.rotate(key.id, TimeDelta::hours(1)).await;
    signing_keys::import(&server.app, &asker, &pem).await.unwrap();
    let metrics = server.get("/metrics").await.text;
    server.lose_the_database().await;
    server.exchange("ci", &rotated).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("refused a token"), "the log was read");
    assert_eq!(tokens.len(), DOORS.len());
    for text in [log.to_lowercase(), metrics.to_lowercase()] {
        for secret in [&secret, &unknown, &rotated] {
            for disguise in disguises(secret.reveal()) {
                assert!(!text.contains(&disguise), "{disguise}");
            }
        }
        assert!(!tokens.iter().any(|token| text.contains(&token.to_lowercase())));
    }
}

#[tokio::test]
async fn en_03_en_04_every_guess_costs_one_look_up_by_hash_and_garbage_none() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let (_, other) = server.key(acme, "other").await;
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
        let looked_up = || {
            let counts = server.app.directory.counts();
            counts.hits + counts.misses
        };
        let typo = mistyped(&secret);
        let cases = [
            ("nobody", unknown.reveal(), 1),
            ("ci", unknown.reveal(), 1),
            ("nobody", secret.reveal(), 1),
            ("ci", other.reveal(), 1),
            ("ci", secret.reveal(), 1),
            ("ci", &typo, 0),
            ("ci", "garbage", 0),
            ("ci", "ktr_0000000000000000000000000000000000000000000000000", 0),
        ];

        for (name, secret, expected) in cases {
            let before = looked_up();
            server.post(API_KEY, &[("name", name), ("secret", secret)]).await;
            assert_eq!(looked_up() - before, expected, "{} {name} {secret}", server.engine);
        }
    }
}

#[tokio::test]
async fn ks_05_the_key_of_this_process_is_what_opens_them() {
    for (server, _) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let options = Options { key_encryption_key: key_encryption_key(), ..Options::default() };

        let restored = server.second_node_with(options).await;
        let answer = restored.exchange("ci", &secret).await;

        assert_eq!(answer.status, 200, "{}", server.engine);
        assert!(server.claims(&answer).await["jti"].is_string(), "the same keys");
    }
}
