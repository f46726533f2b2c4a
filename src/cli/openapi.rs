//! `keyturn openapi`: the description of the management API.

use super::output::print;

pub(super) fn run() -> anyhow::Result<()> {
    print(&crate::http::api_description())
}
