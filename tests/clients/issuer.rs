//! A server whose tokens a test can sign itself, so that it can make those that a verifier must
//! refuse.

use std::{collections::BTreeMap, fs};

use aws_lc_rs::digest::{SHA256, digest};
use keyturn::{clock::Clock, random::Random};
use serde_json::{Value, json};

use super::{
    foreign::{Foreigner, base64, compact},
    support::{Key, Place, Server, free_port},
    world::RESOURCE,
};

/// Tokens for it have the type that libraries expect by default.
pub(crate) const PLAIN_RESOURCE: &str = "https://plain.example.com";

pub(crate) struct Issuer {
    pub(crate) place: Place,
    port: u16,
    key: Key,
    signing_key: Foreigner,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let (mut place, port) = (Place::new(), free_port());
        place.set("ISSUER", &format!("http://127.0.0.1:{port}"));
        place.succeeds(&["migrate"]);
        place.succeeds(&["organization", "create", "acme"]);
        let scopes = ["--scope", "read", "--scope", "write"];
        place.succeeds(&[&["resource", "register", RESOURCE], &scopes[..]].concat());
        let plain = ["resource", "register", PLAIN_RESOURCE, "--jwt-type", "JWT"];
        place.succeeds(&[&plain, &scopes[..]].concat());
        let key = place.key("ci");
        let signing_key = Foreigner::new("");
        fs::write(place.path().join("signing.pem"), signing_key.pem()).unwrap();
        let imported = place.json(&["signing-key", "import", "signing.pem"]);
        let signing_key = signing_key.called(imported["kid"].as_str().unwrap());
        Self { place, port, key, signing_key }
    }

    pub(crate) fn serve(&self) -> Server<'_> {
        self.place.serve_on(self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn claims(&self, changes: &Value) -> Value {
        let now = Clock::system().now().timestamp();
        let mut claims = json!({
            "iss": self.url(), "aud": RESOURCE, "sub": "key:x", "client_id": "x", "jti": "x",
            "iat": now, "exp": now + 360, "scope": "read",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// A token of this type, whose claims differ from those of a good one; `null` removes one.
    fn signed(&self, jwt_type: &str, changes: &Value) -> String {
        let mut header = self.signing_key.header();
        header["typ"] = json!(jwt_type);
        self.signing_key.signed(&header, &self.claims(changes))
    }

    /// An access token that was issued so many seconds from now.
    fn issued(&self, from_now: i64) -> String {
        let at = Clock::system().now().timestamp() + from_now;
        self.signed("at+jwt", &json!({ "iat": at, "exp": at + 360 }))
    }

    /// What every verifier holds for a resource whose tokens are `at+jwt`.
    pub(crate) fn is_verified_by(&self, server: &Server<'_>, accepts: impl Fn(&str) -> bool) {
        let good = self.issued(0);
        let accepted = [
            ("what the server issued", server.token(&self.key.secret, RESOURCE)),
            ("a token of its signing key", good.clone()),
            ("issued ten seconds in the future", self.issued(10)),
            ("ended ten seconds ago", self.issued(-370)),
        ];
        let elsewhere = json!({ "aud": "https://other.example.com" });
        let refused = [
            ("ended long ago", self.issued(-500)),
            ("of another issuer", self.signed("at+jwt", &json!({ "iss": "https://x.example" }))),
            ("for another audience", self.signed("at+jwt", &elsewhere)),
            ("of another type", self.signed("JWT", &json!({}))),
            ("without an end", self.signed("at+jwt", &json!({ "exp": null }))),
            ("with changed claims", self.with_changed_claims(&good)),
            ("of another key", self.of_another_key()),
            ("without a signature", self.unsigned()),
        ];
        for (what, token) in accepted {
            assert!(accepts(&token), "refuses a token: {what}");
        }
        for (what, token) in refused {
            assert!(!accepts(&token), "accepts a token: {what}");
        }
    }

    /// What a verifier holds that knows nothing but `JWT`.
    pub(crate) fn is_plainly_verified_by(
        &self,
        server: &Server<'_>,
        accepts: impl Fn(&str) -> bool,
    ) {
        let good = server.token(&self.key.secret, PLAIN_RESOURCE);
        assert!(accepts(&good), "refuses what the server issued");
        assert!(!accepts(&server.token(&self.key.secret, RESOURCE)), "accepts another audience");
        assert!(!accepts(&self.with_changed_claims(&good)), "accepts changed claims");
        let other_type = self.signed("at+jwt", &json!({ "aud": PLAIN_RESOURCE }));
        assert!(!accepts(&other_type), "accepts at+jwt: docs/VERIFYING.md says that it does not");
    }

    /// A good token without the scope that resource servers demand.
    pub(crate) fn without_scope(&self) -> String {
        self.signed("at+jwt", &json!({ "scope": null }))
    }

    /// A good token that is bound to a key pair.
    pub(crate) fn bound_to(&self, thumbprint: &str) -> String {
        self.signed("at+jwt", &json!({ "cnf": { "jkt": thumbprint } }))
    }

    fn with_changed_claims(&self, token: &str) -> String {
        let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
        parts[1] = base64(self.claims(&json!({ "scope": "read write" })).to_string());
        parts.join(".")
    }

    fn of_another_key(&self) -> String {
        let other = Foreigner::new(&self.signing_key.key_id);
        let mut header = other.header();
        header["typ"] = json!("at+jwt");
        other.signed(&header, &self.claims(&json!({})))
    }

    fn unsigned(&self) -> String {
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": self.signing_key.key_id });
        compact(&header, &self.claims(&json!({})), |_| Vec::new())
    }
}

/// The holder of a key pair, who proves it (RFC 9449).
pub(crate) struct Holder(Foreigner);

impl Holder {
    pub(crate) fn new() -> Self {
        Self(Foreigner::new(""))
    }

    fn jwk(&self) -> Value {
        let mut jwk = self.0.jwk();
        jwk.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "kid" | "alg"));
        jwk
    }

    /// RFC 7638: of the members that make up the key, sorted, without spaces.
    pub(crate) fn thumbprint(&self) -> String {
        let sorted: BTreeMap<String, Value> = serde_json::from_value(self.jwk()).unwrap();
        base64(digest(&SHA256, &serde_json::to_vec(&sorted).unwrap()))
    }

    /// A proof for `GET` of this URL, beside this token.
    pub(crate) fn proof(&self, url: &str, token: &str) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": self.0.algorithm(), "jwk": self.jwk() });
        let claims = json!({
            "jti": base64(Random::System.bytes::<16>()), "iat": Clock::system().now().timestamp(),
            "htm": "GET", "htu": url, "ath": base64(digest(&SHA256, token.as_bytes())),
        });
        self.0.signed(&header, &claims)
    }
}
