//! Signs what webhooks receive, as <https://www.standardwebhooks.com> has it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::KeyEncryptionKey;
use crate::{
    clock::Timestamp,
    domain::{SecretOrigin, WebhookId},
};

/// What a webhook's receiver proves our messages by. Derived from the key-encryption key, so that
/// the database need not keep it and cannot give it away.
pub struct WebhookSecret(Zeroizing<[u8; 32]>);

impl WebhookSecret {
    /// Keeps these apart from whatever else is derived from the key.
    const PURPOSE: &str = "webhook secrets";

    /// `None` where a key-encryption key made the secret that is neither ours nor a former one.
    pub fn of(key: &KeyEncryptionKey, id: WebhookId, origin: &SecretOrigin) -> Option<Self> {
        Some(Self::derive(key.named(&origin.made_by)?, id, origin.generation))
    }

    /// The secret before this one, as each key-encryption key that may have made it derives it.
    /// Empty where this is the first.
    pub fn before(
        key: &KeyEncryptionKey,
        id: WebhookId,
        origin: &SecretOrigin,
    ) -> impl Iterator<Item = Self> {
        let is_ours = key.named(&origin.made_by).is_some() && origin.generation > 1;
        let keys = key.with_former().filter(move |_| is_ours);
        keys.map(move |key| Self::derive(key, id, origin.generation - 1))
    }

    fn derive(key: &KeyEncryptionKey, id: WebhookId, generation: i64) -> Self {
        let derived = key.derive(Self::PURPOSE);
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*derived));
        context.update(id.0.as_bytes());
        context.update(&generation.to_be_bytes());
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(context.sign().as_ref());
        Self(secret)
    }

    /// The text to show its owner.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", BASE64_STANDARD.encode(*self.0)))
    }

    /// One entry of the header `webhook-signature`.
    pub fn sign(&self, message_id: &str, at: Timestamp, body: &str) -> String {
        signature(&*self.0, message_id, at, body)
    }
}

fn signature(secret: &[u8], message_id: &str, at: Timestamp, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signed = format!("{message_id}.{}.{body}", at.timestamp());
    format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::timestamp;

    fn key(digit: char) -> KeyEncryptionKey {
        KeyEncryptionKey::from_text(&format!("{}A", digit.to_string().repeat(42))).unwrap()
    }

    fn origin(key: &KeyEncryptionKey, generation: i64) -> SecretOrigin {
        let made_at = timestamp(1_800_000_000).unwrap();
        SecretOrigin { generation, made_by: key.id(), made_at }
    }

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn a_signature_is_the_one_that_receivers_libraries_expect() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp(1_614_265_330).unwrap());

        let signed = signature(&secret, id, at, r#"{"test": 2432232314}"#);

        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_webhook_generation_and_key_has_a_secret_of_its_own() {
        let (one, other) = (key('A'), key('B'));
        let (id, id_of_other) = (WebhookId(Uuid::from_u128(1)), WebhookId(Uuid::from_u128(2)));
        let of = |key: &KeyEncryptionKey, id, generation| {
            WebhookSecret::of(key, id, &origin(key, generation)).unwrap().reveal()
        };
        let first = of(&one, id, 1);
        assert!(first.starts_with("whsec_") && first.len() == 50);
        assert_eq!(first, of(&one, id, 1));
        for different in [of(&one, id, 2), of(&one, id_of_other, 1), of(&other, id, 1)] {
            assert_ne!(first, different);
        }
        assert_eq!(
            first,
            WebhookSecret::before(&one, id, &origin(&one, 2)).next().unwrap().reveal()
        );
        assert!(WebhookSecret::before(&one, id, &origin(&one, 1)).next().is_none());
        assert!(WebhookSecret::of(&other, id, &origin(&one, 1)).is_none());
    }

    #[test]
    fn ks_06_debug_output_hides_the_secret() {
        let key = key('A');
        let secret = WebhookSecret::of(&key, WebhookId(Uuid::nil()), &origin(&key, 1)).unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }
}
