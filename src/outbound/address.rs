//! Which addresses are public, and which an operator allows all the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The special-purpose blocks of IPv4 (RFC 6890 and the IANA registry it began), multicast, and
/// what is reserved: address and length of the prefix.
const SPECIAL_V4: [([u8; 4], u8); 19] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Shared by the customers of one provider (RFC 6598).
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local: where clouds answer for credentials.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    // Relays of 6to4 (RFC 7526).
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    // Benchmarks (RFC 2544).
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, then reserved, the broadcast address included.
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    // Of Azure's hosts, for their guests only: public by its number.
    ([168, 63, 129, 16], 32),
];

/// All that is global in IPv6 lies in `2000::/3`; these blocks of it are special. What lies outside
/// is refused as a whole: loopback, link-local, unique local, multicast, and IPv4 in its disguises
/// (mapped, compatible, NAT64).
const SPECIAL_V6: [([u16; 3], u8); 5] = [
    // Protocol assignments, Teredo and ORCHID among them.
    ([0x2001, 0, 0], 23),
    ([0x2001, 0xdb8, 0], 32),
    // 6to4: an IPv4 address in disguise.
    ([0x2002, 0, 0], 16),
    ([0x2620, 0x4f, 0x8000], 48),
    ([0x3fff, 0, 0], 20),
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|(block, length)| {
            starts_alike(
                address.to_bits().into(),
                Ipv4Addr::from(*block).to_bits().into(),
                *length,
                32,
            )
        }),
        IpAddr::V6(address) => {
            address.segments()[0] & 0xe000 == 0x2000
                && !SPECIAL_V6.iter().any(|([a, b, c], length)| {
                    let block = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0);
                    starts_alike(address.to_bits(), block.to_bits(), *length, 128)
                })
        }
    }
}

/// Whether the first `length` of so many bits are the same.
fn starts_alike(one: u128, other: u128, length: u8, bits: u8) -> bool {
    (one ^ other) >> (bits - length) == 0
}

/// What a request may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The public addresses, and those the operator allowed.
    Public,
    /// Without TLS, or on an unusual port: those the operator allowed.
    Allowed,
}

/// The networks that may be reached although they are not public.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(pub(super) Vec<IpNet>);

impl Allowed {
    pub(super) fn may(&self, rule: Rule, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        let is_allowed = self.0.iter().any(|network| network.contains(&plain));
        is_allowed || (rule == Rule::Public && is_public(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(rule: Rule, allowed: &[&str], address: &str) -> bool {
        let networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Allowed(networks).may(rule, address.parse().unwrap())
    }

    #[test]
    fn sf_02_no_special_address_passes_for_a_public_one() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!may(Rule::Public, &[], special), "{special}");
        }
    }

    #[test]
    fn public_addresses_are_public_up_to_the_borders_of_the_special_ones() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2620:4f:8001::1",
            "3fff:1000::1",
            "2a00:1450::1",
        ] {
            assert!(may(Rule::Public, &[], public), "{public}");
            assert!(!may(Rule::Allowed, &[], public), "{public}");
        }
    }

    #[test]
    fn sf_09_what_the_operator_allows_may_be_reached_and_nothing_beside_it() {
        let allowed = ["10.1.0.0/16", "fd00::/8"];
        for rule in [Rule::Public, Rule::Allowed] {
            for inside in ["10.1.255.255", "::ffff:10.1.0.1", "fd00::1"] {
                assert!(may(rule, &allowed, inside), "{inside}");
            }
            for outside in ["10.2.0.0", "::ffff:10.2.0.1", "fc00::1"] {
                assert!(!may(rule, &allowed, outside), "{outside}");
            }
        }
    }
}
