//! The addresses a key may be used from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::Item;

/// One address range; a bare address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address range looks like 10.2.0.0/16 or 2001:db8::/32")]
pub struct MalformedNetwork;

impl FromStr for Network {
    type Err = MalformedNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let range = text.parse::<IpNet>().or_else(|_| address()).map_err(|_| MalformedNetwork)?;
        plain(range).map(|range| Self(range.trunc())).ok_or(MalformedNetwork)
    }
}

impl Item for Network {
    const MEMBER: &'static str = "allowed_networks";
    const EXAMPLE: &'static str = "10.2.0.0/16";
}

/// Addresses are compared in their IPv4 form where they have one, so a range of such addresses
/// that is written in IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 range. `None` where its prefix
/// does not reach into the IPv4 part: it may be a prefix that is meant for the IPv4 form.
fn plain(range: IpNet) -> Option<IpNet> {
    const BEFORE_IPV4: u8 = 96;
    let IpNet::V6(wide) = range else { return Some(range) };
    let Some(address) = wide.addr().to_ipv4_mapped() else { return Some(range) };
    let prefix = wide.prefix_len().checked_sub(BEFORE_IPV4)?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}

/// A list of address ranges in CIDR notation (RFC 4632, RFC 4291). Empty means anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Expects an address in its canonical form: no IPv4 wrapped in IPv6.
    pub fn allow(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether no one can come from here who could not come from `others`.
    pub fn are_within(&self, others: &Self) -> bool {
        let covered = |range: &IpNet| others.0.iter().any(|other| other.contains(range));
        others.is_empty() || !self.is_empty() && self.0.iter().all(covered)
    }

    /// From where one may come by both. Where the two have nothing in common, this list stays: an
    /// empty one would mean anywhere.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other.clone() } else { self.clone() };
        }
        let within = |inner: &IpNet, outer: &Self| outer.0.iter().any(|it| it.contains(inner));
        let mut both: Vec<_> = self.0.iter().filter(|it| within(it, other)).copied().collect();
        let others = other.0.iter().filter(|it| within(it, self) && !self.0.contains(it));
        both.extend(others);
        if both.is_empty() { self.clone() } else { Self(both) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(ranges: I) -> Self {
        Self(ranges.into_iter().map(|range| range.0).collect())
    }
}

impl FromStr for Networks {
    type Err = MalformedNetwork;

    /// Ranges with spaces between them: how a column holds them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace().map(str::parse::<Network>).collect()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ranges.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_allowed_by_any_range_that_holds_it() {
        let networks: Networks = "10.2.0.0/16 192.0.2.7 2001:db8::/32".parse().unwrap();
        for inside in ["10.2.255.1", "192.0.2.7", "2001:db8::1"] {
            assert!(networks.allow(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.3.0.1", "192.0.2.8", "2001:db9::1"] {
            assert!(!networks.allow(outside.parse().unwrap()), "{outside}");
        }
        assert!(Networks::default().allow("10.3.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["10.2.0.0/33", "10.2", "::/129", "example.com"] {
            assert_eq!(text.parse::<Networks>(), Err(MalformedNetwork), "{text}");
        }
    }

    #[test]
    fn fx_04_a_range_of_ipv4_addresses_in_ipv6_is_the_ipv4_range() {
        for (written, meant) in [
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:c000:207/128", "192.0.2.7/32"),
        ] {
            let networks: Networks = written.parse().unwrap();
            assert_eq!(networks.to_string(), meant, "{written}");
        }
        let networks: Networks = "::ffff:192.0.2.0/120".parse().unwrap();
        assert!(networks.allow("192.0.2.9".parse().unwrap()));
        assert!(!networks.allow("192.0.3.9".parse().unwrap()));
        for ambiguous in ["::ffff:192.0.2.0/24", "::ffff:10.0.0.0/8", "::ffff:0:0/95"] {
            assert_eq!(ambiguous.parse::<Networks>(), Err(MalformedNetwork), "{ambiguous}");
        }
    }
}
