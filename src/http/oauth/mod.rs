//! The OAuth endpoints: tokens, clients, and what is published of them.

pub(super) mod authorize;
mod client;
pub(super) mod discovery;
pub(super) mod introspect;
pub(super) mod jwks;
pub(super) mod leaks;
pub(super) mod protected_resource;
pub(super) mod register;
pub(super) mod revoke;
pub(super) mod token;
