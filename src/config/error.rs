//! What can be wrong with the configuration, said so that the author can mend it.

use std::{io, path::PathBuf};

use crate::domain::BadItem;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// Names the place and never quotes the line: a secret could stand there.
    #[error("{}, line {line}, column {column}: {problem}", path.display())]
    Malformed { path: PathBuf, line: usize, column: usize, problem: String },
    #[error(
        "{variable}: there is no setting {setting}; the nearest is {nearest}, and \
         `keyturn config example` lists them all"
    )]
    UnknownVariable { variable: String, setting: String, nearest: String },
    #[error("{variable}: {setting} must be {expected}")]
    WrongVariable { variable: String, setting: String, expected: &'static str },
    #[error("{one} and {other} both set {setting}: keep one of them")]
    SetTwice { setting: String, one: String, other: String },
    #[error("{variable}: cannot read {}", path.display())]
    UnreadableValue { variable: String, path: PathBuf, source: io::Error },
    #[error("{setting}: {problem}")]
    Wrong { setting: &'static str, problem: String },
    #[error(transparent)]
    Item(BadItem),
}
