//! What a token of another issuer says, once its signature is proved, and before.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    domain::SignatureAlgorithm,
    signing::{
        MalformedJws, Untrusted,
        claim_reader::{Claims, audiences, moment},
        jws::Jws,
    },
};

/// A token whose signature is right. What it says is its issuer's word.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignToken {
    /// In lower case and without `application/`, which may be left out (RFC 7515, section 4.1.9).
    pub typ: Option<String>,
    /// By which its issuer has signed it.
    pub algorithm: SignatureAlgorithm,
    pub claims: Map<String, Value>,
}

/// By how much the clock of the signer may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

impl ForeignToken {
    pub(super) fn read(jws: &Jws<'_>, algorithm: SignatureAlgorithm) -> Result<Self, Untrusted> {
        let typ = match jws.header.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(without_prefix(typ)),
            Some(_) => return Err(Untrusted::WrongType),
        };
        Ok(Self { typ, algorithm, claims: jws.claims()? })
    }

    /// Whether it is of this time: its end is required, and is meant to the second.
    pub fn check(&self, now: Timestamp) -> Result<(), Untrusted> {
        if self.expires_at()? <= now {
            return Err(Untrusted::Expired);
        }
        let begins = [self.issued_at()?, self.reader().optional("nbf", moment)?];
        if begins.into_iter().flatten().any(|begin| begin > now + AHEAD) {
            return Err(Untrusted::NotYetValid);
        }
        Ok(())
    }

    /// A claim that has to be there, and to be text.
    pub fn text(&self, name: &'static str) -> Result<&str, Untrusted> {
        self.reader().required(name, Value::as_str)
    }

    /// A claim that has to be text if it is there.
    pub fn text_if_any(&self, name: &'static str) -> Result<Option<&str>, Untrusted> {
        self.reader().optional(name, Value::as_str)
    }

    /// All that `aud` names, whether it is a list or not.
    pub fn audiences(&self) -> Result<Vec<String>, Untrusted> {
        self.reader().required("aud", audiences)
    }

    pub fn expires_at(&self) -> Result<Timestamp, Untrusted> {
        self.reader().required("exp", moment)
    }

    pub fn issued_at(&self) -> Result<Option<Timestamp>, Untrusted> {
        self.reader().optional("iat", moment)
    }

    fn reader(&self) -> Claims<'_> {
        Claims(&self.claims)
    }
}

fn without_prefix(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
}

/// What a token says before anything of it is proved: good for finding out whose keys to hold it
/// against, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    pub issuer: Option<String>,
    pub subject: Option<String>,
    /// Empty where there are none, or none that can be read.
    pub audiences: Vec<String>,
    pub key_id: Option<String>,
    pub typ: Option<String>,
}

impl Unverified {
    pub fn read(token: &str) -> Result<Self, MalformedJws> {
        let jws = Jws::parse(token)?;
        let claims = jws.claims()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            issuer: text("iss"),
            subject: text("sub"),
            audiences: claims.get("aud").and_then(audiences).unwrap_or_default(),
            key_id: jws.key_id().ok().flatten().map(str::to_owned),
            typ: jws.text("typ").map(without_prefix),
        })
    }
}
