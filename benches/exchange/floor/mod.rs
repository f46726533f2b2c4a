//! The floor: parses the same form and signs the same token, and does nothing else.

mod grants;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use axum::{Json, Router, body::Bytes, extract::State, routing::post};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use keyturn::{clock::Clock, domain::Algorithm, random::Random};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{claims::Claims, request::resource};

struct Floor {
    clock: Clock,
    random: SystemRandom,
    es256: EcdsaKeyPair,
    rs256: RsaKeyPair,
    ed_dsa: Ed25519KeyPair,
    /// Authenticates refresh tokens.
    mac: hmac::Key,
    /// Headers as long as keyturn's, by algorithm.
    headers: [(Algorithm, String); 3],
    issuer: String,
}

/// Serves until it is killed.
pub(crate) fn run(address: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let floor = Arc::new(Floor::new(address)?);
    let router = Router::new()
        .route("/auth/v1/api-key/token", post(exchange))
        .route("/oauth2/token", post(grants::grant))
        .route("/oauth2/introspect", post(grants::introspect))
        .with_state(floor);
    let protocol = Builder::new(TokioExecutor::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (protocol, service) = (protocol.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            // A client that hangs up is no failure.
            let _ = protocol.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn exchange(State(floor): State<Arc<Floor>>, body: Bytes) -> Result<Json<Value>, Infallible> {
    let mut algorithm = Algorithm::Es256;
    let (mut name, mut secret) = (0, 0);
    for (parameter, value) in form_urlencoded::parse(&body) {
        match &*parameter {
            "name" => name = value.len(),
            "secret" => secret = value.len(),
            "resource" if value == resource(Algorithm::Rs256) => algorithm = Algorithm::Rs256,
            "resource" => algorithm = Algorithm::EdDsa,
            _ => (),
        }
    }
    assert!(name > 0 && secret > 0, "the load presents both");
    Ok(Json(json!({
        "access_token": floor.token(algorithm),
        "token_type": "Bearer",
        "expires_in": 360,
        "scope": "read",
    })))
}

impl Floor {
    fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let header = |algorithm: Algorithm| {
            let kid = "x".repeat(43);
            let text = json!({ "alg": algorithm.as_str(), "typ": "at+jwt", "kid": kid });
            (algorithm, BASE64_URL_SAFE_NO_PAD.encode(text.to_string()))
        };
        Ok(Self {
            clock: Clock::system(),
            random: SystemRandom::new(),
            es256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).context("ES256")?,
            rs256: RsaKeyPair::generate(KeySize::Rsa2048).context("RS256")?,
            ed_dsa: Ed25519KeyPair::generate().context("EdDSA")?,
            mac: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).context("HMAC")?,
            headers: Algorithm::ALL.map(header),
            issuer: format!("http://{address}"),
        })
    }

    fn token(&self, algorithm: Algorithm) -> String {
        let now = self.clock.now();
        let mut token = String::with_capacity(1024);
        let header = self.headers.iter().find(|(of, _)| *of == algorithm);
        token.push_str(header.map_or("", |(_, text)| text));
        token.push('.');
        let claims = Claims::of(&self.issuer, algorithm, now.timestamp(), Random::System.id(now));
        let claims = serde_json::to_vec(&claims).expect("texts and numbers are JSON");
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.sign(algorithm, token.as_bytes());
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        const WORKS: &str = "the key can sign";
        match algorithm {
            Algorithm::Es256 => {
                self.es256.sign(&self.random, message).expect(WORKS).as_ref().to_vec()
            }
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rs256.public_modulus_len()];
                let made =
                    self.rs256.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature);
                made.expect(WORKS);
                signature
            }
            Algorithm::EdDsa => self.ed_dsa.try_sign(message).expect(WORKS).as_ref().to_vec(),
        }
    }
}
