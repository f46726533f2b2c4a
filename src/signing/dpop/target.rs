//! Compares the URL that a proof names with the one it was sent to (RFC 9449, section 4.3).

use url::Url;

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
    let mut url = Url::parse(&plain(text)).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

/// Decodes what need not be percent-encoded, and writes the rest in capitals.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[2..]);
            }
            Some(_) => {
                plain.push('%');
                plain.push_str(&part[..2].to_ascii_uppercase());
                plain.push_str(&part[2..]);
            }
            None => {
                plain.push('%');
                plain.push_str(part);
            }
        }
    }
    plain
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
        for text in ["", "%", "https://%", "https://a/%", "ht!tp://a"] {
            assert!(!is_same(text, URL), "{text}");
        }
        assert!(!is_same("no", "no"));
    }
}
