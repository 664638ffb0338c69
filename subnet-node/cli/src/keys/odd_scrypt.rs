//! scrypt with numbers that its standard forbids and files use all the same.
//!
//! RFC 7914 wants N below 2^(16 r). Python's wallets sealed for years with N = 2^18 and r = 1, and so does the definition's own test
//! vector. The library refuses them, as it should; so they are computed here, slower, and what is sealed anew never is.
//!
//! ```text
//! password ─PBKDF2─▶ p blocks of 128 r bytes ─ROMix each─▶ salt of another PBKDF2 ─▶ derived
//! ```
//!
//! Source: RFC 7914, sections 3 to 6, with their names.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Words of 32 bits that Salsa20/8 mixes.
const SALSA_WORDS: usize = 16;
/// Words of a block for each unit of r: 128 bytes.
const WORDS_PER_R: usize = 2 * SALSA_WORDS;

type Salsa = [u32; SALSA_WORDS];

/// The quarters of a double round: columns, then rows.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [5, 9, 13, 1],
    [10, 14, 2, 6],
    [15, 3, 7, 11],
    [0, 1, 2, 3],
    [5, 6, 7, 4],
    [10, 11, 8, 9],
    [15, 12, 13, 14],
];

/// Stretches a password to `derived`. Memory: 128·N·r bytes, which the caller bounds, as it does `p`; N is a power of two.
pub fn derive(password: &[u8], salt: &[u8], n: usize, r: usize, p: usize, derived: &mut [u8]) {
    let mut bytes = Zeroizing::new(vec![0; WORDS_PER_R * 4 * r * p]);
    pbkdf2_hmac::<Sha256>(password, salt, 1, &mut bytes);
    for block in bytes.chunks_exact_mut(WORDS_PER_R * 4 * r) {
        let words = block.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("chunks of four")));
        let mut words = Zeroizing::new(words.collect::<Vec<_>>());
        ro_mix(&mut words, n);
        block
            .chunks_exact_mut(4)
            .zip(words.iter())
            .for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
    }
    pbkdf2_hmac::<Sha256>(password, &bytes, 1, derived);
}

/// Section 5: fills memory with `n` blocks, then walks over it by what it finds.
fn ro_mix(block: &mut Vec<u32>, n: usize) {
    let mut memory = Zeroizing::new(Vec::with_capacity(n * block.len()));
    let mut mixed = Zeroizing::new(vec![0; block.len()]);
    for _ in 0..n {
        memory.extend_from_slice(block);
        block_mix(block, &mut mixed);
        std::mem::swap(block, &mut mixed);
    }
    for _ in 0..n {
        // Integerify: the last 64 bytes as a little-endian number, of which a power of two needs the low bits alone.
        let low = usize::try_from(block[block.len() - SALSA_WORDS]).expect("32 bits fit a machine's word");
        let at = (low & (n - 1)) * block.len();
        block.iter_mut().zip(&memory[at..]).for_each(|(word, other)| *word ^= other);
        block_mix(block, &mut mixed);
        std::mem::swap(block, &mut mixed);
    }
}

/// Section 4: chains the block's parts, and puts the even ones before the odd.
fn block_mix(block: &[u32], mixed: &mut [u32]) {
    let mut x: Salsa = block[block.len() - SALSA_WORDS..].try_into().expect("the last part");
    let half = mixed.len() / 2;
    for (at, part) in block.chunks_exact(SALSA_WORDS).enumerate() {
        x.iter_mut().zip(part).for_each(|(word, other)| *word ^= other);
        salsa(&mut x);
        let to = at / 2 * SALSA_WORDS + if at % 2 == 0 { 0 } else { half };
        mixed[to..to + SALSA_WORDS].copy_from_slice(&x);
    }
}

/// Section 3: Salsa20/8, four double rounds.
fn salsa(x: &mut Salsa) {
    let before = *x;
    for _ in 0..4 {
        for [a, b, c, d] in QUARTERS {
            x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
            x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
            x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
            x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
        }
    }
    x.iter_mut().zip(before).for_each(|(word, before)| *word = word.wrapping_add(before));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_vectors_come_out() {
        for (password, salt, (n, r, p), expected) in [
            ("", "", (16, 1, 1), "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"),
            ("password", "NaCl", (1_024, 8, 16), "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"),
        ] {
            let mut derived = [0; 32];
            derive(password.as_bytes(), salt.as_bytes(), n, r, p, &mut derived);
            assert_eq!(hex::encode(derived), expected, "{password}");
        }
    }

    #[test]
    fn where_the_library_goes_too_both_agree() {
        for (log_n, r, p) in [(1, 1, 1), (4, 1, 3), (10, 8, 1), (5, 3, 2), (15, 1, 1)] {
            let (mut own, mut library) = ([0; 32], [0; 32]);
            derive(b"password", b"salt", 1 << log_n, r, p, &mut own);
            let (r, p) = (u32::try_from(r).unwrap(), u32::try_from(p).unwrap());
            let params = scrypt::Params::new(log_n, r, p, library.len()).unwrap();
            scrypt::scrypt(b"password", b"salt", &params, &mut library).unwrap();
            assert_eq!(own, library, "N = 2^{log_n}, r = {r}, p = {p}");
        }
    }
}
