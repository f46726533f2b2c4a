//! What holds whatever fails: the operations of callers, and what is checked after each.

use std::thread;

use serde_json::{Value, json};

use crate::{
    http::{Answer, Connection},
    support::{A_SECOND_WITH_SLACK, Key, Place, Server, wait},
};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A server, and those who use it while its database fails.
pub(super) struct Callers<'a> {
    place: &'a Place,
    pub(super) server: Server<'a>,
    /// Never revoked.
    good: Key,
    manager: Key,
    management_token: String,
    refresh_token: String,
    /// Of keys that were acknowledged: the key, and whether its end was acknowledged.
    known: Vec<(Key, bool)>,
    made: usize,
    pub(super) uses: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Exchange,
    Refresh,
    Create,
    Revoke,
}

pub(super) const OPERATIONS: [Operation; 4] =
    [Operation::Exchange, Operation::Refresh, Operation::Create, Operation::Revoke];

/// For the server of [`Callers`].
pub(super) const SETTINGS: [(&str, &str); 5] = [
    ("REFRESH_TOKENS__FOR_API_KEYS", "true"),
    ("REFRESH_TOKENS__ROTATE_FOR_API_KEYS", "true"),
    ("ISSUER", "http://127.0.0.1:8080"),
    ("LIMITS__FAILURES_PER_MINUTE", "100000000"),
    ("API_KEYS__MOST_PER_TREE", "0"),
];

/// Done, or the caller was told to come again.
fn check_that_it_is_no_denial(answer: &Answer, what: &str) -> bool {
    let is_done = (200..300).contains(&answer.status);
    let comes_again = answer.status == 503 && !answer.retry_after.is_empty();
    assert!(is_done || comes_again, "{what}: {} {}", answer.status, answer.body);
    is_done
}

impl<'a> Callers<'a> {
    pub(super) fn of(place: &'a Place, good: Key, server: Server<'a>) -> Self {
        let made = place.json(&["key", "create", "manager", "--role", "owner"]);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let manager = Key { name: "manager".to_owned(), secret: text("secret"), id: text("id") };
        place.keep_out_of_logs(&manager.secret);
        let mut callers = Self {
            place,
            server,
            good,
            manager,
            management_token: String::new(),
            refresh_token: String::new(),
            known: Vec::new(),
            made: 0,
            uses: 0,
        };
        callers.begin();
        callers
    }

    /// What every round of faults begins with.
    pub(super) fn begin(&mut self) {
        let issuer = SETTINGS[2].1;
        self.management_token = self.server.token(&self.manager.secret, issuer);
        let answer = self.post("/auth/v1/token", &format!("pat={}", self.good.secret));
        self.uses += 1;
        self.keep_refresh_token(&answer);
        self.have_keys();
    }

    /// Keys that can be revoked.
    fn have_keys(&mut self) {
        while self.known.iter().filter(|(_, is_revoked)| !is_revoked).count() < 2 {
            let answer = self.create();
            if check_that_it_is_no_denial(&answer, "a key to revoke") {
                self.keep_made(&answer);
            }
        }
    }

    fn post(&self, path: &str, form: &str) -> Answer {
        Connection::open(self.server.address).unwrap().post(path, FORM, form).unwrap()
    }

