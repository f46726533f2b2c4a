//! A real server tells people and programs outside what happens to keys.

use std::fs;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use sqlx::Connection as _;

use super::{
    documents::{examples, is_missing, shell},
    peers::{MailServer, Reaction, Receiver},
    support::{Place, free_port, wait},
};

/// A place whose webhooks may lead to this machine.
fn place() -> Place {
    Place::with_key_and(&[("OUTBOUND__ALLOW", "127.0.0.0/8")]).0
}

impl Place {
    fn webhook(&self, url: &str) -> String {
        let made = self.json(&["webhook", "create", url]);
        self.keep_out_of_logs(made["secret"].as_str().unwrap());
        made["id"].as_str().unwrap().to_owned()
    }

    /// The newest message for the webhook.
    fn last_message(&self, webhook: &str) -> Value {
        self.json(&["webhook", "show", webhook])["messages"][0].clone()
    }

    fn sql(&self, statement: &'static str) {
        let url = format!("sqlite:{}", self.path().join("keyturn.db").display());
        let run = async {
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        };
        tokio::runtime::Runtime::new().unwrap().block_on(run);
    }
}

#[test]
fn a_webhook_that_is_tested_beside_the_server_hears_of_it() {
    let (place, receiver) = (place(), Receiver::start(Reaction::status(204)));
    let _server = place.serve();
    let id = place.webhook(&receiver.url());

    let tested = place.json(&["webhook", "test", &id]);

    let delivered = || place.last_message(&id)["status"] == "delivered";
    wait(delivered, || format!("{}", place.last_message(&id)));
    let requests = receiver.received();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("webhook-id"), tested["message_id"]);
    assert_eq!(requests[0].json()["type"], "webhook.test");
}

#[test]
fn lo_14_a_webhook_that_hangs_does_not_keep_a_second_one_from_hearing() {
    let place = place();
    let (slow, quick) = (Receiver::start(Reaction::hang()), Receiver::start(Reaction::status(204)));
    let hanging = place.webhook(&slow.url());
    let other = place.webhook(&quick.url());
    for _ in 0..3 {
        place.succeeds(&["webhook", "test", &hanging]);
    }
    place.succeeds(&["webhook", "test", &other]);
    let server = place.serve();

    wait(|| quick.received().len() == 1, || server.printed("log"));
    wait(|| !slow.received().is_empty(), || server.printed("log"));

    let failed = || {
        let shown = place.json(&["webhook", "show", &hanging]);
        let messages = shown["messages"].as_array().unwrap().iter();
        messages.filter(|message| message["last_error"].is_string()).count() > 0
    };
    wait(failed, || server.printed("log"));
    assert_eq!(place.last_message(&other)["status"], "delivered");
    server.stop();
}

#[test]
fn the_end_of_a_key_is_announced_by_webhook_and_by_mail() {
    let (mail, receiver) = (MailServer::start(), Receiver::start(Reaction::status(204)));
    let mut place = place();
    place.set("MAIL__SMTP_URL", &mail.url());
    place.set("MAIL__FROM", "keyturn@keyturn.test");
    let member = ["user", "create", "ada@acme.test", "--org", "acme", "--role", "owner"];
    place.succeeds(&member);
    place.webhook(&receiver.url());
    place.succeeds(&["key", "create", "deploy", "--expires", "6"]);
    place.sql("update api_keys set created_at = created_at - 2592000");

    let server = place.serve();

    wait(|| !receiver.received().is_empty(), || server.printed("log"));
    wait(|| !mail.mails().is_empty(), || server.printed("log"));
    let event = receiver.received()[0].json();
    assert_eq!(event["data"]["api_key"]["name"], "deploy");
    assert!(mail.mails()[0].contains("keyturn key rotate deploy"), "{:?}", mail.mails());
}

#[test]
fn sf_06_a_proxy_in_the_environment_is_not_used() {
    let (mut place, receiver) = (place(), Receiver::start(Reaction::status(204)));
    let proxy = Receiver::start(Reaction::status(502));
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        place.set_for_the_system(name, &format!("http://{}", proxy.address));
    }
    let id = place.webhook(&receiver.url());
    place.succeeds(&["webhook", "test", &id]);

    let server = place.serve();

    wait(|| receiver.received().len() == 1, || server.printed("log"));
    assert!(proxy.received().is_empty());
}

