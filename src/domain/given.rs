//! What a credential or a right gives to its holder, held against what a principal has.

use super::{Bounds, Networks, ProofDemand, Reach, ResourceIdentifier, Scopes, Wider};
use crate::clock::Timestamp;

/// What the holder of something may do by it: until when, where, from where, after which proof.
#[derive(Clone, Debug)]
pub struct Given {
    pub scopes: Scopes,
    pub reach: Reach,
    /// `None`: a right. It ends with the credential by which it is used, and counts where that does.
    pub credential: Option<Credential>,
    pub networks: Networks,
    pub proof: ProofDemand,
}

/// What only a credential has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// `None`: it never ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The resources that its tokens may be for. `None`: any.
    pub resources: Option<Vec<ResourceIdentifier>>,
}

impl Given {
    /// A right that counts from anywhere and without proof of possession.
    pub fn right(scopes: Scopes, reach: Reach) -> Self {
        let (networks, proof) = (Networks::default(), ProofDemand::None);
        Self { scopes, reach, credential: None, networks, proof }
    }
}

impl Bounds {
    /// That the principal itself has all of it.
    pub fn hold(&self, given: &Given) -> Result<(), Wider> {
        self.check_scopes(&given.scopes)?;
        self.check_reach(&given.reach)?;
        match &given.credential {
            Some(credential) => {
                self.check_expiry(credential.expires_at)?;
                self.check_resources(credential.resources.as_deref())?;
            }
            None => self.check_right(&given.scopes)?,
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
        domain::{Below, OnlyAt, OrganizationId},
    };

    const NETWORKS: [&str; 5] =
        ["", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16 192.0.2.0/24", "192.0.2.0/24"];
    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const OWN: OrganizationId = OrganizationId(Uuid::from_u128(1));

    fn identifiers(names: &[&str]) -> Vec<ResourceIdentifier> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn given() -> impl Strategy<Value = Given> {
        let reaches = vec![
            Reach::Own,
            Reach::Subtree,
            Reach::Listed(vec![OWN]),
            Reach::Listed(vec![OrganizationId(Uuid::from_u128(2))]),
        ];
        let resources = option::of(select(vec![&[][..], &["x"], &["y"], &["x", "y"]]));
        let credential = option::of((option::of(1..4_i64), resources));
        let proof = select(&["none", "any", KEY][..]);
        ("[a-c]( [a-c]){0,2}", select(reaches), credential, select(&NETWORKS[..]), proof).prop_map(
            |(scopes, reach, credential, networks, proof)| Given {
                scopes: scopes.parse().unwrap(),
                reach,
                credential: credential.map(|(end, resources)| Credential {
                    expires_at: end.map(|at| timestamp(at).unwrap()),
                    resources: resources.map(identifiers),
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
            expires_at: own.credential.as_ref().and_then(|it| it.expires_at),
            resources: own.credential.as_ref().and_then(|it| it.resources.clone()).map(|only| {
                // At x one may do a and b, at y one may do b and c.
                let theirs = |name: &str| only.contains(&name.parse().unwrap());
                let alone = match (theirs("x"), theirs("y")) {
                    (true, true) => "a b c",
                    (true, false) => "a",
                    (false, true) => "c",
                    (false, false) => "",
                };
                OnlyAt { alone: alone.parse().unwrap(), resources: only }
            }),
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
                && match (&given.credential, bounds.expires_at) {
                    (None, _) | (_, None) => true,
                    (Some(given), Some(own)) => given.expires_at.is_some_and(|end| end <= own),
                }
                && match (&given.credential, &bounds.resources) {
                    (_, None) => true,
                    (Some(given), Some(own)) => given.resources.as_ref().is_some_and(|given| {
                        given.iter().all(|resource| own.resources.contains(resource))
                    }),
                    (None, Some(own)) => {
                        given.scopes.iter().all(|scope| own.alone.contains(scope))
                    }
                }
                && addresses.iter().all(|it| {
                    !from(&given.networks, it) || from(&own.networks, it)
                })
                && given.proof.is_as_strict_as(&own.proof);

            prop_assert_eq!(bounds.hold(&given).is_ok(), within);
        }

        #[test]
        fn fx_05_a_principal_holds_what_it_has(own in given()) {
            let bounds = bounds(&own);
            prop_assert!(bounds.hold(&own).is_ok() || own.reach != Reach::Own);
        }
    }
}
