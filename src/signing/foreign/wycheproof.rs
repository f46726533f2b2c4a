//! The vectors of Project Wycheproof for JSON web signatures and keys (check JT-13).

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::ForeignKeys;
use crate::signing::jws::Jws;

/// What the vectors call good and we refuse, with the reason.
const REFUSED_HERE: &[(&str, &[u64], &str)] = &[
    ("jws.json", &[346, 350], "the header says PS384, the key is for PS256 alone"),
    ("jws.json", &[347, 351], "P-521 is not known here"),
    ("jws.json", &[1, 348, 352, 357, 358, 359, 372, 373, 376, 377], "a shared secret"),
    ("jwk.json", &[2, 13, 14, 15], "a shared secret"),
    ("jwc.json", &[1, 48], "a shared secret"),
];

/// What the vectors call bad and we take, with the reason.
const TAKEN_HERE: &[(&str, &[u64], &str)] = &[];

/// The folder beside the repository; `None` where it is not there, which is said.
fn vectors(file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: there are no vectors of Project Wycheproof at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn is_accepted(group: &Value, jws: &str) -> bool {
    let key = group.get("public").or_else(|| group.get("private")).unwrap();
    let set = if key.get("keys").is_some() { key.clone() } else { json!({ "keys": [key] }) };
    let keys = ForeignKeys::parse(set.to_string().as_bytes()).unwrap();
    // The payloads are no claims: the signature alone is looked at.
    Jws::parse(jws).is_ok_and(|jws| keys.signed(&jws).is_ok())
}

/// The vectors whose verdict is not ours: those we refuse, and those we take.
fn disagreements(file: &str, vectors: &Value) -> (Vec<u64>, Vec<u64>) {
    let (mut refused, mut taken) = (Vec::new(), Vec::new());
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            // Encrypted ones are none of ours.
            let Some(jws) = test["jws"].as_str() else { continue };
            let id = test["tcId"].as_u64().unwrap();
            match (is_accepted(group, jws), test["result"].as_str().unwrap()) {
                (true, "invalid") => taken.push(id),
                (false, "valid") => refused.push(id),
                (_, "valid" | "invalid" | "acceptable") => (),
                (_, other) => panic!("{file} {id}: {other}"),
            }
        }
    }
    (refused, taken)
}

fn listed(list: &[(&str, &[u64], &str)], file: &str) -> Vec<u64> {
    let of_file = list.iter().filter(|(name, ..)| *name == file);
    let mut ids: Vec<_> = of_file.flat_map(|(_, ids, _)| ids.iter().copied()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn jt_13_the_disagreements_with_wycheproof_are_those_that_are_listed() {
    for file in ["jws.json", "jwk.json", "jwc.json"] {
        let Some(vectors) = vectors(file) else { return };

        let (refused, taken) = disagreements(file, &vectors);

        assert_eq!(refused, listed(REFUSED_HERE, file), "{file}: refused here");
        assert_eq!(taken, listed(TAKEN_HERE, file), "{file}: taken here");
    }
}
