//! The examples of `docs/CLI.md` for those who hold a key, run as they stand.

use std::fs;

use super::{
    super::support::Place,
    home::{Ended, Home, is_missing},
};

/// The shell's lines below a heading.
fn examples(heading: &str) -> Vec<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CLI.md")).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_examples_for_those_who_hold_a_key_run_one_after_the_other() {
    if ["sh", "curl", "git"].into_iter().any(is_missing) {
        return;
    }
    let (place, key) = Place::with_key();
    place.succeeds(&["resource", "register", "https://api.example.com", "--scope", "read"]);
    let server = place.serve();
    let url = format!("http://{}", server.address);
    let mut home = Home::new();
    home.set("SECRET", &key.secret);
    home.set("SERVER", &url);
    home.set("GIT_CONFIG_NOSYSTEM", "1");
    home.set("GIT_TERMINAL_PROMPT", "0");
    home.set("API", format!("{url}/readyz"));

    let examples = examples("Holding a key");

    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        let ended = Ended::of(home.program("sh", &["-euc", &example]).output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{example}\n{ended:?}");
        assert!(!ended.out.contains(&key.secret), "{example}");
    }
}
