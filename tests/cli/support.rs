//! A folder to run keyturn in, and a server that runs there. What it prints must hold no secret.

use std::{
    env,
    fs::{self, File},
    iter,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{self, Child, Command, Output, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use keyturn::random::Random;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::http::{Answer, Connection};

/// Far longer than anything takes that works.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a command changes counts everywhere within a second. The rest is for a machine that stands
/// still meanwhile: the tests of two nodes hold the second itself.
pub(crate) const A_SECOND_WITH_SLACK: Duration = Duration::from_secs(4);

/// Where commands and servers of one test run.
pub(crate) struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// Whatever must not appear in a log.
    secrets: Mutex<Vec<String>>,
    logs: AtomicU16,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            secrets: Mutex::default(),
            logs: AtomicU16::default(),
        }
    }

    /// A place that quickstart has been to; with the name and the secret of its key.
    pub(crate) fn with_key() -> (Self, Key) {
        Self::with_key_and(&[])
    }

    pub(crate) fn with_key_and(settings: &[(&str, &str)]) -> (Self, Key) {
        let mut place = Self::new();
        for (name, value) in settings {
            place.set(name, value);
        }
        place.succeeds(&["migrate"]);
        place.succeeds(&["organization", "create", "acme"]);
        let key = place.key("ci");
        (place, key)
    }

    /// Sets `KEYTURN_…` for all that runs here.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((format!("KEYTURN_{name}"), value.to_owned()));
    }

    /// Sets a variable that is none of keyturn's, for all that runs here.
    pub(crate) fn set_for_the_system(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyturn"));
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Any program; it finds `keyturn` and what else is installed.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_keyturn")).parent().unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let all = iter::once(ours.to_owned()).chain(env::split_paths(&path));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", env::join_paths(all).unwrap());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it printed. Panics unless the command succeeds.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complained of. Panics unless the command fails.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        said(&output)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.succeeds(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }

    /// Makes a key of the only organization.
    pub(crate) fn key(&self, name: &str) -> Key {
        let made = self.json(&["key", "create", name]);
        let secret = made["secret"].as_str().unwrap().to_owned();
        self.keep_out_of_logs(&secret);
        Key { name: name.to_owned(), secret, id: made["id"].as_str().unwrap().to_owned() }
    }

    /// The key with the secret that this command makes.
    pub(crate) fn renewed(&self, key: &Key, arguments: &[&str]) -> Key {
        let secret = self.json(arguments)["secret"].as_str().unwrap().to_owned();
        self.keep_out_of_logs(&secret);
        Key { secret, ..key.clone() }
    }

    pub(crate) fn keep_out_of_logs(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    /// A server that answers.
    pub(crate) fn serve(&self) -> Server<'_> {
        self.serve_on(free_port())
    }

    pub(crate) fn serve_on(&self, port: u16) -> Server<'_> {
        let server = self.spawn("serve", port);
        server.wait_until_ready();
        server
    }

    /// A server whose log goes there.
    pub(crate) fn serve_logging_to(&self, log: impl Into<Stdio>) -> Server<'_> {
        let server = self.spawn_logging_to("serve", free_port(), Some(log.into()));
        server.wait_until_ready();
        server
    }

    /// A server that a shell begins after these words.
    pub(crate) fn serve_under(&self, words: &str) -> Server<'_> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        let log = File::create(self.path().join(format!("{number}.log"))).unwrap();
        let mut command = self.program("bash", &["-c", &format!("{words}; exec keyturn serve")]);
        command.env("KEYTURN_LISTEN", address.to_string());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let server = Server { place: self, address, number, child: command.spawn().unwrap() };
        server.wait_until_ready();
        server
    }

    /// A server that need not answer yet.
    pub(crate) fn spawn(&self, command: &str, port: u16) -> Server<'_> {
        self.spawn_logging_to(command, port, None)
    }

    fn spawn_logging_to(&self, command: &str, port: u16, other: Option<Stdio>) -> Server<'_> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        let file = |stream: &str| File::create(self.path().join(format!("{number}.{stream}")));
        let log = file("log").unwrap();
        // What quickstart shows is a secret by intent; nothing else that is printed may hold one.
        let shown = if command == "quickstart" { file("out") } else { log.try_clone() };
        let mut command = self.command(&[command]);
        command.env("KEYTURN_LISTEN", address.to_string());
        command.stdout(shown.unwrap()).stderr(other.unwrap_or(log.into()));
        Server { place: self, address, number, child: command.spawn().unwrap() }
    }

    /// TE-20, KS-06: what was used here is in no log.
    fn check_logs(&self) {
        let secrets = self.secrets.lock().unwrap();
        for number in 0..self.logs.load(Ordering::Relaxed) {
            let text = fs::read_to_string(self.path().join(format!("{number}.log"))).unwrap();
            let leaked = secrets.iter().find(|secret| text.contains(secret.as_str()));
            assert!(leaked.is_none(), "a secret is in the log:\n{text}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.check_logs();
        }
    }
}

