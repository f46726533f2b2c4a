//! Trust policies as a file may declare them.

use proptest::{collection::btree_map, option, prelude::*, sample::select};

use super::role;
use crate::{clock::timestamp, declare::Trust, domain::KeySource};

prop_compose! {
    pub(super) fn trust()(
        keys in select(vec![
            KeySource::Issuer("https://ci.example.com".to_owned()),
            KeySource::Uri("https://ci.example.com/keys".to_owned()),
            KeySource::Pinned(r#"{"keys":[]}"#.to_owned()),
        ]),
        algorithms in select(&["", "RS256", "ES256 EdDSA"][..]),
        conditions in btree_map(
            select(&["sub", "a.b", "/kubernetes.io/x~1y"][..]),
            prop::collection::vec(select(&["x", "refs/heads/*", "\"q\" 'a' = {}"][..]), 1..3),
            1..3,
        ),
        roles in prop::collection::vec(role(), 1..3),
        resources in option::of(Just(vec!["build".parse().unwrap()])),
        networks in select(&["", "10.0.0.0/8"][..]),
        ends in option::of(0..9_999_999_999_i64),
        once in any::<bool>(),
        enabled in any::<bool>(),
    ) -> Trust {
        let conditions = serde_json::to_value(conditions).unwrap();
        Trust {
            issuer: "https://ci.example.com".to_owned(),
            keys,
            algorithms: algorithms.parse().unwrap(),
            audience: Some("https://keyturn.example.com".to_owned()),
            conditions: serde_json::from_value(conditions).unwrap(),
            roles: roles.into_iter().collect(),
            resources,
            allowed_networks: networks.parse().unwrap(),
            expires_at: ends.and_then(timestamp),
            once,
            enabled,
        }
    }
}
