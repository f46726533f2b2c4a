//! Who may use whom: modules, libraries, and what begins a change.

use std::{collections::BTreeSet, path::Path};

use super::source::{is_part_of_name, rust_files};

/// Which modules of this crate a module may use. `cli` stands on top and may use them all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("random", &["clock"]),
    ("domain", &["clock", "random"]),
    ("store", &["clock", "domain", "random"]),
    ("signing", &["clock", "domain", "random"]),
    ("outbound", &["clock", "domain"]),
    ("peers", &["clock", "domain", "outbound", "signing"]),
    ("config", &["domain"]),
    ("declare", &["clock", "domain"]),
    ("directory", &["clock", "domain", "store"]),
    ("ledger", &["clock", "domain", "random", "store"]),
    ("courier", &["clock", "domain", "outbound", "signing", "store"]),
    ("listener", &[]),
    ("telemetry", &["config"]),
    ("metrics", &[]),
    (
        "app",
        &[
            "clock",
            "directory",
            "domain",
            "ledger",
            "outbound",
            "peers",
            "random",
            "signing",
            "store",
        ],
    ),
    ("announce", &["app", "clock", "domain", "store"]),
    ("authorize", &["app", "domain", "store"]),
    (
        "exchange",
        &["announce", "app", "clock", "directory", "domain", "ledger", "peers", "signing", "store"],
    ),
    (
        "manage",
        &[
            "announce", "app", "clock", "declare", "domain", "exchange", "outbound", "signing",
            "store",
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
    ("utoipa_swagger_ui", &["http/api/published"]),
];

/// The domain is pure: it computes, and others tell what it computed.
const NOT_IN_DOMAIN: &[&str] = &["tracing", "tokio"];

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

/// An arrow that nobody needs would let one in that nobody has judged.
#[test]
fn every_arrow_that_is_permitted_is_used() {
    let sources = rust_files("src");
    let mut unused = Vec::new();
    for (module, allowed) in MAY_USE {
        let own = sources.iter().filter(|source| source.module() == *module);
        let used: BTreeSet<_> = own.flat_map(|source| used_modules(&source.code())).collect();
        let others = allowed.iter().filter(|other| !used.contains(**other));
        unused.extend(others.map(|other| format!("{module} uses no {other}")));
    }
    for (library, homes) in AT_HOME {
        for home in *homes {
            let mut own = sources.iter().filter(|it| Path::new(&it.place()).starts_with(home));
            if !own.any(|source| names(&source.code(), library)) {
                unused.push(format!("{home} does not name {library}"));
            }
        }
    }
    assert!(unused.is_empty(), "take these out of the tables:\n{}", unused.join("\n"));
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
