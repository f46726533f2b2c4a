//! Keeps the source the shape `docs/ARCHITECTURE.md` says it has.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod arrows;
mod circles;
mod figures;
mod generated;
mod imports;
mod source;
mod words;
