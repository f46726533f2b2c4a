//! Passwords: what people choose, so what must be slow to guess.

use std::fmt;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use secrecy::{ExposeSecret as _, SecretString};

/// A password as its owner types it: 8 to 1024 bytes, verified exactly as received.
#[derive(Clone)]
pub struct Password(SecretString);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has 8 to 1024 bytes")]
pub struct MalformedPassword;

impl Password {
    pub fn new(text: SecretString) -> Result<Self, MalformedPassword> {
        let fits = (8..=1024).contains(&text.expose_secret().len());
        if fits { Ok(Self(text)) } else { Err(MalformedPassword) }
    }

    /// The text to show its owner, once.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// Takes some ten milliseconds and 19 MiB: call it where a thread may block.
    pub fn hash(&self) -> PasswordHash {
        // The defaults are argon2id, 19 MiB, two passes, one lane: what OWASP asks for at least.
        let hash = Argon2::default().hash_password(self.reveal().as_bytes());
        PasswordHash(hash.expect("argon2 accepts its own parameters").to_string())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password hash in PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Weaker parameters than these in a database were not written by keyturn.
    const LEAST_MEMORY_KIB: u32 = 19_456;
    const LEAST_PASSES: u32 = 2;

    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// Takes as long as [`Password::hash`]. False as well where the hash is damaged or weaker
    /// than keyturn makes them.
    pub fn matches(&self, password: &Password) -> bool {
        let Ok(hash) = phc::PasswordHash::new(&self.0) else { return false };
        let Ok(params) = argon2::Params::try_from(&hash) else { return false };
        hash.algorithm.as_str() == "argon2id"
            && params.m_cost() >= Self::LEAST_MEMORY_KIB
            && params.t_cost() >= Self::LEAST_PASSES
            && Argon2::default().verify_password(password.reveal().as_bytes(), &hash).is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into()).unwrap()
    }

    #[test]
    fn pw_01_a_password_matches_its_own_hash_only() {
        let hash = password("correct horse").hash();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.matches(&password("correct horse")));
        assert!(!hash.matches(&password("correct horsf")));
    }

    #[test]
    fn pw_02_a_hash_with_weaker_parameters_is_refused() {
        let weak = argon2::Params::new(8, 1, 1, None).unwrap();
        let weak = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
        let phc = weak.hash_password(b"correct horse").unwrap().to_string();
        assert!(!PasswordHash::from_phc(phc).matches(&password("correct horse")));
        assert!(!PasswordHash::from_phc("$argon2id$".into()).matches(&password("correct horse")));
    }

    #[test]
    fn a_password_too_short_or_too_long_is_refused() {
        for text in ["1234567".to_owned(), "x".repeat(1025)] {
            assert_eq!(Password::new(text.into()).unwrap_err(), MalformedPassword);
        }
    }
}
