//! What is right where something was wrong: examples made from the description of the API.

use serde_json::Value;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Components, ComponentsBuilder, RefOr, Schema, Type,
        schema::{ArrayItems, Object, SchemaType},
    },
};

use super::{moment::Moment, texts::Name};
use crate::http::input::Step;

/// The schemas that have a name.
pub(super) struct Shapes<'a>(&'a Components);

impl<'a> Shapes<'a> {
    pub(super) fn new(components: &'a Components) -> Self {
        Self(components)
    }

    /// What the schema is, whatever name it stands under.
    fn resolve(&self, schema: &'a RefOr<Schema>) -> Option<&'a Schema> {
        match schema {
            RefOr::T(schema) => Some(schema),
            RefOr::Ref(named) => {
                let name = named.ref_location.strip_prefix("#/components/schemas/")?;
                self.resolve(self.0.schemas.get(name)?)
            }
        }
    }
}

/// Of the member of a body that lies there, or of what it lies in.
pub(super) fn of_member<T: ToSchema>(path: &[Step]) -> String {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let components = ComponentsBuilder::new().schemas_from_iter(named).build();
    let (whole, shapes) = (T::schema(), Shapes::new(&components));
    let nearest = (0..=path.len()).rev().find_map(|length| at(&whole, &path[..length], &shapes));
    example(nearest.unwrap_or(&whole), &shapes)
}

/// Of a parameter of a query, as it stands in one.
pub(super) fn of_parameter<T: IntoParams>(path: &[Step]) -> Option<String> {
    let [Step::Member(name)] = path else { return None };
    let parameter = T::into_params(|| None).into_iter().find(|it| it.name == *name)?;
    // The shapes that parameters have by their name.
    let named = ComponentsBuilder::new().schema_from::<Moment>().schema_from::<Name>();
    let components = named.build();
    let example = example(parameter.schema.as_ref()?, &Shapes::new(&components));
    (example != "null").then(|| format!("`{name}={}`", example.trim_matches('"')))
}

fn at<'a>(
    schema: &'a RefOr<Schema>,
    path: &[Step],
    shapes: &Shapes<'a>,
) -> Option<&'a RefOr<Schema>> {
    let Some((step, rest)) = path.split_first() else { return Some(schema) };
    match (shapes.resolve(schema)?, step) {
        (Schema::Object(object), Step::Member(name)) => {
            at(object.properties.get(name)?, rest, shapes)
        }
        (Schema::Array(array), Step::Item(_)) => match &array.items {
            ArrayItems::RefOrSchema(items) => at(items, rest, shapes),
            ArrayItems::False => None,
        },
        (Schema::OneOf(one), _) => one.items.iter().find_map(|it| at(it, path, shapes)),
        _ => None,
    }
}

/// A body with the members that must be there.
pub(super) fn example<'a>(schema: &'a RefOr<Schema>, shapes: &Shapes<'a>) -> String {
    match shapes.resolve(schema) {
        Some(Schema::Object(object)) => example_of_object(object, shapes),
        Some(Schema::Array(array)) => match (&array.example, &array.items) {
            (Some(example), _) => example.to_string(),
            (None, ArrayItems::RefOrSchema(items)) => format!("[{}]", example(items, shapes)),
            (None, ArrayItems::False) => "[]".to_owned(),
        },
        Some(Schema::OneOf(one)) => {
            let is_null = |it: &&RefOr<Schema>| {
                matches!(it, RefOr::T(Schema::Object(object))
                    if object.schema_type == SchemaType::Type(Type::Null))
            };
            let first = one.items.iter().find(|it| !is_null(it));
            first.map_or_else(|| "null".to_owned(), |it| example(it, shapes))
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
        Some("email") => "ann@example.com",
        Some("uuid") => "01890a5d-ac96-774b-bcce-b302099a8057",
        _ if object.pattern.is_some() => "deploy",
        _ => "…",
    };
    format!("\"{text}\"")
}