/// The receiver is a server of ours, which takes no such requests: that it says so is enough.
#[test]
fn a_receiver_is_trusted_by_the_certificates_of_this_machine() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for (trusted, expected) in [
        ("certificate.pem", "the receiver answered 404"),
        ("other.pem", "no server answers there, or the certificate is not valid"),
    ] {
        let mut place = place();
        let other = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert;
        fs::write(place.path().join("other.pem"), other.pem()).unwrap();
        fs::write(place.path().join("certificate.pem"), cert.pem()).unwrap();
        fs::write(place.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        place.set("TLS__CERTIFICATE", "certificate.pem");
        place.set("TLS__KEY", "key.pem");
        place.set("OUTBOUND__ALLOW", "127.0.0.0/8,::1");
        place.set_for_the_system("SSL_CERT_FILE", trusted);
        let port = free_port();
        let id = place.webhook(&format!("https://localhost:{port}/nothing"));
        place.succeeds(&["webhook", "test", &id]);

        let server = place.spawn("serve", port);

        let failed = || place.last_message(&id)["last_error"] == expected;
        wait(failed, || format!("{} {}", place.last_message(&id), server.printed("log")));
    }
}

#[test]
fn sf_02_without_the_setting_no_webhook_leads_to_this_machine() {
    let (place, _) = Place::with_key();
    let receiver = Receiver::start(Reaction::status(204));

    let refused = place.fails(&["webhook", "create", &receiver.url()]);
    let by_name = place.webhook("https://localhost:8443/");
    place.succeeds(&["webhook", "test", &by_name]);
    let server = place.serve();

    assert!(refused.contains("must begin with https://"), "{refused}");
    let told = || place.last_message(&by_name)["last_error"].to_string();
    wait(|| told().contains("outbound.allow"), || server.printed("log"));
}

#[test]
fn a_webhook_is_made_changed_and_deleted_by_commands() {
    let place = place();
    let url = "https://hooks.example.com/a";
    let event = "api_key.expires_soon";
    let made = place.json(&["webhook", "create", url, "--org", "acme", "--event", event]);
    let id = made["id"].as_str().unwrap();

    let disabled = place.json(&["webhook", "disable", id]);
    let refused = place.fails(&["webhook", "test", id]);
    let enabled = place.json(&["webhook", "enable", id]);
    let rotated = place.json(&["webhook", "rotate-secret", id]);
    let listed = place.succeeds(&["webhook", "list"]);
    place.succeeds(&["webhook", "delete", id]);

    assert_eq!((&made["status"], &made["organization"]), (&"active".into(), &"acme".into()));
    assert_eq!((&disabled["status"], &enabled["status"]), (&"disabled".into(), &"active".into()));
    assert!(refused.contains("the webhook is disabled"), "{refused}");
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_ne!(made["secret"], rotated["secret"]);
    assert!(listed.contains(url) && listed.contains(event) && !listed.contains("whsec_"));
    assert!(place.fails(&["webhook", "show", id]).contains("there is no such webhook"));
    let unknown = place.fails(&["webhook", "create", url, "--event", "api_key.expire"]);
    assert!(unknown.contains("api_key.expires_soon"), "{unknown}");
}

#[test]
fn fx_40_the_examples_of_the_page_on_webhooks_run_one_after_the_other() {
    if ["sh", "jq"].into_iter().any(is_missing) {
        return;
    }
    let place = Place::with_key().0;
    let document = "docs/WEBHOOKS.md";
    let made = examples(document, "Create a webhook").join("");
    let rotated = examples(document, "Rotate the secret").join("");

    let told = shell(&place, &(made + &rotated));

    let files = ["webhook.json", "rotated.json"];
    let secrets = files.map(|file| {
        let text = fs::read_to_string(place.path().join(file)).unwrap();
        let made: Value = serde_json::from_str(&text).unwrap();
        made["secret"].as_str().unwrap().to_owned()
    });
    assert_ne!(secrets[0], secrets[1]);
    assert!(told.contains("webhook.test"), "{told}");
}
