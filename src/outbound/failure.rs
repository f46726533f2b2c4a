//! Why a request to another server failed.

use super::RefusedUrl;

/// Says nothing that a stranger sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailed {
    #[error(transparent)]
    Refused(#[from] RefusedUrl),
    #[error("the name of the host is not known")]
    UnknownName,
    #[error("no server answers there, or the certificate is not valid")]
    NoConnection,
    #[error("there was no whole answer within 3 seconds")]
    TooSlow,
    #[error("the answer is longer than it may be")]
    TooMuch,
    #[error("the answer is no HTTP, or the connection broke")]
    Broken,
    #[error("too many requests wait for this server")]
    Busy,
    #[error("it failed a moment ago and is tried again later")]
    FailedJustNow,
    #[error("this machine has no certificates of authorities to verify TLS by")]
    NoTls,
}
