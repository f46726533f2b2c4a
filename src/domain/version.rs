//! How often a thing was changed: who edits it says which state was seen.

/// Begins at 1 and counts every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub i64);

impl Version {
    pub const FIRST: Self = Self(1);
}

/// In which state a thing may be changed (RFC 9110, sections 13.1.1 and 13.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    /// Whatever it is, as long as there is one.
    Present,
    /// It is to be made.
    Absent,
    OneOf(Vec<Version>),
}

impl Expected {
    pub fn allows(&self, version: Version) -> bool {
        match self {
            Self::Any | Self::Present => true,
            Self::Absent => false,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
