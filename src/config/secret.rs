//! Settings that are shown with their secrets masked.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MASK: &str = "***";

/// Shown as a mask, or as empty where it is.
pub(super) struct Secret(pub(super) SecretString);

/// Shown without the password in it.
pub(super) struct DatabaseUrl(pub(super) SecretString);

impl Secret {
    fn masked(&self) -> &'static str {
        if self.0.expose_secret().is_empty() { "" } else { MASK }
    }
}

impl DatabaseUrl {
    /// Cuts the password and all of the query, where drivers accept one too.
    fn masked(&self) -> String {
        let url = self.0.expose_secret();
        let (address, query) = match url.split_once('?') {
            Some((address, _)) => (address, "?***"),
            None => (url, ""),
        };
        let Some((scheme, rest)) = address.split_once("://") else {
            return format!("{address}{query}");
        };
        // The last `@`: a password with one that no one encoded must not show its second half.
        let Some((login, host)) = rest.rsplit_once('@') else {
            return format!("{scheme}://{rest}{query}");
        };
        let user = login.split_once(':').map_or(login, |(user, _)| user);
        format!("{scheme}://{user}:{MASK}@{host}{query}")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.masked())
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.masked())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_shows_everything_but_what_is_secret() {
        let shown = |url: &str| DatabaseUrl(SecretString::from(url)).masked();
        assert_eq!(shown("sqlite:keyturn.db"), "sqlite:keyturn.db");
        assert_eq!(shown("sqlite:a.db?mode=rwc"), "sqlite:a.db?***");
        assert_eq!(shown("postgres://db/keyturn"), "postgres://db/keyturn");
        assert_eq!(shown("postgres://me:p:w@x@db:5432/k"), "postgres://me:***@db:5432/k");
        assert_eq!(shown("postgres://me@db/k?password=pw"), "postgres://me:***@db/k?***");
    }
}
