//! What a credential or a right gives to its holder, held against what a principal has.

use super::{Bounds, Networks, ProofDemand, Reach, Scopes, Wider};
use crate::clock::Timestamp;

/// What the holder of something may do by it: until when, from where, after which proof.
#[derive(Clone, Debug)]
pub struct Given {
    pub scopes: Scopes,
    pub reach: Reach,
    pub ends: Ends,
    pub networks: Networks,
    pub proof: ProofDemand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// A credential. `None`: it never ends by itself.
    At(Option<Timestamp>),
    /// A right, which ends with the credential by which it is used.
    WithCredential,
}

impl Given {
    /// A right that counts from anywhere and without proof of possession.
    pub fn right(scopes: Scopes, reach: Reach) -> Self {
        let (networks, proof) = (Networks::default(), ProofDemand::None);
        Self { scopes, reach, ends: Ends::WithCredential, networks, proof }
    }
}

impl Bounds {
    /// That the principal itself has all of it.
    pub fn hold(&self, given: &Given) -> Result<(), Wider> {
        self.check_scopes(&given.scopes)?;
        self.check_reach(&given.reach)?;
        if let Ends::At(end) = given.ends {
            self.check_expiry(end)?;
        }
        self.check_networks(&given.networks)?;
        self.check_proof(&given.proof)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::timestamp,
        domain::{Below, OrganizationId},
    };

    const NETWORKS: [&str; 5] =
        ["", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16 192.0.2.0/24", "192.0.2.0/24"];
    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const OWN: OrganizationId = OrganizationId(Uuid::from_u128(1));

    fn given() -> impl Strategy<Value = Given> {
        let reaches = vec![
            Reach::Own,
            Reach::Subtree,
            Reach::Listed(vec![OWN]),
            Reach::Listed(vec![OrganizationId(Uuid::from_u128(2))]),
        ];
        let end = option::of(option::of(1..4_i64));
        let proof = select(&["none", "any", KEY][..]);
        ("[a-c]( [a-c]){0,2}", select(reaches), end, select(&NETWORKS[..]), proof).prop_map(
            |(scopes, reach, end, networks, proof)| Given {
                scopes: scopes.parse().unwrap(),
                reach,
                ends: end.map_or(Ends::WithCredential, |end| {
                    Ends::At(end.map(|at| timestamp(at).unwrap()))
                }),
                networks: networks.parse().unwrap(),
                proof: proof.parse().unwrap(),
            },
        )
    }

    /// A principal that has this, as far as it goes.
    fn bounds(own: &Given) -> Bounds {
        Bounds {
            scopes: own.scopes.clone(),
            to_give: own.scopes.clone(),
            organization: OWN,
            below: Below::from(&own.reach),
            user: None,
            users_key: None,
            roles: None,
            expires_at: match own.ends {
                Ends::At(end) => end,
                Ends::WithCredential => None,
            },
            networks: own.networks.clone(),
            proof: own.proof.clone(),
            runs_server: false,
        }
    }

    proptest! {
        #[test]
        fn fx_05_what_is_held_is_within_each_bound(own in given(), given in given()) {
            let bounds = bounds(&own);
            let addresses = ["10.1.2.3", "10.2.0.1", "192.0.2.1", "127.0.0.1", "2001:db8::1"];
            let from = |networks: &Networks, address: &str| {
                networks.allow(address.parse().unwrap())
            };
            let within = given.scopes.iter().all(|scope| own.scopes.contains(scope))
                && (own.reach == Reach::Subtree
                    || given.reach == Reach::Own
                    || given.reach == Reach::Listed(vec![OWN]))
                && match (given.ends, bounds.expires_at) {
                    (Ends::WithCredential, _) | (_, None) => true,
                    (Ends::At(end), Some(own)) => end.is_some_and(|end| end <= own),
                }
                && addresses.iter().all(|it| {
                    !from(&given.networks, it) || from(&own.networks, it)
                })
                && given.proof.is_as_strict_as(&own.proof);

            prop_assert_eq!(bounds.hold(&given).is_ok(), within);
        }

        #[test]
        fn fx_05_a_principal_holds_what_it_has(own in given()) {
            prop_assert!(bounds(&own).hold(&own).is_ok() || own.reach != Reach::Own);
        }
    }
}
