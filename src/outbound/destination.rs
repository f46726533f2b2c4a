//! Decides by its text alone whether a URL may be asked at all.

use url::{Host, Url};

use super::address::{Allowed, Rule};

/// A URL that may be asked, where the addresses of its host follow the rule.
pub(super) struct Destination {
    pub(super) url: Url,
    pub(super) rule: Rule,
}

/// Safe to show to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUrl {
    #[error("a URL looks like https://hooks.example.com/keyturn")]
    Malformed,
    #[error("a URL has 2000 characters at most")]
    TooLong,
    #[error("the URL must not hold a user or a password")]
    Login,
    #[error("the URL must begin with https://")]
    NotHttps,
    #[error("the port of the URL must be 443 or 8443")]
    Port,
    #[error(
        "the URL leads to an address that is not public, or that is allowed only by https on port \
         443 or 8443: an operator can allow it by the setting outbound.allow"
    )]
    Address,
}

const LONGEST: usize = 2000;

impl Destination {
    /// What `url` makes of the text counts: it reads every spelling of an address as browsers do,
    /// decimal, octal, hexadecimal, cut short, or with the dots of other scripts.
    pub(super) fn parse(text: &str, allowed: &Allowed) -> Result<Self, RefusedUrl> {
        if text.len() > LONGEST {
            return Err(RefusedUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| RefusedUrl::Malformed)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(RefusedUrl::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RefusedUrl::Login);
        }
        let is_usual = matches!(url.port_or_known_default(), Some(443 | 8443));
        let rule = if url.scheme() == "https" && is_usual { Rule::Public } else { Rule::Allowed };
        if rule == Rule::Allowed && allowed.0.is_empty() {
            let is_https = url.scheme() == "https";
            return Err(if is_https { RefusedUrl::Port } else { RefusedUrl::NotHttps });
        }
        let literal = match url.host() {
            None => return Err(RefusedUrl::Malformed),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        if literal.is_some_and(|address| !allowed.may(rule, address)) {
            return Err(RefusedUrl::Address);
        }
        Ok(Self { url, rule })
    }

    /// By what requests to one server are counted together.
    pub(super) fn host(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.url.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, allowed: &[&str]) -> Option<RefusedUrl> {
        let networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Destination::parse(text, &Allowed(networks)).err()
    }

    #[test]
    fn sf_01_only_https_on_its_ports_and_without_a_login() {
        for fine in [
            "https://hooks.example.com",
            "https://hooks.example.com:443/a?b=c",
            "https://hooks.example.com:8443/",
            "https://1.1.1.1/",
            "HTTPS://[2a00:1450::1]/",
        ] {
            assert_eq!(refused(fine, &[]), None, "{fine}");
        }
        for (wrong, expected) in [
            ("http://hooks.example.com/", RefusedUrl::NotHttps),
            ("ftp://hooks.example.com/", RefusedUrl::NotHttps),
            ("file:///etc/passwd", RefusedUrl::NotHttps),
            ("gopher://hooks.example.com/", RefusedUrl::NotHttps),
            ("https://hooks.example.com:80/", RefusedUrl::Port),
            ("https://hooks.example.com:22/", RefusedUrl::Port),
            ("https://me@hooks.example.com/", RefusedUrl::Login),
            ("https://:pw@hooks.example.com/", RefusedUrl::Login),
            ("https://hooks.example.com@127.0.0.1/", RefusedUrl::Login),
            ("hooks.example.com", RefusedUrl::Malformed),
            ("https://", RefusedUrl::Malformed),
            ("https://a b/", RefusedUrl::Malformed),
        ] {
            assert_eq!(refused(wrong, &[]), Some(expected), "{wrong}");
        }
        let long = format!("https://hooks.example.com/{}", "a".repeat(2000));
        assert_eq!(refused(&long, &[]), Some(RefusedUrl::TooLong));
    }

    #[test]
    fn sf_03_no_spelling_of_an_address_hides_it() {
        for spelling in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "127。0。0。1",
            "127．0．0．1",
            "127｡0｡0｡1",
            "①②⑦.⓪.⓪.①",
            "%31%32%37.0.0.1",
            "0",
            "0.0.0.0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "[fd00::1]",
            "[fe80::1]",
        ] {
            let url = format!("https://{spelling}/latest/meta-data");
            assert_eq!(refused(&url, &[]), Some(RefusedUrl::Address), "{spelling}");
        }
        for nonsense in
            ["[fe80::1%25eth0]", "[fe80::1%eth0]", "1.2.3.4.5", "256.1.1.1", "[127.0.0.1]"]
        {
            let url = format!("https://{nonsense}/");
            assert_eq!(refused(&url, &[]), Some(RefusedUrl::Malformed), "{nonsense}");
        }
    }

    #[test]
    fn sf_09_an_allowed_address_needs_neither_tls_nor_a_usual_port() {
        let allowed = ["127.0.0.0/8"];
        for fine in ["http://127.0.0.1:9000/", "https://127.1:9000/", "http://rig.example.com/"] {
            assert_eq!(refused(fine, &allowed), None, "{fine}");
        }
        for wrong in ["http://10.0.0.1/", "http://1.1.1.1/", "https://1.1.1.1:9000/"] {
            assert_eq!(refused(wrong, &allowed), Some(RefusedUrl::Address), "{wrong}");
        }
    }
}
