//! Takes apart the few URLs that settings hold.

use std::net::{IpAddr, Ipv6Addr};

/// The beginning of a URL, and what stands behind its host and port.
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
}

impl<'a> Url<'a> {
    /// Only `http` and `https`, no login, no query, no fragment; `None` for anything else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        if !matches!(scheme, "http" | "https") || !rest.bytes().all(is_plain) {
            return None;
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.strip_prefix('[') {
            Some(address) => address.split_once(']')?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        // Rust would read `+80` as a number too.
        let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok();
        let has_port = port.strip_prefix(':').is_some_and(is_port);
        let is_host = if authority.starts_with('[') {
            host.parse::<Ipv6Addr>().is_ok()
        } else {
            is_host_name(host)
        };
        ((port.is_empty() || has_port) && is_host).then_some(Self { scheme, host, path })
    }

    pub(super) fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Letters, digits and hyphens between dots, in lower case: what browsers send and tokens compare.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text.split('.')
        .all(|label| !label.is_empty() && !label.starts_with('-') && label.bytes().all(is_letter))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte)
}
