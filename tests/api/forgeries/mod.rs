//! The forgery battery: what every endpoint that reads a JWT has to refuse (checks F01 to F20).

mod endpoints;
mod rig;

use std::{collections::BTreeSet, fs, path::Path};

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use keyturn::manage::{Asker, signing_keys};
use serde_json::{Value, json};

use self::{
    endpoints::{ENDPOINTS, Endpoint, READERS},
    rig::Rig,
};
use crate::{
    assertions::with,
    foreign::{Foreigner, base64, compact},
    support::ISSUER,
};

/// One endpoint, and the good token that each forgery changes one thing about.
struct Forger<'a> {
    rig: &'a Rig,
    endpoint: &'a Endpoint,
    signer: &'a Foreigner,
}

impl Forger<'_> {
    fn header(&self) -> Value {
        let header = with(self.signer.header(), json!({ "typ": self.endpoint.types[0] }));
        if self.endpoint.is_proof() {
            with(header, json!({ "jwk": self.signer.jwk() }))
        } else {
            header
        }
    }

    fn claims(&self) -> Value {
        (self.endpoint.says)(self.rig)
    }

    fn good(&self) -> String {
        self.signer.signed(&self.header(), &self.claims())
    }

    fn with_header(&self, changes: Value) -> String {
        self.signer.signed(&with(self.header(), changes), &self.claims())
    }

    fn saying(&self, changes: Value) -> String {
        self.signer.signed(&self.header(), &with(self.claims(), changes))
    }

    fn unsigned(&self, changes: Value) -> String {
        compact(&with(self.header(), changes), &self.claims(), |_| Vec::new())
    }

    fn by_secret(&self, secret: &[u8]) -> String {
        let header = with(self.header(), json!({ "alg": "HS256" }));
        compact(&header, &self.claims(), |message| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, message).as_ref().to_vec()
        })
    }

    /// F01 to F04.
    fn of_algorithms(&self) -> Vec<(String, String)> {
        let mut forged = vec![("F02 empty signature".to_owned(), self.unsigned(json!({})))];
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            forged.push((format!("F01 {alg}"), self.unsigned(json!({ "alg": alg }))));
            forged.push((format!("F01 signed {alg}"), self.with_header(json!({ "alg": alg }))));
        }
        let der = self.signer.public_der();
        let text = BASE64_STANDARD.encode(&der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        for (form, secret) in [
            ("F03 blank", Vec::new()),
            ("F04 PEM", pem.clone().into_bytes()),
            ("F04 PEM with its last line feed", format!("{pem}\n").into_bytes()),
            ("F04 DER", der),
            ("F04 JWK", self.signer.jwk().to_string().into_bytes()),
        ] {
            forged.push((form.to_owned(), self.by_secret(&secret)));
        }
        let others = ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "EdDSA", "HS256"];
        for alg in others.into_iter().filter(|alg| *alg != self.signer.algorithm()) {
            forged.push((format!("F18 {alg}"), self.with_header(json!({ "alg": alg }))));
        }
        forged
    }

    /// F05 to F07, F09, F20.
    fn of_keys(&self) -> Vec<(String, String)> {
        let attacker = &self.rig.attacker;
        let mut forged = Vec::new();
        for (name, value) in [
            ("jwk", attacker.jwk()),
            ("jku", json!(self.rig.site.url())),
            ("x5u", json!(self.rig.site.url())),
            ("x5c", json!([BASE64_STANDARD.encode(attacker.public_der())])),
        ] {
            for kid in [json!(self.signer.key_id), json!(attacker.key_id), json!(null)] {
                let header = with(self.header(), json!({ "kid": kid, name: value }));
                let token = attacker.signed(&header, &self.claims());
                forged.push((format!("F05 F06 {name} {kid}"), token));
            }
        }
        let long = "k".repeat(10_000);
        for kid in ["../../dev/null", "/dev/null", "' UNION SELECT 'k", "\0", "", &long] {
            let header = with(self.header(), json!({ "kid": kid }));
            forged.push(("F07 signed".to_owned(), self.signer.signed(&header, &self.claims())));
            let token = compact(&header, &self.claims(), |_| Vec::new());
            forged.push(("F07 unsigned".to_owned(), token));
        }
        let same_kid = attacker.signed(&self.header(), &self.claims());
        forged.push(("F09 another's key of the same name".to_owned(), same_kid));
        let other_issuer = self.saying(json!({ "iss": "https://evil.example" }));
        forged.push(("F09 another issuer".to_owned(), other_issuer));
        let inactive = &(self.endpoint.signed_by)(self.rig).inactive;
        let header = with(self.header(), json!({ "kid": inactive.key_id }));
        forged.push(("F20".to_owned(), inactive.signed(&header, &self.claims())));
        forged
    }

    /// F08, F10 to F12, F14, F17.
    fn of_content(&self) -> Vec<(String, String)> {
        let now = self.rig.server.app.clock.now().timestamp();
        let mut forged = Vec::new();
        let out_of_place = if self.endpoint.is_proof() {
            vec![
                json!({ "iat": now - 61 }),
                json!({ "iat": now + 61 }),
                json!({ "iat": null }),
                json!({ "iat": now.to_string() }),
                json!({ "htm": "PUT" }),
                json!({ "htm": null }),
                json!({ "htu": "https://evil.example/" }),
                json!({ "htu": null }),
                json!({ "jti": null }),
            ]
        } else {
            vec![
                json!({ "exp": now }),
                json!({ "exp": null }),
                json!({ "exp": (now + 60).to_string() }),
                json!({ "nbf": now + 61 }),
                json!({ "aud": "https://evil.example" }),
                json!({ "aud": ["https://evil.example"] }),
                json!({ "aud": format!("{ISSUER}/") }),
                json!({ "aud": null }),
            ]
        };
        for changes in out_of_place {
            forged.push((format!("F10 F12 {changes}"), self.saying(changes)));
        }
        let types = [
            "JWT",
            "at+jwt",
            "client-authentication+jwt",
            "dpop+jwt",
            "logout+jwt",
            "token-introspection+jwt",
            "secevent+jwt",
            "oauth-authz-req+jwt",
        ];
        let others = types
            .into_iter()
            .filter(|typ| !self.endpoint.types.contains(&typ.to_lowercase().as_str()));
        for typ in others {
            forged.push((format!("F11 {typ}"), self.with_header(json!({ "typ": typ }))));
        }
        let good = self.good();
        let [header, _, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let edited = base64(with(self.claims(), json!({ "sub": "key:0" })).to_string());
        forged.push(("F08".to_owned(), format!("{header}.{edited}.{signature}")));
        let text = self.claims().to_string();
        let said = self.claims();
        let names = ["sub", "exp", "aud", "jti", "iat", "htu"].into_iter();
        for name in names.filter(|name| said.get(name).is_some()) {
            let value = if said[name].is_number() { "9999999999" } else { "\"x\"" };
            let first = format!("{{\"{name}\":{value},{}", &text[1..]);
            let last = format!("{},\"{name}\":{value}}}", &text[..text.len() - 1]);
            forged.push((format!("F14 {name} first"), self.signer.signed(&self.header(), &first)));
            forged.push((format!("F14 {name} last"), self.signer.signed(&self.header(), &last)));
        }
        let deep = format!("{}1{}", "{\"act\":".repeat(100), "}".repeat(100));
        let deep = format!("{},\"act\":{deep}}}", &text[..text.len() - 1]);
        forged.push(("F17".to_owned(), self.signer.signed(&self.header(), &deep)));
        forged
    }

    /// F13, F15, F16.
    fn of_form(&self) -> Vec<(String, String)> {
        let good = self.good();
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let zeros = |length| {
            let token = compact(&self.header(), &self.claims(), |_| vec![0; length]);
            (format!("F13 {length}"), token)
        };
        let es256 = with(self.header(), json!({ "alg": "ES256" }));
        let psychic = compact(&es256, &self.claims(), |_| vec![0; 64]);
        let jwe = base64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
        let mut forged = vec![
            zeros(64),
            zeros(256),
            ("F13 ES256".to_owned(), psychic),
            ("F16".to_owned(), format!("{jwe}.{payload}.{payload}.{payload}.{signature}")),
            (
                "F16 with our header".to_owned(),
                format!("{header}.{payload}.{payload}.AA.{signature}"),
            ),
        ];
        for token in [
            format!("{good}."),
            format!("{good}.{signature}"),
            format!("{good}="),
            format!("{good}A"),
            format!(".{good}"),
            format!("{header}.{payload}"),
            format!("{header}.{payload}={signature}"),
            format!("{header}.{payload}=.{signature}"),
            good[..good.len() - 4].to_owned(),
            String::new(),
        ] {
            forged.push(("F15".to_owned(), token));
        }
        forged
    }
}

