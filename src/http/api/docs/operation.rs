//! An operation as the page shows it.

use utoipa::openapi::{
    Required,
    path::{Operation, Parameter, ParameterIn},
};

use super::{
    curl::curl,
    direct,
    prose::Prose,
    shape::{Kind, Member, Shapes},
};
use crate::http::api::description;

pub(super) struct Shown {
    pub(super) anchor: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) description: Prose,
    /// What the token must carry.
    pub(super) scopes: Vec<String>,
    pub(super) parameters: Vec<ShownParameter>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<ShownAnswer>,
    pub(super) curl: String,
}

pub(super) struct ShownParameter {
    pub(super) place: &'static str,
    pub(super) member: Member,
}

pub(super) struct Body {
    pub(super) shape: Option<String>,
    pub(super) members: Vec<Member>,
}

pub(super) struct ShownAnswer {
    pub(super) status: String,
    pub(super) description: String,
    pub(super) kind: Kind,
    pub(super) headers: Vec<String>,
}

pub(super) fn shown(
    method: &'static str,
    path: &str,
    operation: &Operation,
    shapes: &Shapes<'_>,
    server: &str,
) -> Shown {
    let parameters: Vec<_> = operation.parameters.iter().flatten().filter_map(direct).collect();
    let body = operation.request_body.as_ref().and_then(direct);
    let content = body.and_then(|body| direct(body.content.get("application/json")?));
    let schema = content.and_then(|content| content.schema.as_ref());
    Shown {
        anchor: operation.operation_id.clone().unwrap_or_default(),
        method,
        path: path.to_owned(),
        summary: operation.summary.clone().unwrap_or_default(),
        description: Prose::new(operation.description.as_deref().unwrap_or_default()),
        scopes: scopes(operation),
        curl: curl(method, &format!("{server}{path}"), &parameters, schema, shapes),
        parameters: parameters.into_iter().map(|it| parameter(it, shapes)).collect(),
        body: schema.map(|schema| Body {
            shape: shapes.kind(schema).shape,
            members: shapes.members(schema),
        }),
        answers: answers(operation, shapes),
    }
}

/// The requirement itself keeps its scopes to itself, but writes them down.
fn scopes(operation: &Operation) -> Vec<String> {
    let requirements = serde_json::to_value(&operation.security).unwrap_or_default();
    let listed = requirements.as_array().into_iter().flatten();
    let scopes = listed.filter_map(|it| it["token"].as_array()).flatten();
    scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect()
}

fn parameter(parameter: &Parameter, shapes: &Shapes<'_>) -> ShownParameter {
    let schema = parameter.schema.as_ref();
    let notes = schema.map(|schema| shapes.notes(schema)).unwrap_or_default();
    let said = parameter.description.clone().unwrap_or_default();
    ShownParameter {
        place: match parameter.parameter_in {
            ParameterIn::Path => "path",
            ParameterIn::Query | ParameterIn::QueryString => "query",
            ParameterIn::Header => "header",
            ParameterIn::Cookie => "cookie",
        },
        member: Member {
            name: parameter.name.clone(),
            kind: schema.map(|schema| shapes.kind(schema)).unwrap_or_default(),
            is_required: matches!(parameter.required, Required::True),
            notes: Prose::new([said, notes].join(" ").trim()),
        },
    }
}

fn answers(operation: &Operation, shapes: &Shapes<'_>) -> Vec<ShownAnswer> {
    let mut answers = Vec::new();
    for (status, response) in &operation.responses.responses {
        let Some(found) = direct(response) else { continue };
        let content = found.content.get("application/json").and_then(direct);
        let kind = content.and_then(|content| content.schema.as_ref());
        answers.push(ShownAnswer {
            status: status.clone(),
            description: found.description.clone(),
            kind: kind.map(|schema| shapes.kind(schema)).unwrap_or_default(),
            headers: found.headers.keys().cloned().collect(),
        });
    }
    answers.push(ShownAnswer {
        status: "else".to_owned(),
        description: "What is in the way".to_owned(),
        kind: Kind { shape: Some(description::PROBLEM.to_owned()), ..Kind::default() },
        headers: Vec::new(),
    });
    answers
}
