//! Undoes `application/x-www-form-urlencoded`, refusing what is not that.

use zeroize::Zeroizing;

/// Not percent-encoded UTF-8 free of NUL.
pub(in crate::http) struct Malformed;

/// Appends what `application/x-www-form-urlencoded` text stands for (RFC 6749, appendix B).
pub(in crate::http) fn decode_onto(text: &mut String, raw: &[u8]) -> Result<(), Malformed> {
    if !raw.iter().any(|byte| matches!(byte, b'%' | b'+' | 0)) {
        text.push_str(str::from_utf8(raw).map_err(|_| Malformed)?);
        return Ok(());
    }
    let mut decoded = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => (hex_digit(rest.next())? << 4) | hex_digit(rest.next())?,
            plain => plain,
        });
    }
    if decoded.contains(&0) {
        return Err(Malformed);
    }
    text.push_str(str::from_utf8(&decoded).map_err(|_| Malformed)?);
    Ok(())
}

fn hex_digit(byte: Option<u8>) -> Result<u8, Malformed> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(letter @ b'a'..=b'f') => Ok(letter - b'a' + 10),
        Some(letter @ b'A'..=b'F') => Ok(letter - b'A' + 10),
        _ => Err(Malformed),
    }
}
