//! A refusal that is still to be recorded, as the response carries it.

use std::borrow::Cow;

/// What a response says of the refusal that no one has recorded yet.
#[derive(Clone, Debug)]
pub(in crate::http) struct Unrecorded {
    pub(in crate::http) reason: &'static str,
    pub(in crate::http) detail: Cow<'static, str>,
}
