//! A server that does what a test tells it to, and counts.

use std::{
    collections::HashMap,
    future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

/// A key that no server knows, with a right checksum.
pub(super) fn any_key() -> String {
    let random = keyturn::random::Random::seeded(7);
    keyturn::domain::Secret::generate(&"ktk".parse().unwrap(), &random).reveal().to_owned()
}

/// What it does. The defaults are those of a good server.
#[derive(Clone)]
pub(super) struct Behaviour {
    /// Seconds that its access tokens live.
    pub(super) lifetime: u32,
    /// Every refresh replaces the refresh token, and the old one is good no more.
    pub(super) rotates: bool,
    /// It never answers its first request for a token.
    pub(super) first_hangs: bool,
    /// Answered in place of any token.
    pub(super) refuses: Option<(StatusCode, &'static str)>,
    /// Where it sends whoever asks for a token.
    pub(super) redirects_to: Option<String>,
    /// What it calls itself, if not its URL.
    pub(super) issuer: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            lifetime: 360,
            rotates: false,
            first_hangs: false,
            refuses: None,
            redirects_to: None,
            issuer: None,
        }
    }
}

pub(super) struct Fake {
    pub(super) url: String,
    seen: Arc<Seen>,
    /// Ends with this.
    _runtime: Runtime,
}

struct Seen {
    url: String,
    behaviour: Behaviour,
    forms: Mutex<Vec<HashMap<String, String>>>,
    given: AtomicUsize,
    /// The refresh token that is good.
    refresh_token: Mutex<String>,
}

/// The refresh token that every one of them accepts at first.
pub(super) const REFRESH_TOKEN: &str = "ktr_first";

impl Fake {
    pub(super) fn start() -> Self {
        Self::with(Behaviour::default())
    }

    pub(super) fn with(behaviour: Behaviour) -> Self {
        let runtime = Runtime::new().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Seen {
            url: url.clone(),
            behaviour,
            forms: Mutex::default(),
            given: AtomicUsize::new(0),
            refresh_token: Mutex::new(REFRESH_TOKEN.to_owned()),
        });
        let router = Router::new()
            .route("/auth/v1/token", post(exchange))
            .route("/refresh", post(refresh))
            .route("/.well-known/openid-configuration", get(metadata))
            .with_state(seen.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url, seen, _runtime: runtime }
    }

    /// How many tokens were asked for.
    pub(super) fn asked(&self) -> usize {
        self.seen.forms.lock().unwrap().len()
    }

    /// What was posted last.
    pub(super) fn form(&self) -> HashMap<String, String> {
        self.seen.forms.lock().unwrap().last().unwrap().clone()
    }
}

async fn metadata(State(seen): State<Arc<Seen>>) -> Json<Value> {
    let issuer = seen.behaviour.issuer.clone().unwrap_or_else(|| seen.url.clone());
    Json(json!({ "issuer": issuer, "token_endpoint": format!("{}/refresh", seen.url) }))
}

async fn exchange(State(seen): State<Arc<Seen>>, body: String) -> Response {
    match seen.note(&body).await {
        Some(refusal) => refusal,
        None => Json(seen.token()).into_response(),
    }
}

async fn refresh(State(seen): State<Arc<Seen>>, body: String) -> Response {
    if let Some(refusal) = seen.note(&body).await {
        return refusal;
    }
    let sent = form(&body).remove("refresh_token").unwrap_or_default();
    let mut good = seen.refresh_token.lock().unwrap();
    if sent != *good {
        let body = json!({ "error": "invalid_grant", "error_description": "it was used before" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let mut answer = seen.token();
    if seen.behaviour.rotates {
        *good = format!("ktr_after-{sent}");
        answer["refresh_token"] = good.clone().into();
    }
    Json(answer).into_response()
}

impl Seen {
    /// Writes down what was posted; an answer where there is to be no token.
    async fn note(&self, body: &str) -> Option<Response> {
        let number = {
            let mut forms = self.forms.lock().unwrap();
            forms.push(form(body));
            forms.len()
        };
        if self.behaviour.first_hangs && number == 1 {
            future::pending::<()>().await;
        }
        if let Some(elsewhere) = &self.behaviour.redirects_to {
            let location = [(header::LOCATION, elsewhere.clone())];
            return Some((StatusCode::TEMPORARY_REDIRECT, location).into_response());
        }
        self.behaviour.refuses.map(IntoResponse::into_response)
    }

    fn token(&self) -> Value {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        json!({
            "access_token": format!("token-{number}"),
            "token_type": "Bearer",
            "expires_in": self.behaviour.lifetime,
        })
    }
}

fn form(body: &str) -> HashMap<String, String> {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}
