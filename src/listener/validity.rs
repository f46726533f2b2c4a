//! Reads the end of a certificate (RFC 5280, section 4.1): as much of DER as that takes.

use chrono::NaiveDateTime;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// `notAfter` in seconds since 1970. `None` where the certificate is malformed.
pub(super) fn expires_at(certificate: &[u8]) -> Option<i64> {
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(outer, SEQUENCE)?;
    if let Some((_, after)) = element(rest, VERSION) {
        rest = after;
    }
    // Serial number, algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, rest) = element(rest, tag)?;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, end) = time(validity)?;
    time(end).map(|(end, _)| end)
}

/// The content of the element that comes first, if it has this tag, and what comes after it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (text, rest) = if let Some((text, rest)) = element(bytes, UTC_TIME) {
        let text = str::from_utf8(text).ok()?;
        let century = if text < "50" { "20" } else { "19" };
        (format!("{century}{text}"), rest)
    } else {
        let (text, rest) = element(bytes, GENERALIZED_TIME)?;
        (str::from_utf8(text).ok()?.to_owned(), rest)
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some((time.and_utc().timestamp(), rest))
}
