//! A client that proves to hold a key (RFC 9449), as libraries do it.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Answer, FORM, ISSUER, TestServer, encoded};

pub(crate) enum ProofKey {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl ProofKey {
    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key()) })
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (base64(&point[1..33]), base64(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
        }
    }

    /// RFC 7638: the members in the order of their names, which `Value` keeps.
    pub(crate) fn thumbprint(&self) -> String {
        base64(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn header(&self) -> Value {
        let alg = match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        };
        json!({ "typ": "dpop+jwt", "alg": alg, "jwk": self.jwk() })
    }

    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", base64(signature))
    }

    /// A proof for a request to this path, with more claims or other ones.
    pub(crate) fn proof(
        &self,
        server: &TestServer,
        (method, path): (&str, &str),
        more: Value,
    ) -> String {
        let now = server.app.clock.now();
        let mut claims = json!({
            "jti": server.app.random.id(now), "iat": now.timestamp(),
            "htm": method, "htu": format!("{ISSUER}{path}"),
        });
        let Value::Object(more) = more else { panic!("claims are an object") };
        claims.as_object_mut().unwrap().extend(more);
        self.signed(&self.header(), &claims)
    }

    /// One that goes with a token to a resource server.
    pub(crate) fn proof_of(
        &self,
        server: &TestServer,
        request: (&str, &str),
        token: &str,
    ) -> String {
        self.proof(server, request, json!({ "ath": base64(digest(&SHA256, token.as_bytes())) }))
    }
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl TestServer {
    /// Posts a form with these `DPoP` headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        form: &[(&str, &str)],
        proofs: &[&str],
    ) -> Answer {
        let mut request = Request::post(path).header("content-type", FORM);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    /// Posts a form with a new proof by this key.
    pub(crate) async fn post_by(
        &self,
        key: &ProofKey,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let proof = key.proof(self, ("POST", path), json!({}));
        self.post_with(path, form, &[&proof]).await
    }

    /// Asks for something with a token, by this scheme and with these proofs.
    pub(crate) async fn get_with(
        &self,
        path: &str,
        authorization: &str,
        proofs: &[&str],
    ) -> Answer {
        let mut request = Request::builder().method(Method::GET).uri(path);
        request = request.header("authorization", authorization);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}
