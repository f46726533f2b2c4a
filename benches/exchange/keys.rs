//! The API keys that are stored and presented: made from their number, the same in every run.

use keyturn::{clock::Timestamp, domain::Secret, random::Random};
use uuid::Uuid;

/// The secrets of the keys, by number.
pub(crate) struct Keys {
    /// One after the other: a million texts of their own would take twice the room.
    secrets: Vec<u8>,
}

/// What is stored of one key.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) secret_id: Uuid,
    pub(crate) hash: Vec<u8>,
    /// Numbers its place in the status list.
    pub(crate) number: i64,
}

/// `ktk_`, 43 digits, 6 of a checksum.
pub(crate) const SECRET_LENGTH: usize = 53;
pub(crate) const NAME_LENGTH: usize = 13;

impl Keys {
    pub(crate) fn new(count: usize) -> Self {
        let mut secrets = Vec::with_capacity(count * SECRET_LENGTH);
        for number in 0..count {
            secrets.extend_from_slice(secret(&random(number)).reveal().as_bytes());
        }
        Self { secrets }
    }

    pub(crate) fn count(&self) -> usize {
        self.secrets.len() / SECRET_LENGTH
    }

    pub(crate) fn secret(&self, number: usize) -> &[u8] {
        &self.secrets[number * SECRET_LENGTH..][..SECRET_LENGTH]
    }
}

/// Always [`NAME_LENGTH`] long.
pub(crate) fn name(number: usize) -> String {
    format!("bench-{number:07}")
}

pub(crate) fn row(number: usize, now: Timestamp) -> Row {
    let random = random(number);
    let hash = secret(&random).hash().as_bytes().to_vec();
    Row {
        id: random.id(now),
        name: name(number),
        secret_id: random.id(now),
        hash,
        number: i64::try_from(number).expect("keys are counted by millions"),
    }
}

fn random(number: usize) -> Random {
    Random::seeded(number as u64)
}

fn secret(random: &Random) -> Secret {
    Secret::generate(&"ktk".parse().expect("it is the default prefix"), random)
}
