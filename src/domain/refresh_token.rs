//! A refresh token as its holder presents it. Derived, not random: anyone who knows the key, the
//! family and its salt can make it again.

use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{FamilyId, secret::checksum};

/// `ktr_`, 73 base62 digits of family, generation, epoch and MAC, 6 of CRC-32 over all before
/// them. Proves nothing before its MAC was compared.
pub struct RefreshToken {
    pub family: FamilyId,
    pub generation: u32,
    /// Which of the keys its MAC is by.
    pub epoch: u16,
    pub mac: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was sent has not the form of a refresh token")]
pub struct MalformedRefreshToken;

const PREFIX: &str = "ktr_";
const BYTES: usize = 16 + 4 + 2 + 32;
/// 62⁷³ is the first power above 2⁴³².
const DIGITS: usize = 73;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl RefreshToken {
    /// The text to give its holder.
    pub fn reveal(&self) -> SecretString {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(self.family.0.as_bytes());
        bytes[16..20].copy_from_slice(&self.generation.to_be_bytes());
        bytes[20..22].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[22..].copy_from_slice(&self.mac);
        let body = format!("{PREFIX}{}", digits(bytes));
        format!("{body}{}", checksum(&body)).into()
    }

    pub fn parse(text: &SecretString) -> Result<Self, MalformedRefreshToken> {
        text.expose_secret().parse()
    }

    /// Tells one from other credentials by its beginning.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

impl FromStr for RefreshToken {
    type Err = MalformedRefreshToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(PREFIX).ok_or(MalformedRefreshToken)?;
        if !rest.bytes().all(|b| b.is_ascii_alphanumeric()) || rest.len() != DIGITS + 6 {
            return Err(MalformedRefreshToken);
        }
        let (body, end) = text.split_at(text.len() - 6);
        if checksum(body) != end {
            return Err(MalformedRefreshToken);
        }
        let bytes = bytes(&rest.as_bytes()[..DIGITS])?;
        let (family, rest) = bytes.split_first_chunk::<16>().ok_or(MalformedRefreshToken)?;
        let (generation, rest) = rest.split_first_chunk::<4>().ok_or(MalformedRefreshToken)?;
        let (epoch, mac) = rest.split_first_chunk::<2>().ok_or(MalformedRefreshToken)?;
        Ok(Self {
            family: FamilyId(Uuid::from_bytes(*family)),
            generation: u32::from_be_bytes(*generation),
            epoch: u16::from_be_bytes(*epoch),
            mac: mac.try_into().map_err(|_| MalformedRefreshToken)?,
        })
    }
}

/// The bytes as one number in base62, most significant digit first.
fn digits(mut bytes: [u8; BYTES]) -> String {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut bytes {
            let value = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).expect("the rest is below 62");
            rest = value % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.iter().copied().map(char::from).collect()
}

fn bytes(digits: &[u8]) -> Result<[u8; BYTES], MalformedRefreshToken> {
    let mut bytes = [0; BYTES];
    for digit in digits {
        let found = ALPHABET.iter().position(|known| known == digit);
        let mut carry = u32::try_from(found.ok_or(MalformedRefreshToken)?).unwrap_or_default();
        for byte in bytes.iter_mut().rev() {
            let [.., high, low] = (u32::from(*byte) * 62 + carry).to_be_bytes();
            *byte = low;
            carry = u32::from(high);
        }
        if carry > 0 {
            return Err(MalformedRefreshToken);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(family: u128, generation: u32, epoch: u16, mac: [u8; 32]) -> RefreshToken {
        RefreshToken { family: FamilyId(Uuid::from_u128(family)), generation, epoch, mac }
    }

    proptest! {
        #[test]
        fn a_refresh_token_reads_as_it_is_written(
            family in any::<u128>(), generation in any::<u32>(), epoch in any::<u16>(),
            mac in any::<[u8; 32]>(),
        ) {
            let text = token(family, generation, epoch, mac).reveal();
            let text = text.expose_secret();
            prop_assert_eq!(text.len(), 83);
            let read: RefreshToken = text.parse().unwrap();
            prop_assert_eq!(read.family.0.as_u128(), family);
            prop_assert_eq!((read.generation, read.epoch, read.mac), (generation, epoch, mac));
        }

        #[test]
        fn rt_22_what_has_another_form_is_refused(text in "(ktr_)?[A-Za-z0-9]{0,90}") {
            prop_assert!(text.parse::<RefreshToken>().is_err());
        }
    }

    #[test]
    fn rt_22_a_number_too_large_is_refused_although_its_checksum_is_right() {
        let body = format!("{PREFIX}{}", "z".repeat(DIGITS));
        let text = format!("{body}{}", checksum(&body));
        assert!(text.parse::<RefreshToken>().is_err());
    }

    #[test]
    fn rt_22_a_typo_or_a_cut_is_noticed_offline() {
        let text = token(1, 2, 3, [4; 32]).reveal();
        let text = text.expose_secret();
        assert!(text[..82].parse::<RefreshToken>().is_err());
        assert!(text.replacen('4', "5", 1).parse::<RefreshToken>().is_err() || !text.contains('4'));
        assert!("ktr_".parse::<RefreshToken>().is_err());
        assert!("x".repeat(10_000).parse::<RefreshToken>().is_err());
    }
}
