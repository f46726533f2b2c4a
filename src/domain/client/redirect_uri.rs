//! Where a browser may be sent back to, with what only the client may see.

use url::{Host, Url};

/// Why a text is no redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirectUri {
    #[error(
        "a redirect URI is written as a browser writes it, like https://app.example.com/callback"
    )]
    Malformed,
    #[error("a redirect URI has {LONGEST} characters at most")]
    TooLong,
    #[error("a redirect URI has no fragment, no user and no password")]
    Extra,
    #[error("http is only for a loopback address: say https")]
    NotHttps,
    #[error("a scheme of its own has a dot in it, like com.example.app:/callback")]
    Scheme,
}

const LONGEST: usize = 2000;

/// Redirect URIs are compared to the letter (RFC 9700, section 4.1.3), so that only a text that
/// every reader reads alike may be one: no dots to climb by, no other spelling of its host.
pub(super) fn check(text: &str) -> Result<(), BadRedirectUri> {
    if text.len() > LONGEST {
        return Err(BadRedirectUri::TooLong);
    }
    let url = Url::parse(text).map_err(|_| BadRedirectUri::Malformed)?;
    if text.contains('#') || !url.username().is_empty() || url.password().is_some() {
        return Err(BadRedirectUri::Extra);
    }
    match url.scheme() {
        "https" => (),
        "http" if is_loopback(&url) => (),
        "http" => return Err(BadRedirectUri::NotHttps),
        own if own.contains('.') => (),
        _ => return Err(BadRedirectUri::Scheme),
    }
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}*".contains(&b));
    let before_query = text.split('?').next().unwrap_or_default();
    // Some servers take `..;` for the way up (CVE-2026-3872).
    let climbs = before_query.contains("..") || before_query.to_ascii_lowercase().contains("%2e");
    let as_written = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
    let has_place = url.has_host() || !url.path().is_empty();
    if is_plain && !climbs && as_written && has_place {
        Ok(())
    } else {
        Err(BadRedirectUri::Malformed)
    }
}

/// Where an answer goes: a redirect URI that the client registered, as the request named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(Url);

impl RedirectUri {
    /// `None`: it is not registered, or none is named and which one is meant is a guess.
    pub(super) fn of(registered: &[String], asked: Option<&str>) -> Option<Self> {
        let text = match (asked, registered) {
            (Some(asked), all) => all.iter().any(|one| is_same(one, asked)).then_some(asked),
            (None, [only]) => Some(only.as_str()),
            (None, _) => None,
        };
        Url::parse(text?).ok().map(Self)
    }

    /// With an answer in its query (RFC 6749, section 4.1.2).
    pub fn with<'a>(mut self, answer: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        self.0.query_pairs_mut().extend_pairs(answer);
        self.0.into()
    }
}

/// To the letter, but that a program on the user's own machine listens on any port that is free
/// (RFC 8252, section 7.3).
fn is_same(registered: &str, asked: &str) -> bool {
    let anywhere = |text: &str| {
        let mut url = Url::parse(text).ok().filter(is_loopback_address)?;
        url.set_port(None).ok()?;
        Some(url)
    };
    registered == asked
        || check(asked).is_ok()
            && anywhere(asked).is_some_and(|asked| anywhere(registered) == Some(asked))
}

/// A name is no address: who answers to it is not for us to know.
fn is_loopback_address(url: &Url) -> bool {
    url.scheme() == "http" && is_loopback(url) && !matches!(url.host(), Some(Host::Domain(_)))
}

