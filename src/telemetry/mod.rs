//! Where log lines go and what they look like.

use std::{
    error::Error,
    io::{self, IsTerminal},
};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Sends what is logged to standard error from now on. Fails where that was done before.
pub fn init(log: &Log) -> Result<(), Box<dyn Error + Send + Sync>> {
    let has_reader = io::stderr().is_terminal();
    let is_json = match log.format {
        LogFormat::Auto => !has_reader,
        LogFormat::Json => true,
        LogFormat::Human => false,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&log.level)?)
        .with_writer(io::stderr);
    if is_json {
        lines.json().flatten_event(true).with_span_list(false).try_init()
    } else {
        lines.with_ansi(has_reader).try_init()
    }
}
