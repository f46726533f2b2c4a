//! The examples of `docs/VERIFYING.md`, run as they stand: they accept good tokens, also beside a
//! clock that differs, and refuse the others.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
};

use jsonwebtoken::jwk::JwkSet;

use super::{
    http::Connection,
    installed::{
        Installed,
        Language::{Go, Java, Node, Python},
    },
    issuer::{Holder, Issuer, PLAIN_RESOURCE},
    rust,
    support::{free_port, wait},
    world::RESOURCE,
};

pub(crate) const DOCUMENT: &str = "docs/VERIFYING.md";

/// The lines of a document below a heading in this language.
pub(crate) fn snippet(document: &str, heading: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, code) = section.split_once(&format!("```{language}\n")).unwrap();
    code.split("```").next().unwrap().to_owned()
}

impl Issuer {
    /// Writes the example to this file, told where the server is.
    fn write(&self, name: &str, heading: &str, language: &str) {
        let text =
            snippet(DOCUMENT, heading, language).replace("http://127.0.0.1:8080", &self.url());
        fs::write(self.place.path().join(name), text).unwrap();
    }

    /// Holds what every verifier has to hold against a program whose argument is a token.
    fn verifies(&self, program: &Path, arguments: &[&str]) {
        let server = self.serve();
        self.is_verified_by(&server, |token| {
            let mut command = self.place.program(program.to_str().unwrap(), arguments);
            command.arg(token).output().unwrap().status.success()
        });
    }
}

#[test]
fn fx_39_the_python_example_verifies_beside_a_clock_that_differs() {
    let Some(python) = Python.installed() else { return };
    let issuer = Issuer::new();
    issuer.write("verify.py", "Python", "python");

    issuer.verifies(&python.program, &["verify.py"]);
}

#[test]
fn fx_39_the_node_example_verifies_beside_a_clock_that_differs() {
    let Some(node) = Node.installed() else { return };
    let issuer = Issuer::new();
    issuer.write("verify.mjs", "Node", "js");
    let libraries = issuer.place.path().join("node_modules");
    symlink(node.folder.join("node_modules"), libraries).unwrap();

    issuer.verifies(&node.program, &["verify.mjs"]);
}

#[test]
fn fx_39_the_go_example_verifies_beside_a_clock_that_differs() {
    let Some(go) = Go.installed() else { return };
    let issuer = Issuer::new();
    issuer.write("verify.go", "Go", "go");
    let program = issuer.place.path().join("verify");
    go.build_go(&issuer.place.path().join("verify.go"), &program);

    issuer.verifies(&program, &[]);
}

#[test]
fn fx_39_the_java_example_verifies_beside_a_clock_that_differs() {
    let Some(java) = Java.installed() else { return };
    let issuer = Issuer::new();
    issuer.write("Verify.java", "Java", "java");
    let libraries = java.java_classes("nimbus");
    let compiler = ["-cp", &libraries, "-d", ".", "Verify.java"];
    assert!(issuer.place.program("javac", &compiler).status().unwrap().success());

    issuer.verifies(&java.program, &["-cp", &format!(".:{libraries}"), "Verify"]);
}

#[test]
fn fx_39_the_rust_example_verifies_beside_a_clock_that_differs() {
    let issuer = Issuer::new();
    let server = issuer.serve();
    let jwks = server.get("/.well-known/jwks.json").unwrap().body;
    let jwks: JwkSet = serde_json::from_str(&jwks).unwrap();

    issuer.is_verified_by(&server, |token| {
        rust::claims(token, &jwks, &issuer.url(), RESOURCE).is_some()
    });
    let ours = include_str!("rust.rs").split_once("\n\n").unwrap().1;
    assert_eq!(snippet(DOCUMENT, "Rust", "rust"), ours);
}

/// A running Spring Boot application. Killed when it is dropped.
struct Spring {
    port: u16,
    child: Child,
}

impl Drop for Spring {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Spring {
    /// Starts the resource server of this module, with the documented beans or by properties alone.
    fn start(java: &Installed, issuer: &Issuer, module: &str, how: &str, audience: &str) -> Self {
        let port = free_port();
        let jwt = "--spring.security.oauth2.resourceserver.jwt";
        let log = fs::File::create(issuer.place.path().join("spring.log")).unwrap();
        let mut command: Command = issuer.place.program(java.program.to_str().unwrap(), &[]);
        command.args(["-cp", &java.java_classes(module), "example.Orders", how]);
        command.arg(format!("--server.port={port}"));
        command.arg(format!("{jwt}.issuer-uri={}", issuer.url()));
        command.arg(format!("{jwt}.audiences={audience}"));
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let spring = Self { port, child: command.spawn().unwrap() };
        let log = || fs::read_to_string(issuer.place.path().join("spring.log")).unwrap();
        wait(|| spring.connect().is_some(), log);
        spring
    }

    fn connect(&self) -> Option<Connection> {
        Connection::open(([127, 0, 0, 1], self.port).into()).ok()
    }

    fn status(&self, token: &str) -> u16 {
        self.status_with(&format!("Authorization: Bearer {token}\r\n"))
    }

    /// With these headers, each with its line end.
    fn status_with(&self, headers: &str) -> u16 {
        let headers = format!("{headers}Connection: close\r\n");
        self.connect().unwrap().get_with("/orders", &headers).unwrap().status
    }

    /// A token that is bound to a key pair passes with a proof (RFC 9449), and only so.
    fn takes_a_bound_token_with_its_proof_alone(&self, issuer: &Issuer) {
        let holder = Holder::new();
        let token = issuer.bound_to(&holder.thumbprint());
        let shown = |token: &str, proof: &str| {
            self.status_with(&format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n"))
        };

        assert_eq!(self.status(&token), 401, "as a bearer token");
        assert_eq!(shown(&token, &holder.proof("http://localhost/orders", &token)), 200);
        assert_eq!(shown(&token, &Holder::new().proof("http://localhost/orders", &token)), 401);
        assert_eq!(shown(&token, &holder.proof("http://localhost/other", &token)), 401);
    }
}

fn spring_verifies_by_the_documented_validator(module: &str) {
    let Some(java) = Java.installed() else { return };
    let issuer = Issuer::new();
    let server = issuer.serve();
    let spring = Spring::start(java, &issuer, module, "documented", RESOURCE);

    issuer.is_verified_by(&server, |token| match spring.status(token) {
        200 => true,
        status => {
            assert_eq!(status, 401);
            false
        }
    });
    assert_eq!(spring.status(&issuer.without_scope()), 403);
    spring.takes_a_bound_token_with_its_proof_alone(&issuer);
}

fn spring_verifies_by_properties_alone(module: &str) {
    let Some(java) = Java.installed() else { return };
    let issuer = Issuer::new();
    let server = issuer.serve();
    let spring = Spring::start(java, &issuer, module, "properties", PLAIN_RESOURCE);

    issuer.is_plainly_verified_by(&server, |token| spring.status(token) == 200);
}

#[test]
fn fx_31_spring_boot_3_verifies_by_the_documented_validator() {
    spring_verifies_by_the_documented_validator("boot3");
}

#[test]
fn fx_31_spring_boot_4_verifies_by_the_documented_validator() {
    spring_verifies_by_the_documented_validator("boot4");
}

#[test]
fn fx_31_spring_boot_3_verifies_tokens_of_the_type_jwt_by_properties_alone() {
    spring_verifies_by_properties_alone("boot3");
}

#[test]
fn fx_31_spring_boot_4_verifies_tokens_of_the_type_jwt_by_properties_alone() {
    spring_verifies_by_properties_alone("boot4");
}