/// A key as its holder knows it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) id: String,
}

/// A running server. Killed when it is dropped.
pub(crate) struct Server<'a> {
    place: &'a Place,
    pub(crate) address: SocketAddr,
    number: u16,
    child: Child,
}

impl Server<'_> {
    pub(crate) fn wait_until_ready(&self) {
        let ready = || self.get("/readyz").is_some_and(|answer| answer.status == 200);
        wait(ready, || format!("the server is not ready:\n{}", self.printed("log")));
    }

    /// `None` where nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        Connection::open(self.address).ok()?.get(path).ok()
    }

    pub(crate) fn exchange(&self, key: &Key) -> Answer {
        let answer = Connection::open(self.address).unwrap().exchange(&key.name, &key.secret);
        let answer = answer.unwrap();
        if answer.status == 200 {
            self.place.keep_out_of_logs(&answer.token());
        }
        answer
    }

    /// Posts a form.
    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
        Connection::open(self.address).unwrap().post(path, form_type, form).unwrap()
    }

    /// A token for a resource. Neither needs to be encoded.
    pub(crate) fn token(&self, secret: &str, resource: &str) -> String {
        let form = format!("pat={secret}&audience={resource}");
        let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
        let mut connection = Connection::open(self.address).unwrap();
        let token = connection.post("/auth/v1/token", form_type, &form).unwrap().token();
        self.place.keep_out_of_logs(&token);
        token
    }

    /// How long it took until the key is answered so.
    pub(crate) fn until_status(&self, key: &Key, status: u16) -> Duration {
        let began = Instant::now();
        wait(|| self.exchange(key).status == status, || format!("never {status}"));
        began.elapsed()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to its `out` or its `log`.
    pub(crate) fn printed(&self, stream: &str) -> String {
        let path = self.place.path().join(format!("{}.{stream}", self.number));
        fs::read_to_string(path).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `None` while it runs, then its exit code where it has one.
    #[expect(clippy::option_option, reason = "a signal ends it without a code")]
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }

    /// Asks it to end and waits until it has. Panics unless it ends well.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        self.ends_well();
    }

    pub(crate) fn ends_well(&mut self) {
        let mut status = None;
        let ended = || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        };
        wait(ended, || "the server does not end".to_owned());
        assert!(status.unwrap().success(), "{}", self.printed("log"));
    }

    /// The end that no program can prepare for.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Looks again and again until it is so.
pub(crate) fn wait(mut is_so: impl FnMut() -> bool, complaint: impl Fn() -> String) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{}", complaint());
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// A port that nobody listens on, below those that the system gives to clients: a client that calls
/// a dead server could be given the very port it calls, and would talk to itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A number below `end`.
pub(crate) fn below(end: u64) -> u64 {
    u64::from_be_bytes(Random::System.bytes()) % end
}
