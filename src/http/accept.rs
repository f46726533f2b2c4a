//! Which of two representations a caller prefers (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header::ACCEPT};

/// Whether `special` is named, and is wanted no less than `usual`. What is only allowed by a
/// wildcard is not named.
pub(super) fn prefers(headers: &HeaderMap, special: &str, usual: &str) -> bool {
    let ranges = ranges(headers);
    let exact = |name: &str| ranges.iter().find(|(range, _)| range == name).map(|(_, q)| *q);
    let Some(wanted) = exact(special).filter(|q| *q > 0.0) else { return false };
    let kind = usual.split('/').next().unwrap_or_default();
    let usual = [usual, &format!("{kind}/*"), "*/*"].into_iter().find_map(exact);
    usual.is_none_or(|usual| wanted >= usual)
}

/// In lower case, with their weights.
fn ranges(headers: &HeaderMap) -> Vec<(String, f32)> {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let range = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut weights = parts.filter_map(|part| part.split_once('='));
        let weight = weights.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        (range, weight.and_then(|(_, q)| q.trim().parse().ok()).unwrap_or(1.0))
    };
    accepted.flat_map(|value| value.split(',')).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_39e_the_weights_of_the_caller_decide() {
        for (accepted, special) in [
            ("", false),
            ("*/*", false),
            ("a/jwt", true),
            ("A/JWT; q=1", true),
            ("a/json, a/jwt", true),
            ("a/json, a/jwt;q=0.1", false),
            ("a/json;q=0.1, a/jwt;q=0.2", true),
            ("a/jwt;q=0.5, */*", false),
            ("a/jwt;q=0.5, a/*;q=0.4, */*", true),
            ("a/jwt;q=0", false),
            ("a/jwt;q=0.0, a/json;q=0", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accepted.parse().unwrap());
            assert_eq!(prefers(&headers, "a/jwt", "a/json"), special, "{accepted}");
        }
    }
}
