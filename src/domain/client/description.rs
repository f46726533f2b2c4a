//! What a client that registered itself says of itself (RFC 7591, section 2). No one has verified
//! any of it.

use serde::{Deserialize, Serialize};

use super::redirect_uri;
use crate::domain::Text;

/// Kept as JSON, by the names that the wire has for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelfDescription {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

/// Which member is not as it should be. Safe to show to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDescription {
    #[error(
        "{0} has {LONGEST} characters at most, and none that is invisible or turns the direction"
    )]
    Text(&'static str),
    #[error("{0} is an https URL, written as a browser writes it, without user and fragment")]
    Uri(&'static str),
    #[error("contacts are {MOST_CONTACTS} at most")]
    TooManyContacts,
}

/// Enough for a name, an address, a version.
const LONGEST: usize = 200;
const MOST_CONTACTS: usize = 10;

impl SelfDescription {
    /// The description as it is kept. People get to see it: it cannot look other than it is, and
    /// its URLs lead to pages.
    pub fn checked(mut self) -> Result<Self, BadDescription> {
        for (name, said) in [
            ("client_name", &mut self.client_name),
            ("software_id", &mut self.software_id),
            ("software_version", &mut self.software_version),
        ] {
            *said = said.take().map(|text| plain(name, &text)).transpose()?;
        }
        for (name, said) in [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ] {
            if said.as_deref().is_some_and(|uri| !is_page(uri)) {
                return Err(BadDescription::Uri(name));
            }
        }
        if self.contacts.len() > MOST_CONTACTS {
            return Err(BadDescription::TooManyContacts);
        }
        let contacts = self.contacts.iter().map(|text| plain("contacts", text));
        self.contacts = contacts.collect::<Result<_, _>>()?;
        Ok(self)
    }
}

fn plain(name: &'static str, text: &str) -> Result<String, BadDescription> {
    let bad = BadDescription::Text(name);
    let text: Text = text.parse().map_err(|_| bad)?;
    let fits = text.as_str().chars().count() <= LONGEST && !text.as_str().contains('\n');
    if fits { Ok(text.as_str().to_owned()) } else { Err(bad) }
}

fn is_page(uri: &str) -> bool {
    uri.starts_with("https://") && redirect_uri::check(uri).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> SelfDescription {
        SelfDescription { client_name: Some(name.to_owned()), ..SelfDescription::default() }
    }

    #[test]
    fn dc_05_what_people_see_of_a_client_is_what_it_looks_like() {
        assert_eq!(named(" Läden & Co. ").checked(), Ok(named("Läden & Co.")));
        for bad in ["a\u{202E}b", "two\nlines", &"x".repeat(201)] {
            assert_eq!(named(bad).checked(), Err(BadDescription::Text("client_name")), "{bad:?}");
        }
        let contacts = vec!["a@example.com".to_owned(); 11];
        let many = SelfDescription { contacts, ..SelfDescription::default() };
        assert_eq!(many.checked(), Err(BadDescription::TooManyContacts));
    }

    #[test]
    fn dc_05_its_pages_are_https() {
        let logo = |uri: &str| SelfDescription {
            logo_uri: Some(uri.to_owned()),
            ..SelfDescription::default()
        };
        assert!(logo("https://app.example.com/logo.png").checked().is_ok());
        for bad in [
            "http://app.example.com/logo.png",
            "http://127.0.0.1/logo.png",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "com.example.app:/logo",
            "https://me@app.example.com/",
            "/logo.png",
            "",
        ] {
            assert_eq!(logo(bad).checked(), Err(BadDescription::Uri("logo_uri")), "{bad}");
        }
    }
}
