//! Refresh tokens: who is given them, who may use them, and what follows on each.

mod check;
mod succession;
mod terms;
mod token;

pub(super) use self::{
    succession::{Given, Succession},
    token::{Presenter, identify},
};
