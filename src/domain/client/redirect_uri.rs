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
    fn ac_03_only_what_every_reader_reads_alike_is_a_redirect_uri() {
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
