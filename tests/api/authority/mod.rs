//! What somebody may do is judged in the transaction that writes: what was revoked before writes
//! nothing more.

mod routes;
