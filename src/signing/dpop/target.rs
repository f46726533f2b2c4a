//! Compares the URL that a proof names with the one it was sent to (RFC 9449, section 4.3).

use crate::domain::normal_uri;

/// Whether both are one URL but for query and fragment, however they are spelt (RFC 3986,
/// sections 6.2.2 and 6.2.3).
pub(super) fn is_same(claimed: &str, expected: &str) -> bool {
    match (normal(claimed), normal(expected)) {
        (Some(claimed), Some(expected)) => claimed == expected,
        _ => false,
    }
}

fn normal(text: &str) -> Option<String> {
    // What browsers would put right is no URL here.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let url = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://")?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let has_host = !rest.is_empty() && !rest.starts_with(['/', ':', '@', '%']);
    (is_web && has_host).then(|| normal_uri(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://keys.example.com/a/oauth2/token";

    #[test]
    fn dp_04_one_url_has_several_spellings() {
        for claimed in [
            URL,
            "HTTPS://Keys.Example.COM/a/oauth2/token",
            "https://keys.example.com:443/a/oauth2/token",
            "https://keys.example.com/a/oauth2/token?x=1#y",
            "https://keys.example.com/a/./b/../oauth2/token",
            "https://keys.example.com/%61/oauth2/%74oken",
        ] {
            assert!(is_same(claimed, URL), "{claimed}");
        }
        assert!(is_same("https://k.example/%c3%a4", "https://k.example/%C3%A4?q"));
        assert!(is_same("http://127.0.0.1:8080", "http://127.0.0.1:8080/"));
    }

    #[test]
    fn dp_04_another_url_is_another() {
        for claimed in [
            "",
            "/a/oauth2/token",
            "http://keys.example.com/a/oauth2/token",
            "https://keys.example.com:8443/a/oauth2/token",
            "https://keys.example.com/a/oauth2/token/",
            "https://keys.example.com/A/oauth2/token",
            "https://keys.example.com/oauth2/token",
            "https://keys.example.com.evil.example/a/oauth2/token",
            "https://keys.example.com@evil.example/a/oauth2/token",
            "https://user@keys.example.com/a/oauth2/token",
            "https://keys.example.com\\a\\oauth2\\token",
            " https://keys.example.com/a/oauth2/token",
            "https://keys.example.com/a%2Foauth2/token",
        ] {
            assert!(!is_same(claimed, URL), "{claimed}");
        }
    }

    #[test]
    fn what_is_no_url_is_the_same_as_nothing() {
        for text in ["", "%", "https://%", "https://a/%", "ht!tp://a", "https:///a"] {
            assert!(!is_same(text, URL), "{text}");
        }
        assert!(!is_same("no", "no"));
    }
}
