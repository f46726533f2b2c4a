//! Who reads a JWT, and what a good one is there.
//!
//! An endpoint is a line in [`ENDPOINTS`]: who signs what it reads, what a good token says, and how
//! it is handed over.

use std::pin::Pin;

use serde_json::{Value, json};

use super::rig::{GRANTS, Party, Rig, TYPES, exchanging};
use crate::{
    assertions::{assert_with, claims, with},
    support::{API_KEY, ISSUER},
};

pub(super) struct Endpoint {
    pub(super) name: &'static str,
    pub(super) signed_by: fn(&Rig) -> &Party,
    /// The types under which a token is taken; the first is that of a good one.
    pub(super) types: &'static [&'static str],
    /// A fresh token says this.
    pub(super) says: fn(&Rig) -> Value,
    /// Hands a token over, and tells whether it was taken.
    pub(super) takes: for<'a> fn(&'a Rig, &'a str) -> Verdict<'a>,
    /// The forgeries that are none here: how their labels begin, and why.
    pub(super) exempt: &'static [(&'static str, &'static str)],
}

impl Endpoint {
    /// Of possession (RFC 9449): its key is in it, and it is for one request instead of an audience.
    pub(super) fn is_proof(&self) -> bool {
        self.types == PROOF
    }
}

/// A resource may ask for tokens of the type JWT.
const OURS: &[&str] = &["at+jwt", "jwt"];

const PROOF: &[&str] = &["dpop+jwt"];

type Verdict<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "client assertion",
        signed_by: |rig| &rig.client,
        types: &["client-authentication+jwt", "jwt"],
        says: |rig| claims(&rig.client_id, &rig.server),
        takes: |rig, token| {
            Box::pin(async { assert_with(&rig.server, token, &[]).await.status == 200 })
        },
        exempt: &[],
    },
    Endpoint {
        name: "management API",
        signed_by: |rig| &rig.ours,
        types: &["at+jwt"],
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            Box::pin(async {
                rig.server.manage_by(token).get("/api/v1/organizations").await.status == 200
            })
        },
        exempt: &[],
    },
    Endpoint {
        name: "introspection",
        signed_by: |rig| &rig.ours,
        types: OURS,
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            Box::pin(async {
                rig.server.introspect(&rig.resource_server, token).await.body["active"] == true
            })
        },
        exempt: &[],
    },
    Endpoint {
        name: "assertion of a workload",
        signed_by: |rig| &rig.issuer,
        types: &["jwt", "authorization-grant+jwt"],
        says: Rig::of_a_job,
        takes: |rig, token| {
            Box::pin(rig.is_granted(vec![("grant_type", GRANTS[0]), ("assertion", token)]))
        },
        exempt: &[],
    },
    Endpoint {
        name: "subject token of others",
        signed_by: |rig| &rig.issuer,
        types: &["jwt", "authorization-grant+jwt"],
        says: Rig::of_a_job,
        takes: |rig, token| Box::pin(rig.is_granted(exchanging(token, TYPES[0]))),
        exempt: &[],
    },
    Endpoint {
        name: "subject token of ours",
        signed_by: |rig| &rig.ours,
        types: OURS,
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            let mut form = exchanging(token, TYPES[1]);
            form.extend([("client_id", "ci"), ("client_secret", rig.secret.reveal())]);
            Box::pin(rig.is_granted(form))
        },
        exempt: &[],
    },
    Endpoint {
        name: "actor token of ours",
        signed_by: |rig| &rig.ours,
        types: OURS,
        says: |rig| rig.actor_token.clone(),
        takes: |rig, token| Box::pin(rig.is_acted_for_by(token)),
        exempt: WHOMEVER_FOR,
    },
    Endpoint {
        name: "revocation",
        signed_by: |rig| &rig.ours,
        types: OURS,
        says: |rig| with(rig.actor_token.clone(), json!({ "jti": rig.id() })),
        takes: |rig, token| {
            Box::pin(async {
                let before = rig.server.count("revoked_tokens").await;
                rig.server.end_token(&rig.actor, token).await;
                rig.server.count("revoked_tokens").await > before
            })
        },
        exempt: WHOMEVER_FOR,
    },
    Endpoint {
        name: "gateway",
        signed_by: |rig| &rig.ours,
        types: OURS,
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            Box::pin(async move {
                let answer = rig.server.get_with(VERIFY, &format!("Bearer {token}"), &[]).await;
                answer.status == 200
            })
        },
        exempt: &[],
    },
    Endpoint {
        name: "proof at a token endpoint",
        signed_by: |rig| &rig.prover,
        types: PROOF,
        says: |rig| rig.proves("POST", &format!("{ISSUER}{API_KEY}"), None),
        takes: |rig, proof| {
            Box::pin(async {
                let form = [("name", "bound"), ("secret", rig.bound_secret.reveal())];
                rig.server.post_with(API_KEY, &form, &[proof]).await.status == 200
            })
        },
        exempt: NAMED_BY_NOBODY,
    },
    Endpoint {
        name: "proof at the management API",
        signed_by: |rig| &rig.prover,
        types: PROOF,
        says: |rig| rig.proves("GET", &format!("{ISSUER}{ORGANIZATIONS}"), Some(&rig.bound_token)),
        takes: |rig, proof| Box::pin(rig.is_shown_with(ORGANIZATIONS, proof)),
        exempt: NAMED_BY_NOBODY,
    },
    Endpoint {
        name: "proof at a gateway",
        signed_by: |rig| &rig.prover,
        types: PROOF,
        says: |rig| rig.proves("GET", "https://api.example.com/orders", Some(&rig.bound_token)),
        takes: |rig, proof| Box::pin(rig.is_shown_with(VERIFY, proof)),
        exempt: NAMED_BY_NOBODY,
    },
];

/// A client ends, and shows as an actor, its own tokens, whomever they are for.
const WHOMEVER_FOR: &[(&str, &str)] = &[
    ("F10 F12 {\"aud\":\"", "its audience is no matter of whoever reads it here"),
    ("F10 F12 {\"aud\":[", "the same"),
];

/// What is not looked at in a proof cannot be forged.
const NAMED_BY_NOBODY: &[(&str, &str)] = &[
    ("F07 signed", "the key of a proof is in it, and is found by no name"),
    ("F09 another issuer", "a proof is its key's word, and names no issuer"),
];

/// Which endpoints stand behind each file that verifies a JWT.
///
/// An actor token of somebody else is in none: it is read like a subject token, and refused however
/// good it is.
pub(super) const READERS: &[(&str, &[&str])] = &[
    ("exchange/assertion.rs", &["client assertion"]),
    ("exchange/gateway.rs", &["gateway"]),
    ("exchange/introspection.rs", &["introspection"]),
    (
        "exchange/possession.rs",
        &["proof at a token endpoint", "proof at the management API", "proof at a gateway"],
    ),
    ("exchange/revocation.rs", &["revocation"]),
    ("exchange/subject_token/mod.rs", &["subject token of ours", "actor token of ours"]),
    ("exchange/workload/trial.rs", &["assertion of a workload", "subject token of others"]),
    ("http/api/caller.rs", &["management API"]),
];

const ORGANIZATIONS: &str = "/api/v1/organizations";
const VERIFY: &str = "/auth/v1/verify?resource=https://keyturn.test&origin=https://api.example.com";
