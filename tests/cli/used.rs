//! How keys were used, told to whoever runs the server; and the description of the API.

use super::support::{Place, wait};

#[test]
fn usage_is_told_by_key_address_and_outcome() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    place.succeeds(&["key", "create", "idle"]);
    for _ in 0..3 {
        server.exchange(&key);
    }
    place.succeeds(&["key", "disable", "ci"]);
    server.until_status(&key, 401);

    let refused = || place.json(&["usage"])[0]["refused"].as_i64().unwrap_or_default() > 0;
    wait(refused, || "the refusal is not counted".to_owned());
    let sums = place.json(&["usage"]);
    let counts = place.json(&["usage", "ci", "--by", "minute", "--since", "1"]);
    let text = place.succeeds(&["usage", "ci"]);

    assert_eq!(sums.as_array().unwrap().len(), 1, "{sums}");
    assert_eq!((&sums[0]["name"], &sums[0]["id"]), (&"ci".into(), &key.id.into()));
    assert!(sums[0]["issued"].as_i64().unwrap() >= 3 && sums[0]["last_used_at"].is_string());
    let all = counts.as_array().unwrap();
    assert!(all.iter().all(|count| count["source"] == "127.0.0.1"), "{counts}");
    let uses = |outcome: &str| -> i64 {
        let of_outcome = all.iter().filter(|count| count["outcome"] == outcome);
        of_outcome.map(|count| count["uses"].as_i64().unwrap()).sum()
    };
    assert_eq!(Some(uses("issued")), sums[0]["issued"].as_i64());
    assert_eq!(Some(uses("key_disabled")), sums[0]["refused"].as_i64());
    assert!(text.starts_with("FROM") && text.contains("key_disabled"), "{text}");
}

#[test]
fn what_was_not_used_is_said_to_be_so() {
    let (place, _) = Place::with_key();

    assert_eq!(place.succeeds(&["usage"]).trim(), "No key was used in that time.");
    assert_eq!(place.succeeds(&["usage", "ci"]).trim(), "The key was not used in that time.");
    assert_eq!(place.json(&["usage", "ci"]), serde_json::json!([]));
    assert!(place.fails(&["usage", "nobody"]).contains("there is no key nobody"));
}

#[test]
fn the_description_of_the_api_is_printed_anywhere() {
    let place = Place::new();

    let printed = place.succeeds(&["openapi"]);

    let checked_in = std::fs::read_to_string("docs/openapi.json").unwrap();
    assert!(printed == checked_in);
}
