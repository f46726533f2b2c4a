//! Reads the forms that token endpoints take (RFC 6749, section 3.2), strictly.

mod body;
mod decode;

use std::fmt;

use axum::http::HeaderValue;
use secrecy::SecretString;
use zeroize::Zeroizing;

use self::decode::Malformed;
pub(super) use self::{
    body::{BODY_WITHIN, BadBody, LONGEST_BODY, read_body},
    decode::decode_onto,
};

const LONGEST_VALUE: usize = 16 * 1024;
const MOST_PARAMETERS: usize = 100;

/// May be given more than once (RFC 8707, section 2; RFC 8693, section 2.1).
const MAY_REPEAT: [&str; 2] = ["resource", "audience"];

pub(super) const CREDENTIAL_IN_URL: &str = "credentials belong in the body, never in the URL";

/// What no one may put into a URL: proxies and browsers write URLs down.
const CREDENTIALS: [&str; 14] = [
    "token",
    "access_token",
    "registration_access_token",
    "client_secret",
    "secret",
    "refresh_token",
    "code",
    "assertion",
    "apikey",
    "pat",
    "personalAccessKey",
    "client_assertion",
    "subject_token",
    "actor_token",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadForm {
    #[error("the body is not declared to be a form")]
    NotAForm,
    #[error("a parameter is repeated")]
    Repeated,
    #[error("the form has more than 100 parameters")]
    TooManyParameters,
    #[error("a value is longer than 16 KiB")]
    ValueTooLong,
    #[error("the form is not UTF-8, not percent-encoded or has a NUL")]
    Malformed,
}

/// The decoded parameters of a form. Overwritten when dropped, never printed.
pub(super) struct Form {
    /// Every name followed by its value. Decoding only shrinks, so this never moves and leaves no
    /// copy behind.
    text: Zeroizing<String>,
    parameters: Vec<Parameter>,
}

/// Where in the text a name and its value stand.
struct Parameter {
    start: usize,
    middle: usize,
    end: usize,
}

impl Parameter {
    fn name<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.middle]
    }

    fn value<'a>(&self, text: &'a str) -> &'a str {
        &text[self.middle..self.end]
    }
}

impl Form {
    /// No parameter is read from the URL (RFC 6749, section 2.3.1).
    pub(super) fn parse(content_type: Option<&HeaderValue>, body: &[u8]) -> Result<Self, BadForm> {
        if !content_type.is_some_and(declares_form) {
            return Err(BadForm::NotAForm);
        }
        Self::of(body)
    }

    /// The parameters of a body, or of the query where a browser is sent with them.
    pub(super) fn of(text: &[u8]) -> Result<Self, BadForm> {
        let mut form = Self {
            text: Zeroizing::new(String::with_capacity(text.len())),
            parameters: Vec::with_capacity(8),
        };
        for pair in pairs(text) {
            form.add(pair)?;
        }
        Ok(form)
    }

    fn add(&mut self, (name, value): (&[u8], &[u8])) -> Result<(), BadForm> {
        if self.parameters.len() == MOST_PARAMETERS {
            return Err(BadForm::TooManyParameters);
        }
        let start = self.text.len();
        decode_onto(&mut self.text, name)?;
        let middle = self.text.len();
        decode_onto(&mut self.text, value)?;
        let added = Parameter { start, middle, end: self.text.len() };
        if added.end - added.middle > LONGEST_VALUE {
            return Err(BadForm::ValueTooLong);
        }
        // A name without a value counts too: which of `scope=&scope=a` is meant is a guess.
        let name = added.name(&self.text);
        let known = self.parameters.iter().any(|known| known.name(&self.text) == name);
        if known && !MAY_REPEAT.contains(&name) {
            return Err(BadForm::Repeated);
        }
        self.parameters.push(added);
        Ok(())
    }

    /// A parameter without a value is as good as absent (RFC 6749, section 3.2).
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.remove(name).map(str::to_owned)
    }

    pub(super) fn take_secret(&mut self, name: &str) -> Option<SecretString> {
        self.remove(name).map(SecretString::from)
    }

    /// The values of a parameter that may be repeated, in the order they were sent.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.parameters.retain(|parameter| {
            let named = parameter.name(&self.text) == name;
            let value = parameter.value(&self.text);
            if named && !value.is_empty() {
                values.push(value.to_owned());
            }
            !named
        });
        values
    }

    fn remove(&mut self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().position(|known| known.name(&self.text) == name)?;
        let parameter = self.parameters.remove(found);
        Some(parameter.value(&self.text)).filter(|value| !value.is_empty())
    }
}

impl From<Malformed> for BadForm {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl fmt::Debug for Form {
    /// Not even names: a secret pasted without its name looks like one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("parameters", &self.parameters.len()).finish_non_exhaustive()
    }
}

fn pairs(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=');
        equals.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]))
    })
}

/// Whether a query names what belongs in a body.
pub(super) fn carries_credential(query: &str) -> bool {
    pairs(query.as_bytes()).any(|(raw, _)| {
        let mut name = String::with_capacity(raw.len());
        let readable = decode_onto(&mut name, raw).is_ok();
        readable && CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(&name))
    })
}

/// Whatever charset it names: the format has none (WHATWG URL, section 5.1), libraries write the one
/// of their platform beside plain ASCII, and what is not UTF-8 is refused by its bytes.
fn declares_form(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests;
