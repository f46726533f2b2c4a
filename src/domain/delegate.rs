//! Who acts on behalf of a token's subject (RFC 8693, section 4.1).

use serde::{Deserialize, Serialize};

/// The `act` claim. Only the outermost acts; those inside it are history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    pub sub: String,
    /// Who names it so, where that is not us.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iss: Option<String>,
    /// Who acted before it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub act: Option<Box<Delegate>>,
}

impl Delegate {
    /// A longer chain is no one's intention.
    pub const DEEPEST: usize = 5;

    pub fn depth(&self) -> usize {
        1 + self.act.as_ref().map_or(0, |before| before.depth())
    }
}
