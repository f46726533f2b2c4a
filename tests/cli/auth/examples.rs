//! The examples of `docs/CLI.md` for those who hold a key, run as they stand.

use super::home::{Ended, Home};
use crate::{
    documents::{examples, is_missing},
    support::Place,
};

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

    let examples = examples("docs/CLI.md", "Holding a key");

    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        let ended = Ended::of(home.program("sh", &["-euc", &example]).output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{example}\n{ended:?}");
        assert!(!ended.out.contains(&key.secret), "{example}");
    }
}
