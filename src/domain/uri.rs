//! URIs: whose we are, and when two spellings are one (RFC 3986, sections 6.2.2 and 6.2.3).

/// Who issues our tokens: `iss`, and the start of every URL in our metadata (RFC 8414,
/// section 2). No slash at its end.
pub type Issuer = String;

/// The one spelling of all that are the same: case, percent-encoding, default ports, dot segments,
/// and an empty path, which is `/`. Any other path says what it says: `/v1` is not `/v1/`. A text
/// that is no URI comes back as it is.
pub fn normal_uri(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once(':') else { return text.to_owned() };
    let (scheme, rest) = (scheme.to_ascii_lowercase(), decoded(rest));
    let Some(rest) = rest.strip_prefix("//") else { return format!("{scheme}:{rest}") };
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = (normal_authority(authority, &scheme), without_dots(path));
    format!("{scheme}://{authority}{path}{query}")
}

/// The user is told apart by case, the host is not.
fn normal_authority(authority: &str, scheme: &str) -> String {
    let host_begins = authority.rfind('@').map_or(0, |at| at + 1);
    let (user, host) = authority.split_at(host_begins);
    let host = host.to_ascii_lowercase();
    let default = match scheme {
        "https" | "wss" => ":443",
        "http" | "ws" => ":80",
        _ => ":",
    };
    let host = host.strip_suffix(default).or_else(|| host.strip_suffix(':')).unwrap_or(&host);
    format!("{user}{host}")
}

/// RFC 3986, section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Decodes what need not be percent-encoded, and writes the rest in capitals.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|two| two.bytes().all(|it| it.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
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

    #[test]
    fn fx_32_one_uri_has_several_spellings() {
        for (one, other) in [
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com", "HTTPS://API.Example.COM"),
            ("https://api.example.com", "https://api.example.com:443"),
            ("https://api.example.com", "https://api.example.com:/"),
            ("http://api.example.com", "http://api.example.com:80/"),
            ("https://api.example.com?x=1", "https://api.example.com/?x=1"),
            ("https://a/%7Ex/%c3%a4", "https://a/~x/%C3%A4"),
            ("https://a/b", "https://a/c/./../b"),
            ("https://a/b/", "https://a/b/c/.."),
            ("https://[::1]/", "https://[::1]:443"),
            ("api://ABC", "API://abc/"),
            ("urn:example:a%2db", "URN:example:a-b"),
        ] {
            assert_eq!(normal_uri(one), normal_uri(other));
            assert_eq!(normal_uri(&normal_uri(one)), normal_uri(one));
        }
    }

    #[test]
    fn fx_32_what_is_more_than_spelling_is_another_uri() {
        for (one, other) in [
            ("https://a/v1", "https://a/v1/"),
            ("https://a/v1", "https://a/V1"),
            ("https://a/b%2Fc", "https://a/b/c"),
            ("https://a", "http://a"),
            ("https://a:80", "https://a"),
            ("https://a:8443", "https://a"),
            ("https://User@a", "https://user@a"),
            ("https://a?", "https://a"),
            ("https://a//", "https://a"),
            ("urn:a:B", "urn:a:b"),
            ("https:a", "https://a"),
            ("api", "API"),
            ("https://a/%+1", "https://a/%01"),
        ] {
            assert_ne!(normal_uri(one), normal_uri(other));
        }
    }
}
