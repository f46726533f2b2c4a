//! Tells whether two tables hold the same rows, on whichever engine and in whichever order.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::rows::{Row, Value};

/// How many rows a table has, and the sum of their SHA-256 hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub rows: u64,
    sum: [u64; 4],
}

impl Fingerprint {
    pub(super) fn extend(&mut self, rows: &[Row]) {
        for row in rows {
            self.add(row);
        }
    }

    fn add(&mut self, row: &Row) {
        let mut hash = digest::Context::new(&digest::SHA256);
        for value in row {
            match value {
                Value::Integer(None) | Value::Text(None) | Value::Bytes(None) => hash.update(b"n"),
                Value::Integer(Some(number)) => {
                    hash.update(b"i");
                    hash.update(&number.to_be_bytes());
                }
                Value::Text(Some(text)) => update(&mut hash, b"t", text.as_bytes()),
                Value::Bytes(Some(bytes)) => update(&mut hash, b"b", bytes),
            }
        }
        let hash = hash.finish();
        for (sum, part) in self.sum.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            let part = part.first_chunk().expect("a chunk has eight bytes");
            *sum = sum.wrapping_add(u64::from_be_bytes(*part));
        }
        self.rows += 1;
    }
}

/// With its length, so that two neighbours cannot be taken for another two.
fn update(hash: &mut digest::Context, tag: &[u8], bytes: &[u8]) {
    hash.update(tag);
    hash.update(&(bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum.iter().try_for_each(|part| write!(f, "{part:016x}"))
    }
}
