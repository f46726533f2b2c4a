//! Servers of others, on loopback: a receiver of HTTP requests, and a mail server.
//!
//! Include it with `#[path = "../support/peers.rs"] mod peers;`. They run on threads of their own, so
//! that nothing a test does can hold them up, and end with the test process.
#![allow(dead_code, reason = "each suite that includes it uses a part")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a receiver does when it has read a request.
#[derive(Clone)]
pub(crate) enum Reaction {
    /// Sends this as it stands, then ends the connection.
    Send(String),
    /// Sends this, then nothing more and never ends.
    SendAndHang(String),
}

impl Reaction {
    pub(crate) fn status(status: u16) -> Self {
        Self::Send(format!("HTTP/1.1 {status} Something\r\ncontent-length: 0\r\n\r\n"))
    }

    pub(crate) fn hang() -> Self {
        Self::SendAndHang(String::new())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The request line and the headers, their names in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    /// Empty where there is no such header.
    pub(crate) fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server that remembers what it was sent.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    reaction: Arc<Mutex<Reaction>>,
}

impl Receiver {
    pub(crate) fn start(reaction: Reaction) -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), reaction)
    }

    pub(crate) fn on(address: SocketAddr, reaction: Reaction) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            reaction: Arc::new(Mutex::new(reaction)),
        };
        let serving = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || serving.answer(stream.unwrap()));
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// From here on it reacts like this.
    pub(crate) fn react(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let line = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
            None => format!("{line}\n"),
        };
        let head = head.lines().map(line).collect();
        let mut received = Received { head, body: String::new() };
        let length = received.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        received.body = String::from_utf8(body).unwrap();
        let reaction = self.reaction.lock().unwrap().clone();
        self.received.lock().unwrap().push(received);
        let (Reaction::Send(text) | Reaction::SendAndHang(text)) = &reaction;
        reader.get_mut().write_all(text.as_bytes()).ok()?;
        if let Reaction::SendAndHang(_) = reaction {
            // Reads until the other side has had enough.
            std::io::copy(&mut reader, &mut std::io::sink()).ok()?;
        }
        Some(())
    }
}

/// As much of SMTP as a client needs to hand over its mail (RFC 5321).
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
    /// Its answer to whom a mail is for.
    answer: &'static str,
}

impl MailServer {
    pub(crate) fn start() -> Self {
        Self::that_says("250 fine")
    }

    /// One that says this when it hears whom a mail is for.
    pub(crate) fn that_says(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, mails: Arc::default(), answer };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || serving.talk(stream.unwrap()));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The mails that came, each with the commands before it.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut said = String::new();
        say(&mut reader, "220 mail.test")?;
        loop {
            let start = said.len();
            if reader.read_line(&mut said).ok()? == 0 {
                return None;
            }
            match said[start..].get(..4)?.to_ascii_uppercase().as_str() {
                "RCPT" => say(&mut reader, self.answer)?,
                "DATA" => {
                    say(&mut reader, "354 go on")?;
                    while !said.ends_with("\r\n.\r\n") {
                        reader.read_line(&mut said).ok()?;
                    }
                    self.mails.lock().unwrap().push(std::mem::take(&mut said));
                    say(&mut reader, "250 taken")?;
                }
                "QUIT" => return say(&mut reader, "221 bye"),
                _ => say(&mut reader, "250 mail.test")?,
            }
        }
    }
}

fn say(reader: &mut BufReader<TcpStream>, line: &str) -> Option<()> {
    reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()
}
