//! Reads a private key that an operator brings along as PEM text.

use rustls_pki_types::{
    PrivateKeyDer,
    pem::{self, PemObject},
};
use zeroize::Zeroize;

use super::key_pair::{KeyPair, UnusableKey};
use crate::domain::Algorithm;

/// Each says what to do about it: anyone who reads this has a file and `openssl` at hand.
#[derive(Debug, thiserror::Error)]
pub enum MalformedPem {
    #[error("there is no private key in this PEM text")]
    NoPrivateKey,
    #[error(
        "the private key is encrypted; take its passphrase off with \
         `openssl pkey -in key.pem -out signing-key.pem`"
    )]
    Encrypted,
    #[error(
        "this is an EC key in SEC1 form (`EC PRIVATE KEY`); convert it with \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem -out signing-key.pem`"
    )]
    Sec1,
    #[error("the PEM text is damaged")]
    Broken(#[source] pem::Error),
    #[error("an EC signing key must be on the curve P-256")]
    Curve,
    #[error("an RSA signing key must be whole and have 2048 to 8192 bits")]
    RsaSize,
    #[error("a signing key is EC on P-256, RSA, or Ed25519")]
    UnknownKind,
    #[error("the private key cannot be used")]
    Unusable(#[source] UnusableKey),
}

/// Takes the first private key in the text; its kind decides the algorithm.
pub(super) fn parse(text: &str) -> Result<KeyPair, MalformedPem> {
    // Encrypted PKCS#8 says so in its label, encrypted PKCS#1 and SEC1 in a header below it.
    if text.contains("ENCRYPTED") {
        return Err(MalformedPem::Encrypted);
    }
    let mut der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => MalformedPem::NoPrivateKey,
        error => MalformedPem::Broken(error),
    })?;
    let pair = match &der {
        PrivateKeyDer::Pkcs8(der) => parse_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => {
            KeyPair::from_pkcs1(der.secret_pkcs1_der()).map_err(|error| match error {
                UnusableKey::Unreadable => MalformedPem::RsaSize,
                error => MalformedPem::Unusable(error),
            })
        }
        PrivateKeyDer::Sec1(_) => Err(MalformedPem::Sec1),
        _ => Err(MalformedPem::UnknownKind),
    };
    der.zeroize();
    pair
}

fn parse_pkcs8(der: &[u8]) -> Result<KeyPair, MalformedPem> {
    for algorithm in Algorithm::ALL {
        match KeyPair::from_pkcs8(algorithm, der) {
            Err(UnusableKey::Unreadable) => (),
            answer => return answer.map_err(MalformedPem::Unusable),
        }
    }
    Err(diagnose(der))
}

/// Says what kind of key could not be read, by the object identifier near its beginning
/// (RFC 5208, section 5).
fn diagnose(der: &[u8]) -> MalformedPem {
    const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let head = &der[..der.len().min(32)];
    let names = |oid: &[u8]| head.windows(oid.len()).any(|window| window == oid);
    if names(EC) {
        MalformedPem::Curve
    } else if names(RSA) {
        MalformedPem::RsaSize
    } else {
        MalformedPem::UnknownKind
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    /// 512 bits, which no one should use, and here no one does.
    const SMALL_RSA: &str = "\
        MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAr7mB7Is03hhCX/qO3Fr8Eppnes5U5k4d7DfWQDIdjCmY\
        8Ikfk16lqtBIUD0wAViPFhpTUz6BtOxBUT0K+HHhSwIDAQABAkBnkAziO6iMu/9iUWigtX6Z+CXEWpXupVs9PCso6mA/\
        mcnS0ye950M6zYeccwmnekQL/vdEn0qRVdFnX5PbuJMBAiEA4xrUGCJaF22lH85UvBXTzWEKTo6/pFm8vxJ2bwuJ0t0C\
        IQDGFSTW+HKgQOAPafoELoPU922+U+9jFCF+BZwCZiSeRwIhAJNcjDUgzS6YkeXCf48P5sBEcGirDcU6CVQ+SaUiaort\
        AiEArupc7bfXAMxJD1N2A9tPbvBPaJKWAdf0+2PYsAWisGECIQCOWJWby47kQDYh2ixM8xkCyb3FDGa2V6gUf3rXwoEg\
        zg==";

    fn pem(label: &str, base64: &str) -> String {
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
    }

    fn refusal(text: &str) -> String {
        parse(text).err().expect("a refusal").to_string()
    }

    #[test]
    fn a_key_of_each_kind_is_read_and_its_kind_decides_the_algorithm() {
        for algorithm in Algorithm::ALL {
            let made = KeyPair::generate(algorithm);
            let der = made.to_pkcs8();

            let read = parse(&pem("PRIVATE KEY", &BASE64_STANDARD.encode(&der))).unwrap();
            assert_eq!((read.algorithm(), read.id()), (algorithm, made.id()));
            if algorithm == Algorithm::Rs256 {
                // PKCS#8 is a head of 26 bytes around PKCS#1.
                let pkcs1 = BASE64_STANDARD.encode(&der[26..]);
                assert_eq!(parse(&pem("RSA PRIVATE KEY", &pkcs1)).unwrap().id(), made.id());
            }
        }
    }

    #[test]
    fn what_cannot_be_used_says_what_to_do() {
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let p384 = BASE64_STANDARD.encode(p384.to_pkcs8v1().unwrap());
        let command = "openssl pkcs8 -topk8 -nocrypt -in key.pem -out signing-key.pem";

        assert!(refusal(&pem("EC PRIVATE KEY", "MAAA")).contains(command));
        assert!(refusal(&pem("PRIVATE KEY", &p384)).contains("P-256"));
        assert!(refusal(&pem("PRIVATE KEY", SMALL_RSA)).contains("2048"));
        assert!(refusal(&pem("PRIVATE KEY", "MAAA")).contains("Ed25519"));
        assert!(refusal(&pem("ENCRYPTED PRIVATE KEY", "MAAA")).contains("openssl pkey"));
        assert!(refusal(&pem("PUBLIC KEY", "MAAA")).contains("no private key"));
        assert!(refusal("-----BEGIN PRIVATE KEY-----\nMAAA").contains("damaged"));
    }
}
