//! Recognises RSA keys made by the broken generator of ROCA (CVE-2017-15361).

/// The primes of that generator had the form `k * M + 65537^a mod M`, where `M` is a product of
/// small primes. Their product is then a power of 65537 modulo each of those, which happens by
/// chance about once in a hundred million keys.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Takes the modulus in big-endian bytes.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    SMALL_PRIMES.iter().all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * (65_537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_65537_are_recognised_and_their_neighbours_are_not() {
        // 65537 squared is 2^32 + 2^17 + 1.
        assert!(is_roca(&[1, 0, 1]));
        assert!(is_roca(&[1, 0, 2, 0, 1]));
        assert!(!is_roca(&[1, 0, 3]));
        assert!(!is_roca(&[1, 0, 2, 0, 3]));
    }
}
