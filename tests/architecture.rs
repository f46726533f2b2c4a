//! Keeps the source the shape `docs/ARCHITECTURE.md` says it has.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Which modules of this crate a module may use. `cli` stands on top and may use them all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("random", &["clock"]),
    ("domain", &["clock", "random"]),
    ("store", &["clock", "domain", "random"]),
    ("signing", &["clock", "domain", "random"]),
    ("outbound", &["clock", "domain"]),
    ("peers", &["clock", "domain", "outbound", "signing"]),
    ("config", &["clock", "domain"]),
    ("declare", &["clock", "domain"]),
    ("directory", &["clock", "domain", "store"]),
    ("ledger", &["clock", "domain", "random", "store"]),
    ("courier", &["clock", "domain", "outbound", "signing", "store"]),
    ("listener", &[]),
    ("telemetry", &["config"]),
    ("metrics", &["domain"]),
    (
        "app",
        &[
            "clock",
            "directory",
            "domain",
            "ledger",
            "metrics",
            "outbound",
            "peers",
            "random",
            "signing",
            "store",
        ],
    ),
    ("announce", &["app", "clock", "domain", "store"]),
    ("authorize", &["app", "directory", "domain", "store"]),
    (
        "exchange",
        &[
            "announce",
            "app",
            "clock",
            "directory",
            "domain",
            "ledger",
            "peers",
            "random",
            "signing",
            "store",
        ],
    ),
    (
        "manage",
        &[
            "announce", "app", "clock", "declare", "domain", "exchange", "outbound", "random",
            "signing", "store",
        ],
    ),
    (
        "http",
        &[
            "app",
            "authorize",
            "clock",
            "domain",
            "exchange",
            "ledger",
            "manage",
            "metrics",
            "peers",
            "signing",
        ],
    ),
];

/// Modules and crate roots that the table does not bind.
const FREE: &[&str] = &["cli", "lib", "main"];

