//! Completions and manual pages name every command there is.

use std::{collections::BTreeSet, fs};

use super::home::Home;

fn keyturn(home: &Home, arguments: &[&str]) -> String {
    let output = home.program(env!("CARGO_BIN_EXE_keyturn"), arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every command, as words: `["key", "create"]`.
fn commands(home: &Home, above: &[String]) -> Vec<Vec<String>> {
    let words = above.iter().map(String::as_str).chain(["--help"]);
    let help = keyturn(home, &words.collect::<Vec<_>>());
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    let below = names.flat_map(|name| {
        let path = [above, &[name.to_owned()]].concat();
        let deeper = commands(home, &path);
        std::iter::once(path).chain(deeper)
    });
    below.collect()
}

#[test]
fn completions_know_every_command() {
    let home = Home::new();
    let commands = commands(&home, &[]);
    assert!(commands.len() > 20, "{commands:?}");

    for shell in ["bash", "zsh", "fish"] {
        let script = keyturn(&home, &["completions", shell]);
        for command in &commands {
            let name = command.last().unwrap();
            assert!(script.contains(name), "{shell}: {command:?} is missing");
        }
    }
}

#[test]
fn every_command_has_a_page() {
    let home = Home::new();

    keyturn(&home, &["man", "pages/man1"]);

    let folder = fs::read_dir(home.path().join("pages/man1")).unwrap();
    let pages: BTreeSet<_> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for command in commands(&home, &[]) {
        let page = format!("keyturn-{}.1", command.join("-"));
        assert!(pages.contains(&page), "{page} is missing: {pages:?}");
        let text = fs::read_to_string(home.path().join("pages/man1").join(&page)).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}
