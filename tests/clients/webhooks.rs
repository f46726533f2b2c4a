//! The receivers of `docs/WEBHOOKS.md`, run as they stand: the libraries of Standard Webhooks verify
//! what the server sends.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Stdio},
};

use serde_json::Value;

use super::{
    http::Connection,
    installed::Language::{Node, Python},
    snippets::snippet,
    support::{Place, free_port, wait},
};

const DOCUMENT: &str = "docs/WEBHOOKS.md";

/// A running receiver. Killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A place with a webhook that leads to this machine.
struct World {
    place: Place,
    address: SocketAddr,
    webhook: String,
    secret: String,
}

impl World {
    fn new() -> Self {
        let (place, _) = Place::with_key_and(&[("OUTBOUND__ALLOW", "127.0.0.0/8")]);
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let made = place.json(&["webhook", "create", &format!("http://{address}/hook")]);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let (webhook, secret) = (text("id"), text("secret"));
        place.keep_out_of_logs(&secret);
        Self { place, address, webhook, secret }
    }

    /// Runs the example in this language.
    fn receiver(&self, program: &Path, file: &str, language: &str) -> Program {
        let text = snippet(DOCUMENT, "Verify a message", language);
        let text = text.replace("9000", &self.address.port().to_string());
        fs::write(self.place.path().join(file), text).unwrap();
        let mut command = self.place.program(program.to_str().unwrap(), &[file]);
        command.env("WEBHOOK_SECRET", &self.secret).stdout(Stdio::null());
        let running = Program(command.spawn().unwrap());
        let listens = || Connection::open(self.address).is_ok();
        wait(listens, || "the receiver does not listen".to_owned());
        running
    }

    fn rotate(&self) {
        let made = self.place.json(&["webhook", "rotate-secret", &self.webhook]);
        self.place.keep_out_of_logs(made["secret"].as_str().unwrap());
    }

    /// Sends a message, and gives what became of the first attempt to deliver it.
    fn test(&self) -> Value {
        let sent = self.place.json(&["webhook", "test", &self.webhook]);
        let message = || {
            let shown = self.place.json(&["webhook", "show", &self.webhook]);
            let mut messages = shown["messages"].as_array().unwrap().iter();
            messages.find(|it| it["id"] == sent["message_id"]).unwrap().clone()
        };
        let is_settled = |it: &Value| it["status"] == "delivered" || it["last_error"].is_string();
        wait(|| is_settled(&message()), || message().to_string());
        message()
    }

    /// The answer to a message that the server did not sign.
    fn forged(&self) -> u16 {
        let now = keyturn::clock::Clock::system().now().timestamp();
        let headers = format!(
            "webhook-id: msg_1\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nConnection: close\r\n"
        );
        let body = r#"{"type": "webhook.test", "data": {}}"#;
        let mut connection = Connection::open(self.address).unwrap();
        connection.post("/hook", &headers, body).unwrap().status
    }

    /// What every receiver has to hold.
    fn is_verified(&self) {
        let _server = self.place.serve();

        assert_eq!(self.test()["status"], "delivered");
        assert_eq!(self.forged(), 400);
        self.rotate();
        assert_eq!(self.test()["status"], "delivered", "the old secret signs for a day");
        self.rotate();
        assert_eq!(self.test()["last_error"], "the receiver answered 400", "two secrets later");
    }
}

#[test]
fn fx_40_the_node_library_of_standard_webhooks_verifies_our_messages() {
    let Some(node) = Node.installed() else { return };
    let world = World::new();
    let libraries = world.place.path().join("node_modules");
    symlink(node.folder.join("node_modules"), libraries).unwrap();
    let _receiver = world.receiver(&node.program, "receive.mjs", "js");

    world.is_verified();
}

#[test]
fn fx_40_the_python_library_of_standard_webhooks_verifies_our_messages() {
    let Some(python) = Python.installed() else { return };
    let world = World::new();
    let _receiver = world.receiver(&python.program, "receive.py", "python");

    world.is_verified();
}