impl Endpoint {
    fn is_exempt(&self, forgery: &str) -> bool {
        self.exempt.iter().any(|(label, _)| forgery.starts_with(label))
    }
}

#[tokio::test]
async fn f01_to_f20_no_forgery_is_taken_anywhere() {
    let rig = Rig::start().await;
    for endpoint in ENDPOINTS {
        let name = endpoint.name;
        let signer = &(endpoint.signed_by)(&rig).active;
        let forger = Forger { rig: &rig, endpoint, signer };
        let attempts =
            [forger.of_algorithms(), forger.of_keys(), forger.of_content(), forger.of_form()];
        let (exempt, attempts): (Vec<_>, Vec<_>) =
            attempts.into_iter().flatten().partition(|(forgery, _)| endpoint.is_exempt(forgery));

        assert!((endpoint.takes)(&rig, &forger.good()).await, "{name}: a good token");
        for (forgery, token) in attempts {
            assert!(!(endpoint.takes)(&rig, &token).await, "{name}: {forgery}: {token:.2000}");
        }
        for (forgery, token) in exempt {
            let taken = (endpoint.takes)(&rig, &token).await;
            assert!(taken, "{name}: {forgery} is refused, and need not be exempt: {token:.2000}");
        }
        assert!((endpoint.takes)(&rig, &forger.good()).await, "{name}: another good token");
    }
    assert!(rig.site.received().is_empty(), "nobody asks where a token says to ask");
}