/// Programs on the user's own machine listen there (RFC 8252, section 7.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ac_03_inc_12_only_what_every_reader_reads_alike_is_a_redirect_uri() {
        for fine in [
            "https://app.example.com",
            "https://app.example.com/callback?from=keyturn",
            "https://app.example.com:8443/a%20b/c",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:9000/",
            "http://[::1]:9000/callback",
            "http://localhost:3000/callback",
            "com.example.app:/callback",
            "com.example.app://callback",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for twisted in [
            "",
            "/callback",
            "app.example.com/callback",
            "https://",
            "https://APP.example.com/",
            "HTTPS://app.example.com/",
            "https://app.example.com:443/",
            "https://app.example.com/a/../b",
            "https://app.example.com/..;/b",
            "https://app.example.com/%2e%2e/b",
            "https://app.example.com\\@evil.example/",
            "https:app.example.com",
            "https://*.example.com/",
            "https://app.example.com/*",
            "https://äpp.example.com/",
            "https://app.example.com/ä",
            " https://app.example.com/",
            "https://app.example.com/\n",
            "https://0x7f000001/",
            "com.example.app:",
        ] {
            assert_eq!(check(twisted), Err(BadRedirectUri::Malformed), "{twisted:?}");
        }
        for extra in
            ["https://app.example.com/#a", "https://app.example.com/#", "https://a:b@example.com/"]
        {
            assert_eq!(check(extra), Err(BadRedirectUri::Extra), "{extra}");
        }
    }

    #[test]
    fn ac_03_a_request_names_a_registered_uri_to_the_letter() {
        let registered = ["https://app.example.com/callback".to_owned()];
        let found = |asked| RedirectUri::of(&registered, Some(asked)).is_some();

        assert!(found("https://app.example.com/callback"));
        for other in [
            "",
            "https://app.example.com/callback/",
            "https://app.example.com/callback?a=b",
            "https://app.example.com/Callback",
            "https://app.example.com/callback#a",
            "https://app.example.com/callback%2e%2e/b",
            "https://app.example.com/..;/callback",
            "https://app.example.com/x/../callback",
            "https://app.example.com:8443/callback",
            "https://app.example.com:443/callback",
            "https://APP.example.com/callback",
            "https://app.example.com.evil.example/callback",
            "https://app.example.com@evil.example/callback",
            "https://app.example.com\\@evil.example/callback",
            "https://\u{430}pp.example.com/callback",
            "http://app.example.com/callback",
            "https://app.example.com/call",
        ] {
            assert!(!found(other), "{other}");
        }
    }

    #[test]
    fn ac_03_the_port_is_free_at_a_loopback_address_and_nowhere_else() {
        let one = |registered: &str, asked| {
            RedirectUri::of(&[registered.to_owned()], Some(asked)).is_some()
        };

        for (registered, asked) in [
            ("http://127.0.0.1/back", "http://127.0.0.1:49152/back"),
            ("http://127.0.0.1:9000/back", "http://127.0.0.1:9001/back"),
            ("http://[::1]/back", "http://[::1]:49152/back"),
        ] {
            assert!(one(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("http://localhost:3000/back", "http://localhost:3001/back"),
            ("http://127.0.0.1/back", "http://127.0.0.1:49152/other"),
            ("http://127.0.0.1/back", "http://127.0.0.2/back"),
            ("http://127.0.0.1/back", "http://[::1]/back"),
            ("http://127.0.0.1/back", "http://a@127.0.0.1:1/back"),
            ("http://127.0.0.1/back", "http://127.0.0.1:1/back#a"),
            ("http://127.0.0.1/back", "http://2130706433/back"),
            ("https://127.0.0.1/back", "https://127.0.0.1:8443/back"),
        ] {
            assert!(!one(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn ac_06_none_is_named_where_only_one_can_be_meant() {
        let (one, other) = ("https://a.example/".to_owned(), "https://b.example/".to_owned());

        assert!(RedirectUri::of(&[], None).is_none());
        assert!(RedirectUri::of(std::slice::from_ref(&one), None).is_some());
        assert!(RedirectUri::of(&[one, other], None).is_none());
    }

    #[test]
    fn an_answer_stands_beside_the_query_that_was_registered() {
        let registered = ["https://a.example/back?from=keyturn".to_owned()];
        let back = RedirectUri::of(&registered, None).unwrap();

        let url = back.with([("error", "a b&c")].into_iter());

        assert_eq!(url, "https://a.example/back?from=keyturn&error=a+b%26c");
    }

    #[test]
    fn ac_04_http_is_for_the_loopback_only() {
        for open in ["http://app.example.com/", "http://localhost.evil/", "http://10.0.0.1/"] {
            assert_eq!(check(open), Err(BadRedirectUri::NotHttps), "{open}");
        }
    }

    #[test]
    fn ac_05_a_scheme_of_ones_own_has_a_dot() {
        for scheme in ["javascript:alert(1)", "data:text/html,x", "app:/callback", "file:///x"] {
            assert_eq!(check(scheme), Err(BadRedirectUri::Scheme), "{scheme}");
        }
    }
}
