//! What the configuration promises to anyone who writes it.

use std::{fs, time::Duration};

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::*;
use crate::domain::{Admission, GrantType, Kept};

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Config::read(Path::new("keyturn.toml"), text, variables).map_err(|error| error.to_string())
}

fn problem(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).expect_err("a wrong setting is refused")
}

#[test]
fn the_defaults_are_right() {
    let config = Config::default();
    assert_eq!(config.issuer, "http://127.0.0.1:8080");
    assert_eq!(config.api_keys.audit_email_domain, "localhost");
    assert_eq!(config.tokens.lifetime, TimeDelta::minutes(6));
    assert_eq!(config.cache.stale_after, Duration::from_secs(10));
    assert!(config.tls.is_none());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let text = "listen = \"127.0.0.1:1\"\n[tokens]\nlifetime_seconds = 60\nemail_claim = true";
    let variables = [
        ("KEYTURN_TOKENS__LIFETIME_SECONDS", "90"),
        ("KEYTURN_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("KEYTURN_SIGNING__KEY_ENCRYPTION_KEY", "0123"),
        ("PATH", "/bin"),
    ];

    let config = read(text, &variables).unwrap();

    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.tokens.lifetime, TimeDelta::seconds(90));
    assert!(config.tokens.email_claim);
    assert_eq!(config.http.trusted_proxies[1].to_string(), "192.0.2.1/32");
    let KeyEncryptionKey::Given(key) = config.signing.key_encryption_key else { panic!() };
    assert_eq!(key.expose_secret(), "0123");
}

#[test]
fn the_audit_trail_is_kept_for_so_many_days_or_for_ever() {
    let kept = |text| read(text, &[]).unwrap().retention.audit;
    assert_eq!(kept("").age, Some(TimeDelta::days(365)));
    assert_eq!(kept("[retention]\naudit_days = 7").age, Some(TimeDelta::days(7)));
    assert_eq!(kept("[retention]\naudit_days = 0\naudit_rows = 0"), Kept { age: None, rows: None });
    assert!(problem("[retention]\naudit_days = 99999", &[]).contains("retention.audit_days"));
}

#[test]
fn what_is_used_and_refused_is_never_kept_for_ever() {
    for setting in ["usage_days", "usage_rows", "refusals_days", "refusals_rows"] {
        let told = problem(&format!("[retention]\n{setting} = 0"), &[]);
        assert!(told.contains(&format!("retention.{setting}")), "{told}");
    }
    let usage = read("[retention]\nusage_rows = 1000", &[]).unwrap().retention.usage;
    assert_eq!(usage, Kept { age: Some(TimeDelta::days(90)), rows: Some(1000) });
}

#[test]
fn a_variable_may_name_a_file_with_the_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    fs::write(&path, "postgres://me:pw@db/k\r\n").unwrap();
    let path = path.to_str().unwrap();

    let config = read("", &[("KEYTURN_DATABASE__URL_FILE", path)]).unwrap();
    let both = [("KEYTURN_DATABASE__URL", "sqlite:a"), ("KEYTURN_DATABASE__URL_FILE", path)];
    let key_file = [("KEYTURN_SIGNING__KEY_ENCRYPTION_KEY_FILE", "elsewhere")];

    assert_eq!(config.database.url.expose_secret(), "postgres://me:pw@db/k");
    assert!(problem("", &both).contains("both set database.url"));
    let key = read("", &key_file).unwrap().signing.key_encryption_key;
    assert!(matches!(key, KeyEncryptionKey::File(path) if path == Path::new("elsewhere")));
}

#[test]
fn an_unknown_setting_is_refused_with_its_place_and_without_its_value() {
    let text = "listen = \"127.0.0.1:1\"\n\n[signing]\nkey_encryption_ky = \"hidden\"";
    let said = problem(text, &[]);
    assert!(said.starts_with("keyturn.toml, line 4, column 1: unknown field"), "{said}");
    assert!(!said.contains("hidden"), "{said}");
    let said = problem("", &[("KEYTURN_DATABSE__URL", "hidden")]);
    assert!(said.starts_with("KEYTURN_DATABSE__URL: there is no setting databse.url;"), "{said}");
    assert!(!said.contains("hidden"), "{said}");
    for variable in ["KEYTURN_DATABASE", "KEYTURN_", "KEYTURN_CACHE__API_KEYS_FILE"] {
        assert!(problem("", &[(variable, "1")]).contains("there is no setting"), "{variable}");
    }
}

#[test]
fn fx_14a_what_kubernetes_says_of_a_service_is_no_setting() {
    let mut variables = Vec::new();
    for service in ["KEYTURN", "KEYTURN_DATABASE", "KEYTURN_TLS"] {
        for (name, value) in [
            ("SERVICE_HOST", "10.96.0.7"),
            ("SERVICE_PORT", "8080"),
            ("SERVICE_PORT_HTTP", "8080"),
            ("PORT", "tcp://10.96.0.7:8080"),
            ("PORT_8080_TCP", "tcp://10.96.0.7:8080"),
            ("PORT_8080_TCP_PROTO", "tcp"),
            ("PORT_8080_TCP_PORT", "8080"),
            ("PORT_8080_TCP_ADDR", "fd00::7"),
        ] {
            variables.push((format!("{service}_{name}"), value));
        }
    }
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();

    assert_eq!(read("", &variables).unwrap().describe(), Config::default().describe());
}

