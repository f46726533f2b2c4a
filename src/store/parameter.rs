//! What a statement can be given: values that no engine refuses for their characters.

use std::borrow::Cow;

use sqlx::types::Uuid;

/// The statements bind nothing else. Text that holds U+0000, which PostgreSQL has no place for,
/// is bound with an escape instead: it is stored so on both engines, and finds nothing.
pub(super) trait Parameter {
    type Bound;

    fn bound(self) -> Self::Bound;
}

macro_rules! as_they_are {
    ($($kind:ty),*) => {$(
        impl Parameter for $kind {
            type Bound = Self;

            fn bound(self) -> Self {
                self
            }
        }
    )*};
}

as_they_are!(bool, i32, i64, Uuid, Vec<u8>);

impl<'a> Parameter for &'a [u8] {
    type Bound = &'a [u8];

    fn bound(self) -> &'a [u8] {
        self
    }
}

impl<'a> Parameter for &'a str {
    type Bound = Cow<'a, str>;

    fn bound(self) -> Cow<'a, str> {
        if self.contains('\0') { self.replace('\0', "\\u{0}").into() } else { self.into() }
    }
}

impl Parameter for String {
    type Bound = Self;

    fn bound(self) -> Self {
        if self.contains('\0') { self.replace('\0', "\\u{0}") } else { self }
    }
}

impl<T: Parameter> Parameter for Option<T> {
    type Bound = Option<T::Bound>;

    fn bound(self) -> Self::Bound {
        self.map(Parameter::bound)
    }
}