/// Where alone a library may be named: paths under `src`, without `.rs`.
const AT_HOME: &[(&str, &[&str])] = &[
    ("argon2", &["domain/password"]),
    ("askama", &["http/api/docs"]),
    // TLS names it as the provider of its algorithms.
    (
        "aws_lc_rs",
        &[
            "signing",
            "random",
            "domain/once",
            "domain/secret",
            "listener/tls",
            "store/audit_events",
            "store/transfer/fingerprint",
            "cli/auth/fingerprint",
        ],
    ),
    ("axum", &["http", "listener"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/manual"]),
    ("clap_mangen", &["cli/manual"]),
    ("hyper", &["listener"]),
    ("hyper_util", &["listener"]),
    ("jsonwebtoken", &["signing"]),
    ("lettre", &["outbound/mail"]),
    ("prometheus_client", &["metrics"]),
    ("quick_cache", &["directory", "peers"]),
    ("reqwest", &["cli/auth", "cli/doctor/server", "cli/healthcheck", "outbound"]),
    (
        "rustix",
        &[
            "cli/descriptors",
            "cli/door",
            "cli/signals",
            "cli/auth/prompt",
            "cli/doctor",
            "cli/operator",
            "config/key_file",
        ],
    ),
    ("serde_path_to_error", &["http/input"]),
    ("serde_urlencoded", &["http/input"]),
    ("sqlx", &["store"]),
    ("tokio_rustls", &["listener"]),
    ("toml", &["config", "declare/file"]),
    // `config` has a module of the same name.
    (
        "url",
        &[
            "outbound",
            "cli/auth",
            "config",
            "domain/client/redirect_uri",
            "http/input",
            "http/api/parameters",
        ],
    ),
    ("utoipa", &["http/api"]),
    ("utoipa_axum", &["http/api"]),
];

/// The domain is pure: it computes, and others tell what it computed.
const NOT_IN_DOMAIN: &[&str] = &["tracing", "tokio"];

/// Lines without tests; a longer file is not read at once.
const LONGEST: usize = 300;
const MEDIAN: usize = 120;

#[test]
fn a_module_uses_only_the_modules_below_it() {
    for source in rust_files("src").iter().filter(|source| !FREE.contains(&source.module())) {
        let module = source.module();
        let rule = MAY_USE.iter().find(|(name, _)| *name == module);
        let (_, allowed) = rule.unwrap_or_else(|| panic!("{source}: no rule for this module"));
        for used in used_modules(&source.code()) {
            let fine = used == module || allowed.contains(&used.as_str());
            assert!(fine, "{source}: {module} must not use {used}");
        }
    }
}

/// `super::` that climbs out of its module would be a way around the table.
#[test]
fn a_module_reaches_others_by_their_full_name() {
    for source in rust_files("src") {
        let code = source.code();
        let before_tests = code.split("#[cfg(test)]").next().unwrap_or_default();
        let out = "super::".repeat(source.depth());
        assert!(!before_tests.contains(&out), "{source}: say `crate::`, not `{out}`");
    }
}

#[test]
fn a_library_stays_at_home() {
    for source in rust_files("src") {
        let (code, place) = (source.code(), source.place());
        for (library, homes) in AT_HOME {
            let at_home = homes.iter().any(|home| Path::new(&place).starts_with(home));
            assert!(at_home || !names(&code, library), "{source}: {library} belongs in {homes:?}");
        }
        for library in NOT_IN_DOMAIN.iter().filter(|_| source.module() == "domain") {
            assert!(!names(&code, library), "{source}: the domain does not know {library}");
        }
    }
}

/// What somebody may do is judged in the transaction that writes, and only there.
#[test]
fn a_change_begins_by_judging_who_asks() {
    // The others change nothing for anybody: they prune, and tell what is due.
    const BEGINS: &[&str] = &["manage/asker", "manage/reminders", "manage/upkeep"];
    for source in rust_files("src") {
        let (code, place) = (source.code(), source.place());
        let begins = [".store.write()", ".store.change()"].iter().any(|call| code.contains(call));
        let may = BEGINS.iter().any(|home| Path::new(&place).starts_with(home));
        let fine = may || !begins || source.module() != "manage" && source.module() != "http";
        assert!(fine, "{source}: begin by `Asker::begin`");
    }
}

#[test]
fn a_file_opens_with_its_purpose() {
    for source in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let purpose = source.text.lines().next().and_then(|line| line.strip_prefix("//! "));
        let says = purpose.is_some_and(|purpose| purpose.split(' ').count() > 2);
        assert!(says, "{source}: the first line does not say what the file is for");
    }
}

#[test]
fn a_file_is_short() {
    let mut lengths = Vec::new();
    for source in rust_files("src") {
        let length = source.text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(length <= LONGEST, "{source}: {length} lines are too many to read at once");
        lengths.push(length);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN, "half of the source files have more than {median} lines");
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

/// A Rust file of this repository.
struct Source {
    path: PathBuf,
    text: String,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Source {
    /// Where it stands under `src`: `store/engine`, and `store` for `store/mod.rs`.
    fn place(&self) -> String {
        let path = self.path.strip_prefix("src").unwrap().with_extension("");
        let path = if path.ends_with("mod") { path.parent().unwrap() } else { &path };
        path.to_str().unwrap().to_owned()
    }

    /// The first segment of its place.
    fn module(&self) -> &str {
        let first = self.path.iter().nth(1).unwrap().to_str().unwrap();
        first.trim_end_matches(".rs")
    }

    /// How many `super::` lead from it to the crate.
    fn depth(&self) -> usize {
        self.place().split('/').count()
    }

    /// The text without its comments, which may mention what code must not use.
    fn code(&self) -> String {
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
        self.text.lines().map(code).collect()
    }
}

fn rust_files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The modules that follow `crate::`, those inside braces included; `*` for all of them.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            None => used.extend(first_name(path)),
            Some(group) => used.extend(items(group).iter().filter_map(|item| first_name(item))),
        }
    }
    used
}

/// What stands between the commas of a group, up to the brace that closes it.
fn items(group: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => items.last_mut().unwrap().push(c),
            _ => (),
        }
    }
    items
}

fn first_name(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|c| is_part_of_name(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// Tells whether the code speaks of the library: `library::…` or `use library`.
fn names(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + library.len()..]);
        let whole = !before.ends_with(is_part_of_name) && !after.starts_with(is_part_of_name);
        whole && (after.starts_with("::") || before.ends_with("use "))
    })
}

fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '*'
}
