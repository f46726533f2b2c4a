//! The management API under requests that nobody wrote: Schemathesis makes them from the
//! description, and holds the answers against it.
#![expect(
    clippy::disallowed_methods,
    reason = "only the environment says whether it may be missing"
)]

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{
    http::Connection,
    support::{Place, Server},
};

const PINNED: &str = "schemathesis==4.32.5";

/// Of all requests together; each kind of request is made at least once.
const SECONDS: &str = "45";

/// Not asked for: that everything is taken which the description allows. It cannot say all that is
/// refused, such as a name that is taken.
const LEFT_OUT: &str = "positive_data_acceptance";

/// What can be made, by the path that makes it. What happens to it must not happen to the key that
/// asks, nor to its organization.
fn makings(acme: &str, number: usize) -> [(&'static str, Value); 4] {
    let name = format!("thing{number}");
    [
        ("/api/v1/api-keys", json!({ "name": name, "roles": ["viewer"] })),
        ("/api/v1/organizations", json!({ "name": name, "parent_id": acme })),
        ("/api/v1/users", json!({ "email": format!("{name}@example.com") })),
        ("/api/v1/webhooks", json!({ "organization_id": acme, "url": "https://hooks.test/" })),
    ]
}

/// Where it is installed, once for all runs; or why it is not.
fn schemathesis() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PINNED);
    let (program, done) = (folder.join("bin/schemathesis"), folder.join("done"));
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let pip = folder.join("bin/pip");
        run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", PINNED]))?;
        fs::write(&done, "").map_err(|error| error.to_string())?;
    }
    Ok(program)
}

/// What it printed, whether as a success or as a complaint.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// A key that may do everything, with a token of its for the server itself.
struct Owner<'a> {
    server: &'a Server<'a>,
    token: String,
}

impl Owner<'_> {
    fn make(&self, path: &str, body: &Value) -> String {
        let headers =
            format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.token);
        let mut connection = Connection::open(self.server.address).unwrap();
        let answer = connection.post(path, &headers, &body.to_string()).unwrap();
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.body);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Settings of the fuzzer: which thing each operation is about, so that requests get past 404.
    fn settings(&self, acme: &str, api: &Value) -> String {
        let mut text = "[checks.missing_required_header]\n\
                        expected-statuses = [400, 401, 403, 404, 428]\n\
                        [checks.negative_data_rejection]\n\
                        expected-statuses = [400, 401, 403, 404, 405, 409, 412, 415, 422, 428]\n"
            .to_owned();
        for (path, methods) in api["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                let makings = makings(acme, text.len());
                let is_about = |(made_at, _): &&(&str, Value)| {
                    path.strip_prefix(made_at).is_some_and(|rest| rest.starts_with("/{id}"))
                };
                if let Some((made_at, body)) = makings.iter().find(is_about) {
                    let id = self.make(made_at, body);
                    let id = [("path.id", id.as_str()), ("header.If-Match", "*")];
                    text += &about(operation["operationId"].as_str().unwrap(), &id);
                }
            }
        }
        let key = self.make("/api/v1/api-keys", &json!({ "name": "used", "roles": ["viewer"] }));
        text += &about("usage_counts", &[("query.api_key_id", &key)]);
        // Were it the key that signs, no token would be good any more.
        let next = self.make("/api/v1/signing-keys/rotate", &json!({ "algorithm": "EdDSA" }));
        text + &about("signing_keys_revoke", &[("path.id", &next)])
    }
}

fn about(operation: &str, parameters: &[(&str, &str)]) -> String {
    let parameters = parameters.iter().map(|(name, value)| format!("\"{name}\" = \"{value}\""));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    format!(
        "[[operations]]\ninclude-operation-id = \"{operation}\"\nparameters = {{ {parameters} }}\n"
    )
}

#[test]
fn no_request_makes_the_management_api_fail_or_say_what_it_is_not_described_to_say() {
    let schemathesis = match schemathesis() {
        Ok(program) => program,
        Err(reason) => {
            let required = env::var("KEYTURN_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
            assert!(!required, "{PINNED} is required: {reason}");
            let _ = writeln!(std::io::stderr(), "The fuzzing of the API is skipped: {reason}");
            return;
        }
    };
    let mut place = Place::new();
    place.set("LIMITS__FAILURES_PER_MINUTE", "1000000");
    place.succeeds(&["migrate"]);
    let acme = place.json(&["organization", "create", "acme"]);
    let made = place.json(&["key", "create", "owner", "--role", "owner", "--reach", "subtree"]);
    place.keep_out_of_logs(made["secret"].as_str().unwrap());
    let server = place.serve();
    let url = format!("http://{}", server.address);
    let token = server.token(made["secret"].as_str().unwrap(), &url);
    let owner = Owner { server: &server, token };
    let api = server.get("/api/openapi.json").unwrap().json();
    let settings = place.path().join("schemathesis.toml");
    fs::write(&settings, owner.settings(acme["id"].as_str().unwrap(), &api)).unwrap();

    let mut command = Command::new(schemathesis);
    command.current_dir(place.path()).arg("--config-file").arg(settings);
    command.args(["run", &format!("{url}/api/openapi.json"), "--max-time", SECONDS]);
    command.args(["--phases", "examples,coverage,fuzzing", "--exclude-checks", LEFT_OUT]);
    command.args(["--max-examples", "25", "--seed", "1", "--no-shrink"]);
    command.args(["--header", &format!("Authorization: Bearer {}", owner.token)]);
    let outcome = run(&mut command);

    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    let tested = format!("{0} selected / {0} total", operations(&api));
    assert!(outcome.unwrap().contains(&tested), "not all operations were tested: {tested}");
    // Whatever was sent, the key that asks still may.
    owner.make("/api/v1/api-keys", &json!({ "name": "after", "roles": ["viewer"] }));
}

fn operations(api: &Value) -> usize {
    let paths = api["paths"].as_object().unwrap().values();
    paths.map(|methods| methods.as_object().unwrap().len()).sum()
}
