//! The two requests a holder sends: a key for a token, a refresh token for a token.

use std::time::Duration;

use reqwest::{Client, Response, header, redirect};
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{
    Wanted,
    access_token::AccessToken,
    answer::{self, Granted},
    failure::{Failure, Said},
    server_url::ServerUrl,
};
use crate::{
    clock::{Clock, Timestamp},
    random::Random,
    signing::{ProofKey, ProvedRequest},
};

/// One server, asked once or twice.
pub(super) struct Wire<'a> {
    url: &'a ServerUrl,
    clock: &'a Clock,
    /// To which the tokens are to be bound.
    proof_key: Option<&'a ProofKey>,
}

/// What came back.
struct Answered {
    status: u16,
    /// The nonce for the next proof.
    nonce: Option<String>,
    body: Zeroizing<Vec<u8>>,
}

const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
const LONGEST_ANSWER: usize = 1024 * 1024;

impl<'a> Wire<'a> {
    pub(super) fn to(
        url: &'a ServerUrl,
        clock: &'a Clock,
        proof_key: Option<&'a ProofKey>,
    ) -> Self {
        Self { url, clock, proof_key }
    }

    pub(super) async fn exchange(&self, secret: &str, wanted: &Wanted) -> anyhow::Result<Granted> {
        let endpoint = self.url.path("/auth/v1/token");
        self.post(&endpoint, &[("pat", secret)], wanted).await
    }

    /// RFC 6749, section 6.
    pub(super) async fn refresh(
        &self,
        token: &str,
        client_id: &str,
        wanted: &Wanted,
    ) -> anyhow::Result<Granted> {
        let endpoint = self.token_endpoint().await?;
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client_id)];
        self.post(&endpoint, &form, wanted).await
    }

    /// OpenID Connect Discovery 1.0, section 4: a server that is not the issuer gets no refresh token.
    async fn token_endpoint(&self) -> anyhow::Result<ServerUrl> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            token_endpoint: String,
        }
        let url = self.url.path("/.well-known/openid-configuration");
        let request = client(&url)?.get(url.as_str());
        let Answered { status, body, .. } = self.ask(&url, request).await?;
        if status != 200 {
            return Err(answer::refused(&url, status, &body).into());
        }
        let strange = |problem: String| Failure::Strange { url: url.to_string(), problem };
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| strange("its metadata names no token_endpoint".to_owned()))?;
        if metadata.issuer != self.url.as_str() {
            let problem = format!("it calls itself {}", Said::new(&metadata.issuer));
            return Err(strange(problem).into());
        }
        ServerUrl::parse(&metadata.token_endpoint)
            .map_err(|error| strange(format!("token_endpoint: {error}")).into())
    }

    async fn post(
        &self,
        endpoint: &ServerUrl,
        form: &[(&str, &str)],
        wanted: &Wanted,
    ) -> anyhow::Result<Granted> {
        let scope = wanted.scope();
        let optional = [
            ("resource", wanted.resource.as_deref()),
            ("scope", scope.as_deref()),
            ("organizationId", wanted.organization.as_deref()),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let body = Zeroizing::new(
            Serializer::new(String::new())
                .extend_pairs(form.iter().copied().chain(optional))
                .finish(),
        );
        let first = self.post_with(endpoint, &body, None).await?;
        let (asked_at, answered) = match &first.1 {
            // Nothing was used up: the same is asked again, with the nonce (RFC 9449, section 8).
            Answered { status, nonce: Some(nonce), body: said }
                if answer::asks_for_a_nonce(*status, said) =>
            {
                self.post_with(endpoint, &body, Some(nonce)).await?
            }
            _ => first,
        };
        let Answered { status, body, .. } = answered;
        let proved = self.proof_key.map(ProofKey::thumbprint);
        Ok(answer::granted(endpoint, status, &body, asked_at, proved)?)
    }

    /// Tells also when it was asked.
    async fn post_with(
        &self,
        endpoint: &ServerUrl,
        form: &str,
        nonce: Option<&str>,
    ) -> anyhow::Result<(Timestamp, Answered)> {
        let asked_at = self.clock.now();
        let mut request = client(endpoint)?
            .post(endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.as_bytes().to_vec());
        if let Some(key) = self.proof_key {
            let proved =
                ProvedRequest { method: "POST", url: endpoint.as_str(), access_token: None };
            request = request.header("DPoP", key.prove(&proved, nonce, asked_at, &Random::System)?);
        }
        Ok((asked_at, self.ask(endpoint, request).await?))
    }

    async fn ask(
        &self,
        url: &ServerUrl,
        request: reqwest::RequestBuilder,
    ) -> Result<Answered, Failure> {
        let unreachable = |source: reqwest::Error| Failure::Unreachable {
            url: self.url.to_string(),
            source: source.without_url(),
        };
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let nonce = nonce(&response);
        let body = read(response).await.map_err(unreachable)?;
        let body = body.ok_or_else(|| Failure::Strange {
            url: url.to_string(),
            problem: "its answer has no end".to_owned(),
        })?;
        Ok(Answered { status, nonce, body })
    }
}

/// The nonce that a server wants in proofs for this URL, if it gives one (RFC 9449, section 8.2).
/// It is asked by `HEAD`, which changes nothing there. A server that cannot be asked gives none.
pub(super) async fn nonce_of(
    key: &ProofKey,
    url: &str,
    token: &AccessToken,
    clock: &Clock,
) -> anyhow::Result<Option<String>> {
    // A query does not belong to what is proved, and the server is asked without it.
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let Ok(place) = ServerUrl::parse(place) else { return Ok(None) };
    let request =
        ProvedRequest { method: "HEAD", url: place.as_str(), access_token: Some(&token.bearer) };
    let proof = key.prove(&request, None, clock.now(), &Random::System)?;
    let asked = client(&place)?
        .head(place.as_str())
        .header(header::AUTHORIZATION, format!("{} {}", token.scheme(), token.bearer))
        .header("DPoP", proof);
    Ok(asked.send().await.ok().and_then(|answer| nonce(&answer)))
}

fn nonce(response: &Response) -> Option<String> {
    let nonce = response.headers().get("DPoP-Nonce")?;
    nonce.to_str().ok().map(str::to_owned)
}

/// Follows no redirect: a credential goes where its holder sends it. Honours `HTTPS_PROXY` and
/// `NO_PROXY`, and `SSL_CERT_FILE` as the system's verifier does.
fn client(url: &ServerUrl) -> anyhow::Result<Client> {
    let client = Client::builder()
        .user_agent(concat!("keyturn/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECTED_WITHIN)
        .timeout(ANSWERED_WITHIN);
    // What is for this machine must not reach a proxy, in clear least of all.
    let client = if url.is_loopback() { client.no_proxy() } else { client };
    Ok(client.build()?)
}

/// `None` where it is longer than any answer that we would understand.
async fn read(mut response: Response) -> reqwest::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
