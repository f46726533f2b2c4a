//! Texts that have rules, described: what the domain's parsers take.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::problem::Problem;
use crate::domain::{Item, items};

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $least:literal to $most:literal of $pattern:literal;)*)
    => {$(
        $(#[doc = $doc])+
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = [$($doc.trim()),+].join(" ");
                let schema = ObjectBuilder::new().schema_type(Type::String);
                let schema = schema.min_length(Some($least)).max_length(Some($most));
                schema.pattern(Some($pattern)).description(Some(text)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

texts! {
    /// Letters, digits, `-`, `_`, `.` and single spaces; begins and ends with a letter or digit.
    Name: 1 to 64 of r"^[A-Za-z0-9](?:(?: ?[A-Za-z0-9._-])* ?[A-Za-z0-9])?$";

    /// `viewer`, `manager`, `owner`, or a role of the organization or of one above it.
    RoleText: 1 to 64 of "^[a-z0-9._-]+$";

    /// A scope token of RFC 6749, section 3.3.
    Scope: 1 to 200 of r"^[!#-\[\]-~]+$";
}

/// As many items as there may be of them.
pub(super) fn few<T: Item, L: FromIterator<T>>(
    member: &str,
    listed: &[String],
    most: usize,
) -> Result<L, Problem> {
    if listed.len() > most {
        return Err(Problem::invalid(format!("{member}: a list of {most} items at most")));
    }
    Ok(items(member, listed)?)
}