#[tokio::test]
async fn f19_a_key_of_ours_that_was_revoked_signs_nothing_more() {
    let rig = Rig::start().await;
    let ours = &rig.ours.active.key_id;
    signing_keys::revoke(&rig.server.app, &Asker::keyturn(), ours).await.unwrap();
    for endpoint in
        ENDPOINTS.iter().filter(|it| std::ptr::eq((it.signed_by)(&rig), &raw const rig.ours))
    {
        let forger = Forger { rig: &rig, endpoint, signer: &rig.ours.active };

        assert!(!(endpoint.takes)(&rig, &forger.good()).await, "{}", endpoint.name);
    }
}

/// Whatever verifies a JWT calls one of three functions. A file that newly does so needs its
/// endpoints in the table.
#[test]
fn every_place_that_reads_a_jwt_is_in_the_battery() {
    let mut found = BTreeSet::new();
    for module in ["app", "cli", "courier", "exchange", "http", "manage"] {
        readers(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module), &mut found);
    }
    let listed: BTreeSet<_> = READERS.iter().map(|(file, _)| (*file).to_owned()).collect();
    let of_readers: BTreeSet<_> = READERS.iter().flat_map(|(_, names)| *names).collect();
    let of_table: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| &endpoint.name).collect();

    assert_eq!(found, listed);
    assert_eq!(of_readers, of_table);
}

/// The files below a folder that verify a JWT.
fn readers(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            readers(&path, found);
            continue;
        }
        let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        if ["signer.verify(", "peers.verify(", "verify_proof("].iter().any(|it| text.contains(it)) {
            let name = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
            found.insert(name.unwrap().to_str().unwrap().to_owned());
        }
    }
}
