//! `/api/v1/usage`: how often a key was used, from where, with which outcome.

use std::str::FromStr;

use axum::{Json, extract::State};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    extract::Asked,
    list::{ListOf, page},
    moment::{Moment, of_minute},
    problem::{Answer, Problem},
};
use crate::{
    domain::{ApiKeyId, Circumstances, SecretId, Step, Use},
    http::edge::Edge,
    manage::{
        Page,
        usage::{self, Wanted},
    },
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(counts))
}

/// Of which key, and of what time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AskedUsage {
    api_key_id: Uuid,
    /// Begins with the step that this moment lies in; left out: a day before `until`.
    from: Option<Moment>,
    /// Ends with the step that lies before this moment, or that it lies in; left out: now.
    until: Option<Moment>,
    /// Left out: `hour`.
    #[param(inline)]
    by: Option<AskedStep>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// What the counts are summed up by, in UTC.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AskedStep {
    Minute,
    Hour,
    Day,
}

impl From<AskedStep> for Step {
    fn from(asked: AskedStep) -> Self {
        match asked {
            AskedStep::Minute => Self::Minute,
            AskedStep::Hour => Self::Hour,
            AskedStep::Day => Self::Day,
        }
    }
}

/// How often one secret of a key was used in a step of time, from one address, by one client, with
/// one outcome.
#[derive(Serialize, ToSchema)]
struct ShownCount {
    /// The beginning of the minute, hour or day.
    at: Option<Moment>,
    /// Which secret of the key.
    secret_id: Uuid,
    /// The address it was used from.
    source: String,
    /// What the client calls itself, up to 120 characters.
    user_agent: String,
    /// `issued`, or the reason of a refusal: `key_expired`.
    outcome: String,
    uses: i64,
}

impl From<(Use, i64)> for ShownCount {
    fn from((of, uses): (Use, i64)) -> Self {
        let Circumstances { minute, source, user_agent, outcome } = of.circumstances;
        Self {
            at: of_minute(minute),
            secret_id: of.secret_id.0,
            source: source.to_string(),
            user_agent: user_agent.as_str().to_owned(),
            outcome: outcome.into_owned(),
            uses,
        }
    }
}

/// Where a part of the counts ends: callers carry it, and need not understand it.
struct Place(Use);

impl FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let (secret_id, circumstances): (SecretId, Circumstances) =
            read.ok_or_else(|| Problem::invalid("this is no cursor"))?;
        Ok(Self(Use { secret_id, circumstances }))
    }
}

impl Place {
    fn cursor(of: &Use) -> String {
        let text = serde_json::to_vec(&(of.secret_id, &of.circumstances));
        BASE64_URL_SAFE_NO_PAD.encode(text.expect("names and numbers are JSON"))
    }
}

/// Tells how a key was used, oldest first. What happened in the last seconds may not be counted yet.
/// A part of the list covers a month at most, so it may be empty and still have a `next_cursor`.
#[utoipa::path(get, path = "/api/v1/usage", tag = "Usage", params(AskedUsage),
    security(("token" = ["usage:read"])), responses((status = 200, body = ListOf<ShownCount>)))]
async fn counts(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<AskedUsage>,
) -> Answer<Json<ListOf<ShownCount>>> {
    let Page { after, most } = page(query.limit, query.cursor.as_deref())?;
    // What lies before `until` is wanted: this second, too.
    let soon = edge.app.clock.now() + TimeDelta::seconds(1);
    let until = query.until.map_or(soon, |at| at.0);
    let from = query.from.map_or_else(|| until - TimeDelta::days(1), |at| at.0);
    if from > until {
        return Err(Problem::invalid("`from` lies after `until`"));
    }
    let step = query.by.map_or(Step::Hour, Step::from);
    let wanted = Wanted { api_key_id: ApiKeyId(query.api_key_id), from, until, step };
    let after = after.map(|Place(last)| last);
    let part = usage::counts(&edge.app, &asker, wanted, Page { after, most }).await?;
    let next = part.next.as_ref().map(Place::cursor);
    Ok(Json(ListOf::part(part.counts.into_iter().map(ShownCount::from).collect(), next)))
}
