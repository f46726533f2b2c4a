//! Reads what is sent to the management API, strictly: paths, queries, JSON.

use std::str::FromStr;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{example, problem::Problem};
use crate::{
    domain::Once,
    http::{
        edge::Edge,
        form::{BODY_WITHIN, LONGEST_BODY, read_body},
        input::{self, BadMember},
    },
};

/// What the path names. Something malformed is not there.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Edge> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, edge).await;
        path.map(|Path(value)| Self(value)).map_err(|_| Problem::no_such_path())
    }
}

/// The query, whose parameters are all known.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned + IntoParams> FromRequestParts<Edge> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Problem> {
        let query = input::query(parts.uri.query().unwrap_or_default());
        let example = |bad: &BadMember| example::of_parameter::<T>(&bad.path);
        query.map(Self).map_err(|bad| bad_member(&bad, example(&bad)))
    }
}

/// A JSON body, whose members are all known.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + ToSchema> FromRequest<Edge> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Edge) -> Result<Self, Problem> {
        read(request).await.map(|(_, _, value)| Self(value))
    }
}

/// A JSON body that asks for something to be made, once however often it is sent.
pub(super) struct ToMake<T> {
    pub(super) body: T,
    /// From the header `Idempotency-Key`.
    pub(super) once: Option<Once>,
}

impl<T: DeserializeOwned + ToSchema> FromRequest<Edge> for ToMake<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Edge) -> Result<Self, Problem> {
        let (parts, bytes, body) = read(request).await?;
        let once = once(&parts.headers, parts.uri.path(), &bytes)?;
        Ok(Self { body, once })
    }
}

fn once(headers: &HeaderMap, path: &str, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|_| keys.next().is_none()).unwrap_or_default();
    let once = Once::new(key, &[path.as_bytes(), body]);
    once.map(Some).map_err(|malformed| Problem::invalid(malformed.to_string()))
}

async fn read<T: DeserializeOwned + ToSchema>(
    request: Request,
) -> Result<(Parts, axum::body::Bytes, T), Problem> {
    let (parts, body) = request.into_parts();
    if !declares_json(&parts.headers) {
        return Err(Problem::unsupported_media_type());
    }
    let bytes = read_body(body, LONGEST_BODY, BODY_WITHIN).await?;
    // serde takes members by their order, too. No one would notice a mistake in it.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::invalid("the body is a JSON object, not an array"));
    }
    let value = input::json(&bytes)
        .map_err(|bad| bad_member(&bad, Some(example::of_member::<T>(&bad.path))))?;
    Ok((parts, bytes, value))
}

/// Names the member, and shows a right one.
fn bad_member(bad: &BadMember, example: Option<String>) -> Problem {
    match example.filter(|_| !bad.is_unknown()) {
        Some(example) => Problem::invalid(format!("{bad}; for example {example}")),
        None => Problem::invalid(bad.to_string()),
    }
}

fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = declared.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

/// A text that is one of our types: what is wrong with it is said in our words.
#[derive(Clone, Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Tells a member that is `null` from one that is not there.
#[expect(clippy::option_option, reason = "not there and `null` mean two things")]
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
