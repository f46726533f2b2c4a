//! What else than the exchange of a key is measured, and what a client sends and keeps for it.

use std::io;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::ValueEnum;

use crate::{
    clients::{Client, is_ok},
    keys::{self, Keys},
    resource_server,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// A key for a token.
    Exchange,
    /// A refresh token for a token and its successor.
    Refresh,
    /// A token for what it is worth.
    Introspection,
    /// A token for one with less rights.
    TokenExchange,
}

impl Work {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Introspection => "introspection",
            Self::TokenExchange => "token exchange",
        }
    }
}

/// What a client of these kinds of work proves itself by, and what it got for a key.
pub(crate) struct Holder {
    work: Work,
    authorization: String,
    access_token: String,
    refresh_token: String,
}

impl Holder {
    /// Exchanges a key, which is not measured.
    pub(crate) async fn new(
        work: Work,
        client: &mut Client,
        keys: &Keys,
        number: usize,
    ) -> io::Result<Self> {
        let pair =
            format!("{}:{}", keys::name(number), String::from_utf8_lossy(keys.secret(number)));
        let mut holder = Self {
            work,
            authorization: BASE64_STANDARD.encode(pair),
            access_token: String::new(),
            refresh_token: String::new(),
        };
        let request = holder.post("/oauth2/token", "grant_type=client_credentials");
        let answer = client.ask(request.as_bytes()).await?;
        let token = is_ok(answer).then(|| member(answer, "access_token")).flatten();
        holder.access_token = token.ok_or(io::ErrorKind::PermissionDenied)?;
        // A server that gives none is told apart by its refusal of an empty one.
        holder.refresh_token = member(answer, "refresh_token").unwrap_or_default();
        if work == Work::Introspection {
            holder.authorization = BASE64_STANDARD.encode(resource_server::credentials());
        }
        Ok(holder)
    }

    pub(crate) fn request(&self) -> String {
        let Self { access_token, refresh_token, .. } = self;
        match self.work {
            Work::Exchange => self.post("/oauth2/token", "grant_type=client_credentials"),
            Work::Refresh => {
                let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
                self.post("/oauth2/token", &body)
            }
            Work::Introspection => {
                self.post("/oauth2/introspect", &format!("token={access_token}"))
            }
            Work::TokenExchange => {
                let body = format!(
                    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                     &subject_token={access_token}&subject_token_type=\
                     urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=read"
                );
                self.post("/oauth2/token", &body)
            }
        }
    }

    /// Keeps what the next request needs of an answer. Tells whether it was the right one.
    pub(crate) fn keeps(&mut self, answer: &[u8]) -> bool {
        if !is_ok(answer) {
            return false;
        }
        match self.work {
            Work::Exchange | Work::TokenExchange => true,
            Work::Introspection => contains(answer, b"\"active\":true"),
            Work::Refresh => match member(answer, "refresh_token") {
                Some(successor) => {
                    self.refresh_token = successor;
                    true
                }
                None => false,
            },
        }
    }

    fn post(&self, path: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench/1.0\r\naccept: */*\r\n\
             authorization: Basic {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        )
    }
}

fn contains(answer: &[u8], text: &[u8]) -> bool {
    answer.windows(text.len()).any(|window| window == text)
}

/// A text of a JSON object in which nothing is escaped.
fn member(answer: &[u8], name: &str) -> Option<String> {
    let (_, rest) = str::from_utf8(answer).ok()?.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}
