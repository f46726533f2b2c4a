//! Says in words what a schema describes.

use serde_json::Value;
use utoipa::openapi::{
    Components, RefOr, Schema, Type,
    schema::{Array, ArrayItems, Object, SchemaFormat, SchemaType},
};

use super::prose::Prose;

/// The schemas that have a name.
pub(in crate::http::api) struct Shapes<'a>(&'a Components);

/// A member of an object, or a parameter.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) notes: Prose,
}

/// A type in words, with the name of the shape to read on at.
#[derive(Default)]
pub(super) struct Kind {
    pub(super) before: String,
    pub(super) shape: Option<String>,
    pub(super) after: String,
}

impl Kind {
    fn words(text: impl Into<String>) -> Self {
        Self { before: text.into(), ..Self::default() }
    }
}

const NAMED: &str = "#/components/schemas/";

impl<'a> Shapes<'a> {
    pub(in crate::http::api) fn new(components: &'a Components) -> Self {
        Self(components)
    }

    /// What the schema is, whatever name it stands under.
    pub(in crate::http::api) fn resolve(&self, schema: &'a RefOr<Schema>) -> Option<&'a Schema> {
        match schema {
            RefOr::T(schema) => Some(schema),
            RefOr::Ref(named) => {
                let name = named.ref_location.strip_prefix(NAMED)?;
                self.resolve(self.0.schemas.get(name)?)
            }
        }
    }

    pub(super) fn kind(&self, schema: &'a RefOr<Schema>) -> Kind {
        let name = match schema {
            RefOr::Ref(named) => named.ref_location.strip_prefix(NAMED),
            RefOr::T(_) => None,
        };
        match (name, self.resolve(schema)) {
            (Some(name), Some(_)) if !self.members(schema).is_empty() => {
                Kind { shape: Some(name.to_owned()), ..Kind::default() }
            }
            (_, Some(Schema::Object(object))) => Kind::words(object_kind(object)),
            (_, Some(Schema::Array(array))) => self.array_kind(array),
            (_, Some(Schema::OneOf(one))) => self.either(&one.items),
            (_, Some(Schema::AnyOf(any))) => self.either(&any.items),
            (_, Some(Schema::AllOf(all))) => self.either(&all.items),
            _ => Kind::words("any"),
        }
    }

    fn array_kind(&self, array: &'a Array) -> Kind {
        let items = match &array.items {
            ArrayItems::RefOrSchema(items) => self.kind(items),
            ArrayItems::False => Kind::words("nothing"),
        };
        let or_null = if is_nullable(&array.schema_type) { " or null" } else { "" };
        Kind {
            before: format!("array of {}", items.before),
            after: format!("{}{or_null}", items.after),
            shape: items.shape,
        }
    }

    fn either(&self, items: &'a [RefOr<Schema>]) -> Kind {
        let mut kinds: Vec<_> = items.iter().map(|item| self.kind(item)).collect();
        kinds.sort_by_key(|kind| (kind.shape.is_none(), kind.before == "null"));
        let mut kinds = kinds.into_iter();
        let Some(mut all) = kinds.next() else { return Kind::words("any") };
        for kind in kinds {
            all.after = [
                all.after,
                " or ".to_owned(),
                kind.before,
                kind.shape.unwrap_or_default(),
                kind.after,
            ]
            .concat();
        }
        all
    }

    /// Of an object; of objects that are one. Nothing else has any.
    pub(super) fn members(&self, schema: &'a RefOr<Schema>) -> Vec<Member> {
        match self.resolve(schema) {
            Some(Schema::Object(object)) => {
                let members = object.properties.iter();
                let required = &object.required;
                members.map(|(name, schema)| self.member(name, schema, required)).collect()
            }
            Some(Schema::AllOf(all)) => {
                all.items.iter().flat_map(|item| self.members(item)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn member(&self, name: &str, schema: &'a RefOr<Schema>, required: &[String]) -> Member {
        Member {
            name: name.to_owned(),
            kind: self.kind(schema),
            is_required: required.iter().any(|it| it == name),
            notes: Prose::new(&self.notes(schema)),
        }
    }

    pub(super) fn description(&self, schema: &'a RefOr<Schema>) -> String {
        let own = match schema {
            RefOr::Ref(named) if !named.description.is_empty() => Some(&named.description),
            _ => match self.resolve(schema) {
                Some(Schema::Object(object)) => object.description.as_ref(),
                Some(Schema::Array(array)) => array.description.as_ref(),
                Some(Schema::OneOf(one)) => one.description.as_ref(),
                Some(Schema::AllOf(all)) => all.description.as_ref(),
                Some(Schema::AnyOf(any)) => any.description.as_ref(),
                _ => None,
            },
        };
        own.cloned().unwrap_or_default()
    }

    /// What is said of it, and its bounds.
    pub(super) fn notes(&self, schema: &'a RefOr<Schema>) -> String {
        let mut notes = vec![self.description(schema)];
        match self.resolve(schema) {
            Some(Schema::Object(object)) => notes.extend(object_bounds(object)),
            Some(Schema::Array(Array { max_items: Some(most), .. })) => {
                notes.push(format!("At most {most}."));
            }
            _ => (),
        }
        notes.retain(|note| !note.is_empty());
        notes.join(" ")
    }
}

fn is_nullable(kind: &SchemaType) -> bool {
    matches!(kind, SchemaType::Array(types) if types.contains(&Type::Null))
}

fn object_kind(object: &Object) -> String {
    if let Some(values) = &object.enum_values {
        let values = values.iter().map(plain);
        return values.collect::<Vec<_>>().join(" | ");
    }
    let name = |kind: &Type| match kind {
        Type::Object => "object",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Array => "array",
        Type::Null => "null",
    };
    let types: Vec<_> = match &object.schema_type {
        SchemaType::Type(kind) => vec![name(kind)],
        SchemaType::Array(types) => types.iter().map(name).collect(),
        SchemaType::AnyValue => vec!["any"],
    };
    let format = match &object.format {
        Some(SchemaFormat::KnownFormat(format)) => {
            serde_json::to_value(format).ok().as_ref().map(plain)
        }
        Some(SchemaFormat::Custom(format)) => Some(format.clone()),
        None => None,
    };
    let format = format.filter(|format| !format.starts_with("int"));
    let mut words = types.join(" or ");
    if let Some(format) = format {
        words = words.replacen("string", &format!("string ({format})"), 1);
    }
    words
}

/// As people write it: a text without its quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn object_bounds(object: &Object) -> Vec<String> {
    let number = |number: &utoipa::Number| match number {
        utoipa::Number::Int(it) => it.to_string(),
        utoipa::Number::UInt(it) => it.to_string(),
        utoipa::Number::Float(it) => it.to_string(),
    };
    let mut notes = Vec::new();
    if let (Some(least), Some(most)) = (&object.minimum, &object.maximum) {
        notes.push(format!("{} to {}.", number(least), number(most)));
    }
    if let Some(most) = object.max_length {
        notes.push(format!("At most {most} characters."));
    }
    if let Some(default) = &object.default {
        notes.push(format!("Left out: {}.", plain(default)));
    }
    notes
}
