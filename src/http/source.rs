//! Whose address a request comes from, however many proxies stand between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The peer; where that is a trusted proxy, the rightmost address in `X-Forwarded-For` that is
/// not. What stands left of it was written by the caller and proves nothing.
pub(super) fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut source = peer.to_canonical();
    let mut entries = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while is_trusted(&source) {
        let Some(next) = entries.next().and_then(address) else { break };
        source = next;
    }
    source
}

/// Some proxies add the port and then put IPv6 addresses in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        source(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn th_05_a_peer_that_is_no_proxy_is_the_source_whatever_it_claims() {
        assert_eq!(found("192.0.2.1", &["10.0.0.1", "198.51.100.7"]), "192.0.2.1");
        assert_eq!(found("::ffff:192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn th_05_the_rightmost_untrusted_address_counts() {
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 192.0.2.9 , 10.0.0.2"]), "192.0.2.9");
        assert_eq!(found("10.0.0.1", &["1.1.1.1", "192.0.2.9", "10.0.0.2"]), "192.0.2.9");
        assert_eq!(found("::ffff:10.0.0.1", &["::ffff:192.0.2.9"]), "192.0.2.9");
        assert_eq!(found("fd00::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(found("10.0.0.1", &["192.0.2.9:4711"]), "192.0.2.9");
        assert_eq!(found("10.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
    }

    #[test]
    fn th_05_the_walk_ends_at_garbage_and_at_the_last_proxy() {
        assert_eq!(found("10.0.0.1", &["192.0.2.9, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(found("10.0.0.1", &["192.0.2.9,"]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
    }
}
