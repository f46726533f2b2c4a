//! Texts that have rules, described: what the domain's parsers take.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::problem::Problem;
use crate::domain::{MalformedScope, Scopes};

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

/// One scope an item.
pub(super) fn scopes(listed: &[String], most: usize) -> Result<Scopes, Problem> {
    const LONGEST: usize = 200;
    if listed.len() > most {
        return Err(Problem::invalid(format!("{most} scopes at most")));
    }
    if listed.iter().any(|scope| !(1..=LONGEST).contains(&scope.len()) || scope.contains(' ')) {
        let detail = "scopes: each one is an item of the list, of 1 to 200 characters, no spaces";
        return Err(Problem::invalid(detail));
    }
    let scopes = listed.join(" ").parse();
    scopes.map_err(|bad: MalformedScope| Problem::invalid(format!("scopes: {bad}")))
}
