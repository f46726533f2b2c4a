//! `keyturn auth`: those who hold a key, with the real program against real servers and false ones.

mod bearer;
mod examples;
mod fake;
mod git;
mod home;
mod keep;
mod kubernetes;
mod manual;
mod network;
mod proof_key;
mod refresh;
mod refreshed;
mod status;
mod terminal;
