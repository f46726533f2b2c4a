//! The holder's side: a key pair of one's own, and the proofs by it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::ProvedRequest;
use crate::{
    clock::Timestamp,
    domain::Algorithm,
    random::Random,
    signing::{MalformedPem, SigningFailed, key_pair::KeyPair, pem},
};

/// A private key whose holder proves to hold it. Prints nothing of itself: it has no `Debug`.
pub struct ProofKey(KeyPair);

impl ProofKey {
    pub fn generate() -> Self {
        Self(KeyPair::generate(Algorithm::Es256))
    }

    /// Of any kind that we sign by.
    pub fn from_pem(text: &str) -> Result<Self, MalformedPem> {
        pem::parse(text).map(Self)
    }

    /// PKCS#8, in lines that every tool reads (RFC 7468).
    pub fn to_pem(&self) -> Zeroizing<String> {
        const WIDTH: usize = 64;
        let text = Zeroizing::new(BASE64_STANDARD.encode(&*self.0.to_pkcs8()));
        let mut pem = Zeroizing::new("-----BEGIN PRIVATE KEY-----\n".to_owned());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(WIDTH));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        pem
    }

    /// By which keys and clients demand it (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        self.0.id()
    }

    /// A proof for this request, good for a minute and once. `nonce`: the server's, where it has
    /// asked for one.
    pub fn prove(
        &self,
        request: &ProvedRequest<'_>,
        nonce: Option<&str>,
        now: Timestamp,
        random: &Random,
    ) -> Result<String, SigningFailed> {
        let algorithm = self.0.proof_algorithm().as_str();
        let mut header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": self.0.jwk() });
        header["jwk"]["alg"] = algorithm.into();
        // Neither query nor fragment belongs to it (RFC 9449, section 4.2).
        let url = request.url.split(['?', '#']).next().unwrap_or_default();
        let mut claims = json!({
            "jti": random.id(now), "iat": now.timestamp(), "htm": request.method, "htu": url,
        });
        if let Some(token) = request.access_token {
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let parts = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = parts.join(".");
        let signature = self.0.sign_proof(signed.as_bytes())?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::timestamp, signing::verify_proof};

    #[test]
    fn what_a_holder_proves_is_what_a_server_verifies() {
        let (key, now) = (ProofKey::generate(), timestamp(1_800_000_000).unwrap());
        let request = |url, access_token| ProvedRequest { method: "POST", url, access_token };
        let made = request("https://id.example.com/token?a=b#c", Some("token"));

        let proof = key.prove(&made, Some("nonce"), now, &Random::System).unwrap();

        let asked = request("https://id.example.com/token", Some("token"));
        let verified = verify_proof(&proof, &asked, now).unwrap();
        assert_eq!(verified.thumbprint.as_str(), key.thumbprint());
        assert_eq!(verified.nonce.as_deref(), Some("nonce"));
        let other = key.prove(&made, None, now, &Random::System).unwrap();
        assert_ne!(verify_proof(&other, &asked, now).unwrap().hash, verified.hash);
    }

    #[test]
    fn fx_39a_an_rsa_key_of_a_holder_proves_by_pss() {
        let key = ProofKey(KeyPair::generate(Algorithm::Rs256));
        let now = timestamp(1_800_000_000).unwrap();
        let url = "https://id.example.com/token";
        let request = ProvedRequest { method: "POST", url, access_token: None };

        let proof = key.prove(&request, None, now, &Random::System).unwrap();

        assert_eq!(
            verify_proof(&proof, &request, now).unwrap().thumbprint.as_str(),
            key.thumbprint()
        );
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = ProofKey::generate();

        let pem = key.to_pem();

        assert!(pem.lines().all(|line| line.len() <= 64));
        assert_eq!(ProofKey::from_pem(&pem).unwrap().thumbprint(), key.thumbprint());
    }
}
