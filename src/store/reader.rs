//! By what a single statement is read: outside any transaction, or within one.

use super::{Store, Tx};

/// By what a single statement is read.
pub enum Reader<'a> {
    /// Outside any transaction.
    Alone(&'a Store),
    Within(&'a mut Tx),
}

impl<'a> From<&'a Store> for Reader<'a> {
    fn from(store: &'a Store) -> Self {
        Self::Alone(store)
    }
}

impl<'a> From<&'a mut Tx> for Reader<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Within(tx)
    }
}
