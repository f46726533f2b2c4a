//! How to ask from a shell.

use utoipa::openapi::{
    RefOr, Required, Schema,
    path::{Parameter, ParameterIn},
};

use super::shape::Shapes;
use crate::http::api::example::example;

/// With what has to be there, and nothing else.
pub(super) fn curl(
    method: &str,
    url: &str,
    parameters: &[&Parameter],
    body: Option<&RefOr<Schema>>,
    shapes: &Shapes<'_>,
) -> String {
    let required = || parameters.iter().filter(|it| matches!(it.required, Required::True));
    let query = required().filter(|it| matches!(it.parameter_in, ParameterIn::Query));
    let query: Vec<_> = query.map(|it| format!("{}={}", it.name, shell_name(&it.name))).collect();
    let mut path = url.to_owned();
    for parameter in required().filter(|it| matches!(it.parameter_in, ParameterIn::Path)) {
        path = path.replace(&format!("{{{}}}", parameter.name), &shell_name(&parameter.name));
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let mut lines = vec![format!("curl -X {method} \"{path}\"")];
    lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    for parameter in required().filter(|it| matches!(it.parameter_in, ParameterIn::Header)) {
        lines.push(format!("-H '{}: *'", parameter.name));
    }
    if let Some(body) = body {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", example(body, shapes)));
    }
    lines.join(" \\\n  ")
}

/// `$REQUEST_ID`
fn shell_name(name: &str) -> String {
    format!("${}", name.to_uppercase())
}
