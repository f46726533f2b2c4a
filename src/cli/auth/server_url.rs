//! Where the server is: https, or any scheme on this machine alone.

use std::fmt;

use anyhow::{Context as _, bail};
use url::{Host, Url};

/// A URL without login, query, fragment and without a slash at its end, as issuers are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerUrl {
    text: String,
    /// With the port where the URL names one that is not its scheme's own.
    authority: String,
    is_loopback: bool,
}

impl ServerUrl {
    /// A secret may go there: no one in between can read it.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let url = Url::parse(text).with_context(|| format!("`{text}` is not a URL"))?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(host) = url.host().filter(|_| is_plain) else {
            // Not quoted: a login could be in it.
            bail!("a server's URL is https://HOST[:PORT][/PATH] without login, query and fragment");
        };
        let is_loopback = is_loopback(&host);
        match url.scheme() {
            "https" => (),
            "http" if is_loopback => (),
            _ => bail!(
                "{text}: the credential would cross the network in clear; use https:// \
                 (http:// only for this machine itself)"
            ),
        }
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { text, authority, is_loopback })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn path(&self, path: &str) -> Self {
        Self { text: format!("{}{path}", self.text), ..self.clone() }
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_nowhere_in_clear() {
        let goes = |url: &str| ServerUrl::parse(url).is_ok();
        assert!(goes("https://id.example.com") && goes("https://id.example.com:8443/auth/"));
        assert!(goes("http://localhost:8080") && goes("http://127.0.0.9") && goes("http://[::1]"));
        for refused in [
            "http://id.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0:8080",
            "ftp://localhost",
            "https://me:pw@id.example.com",
            "https://id.example.com?x",
            "https://id.example.com#x",
            "id.example.com",
            "",
        ] {
            assert!(!goes(refused), "{refused}");
        }
    }

    #[test]
    fn a_url_is_written_as_issuers_are() {
        let url = ServerUrl::parse("https://ID.example.com:443/").unwrap();
        assert_eq!((url.as_str(), url.authority()), ("https://id.example.com", "id.example.com"));
    }
}
