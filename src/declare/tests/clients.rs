//! Clients as a file may declare them.

use proptest::{option, prelude::*, sample::select};

use super::{KEYS, words};
use crate::{
    clock::timestamp,
    declare::Client,
    domain::{
        Authentication, ClientTerms, ExchangeRule, GrantType, KeySource, RefreshTerms,
        SignatureAlgorithm,
    },
};

fn authentication() -> impl Strategy<Value = Authentication> {
    let keys =
        |keys, signing_alg| Authentication::PrivateKeyJwt { keys, compat_aud: true, signing_alg };
    let set = r#"{"keys":[{"crv":"Ed25519","kty":"OKP","x":"AA"}]}"#;
    select(vec![
        Authentication::None,
        Authentication::ClientSecretBasic,
        Authentication::ClientSecretBasicOrPost,
        keys(KeySource::Pinned(set.to_owned()), None),
        keys(
            KeySource::Uri("https://app.example.com/jwks".to_owned()),
            Some(SignatureAlgorithm::Ps256),
        ),
    ])
}

prop_compose! {
    pub(super) fn client()(
        authentication in authentication(),
        scopes in words(),
        resources in option::of(Just(vec!["build".parse().unwrap()])),
        token_lifetime in option::of(30..360_u32),
        refresh in option::of((any::<bool>(), 60..9999_u32)),
        proof in select(&["none", "any", KEYS][..]),
        impersonation in option::of(any::<bool>()),
        days in option::of(1..30_000_i64),
        enabled in any::<bool>(),
    ) -> Client {
        let refresh = refresh.map(|(rotates, idle)| RefreshTerms { rotates, lifetime: 9999, idle });
        let issuer = "https://id.example.com".to_owned();
        let exchange = |impersonation| ExchangeRule {
            issuer: issuer.clone(),
            resource: "build".parse().unwrap(),
            impersonation,
        };
        let terms = ClientTerms {
            authentication,
            grants: refresh.iter().map(|_| GrantType::RefreshToken).chain([GrantType::JwtBearer]).collect(),
            scopes: scopes.parse().unwrap(),
            resources,
            redirect_uris: vec!["https://app.example.com/callback".to_owned()],
            token_lifetime,
            refresh,
            proof: proof.parse().unwrap(),
            exchanges: impersonation.into_iter().map(exchange).collect(),
            expires_at: days.map(|days| timestamp(days * 86_400).unwrap()),
        };
        Client { terms: terms.checked().unwrap(), enabled }
    }
}
