//! A client proves who it is by a JWT that it signed (RFC 7523, section 2.2, as its successor
//! tightens it: an assertion is for this issuer and no one beside).

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Failed, Refusal, judge};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Authentication, KnownClient, Once, SignatureAlgorithm, TOKEN_ENDPOINT},
    ledger::Decision,
    peers::NotVerified,
    signing::{ForeignToken, Untrusted},
};

/// How far ahead the end of an assertion may be.
const LONGEST: TimeDelta = TimeDelta::minutes(5);
/// Older libraries write an hour where they are not told otherwise.
const LONGEST_COMPAT: TimeDelta = TimeDelta::hours(1);
/// By how much clocks differ: between theirs and ours, and between those of our nodes.
const APART: TimeDelta = TimeDelta::seconds(60);

/// `id` is who the client says to be beside the assertion; that has to say the same.
pub(super) async fn authenticate(
    app: &App,
    known: &KnownClient,
    id: &str,
    assertion: &SecretString,
    now: Timestamp,
) -> Result<(), Failed> {
    let client_id = known.client.id;
    if id != client_id.to_string() {
        return Err(Refusal::UnknownClient.into());
    }
    let Authentication::PrivateKeyJwt { keys, compat_aud, signing_alg } =
        &known.client.terms.authentication
    else {
        return Err(Refusal::OtherMethod(client_id).into());
    };
    let verified = app.peers.verify(keys, assertion.expose_secret()).await;
    let token = verified.map_err(|failed| match failed {
        NotVerified::Untrusted(why) => Failed::from(Refusal::WrongAssertion(client_id, why)),
        NotVerified::NoKeys(why) => why.into(),
    })?;
    let assertion = Assertion { token: &token, algorithm: *signing_alg, compat: *compat_aud, now };
    let checked = assertion.of(&app.settings.issuer, known);
    let (jti, until) = checked.map_err(|why| Refusal::BadAssertion(client_id, why))?;
    judge::usable(known, now)?;
    // Last, so that nothing but an assertion that is good is used up.
    let hash = Once::hash(&[b"client_assertion", client_id.0.as_bytes(), jti.as_bytes()]);
    if app.ledger.decide(Decision::Once { hash, until }).await? {
        Ok(())
    } else {
        Err(Refusal::AssertionUsed(client_id).into())
    }
}

/// An assertion with the right signature.
struct Assertion<'a> {
    token: &'a ForeignToken,
    /// The only one that is accepted, where the client has registered one.
    algorithm: Option<SignatureAlgorithm>,
    compat: bool,
    now: Timestamp,
}

impl Assertion<'_> {
    /// Its `jti`, and until when that has to be remembered.
    fn of(&self, issuer: &str, client: &KnownClient) -> Result<(&str, Timestamp), Untrusted> {
        if self.algorithm.is_some_and(|only| only != self.token.algorithm) {
            return Err(Untrusted::WrongAlgorithm);
        }
        // Without a type it is taken as well: few libraries write one.
        if !matches!(self.token.typ.as_deref(), None | Some("jwt" | "client-authentication+jwt")) {
            return Err(Untrusted::WrongType);
        }
        let id = client.client.id.to_string();
        if self.token.text("iss")? != id {
            return Err(Untrusted::WrongIssuer);
        }
        if self.token.text("sub")? != id {
            return Err(Untrusted::MalformedClaim("sub"));
        }
        if !self.is_for(issuer)? {
            return Err(Untrusted::WrongAudience);
        }
        self.token.check(self.now)?;
        let expires_at = self.token.expires_at()?;
        let longest = if self.compat { LONGEST_COMPAT } else { LONGEST };
        if expires_at > self.now + longest + APART {
            return Err(Untrusted::MalformedClaim("exp"));
        }
        let jti = self.token.text("jti")?;
        if jti.is_empty() {
            return Err(Untrusted::MalformedClaim("jti"));
        }
        Ok((jti, expires_at + APART))
    }

    /// A server to which the client was led could give us an assertion that was meant for it, if
    /// any other audience were taken: `aud` is this issuer, as text and to the letter.
    fn is_for(&self, issuer: &str) -> Result<bool, Untrusted> {
        if !self.compat {
            return Ok(self.token.claims.get("aud").and_then(Value::as_str) == Some(issuer));
        }
        let token_endpoint = format!("{issuer}{TOKEN_ENDPOINT}");
        let audiences = self.token.audiences()?;
        Ok(audiences.iter().any(|it| *it == issuer || *it == token_endpoint))
    }
}
