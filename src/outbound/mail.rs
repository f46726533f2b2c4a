//! Mail by SMTP, over the server that the operator named.

use std::time::{Duration, SystemTime};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use url::{Host, Url};
use uuid::Uuid;

use crate::{clock::Timestamp, domain::Email};

/// For one command of SMTP, and for the whole of it.
const STEP_WITHIN: Duration = Duration::from_secs(10);
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// A mail in plain text.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The same at every attempt: mail servers then show a repeated mail once.
    pub id: Uuid,
    pub to: &'a Email,
    pub subject: &'a str,
    pub text: &'a str,
    pub written_at: Timestamp,
}

/// Says nothing of the URL, which holds a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableMail {
    #[error(
        "mail.smtp_url must look like smtps://user:password@host:465 or \
         smtp://user:password@host:587?tls=required, with %-escapes for what is special in a URL"
    )]
    Url,
    #[error(
        "mail.smtp_url would send the password for everybody to read: use smtps://, or smtp:// \
         with ?tls=required"
    )]
    PasswordInClear,
    #[error(
        "mail.from must be an address like keyturn@example.com or keyturn <keyturn@example.com>"
    )]
    From,
}

/// Says nothing that the server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailFailed {
    #[error("the mail server did not answer in time")]
    TooSlow,
    #[error("the mail server cannot be reached, or its certificate is not good")]
    NoConnection,
    #[error("the mail server refused the mail")]
    Refused,
    #[error("the mail server refused the mail for now")]
    RefusedForNow,
    #[error("the address cannot be written into a mail")]
    Address,
}

impl Mail {
    pub fn new(smtp_url: &SecretString, from: &str) -> Result<Self, UnusableMail> {
        let text = smtp_url.expose_secret();
        let url = Url::parse(text).map_err(|_| UnusableMail::Url)?;
        let is_encrypted = url.scheme() == "smtps"
            || url.query_pairs().any(|it| it == ("tls".into(), "required".into()));
        if url.password().is_some() && !is_encrypted && !is_this_machine(&url) {
            return Err(UnusableMail::PasswordInClear);
        }
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(text);
        let server = server.map_err(|_| UnusableMail::Url)?.timeout(Some(STEP_WITHIN)).build();
        Ok(Self { server, from: from.parse().map_err(|_| UnusableMail::From)? })
    }

    pub async fn send(&self, letter: Letter<'_>) -> Result<(), MailFailed> {
        let message = self.write(letter).ok_or(MailFailed::Address)?;
        let sent = timeout(WITHIN, self.server.send(message)).await;
        let answer = sent.map_err(|_| MailFailed::TooSlow)?;
        answer.map(drop).map_err(|error| {
            if error.is_timeout() {
                MailFailed::TooSlow
            } else if error.is_permanent() {
                MailFailed::Refused
            } else if error.is_transient() {
                MailFailed::RefusedForNow
            } else {
                MailFailed::NoConnection
            }
        })
    }

    fn write(&self, letter: Letter<'_>) -> Option<Message> {
        let id = format!("<{}@{}>", letter.id.simple(), self.from.email.domain());
        // RFC 3834, section 5: no one's holiday notice answers it.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        let automatic = HeaderValue::new(name, "auto-generated".to_owned());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, letter.to.as_str().parse().ok()?))
            .subject(letter.subject)
            .message_id(Some(id))
            .date(SystemTime::from(letter.written_at))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_owned())
            .ok()
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // `url` reads no addresses in URLs that are not of the web.
        Some(Host::Domain(name)) => {
            let address = name.parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unusable(url: &str, from: &str) -> Option<UnusableMail> {
        Mail::new(&SecretString::from(url), from).err()
    }

    #[tokio::test]
    async fn a_password_is_never_sent_in_clear_over_a_network() {
        let from = "keyturn@example.com";
        for fine in [
            "smtps://me:pw@mail.example.com",
            "smtp://me:pw@mail.example.com?tls=required",
            "smtp://me:pw@127.0.0.1:2525",
            "smtp://mail.example.com:25",
        ] {
            assert_eq!(unusable(fine, from), None, "{fine}");
        }
        for wrong in ["smtp://me:pw@mail.example.com", "smtp://me:pw@m.example?tls=opportunistic"] {
            assert_eq!(unusable(wrong, from), Some(UnusableMail::PasswordInClear), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_no_server_or_no_address_is_refused_without_quoting_it() {
        let from = "keyturn@example.com";
        assert_eq!(unusable("mail.example.com", from), Some(UnusableMail::Url));
        assert_eq!(
            unusable("imap://me:hidden@mail.example.com", from),
            Some(UnusableMail::PasswordInClear)
        );
        assert_eq!(unusable("imap://mail.example.com", from), Some(UnusableMail::Url));
        assert_eq!(unusable("smtps://mail.example.com", "nobody"), Some(UnusableMail::From));
        for error in [UnusableMail::Url, UnusableMail::PasswordInClear, UnusableMail::From] {
            assert!(!error.to_string().contains("hidden"));
        }
    }
}
