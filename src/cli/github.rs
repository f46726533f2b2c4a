//! The public keys by which GitHub signs what its secret scanning reports.

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::signing::ReporterKeys;

/// Reads them from the file that is configured, if one is.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<ReporterKeys> {
    let keys = ReporterKeys::default();
    if let Some(file) = file {
        let name = || format!("cannot use {} (setting leaks.github_keys)", file.display());
        let document = fs::read_to_string(file).with_context(name)?;
        keys.replace(&document).with_context(name)?;
    }
    Ok(keys)
}
