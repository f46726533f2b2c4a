//! Reads entity tags as proxies leave them: one that compresses a response makes its tag weak, or
//! appends the name of the coding (RFC 9110, section 8.8.3.3).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::edge::Edge;

const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "deflate"];

/// What we put between the quotes: of `"3"`, of `W/"3"`, and of `"3-gzip"`, `3`. A version names a
/// state, not its bytes, so tags compare weakly. `None` for what is no tag.
pub(super) fn opaque(tag: &str) -> Option<&str> {
    let tag = tag.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let of_coding = |coding: &&str| {
        let before = inner.strip_suffix(coding)?;
        let plain = before.trim_end_matches(['-', ';', ':']);
        (plain.len() < before.len()).then_some(plain)
    };
    Some(CODINGS.iter().find_map(of_coding).unwrap_or(inner))
}

/// Of a document that is made for each answer: the same text, the same tag.
pub(super) fn etag_of(body: &[u8]) -> String {
    format!("\"{:08x}-{:x}\"", crc32fast::hash(body), body.len())
}

/// A document that anyone may keep for a while, unless the caller has this very one.
pub(super) fn published(
    edge: &Edge,
    headers: &HeaderMap,
    etag: &str,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let is_ours = |tag| opaque(etag) == Some(tag);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        let tags = value.to_str().unwrap_or_default();
        tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag).is_some_and(is_ours))
    });
    let kept = [(header::ETAG, etag.to_owned()), (header::CACHE_CONTROL, edge.cache_control())];
    if known {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let content_type = HeaderValue::from_static(content_type);
    (kept, [(header::CONTENT_TYPE, content_type)], body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_35_a_tag_survives_what_proxies_do_to_it() {
        for tag in ["\"3\"", "W/\"3\"", " \"3-gzip\" ", "W/\"3-br\"", "\"3--gzip\"", "\"3;gzip\""] {
            assert_eq!(opaque(tag), Some("3"), "{tag}");
        }
        for other in ["3", "\"3", "w/\"3\"", "W/3", ""] {
            assert_eq!(opaque(other), None, "{other}");
        }
        assert_eq!(opaque("\"3-lz4\""), Some("3-lz4"));
        assert_eq!(opaque("\"gzip\""), Some("gzip"));
    }
}
