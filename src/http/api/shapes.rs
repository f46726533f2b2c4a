//! Makes the described schemas say what the code does: which members always are there, and what
//! lists are made of.

use std::collections::BTreeMap;

use utoipa::openapi::{
    Components, ObjectBuilder, Ref, RefOr, Schema, Type,
    schema::{ArrayItems, SchemaType},
};

const LIST: &str = "ListOf_";
/// Shapes of answers, by the names of their types. They leave no member out: what is not there is
/// `null`.
const ANSWERS: [&str; 2] = ["Shown", LIST];

pub(super) fn complete(components: &mut Components) {
    let schemas = &mut components.schemas;
    let mut items = BTreeMap::new();
    for (name, schema) in schemas.iter_mut() {
        if let Some(item) = name.strip_prefix(LIST) {
            items.extend(take_items(schema).map(|schema| (item.to_owned(), schema)));
        }
    }
    for (name, schema) in items {
        schemas.entry(name).or_insert(schema);
    }
    for (name, schema) in schemas.iter_mut() {
        if ANSWERS.iter().any(|prefix| name.starts_with(prefix)) {
            require_all(schema);
        }
    }
    for (name, schema) in schemas.iter_mut() {
        if let Some(item) = name.strip_prefix(LIST) {
            refer_to_items(schema, item);
        }
    }
}

/// The items of a list, written out where a name would do.
fn take_items(list: &mut RefOr<Schema>) -> Option<RefOr<Schema>> {
    match items_of(list)? {
        RefOr::Ref(_) => None,
        written @ RefOr::T(_) => Some(written.clone()),
    }
}

fn refer_to_items(list: &mut RefOr<Schema>, name: &str) {
    if let Some(items) = items_of(list) {
        *items = RefOr::Ref(Ref::from_schema_name(name));
    }
}

fn items_of(list: &mut RefOr<Schema>) -> Option<&mut RefOr<Schema>> {
    let RefOr::T(Schema::Object(object)) = list else { return None };
    match object.properties.get_mut("items")? {
        RefOr::T(Schema::Array(array)) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => Some(items),
            ArrayItems::False => None,
        },
        _ => None,
    }
}

fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required = object.properties.keys().cloned().collect();
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require_all),
        _ => (),
    }
}

/// A parameter is there or is not; there is no way to send it as `null`.
pub(super) fn without_null(schema: &mut Option<RefOr<Schema>>) {
    let kind = match schema {
        Some(RefOr::T(Schema::Object(object))) => &mut object.schema_type,
        Some(RefOr::T(Schema::Array(array))) => &mut array.schema_type,
        Some(RefOr::T(Schema::OneOf(one))) => {
            let is_null = |it: &RefOr<Schema>| {
                matches!(it, RefOr::T(Schema::Object(object))
                    if object.schema_type == SchemaType::Type(Type::Null))
            };
            one.items.retain(|item| !is_null(item));
            if let [only] = &one.items[..] {
                *schema = Some(only.clone());
            }
            return;
        }
        _ => return,
    };
    if let SchemaType::Array(types) = kind {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = &types[..] {
            *kind = SchemaType::Type(only.clone());
        }
    }
}

/// A text of so many characters at most, each as the pattern says.
pub(super) fn text(pattern: &str, most: usize) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.min_length(Some(1)).max_length(Some(most)).into()
}
