//! How to ask from a shell.

use serde_json::Value;
use utoipa::openapi::{
    RefOr, Required, Schema, Type,
    path::{Parameter, ParameterIn},
    schema::{ArrayItems, Object, SchemaType},
};

use super::shape::Shapes;

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

/// A body with the members that must be there.
fn example<'a>(schema: &'a RefOr<Schema>, shapes: &Shapes<'a>) -> String {
    match shapes.resolve(schema) {
        Some(Schema::Object(object)) => example_of_object(object, shapes),
        Some(Schema::Array(array)) => match (&array.example, &array.items) {
            (Some(example), _) => example.to_string(),
            (None, ArrayItems::RefOrSchema(items)) => format!("[{}]", example(items, shapes)),
            (None, ArrayItems::False) => "[]".to_owned(),
        },
        Some(Schema::OneOf(one)) => {
            one.items.last().map_or_else(String::new, |it| example(it, shapes))
        }
        _ => "null".to_owned(),
    }
}

fn example_of_object<'a>(object: &'a Object, shapes: &Shapes<'a>) -> String {
    if let Some(example) = &object.example {
        return example.to_string();
    }
    if let Some(first) = object.enum_values.iter().flatten().next() {
        return first.to_string();
    }
    let kind = match &object.schema_type {
        SchemaType::Type(kind) => kind,
        SchemaType::Array(types) => types.first().unwrap_or(&Type::Null),
        SchemaType::AnyValue => &Type::Null,
    };
    match kind {
        Type::String => string(object),
        Type::Integer | Type::Number => "60".to_owned(),
        Type::Boolean => "true".to_owned(),
        Type::Array => "[]".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Object => {
            let wanted = |name: &String| object.required.contains(name);
            let members = object.properties.iter().filter(|(name, _)| wanted(name));
            let members = members.map(|(name, it)| format!("\"{name}\": {}", example(it, shapes)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn string(object: &Object) -> String {
    let format = serde_json::to_value(&object.format).unwrap_or(Value::Null);
    let text = match format.as_str() {
        Some("date-time") => "2027-01-31T12:00:00Z",
        Some("uuid") => "01890a5d-ac96-774b-bcce-b302099a8057",
        _ => "…",
    };
    format!("\"{text}\"")
}
