//! What is written down twice is the same: generated files, settings, migrations, commands.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use super::source::{is_part_of_name, rust_files};

#[test]
fn a_file_opens_with_its_purpose() {
    for source in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let purpose = source.text.lines().next().and_then(|line| line.strip_prefix("//! "));
        let says = purpose.is_some_and(|purpose| purpose.split(' ').count() > 2);
        assert!(says, "{source}: the first line does not say what the file is for");
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<_> {
        let folder = fs::read_dir(format!("migrations/{engine}")).unwrap();
        folder.map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[test]
fn the_example_settings_are_the_ones_there_are() {
    let checked_in = fs::read_to_string("keyturn.example.toml").unwrap();
    assert!(
        checked_in == keyturn::config::Config::example(),
        "keyturn.example.toml is out of date: see the head of the file for how to make it anew"
    );
}

#[test]
fn the_description_of_the_api_is_what_the_server_says() {
    let checked_in = fs::read_to_string("docs/openapi.json").unwrap();
    assert!(
        checked_in == keyturn::http::api_description(),
        "docs/openapi.json is out of date: `cargo run -q -- openapi > docs/openapi.json`"
    );
}

/// An unknown setting stops the program at its start, which no test of these two files would see.
#[test]
fn the_containers_set_what_can_be_set() {
    let example = fs::read_to_string("keyturn.example.toml").unwrap();
    for path in ["Dockerfile", "docker-compose.yml"] {
        let text = fs::read_to_string(path).unwrap();
        let named = text.split(|c| !is_part_of_name(c)).filter_map(|w| w.strip_prefix("KEYTURN_"));
        for variable in named {
            let setting = variable.strip_suffix("_FILE").unwrap_or(variable).to_lowercase();
            let (section, name) = setting.split_once("__").unwrap_or(("", &setting));
            let known = has_setting(&example, section, name);
            assert!(known, "{path}: there is no setting for KEYTURN_{variable}");
        }
    }
}

/// Tells whether the example names the setting, also in a comment because it has no default.
fn has_setting(example: &str, section: &str, name: &str) -> bool {
    let mut current = "";
    example.lines().map(|line| line.trim_start_matches(['#', ' '])).any(|line| {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = header;
        }
        let named = line.split('=').next().unwrap_or_default().trim_end();
        current == section && named == name && line.contains('=')
    })
}

/// `./check` runs the second, so what a newcomer is told is what CI does.
#[test]
fn the_readme_names_the_two_commands() {
    let readme = fs::read_to_string("README.md").unwrap();
    for command in ["cargo run --release -- quickstart", "cargo test"] {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md: no `{command}`");
    }
    let check = fs::read_to_string("check").unwrap();
    assert!(check.contains(" cargo test\n"), "./check does not run `cargo test`");
}

#[test]
fn no_file_names_somebodys_home_folder() {
    if !Path::new(".git").exists() {
        return; // An unpacked archive: nobody can tell which files are ours.
    }
    let listed = Command::new("git").args(["ls-files", "-z"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let homes = ["home", "root", "Users"].map(|folder| format!("/{folder}/"));
    for path in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        // What is not text, or listed and deleted, has nothing to say.
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = homes.iter().find(|home| text.contains(home.as_str()));
        assert!(found.is_none(), "{path}: names a folder under {found:?}");
    }
}
