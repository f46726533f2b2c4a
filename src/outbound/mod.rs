//! Requests to servers of others, and mails: only to where they may go, never for long, never much.
//!
//! Anyone who names a URL to us must not reach through us what only we can reach: addresses that
//! are not public are refused, and the connection goes to the address that was looked at.

mod address;
mod client;
mod destination;
mod failure;
mod mail;
mod names;
mod turns;

pub use self::{
    client::{Answer, BODY_LIMIT, Outbound},
    destination::RefusedUrl,
    failure::RequestFailed,
    mail::{Letter, Mail, MailFailed, UnusableMail},
    names::{Names, Tell},
};