#[test]
fn fx_14b_a_variable_that_only_looks_like_one_of_kubernetes_is_refused() {
    for (variable, value) in [
        ("KEYTURN_PORT", "8080"),
        ("KEYTURN_SERVICE_HOST", "keys.example.com"),
        ("KEYTURN_PORT_HTTP", "8080"),
        ("KEYTURN_PORT_8080_TCP_NAME", "tcp"),
        ("KEYTURN_LISTEN_PORT", "8080"),
    ] {
        let said = problem("", &[(variable, value)]);
        assert!(said.contains("there is no setting"), "{variable}: {said}");
    }
}

#[test]
fn fx_14c_an_unknown_variable_is_told_the_nearest_one() {
    for (variable, nearest) in [
        ("KEYTURN_DATABSE__URL", "KEYTURN_DATABASE__URL"),
        ("KEYTURN_DATABASE_URL", "KEYTURN_DATABASE__URL"),
        ("KEYTURN_LISEN", "KEYTURN_LISTEN"),
        ("KEYTURN_DATABASE_URL_FILE", "KEYTURN_DATABASE__URL"),
    ] {
        let said = problem("", &[(variable, "1")]);
        let expected = format!("the nearest is {nearest},");
        assert!(said.contains(&expected), "{variable}: {said}");
    }
}

#[test]
fn a_wrong_setting_says_which_and_what_to_do() {
    let wrong: &[(&str, &str, &str)] = &[
        ("KEYTURN_LISTEN", "keys:80", "listen: `keys:80` is not an IP address"),
        ("KEYTURN_LISTEN", "0.0.0.0:80", "issuer: cannot be guessed"),
        ("KEYTURN_ISSUER", "http://keys.example.com", "issuer: must begin with https://"),
        ("KEYTURN_ISSUER", "https://keys.example.com/", "issuer: must not end with a slash"),
        ("KEYTURN_ISSUER", "https://keys.example.com?a", "issuer: is not a plain URL"),
        ("KEYTURN_ISSUER", "https://me@keys.example.com", "issuer: is not a plain URL"),
        ("KEYTURN_ISSUER", "https://keys.example.com:+1", "issuer: is not a plain URL"),
        ("KEYTURN_TLS__KEY", "key.pem", "tls.certificate: is missing"),
        ("KEYTURN_TOKENS__LIFETIME_SECONDS", "361", "361 is not from 30 to 360"),
        ("KEYTURN_TOKENS__LIFETIME_SECONDS", "-1", "must be a whole number"),
        ("KEYTURN_TOKENS__EMAIL_CLAIM", "yes", "must be `true` or `false`"),
        ("KEYTURN_API_KEYS__DEFAULT_LIFETIME_DAYS", "366", "longest_lifetime_days"),
        ("KEYTURN_API_KEYS__PREFIX", "KTK", "api_keys.prefix: must be"),
        ("KEYTURN_HTTP__CORS_ORIGINS", "https://a.example/x", "is not an origin"),
        (
            "KEYTURN_HTTP__TRUSTED_PROXIES",
            "proxy",
            "http.trusted_proxies[0]: an address range looks like",
        ),
        ("KEYTURN_DATABASE__URL", "mysql://hidden", "must begin with sqlite:"),
        ("KEYTURN_OUTBOUND__ALLOW", "10.0.0.0/33", "outbound.allow[0]: an address range"),
        ("KEYTURN_OUTBOUND__ALLOW", "", "or `[]` for none"),
        ("KEYTURN_REGISTRATION__RESOURCES", " ", "none of them blank"),
        ("KEYTURN_REGISTRATION__RESOURCES", "\u{a0}", "none of them blank"),
        ("KEYTURN_METRICS__NETWORKS", "10.0.0.0/8,,", "none of them blank"),
        ("KEYTURN_MAIL__FROM", "keyturn@example.com", "mail.smtp_url: is missing"),
        ("KEYTURN_MAIL__SMTP_URL", "smtps://mail.example.com", "mail.from: is missing"),
        ("KEYTURN_LOG__LEVEL", "inof", "`inof` is not one of"),
    ];
    for (variable, value, expected) in wrong {
        let said = problem("", &[(variable, value)]);
        assert!(said.contains(expected), "{variable}={value}: {said}");
    }
}

