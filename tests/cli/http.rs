//! As much of an HTTP client as these tests need: one connection, one answer after the other.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) request_id: String,
    /// `Retry-After`.
    pub(crate) retry_after: String,
    /// Each `WWW-Authenticate`, in lower case, on a line of its own.
    pub(crate) challenge: String,
    /// `DPoP-Nonce`.
    pub(crate) nonce: String,
    /// The server said that this is its last answer on the connection.
    pub(crate) is_last: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["access_token"].as_str().expect("a token").to_owned()
    }
}

/// A connection over which requests follow each other.
pub(crate) struct Connection<S = TcpStream>(BufReader<S>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.get_with(path, "")
    }

    /// With these headers, each with its line end.
    pub(crate) fn get_with(&mut self, path: &str, headers: &str) -> io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// Posts a body with these headers, each with its line end.
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    pub(crate) fn exchange(&mut self, name: &str, secret: &str) -> io::Result<Answer> {
        // Neither needs to be encoded.
        let form = format!("name={name}&secret={secret}");
        let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.post("/auth/v1/api-key/token", form_type, &form)
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut is_last) = (0, false);
        let (mut request_id, mut nonce) = (String::new(), String::new());
        let (mut challenge, mut retry_after) = (String::new(), String::new());
        loop {
            let said = self.line()?;
            let line = said.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("connection", value)) => is_last = value == "close",
                Some(("x-request-id", value)) => value.clone_into(&mut request_id),
                Some(("retry-after", value)) => value.clone_into(&mut retry_after),
                Some(("www-authenticate", value)) => challenge = challenge + value + "\n",
                Some(("dpop-nonce", _)) => said["dpop-nonce: ".len()..].clone_into(&mut nonce),
                Some(_) => (),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        Ok(Answer { status, body, request_id, retry_after, challenge, nonce, is_last })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
