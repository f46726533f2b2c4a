//! From the id of a refused request to its reason, and from a key to what it would get.

use super::support::{Place, wait};

#[test]
fn a_refused_request_is_explained_by_its_id() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    place.succeeds(&["key", "create", "other"]);
    let mut other_name = key.clone();
    "other".clone_into(&mut other_name.name);

    let answer = server.exchange(&other_name);
    let id = answer.request_id.as_str();
    wait(|| place.run(&["explain", id]).status.success(), || format!("{id} is not explained"));

    assert_eq!(answer.status, 401);
    let json = place.json(&["explain", id]);
    let sentence = "The secret is right, but the key is called `ci`, not what the request said.";
    assert_eq!(json["explanation"], sentence);
    assert_eq!((&json["reason"], &json["source"]), (&"wrong_name".into(), &"127.0.0.1".into()));
    assert_eq!((&json["api_key_id"], &json["api_key_name"]), (&key.id.into(), &"ci".into()));
    let text = place.succeeds(&["explain", id]);
    assert!(text.starts_with(sentence) && text.contains("/auth/v1/api-key/token"), "{text}");
}

#[test]
fn a_request_that_was_not_refused_is_not_explained() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let answer = server.exchange(&key);

    let complaint = place.fails(&["explain", &answer.request_id]);

    assert_eq!(answer.status, 200);
    assert!(complaint.contains("No refusal is recorded under this request id"), "{complaint}");
    assert!(place.fails(&["explain", "hunter2"]).contains("REQUEST_ID"));
}

#[test]
fn a_key_is_simulated_without_its_secret_and_without_a_server() {
    let (place, key) = Place::with_key();

    let granted = place.json(&["key", "simulate", "ci", "--scope", "keys:read"]);
    let refused = place.json(&["key", "simulate", &key.id, "--scope", "deploy"]);
    let text = place.succeeds(&["key", "simulate", "ci", "--org", "acme", "--from", "10.1.2.3"]);

    assert_eq!(granted["outcome"], "issued");
    assert_eq!(granted["organization"], "acme");
    assert_eq!(granted["scopes"], serde_json::json!(["keys:read"]));
    // A second may pass before it is told.
    assert!((359..=360).contains(&granted["expires_in"].as_i64().unwrap()), "{granted}");
    assert_eq!(granted["live_secrets"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&refused["outcome"], &refused["reason"]),
        (&"refused".into(), &"scope_not_granted".into())
    );
    let explanation = refused["explanation"].as_str().unwrap();
    assert!(explanation.starts_with("scope deploy is not known at resource "), "{explanation}");
    assert!(text.contains("organization  acme") && text.contains("token lives   3"), "{text}");
    let complaint = place.fails(&["key", "simulate", "nobody"]);
    assert!(complaint.contains("there is no key nobody"), "{complaint}");
}