#[test]
fn dc_01_clients_register_themselves_only_where_all_is_said_that_it_takes() {
    let organization = "0190f000-0000-7000-8000-000000000001";
    let open = format!(
        "[registration]\nmode = \"open\"\norganization = \"{organization}\"\n\
         scopes = [\"read\", \"write\"]\nresources = [\"api\"]\n"
    );

    let policy = read(&open, &[]).unwrap().registration.unwrap();

    assert!(Config::default().registration.is_none());
    assert_eq!(policy.admission, Admission::Anybody);
    assert_eq!(policy.organization_id.to_string(), organization);
    assert_eq!(policy.scopes.to_string(), "read write");
    assert_eq!(policy.grants, [GrantType::ClientCredentials]);
    assert_eq!((policy.most, policy.most_per_hour.get()), (1000, 20));
    assert_eq!(policy.unused_after, TimeDelta::days(30));
    for (line, expected) in [
        ("mode = \"yes\"", "registration.mode: `yes`"),
        ("organization = \"acme\"", "registration.organization: is not the id"),
        ("scopes = [\"a\\\"b\"]", "registration.scopes"),
        ("resources = [\"A B\"]", "registration.resources[0]: a resource is"),
        ("grant_types = []", "registration.grant_types: names none"),
        ("grant_types = [\"password\"]", "registration.grant_types[0]: a grant type is one of"),
        ("most_clients = 0", "registration.most_clients"),
        ("most_per_hour = 0", "registration.most_per_hour"),
        ("delete_unused_after_days = 0", "registration.delete_unused_after_days"),
    ] {
        let name = line.split(' ').next().unwrap();
        let others = open.lines().filter(|other| !other.starts_with(name));
        let text = others.chain([line]).collect::<Vec<_>>().join("\n");
        let said = problem(&text, &[]);
        assert!(said.contains(expected), "{line}: {said}");
    }
}

#[test]
fn the_example_shows_every_default_and_can_be_uncommented() {
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let example = Config::example();
    let all: String = example
        .lines()
        .map(|line| if is_setting(&line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();

    let config = read(&all, &[]).unwrap();

    assert_eq!(config.describe(), Config::default().describe());
    assert_eq!(all.parse::<Table>().unwrap(), example::defaults());
    assert!(read(&example, &[]).is_ok());
}

#[test]
fn a_description_hides_secrets_and_shows_what_was_derived() {
    let variables = [
        ("KEYTURN_ISSUER", "https://keys.example.com"),
        ("KEYTURN_DATABASE__URL", "postgres://me:hidden@db/k"),
        ("KEYTURN_SIGNING__KEY_ENCRYPTION_KEY", "hidden"),
        ("KEYTURN_MAIL__SMTP_URL", "smtps://me:hidden@mail.example.com"),
        ("KEYTURN_MAIL__FROM", "keyturn@example.com"),
    ];
    let config = read("", &variables).unwrap();
    assert!(!config.describe().contains("hidden") && !format!("{config:?}").contains("hidden"));
    assert!(config.describe().contains("audit_email_domain = \"keys.example.com\""));
}

#[test]
fn fx_39j_an_origin_counts_as_browsers_send_it() {
    for (written, sent) in [
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("http://app.example.com:443", "http://app.example.com:443"),
    ] {
        let config = read(&format!("[http]\ncors_origins = [\"{written}\"]\n"), &[]).unwrap();
        assert_eq!(config.http.cors_origins, [sent]);
    }
    let said = problem("[http]\ncors_origins = [\"https://app.example.com/\"]\n", &[]);
    assert!(said.contains("http.cors_origins: `https://app.example.com/` is not an origin"));
}

#[test]
fn fx_26b_localhost_is_an_address_to_listen_on_and_other_forms_are_told_the_right_one() {
    let config = read("listen = \"localhost:9000\"", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.issuer, "http://localhost:9000");

    for (listen, port) in [(":9000", 9000), ("9000", 9000), ("keys:9000", 9000), ("keys", 8080)] {
        let said = problem(&format!("listen = \"{listen}\""), &[]);
        let forms = format!("write 127.0.0.1:{port} for this machine alone, or 0.0.0.0:{port} for");
        assert!(said.contains(&format!("`{listen}`")) && said.contains(&forms), "{said}");
    }
}

#[test]
fn fx_26l_a_server_of_every_address_is_told_how_to_try_it_without_a_name() {
    let said = problem("listen = \"0.0.0.0:8080\"", &[]);
    assert!(said.contains("set KEYTURN_ISSUER to the URL that callers use"), "{said}");
    assert!(said.contains("http://localhost:8080 to try it on this machine"), "{said}");
    let tried = read("listen = \"0.0.0.0:8080\"", &[("KEYTURN_ISSUER", "http://localhost:8080")]);
    assert_eq!(tried.unwrap().issuer, "http://localhost:8080");
}

#[test]
fn fx_26d_rust_log_counts_where_no_setting_says_the_level() {
    let level = |text: &str, variables: &[_]| read(text, variables).unwrap().log.level;
    let rust_log = ("RUST_LOG", "debug");
    assert_eq!(level("", &[rust_log]), "debug");
    assert_eq!(level("", &[("RUST_LOG", "")]), "info");
    assert_eq!(level("[log]\nlevel = \"warn\"", &[rust_log]), "warn");
    assert_eq!(level("", &[rust_log, ("KEYTURN_LOG__LEVEL", "trace")]), "trace");
}
