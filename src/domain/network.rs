//! The addresses a key may be used from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A list of address ranges in CIDR notation (RFC 4632, RFC 4291). Empty means anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Networks(Vec<IpNet>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address range looks like 10.2.0.0/16 or 2001:db8::/32")]
pub struct MalformedNetworks;

impl Networks {
    /// Expects an address in its canonical form: no IPv4 wrapped in IPv6.
    pub fn allow(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody can come from here who could not come from `others`.
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

impl FromStr for Networks {
    type Err = MalformedNetworks;

    /// Ranges with spaces between them; a bare address is a range of one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range = |text: &str| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().map(|range| range.trunc()).or_else(|_| address())
        };
        let ranges: Result<_, _> = text.split_whitespace().map(range).collect();
        ranges.map(Self).map_err(|_| MalformedNetworks)
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
            assert_eq!(text.parse::<Networks>(), Err(MalformedNetworks), "{text}");
        }
    }
}