    fn manage(&self, path: &str, body: &Value) -> Answer {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: application/json\r\nIf-Match: *\r\n",
            self.management_token
        );
        let mut connection = Connection::open(self.server.address).unwrap();
        connection.post(path, &headers, &body.to_string()).unwrap()
    }

    fn create(&mut self) -> Answer {
        self.made += 1;
        let body = json!({ "name": format!("made-{}", self.made), "roles": ["viewer"] });
        self.manage("/api/v1/api-keys", &body)
    }

    fn revoke(&self, key: &Key) -> Answer {
        self.manage(&format!("/api/v1/api-keys/{}/revoke", key.id), &json!({}))
    }

    fn refresh(&self) -> Answer {
        let token = &self.refresh_token;
        self.post("/oauth2/token", &format!("grant_type=refresh_token&refresh_token={token}"))
    }

    fn keep_refresh_token(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["refresh_token"].as_str().unwrap().clone_into(&mut self.refresh_token);
        self.place.keep_out_of_logs(&self.refresh_token);
    }

    fn keep_made(&mut self, answer: &Answer) {
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        let key = Key { name: text("name"), secret: text("secret"), id: text("id") };
        self.place.keep_out_of_logs(&key.secret);
        self.known.push((key, false));
    }

    fn one_to_revoke(&self) -> (usize, Key) {
        let live = self.known.iter().position(|(_, is_revoked)| !is_revoked).unwrap();
        (live, self.known[live].0.clone())
    }

    /// Does it once while things fail.
    pub(super) fn attempt(&mut self, operation: Operation, what: &str) {
        match operation {
            Operation::Exchange => {
                let answer = self.server.exchange(&self.good);
                self.uses += u64::from(check_that_it_is_no_denial(&answer, what));
            }
            Operation::Refresh => {
                let answer = self.refresh();
                if check_that_it_is_no_denial(&answer, what) {
                    self.keep_refresh_token(&answer);
                }
            }
            Operation::Create => {
                let answer = self.create();
                if check_that_it_is_no_denial(&answer, what) {
                    self.keep_made(&answer);
                }
            }
            Operation::Revoke => {
                let (place, key) = self.one_to_revoke();
                // So that it is in memory.
                let known = self.server.exchange(&key);
                check_that_it_is_no_denial(&known, what);
                let answer = self.revoke(&key);
                let is_done = check_that_it_is_no_denial(&answer, what);
                self.known[place].1 = is_done;
                self.known[place].1 |= !is_done && self.revoke_again(&key, what);
            }
        }
    }

    /// A caller that was told to come again comes again; the first time may have been done.
    fn revoke_again(&self, key: &Key, what: &str) -> bool {
        let is_done = || {
            let answer = self.revoke(key);
            (200..300).contains(&answer.status) || answer.status == 409
        };
        wait(is_done, || format!("{what}: the key cannot be revoked"));
        true
    }

    /// When nothing fails any more all goes well again, without a restart, and nothing that was
    /// acknowledged is undone.
    pub(super) fn check(&mut self, what: &str) {
        wait(
            || {
                let answer = self.server.exchange(&self.good);
                let is_done = check_that_it_is_no_denial(&answer, what);
                self.uses += u64::from(is_done);
                is_done
            },
            || format!("{what}: no exchange succeeds any more"),
        );
        let mut refreshed = None;
        wait(
            || {
                let answer = self.refresh();
                let is_done = check_that_it_is_no_denial(&answer, what);
                refreshed = Some(answer);
                is_done
            },
            || format!("{what}: the refresh family is lost"),
        );
        self.keep_refresh_token(&refreshed.unwrap());
        self.check_keys(what);
        self.have_keys();
    }

    /// More often than there are connections.
    pub(super) fn check_keys(&self, what: &str) {
        for (key, is_revoked) in self.known.iter().rev().take(6) {
            let answer = self.server.exchange(key);
            if *is_revoked {
                assert_eq!(answer.status, 401, "{what}: {} was revoked: {}", key.name, answer.body);
            } else {
                check_that_it_is_no_denial(&answer, what);
            }
        }
    }

    /// What a command revokes beside the server ends there within a second.
    pub(super) fn check_revoked_beside(&mut self, what: &str) {
        self.begin();
        let (place, key) = self.one_to_revoke();
        check_that_it_is_no_denial(&self.server.exchange(&key), what);
        wait(|| self.place.run(&["key", "revoke", &key.id]).status.success(), || what.to_owned());
        let took = self.server.until_status(&key, 401);
        assert!(took < A_SECOND_WITH_SLACK, "{what}: took {took:?}");
        for _ in 0..20 {
            assert_eq!(self.server.exchange(&key).status, 401, "{what}: good again");
        }
        self.known[place].1 = true;
    }

    /// After the end that no program can prepare for all is as it was acknowledged.
    pub(super) fn check_after_restart(mut self) -> u64 {
        let port = self.server.address.port();
        let (place, known, uses) = (self.place, std::mem::take(&mut self.known), self.uses);
        self.server.kill();
        let server = place.serve_on(port);
        for (key, is_revoked) in &known {
            let expected = if *is_revoked { 401 } else { 200 };
            let answer = server.exchange(key);
            assert_eq!(answer.status, expected, "{}: {}", key.name, answer.body);
        }
        server.stop();
        thread::yield_now();
        uses
    }
}
