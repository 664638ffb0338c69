//! Numbers that look random and are the same in every run.

/// A stream of numbers from a seed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `bound`, of at least 1. The bias is at most `bound` in 2^32.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap_or_default() % bound.max(1)
    }
}

/// Places by Zipf's law with exponent 1: the nth is drawn 1/n as often as the first.
#[derive(Clone, Debug)]
pub struct Zipf {
    /// Sums of the weights up to each place.
    sums: Vec<u64>,
}

impl Zipf {
    /// So many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let weights = (1..).take(places).map(|place: u64| (1 << 32) / place);
        let sums = weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect() }
    }

    /// The next place, from 0.
    pub fn next(&self, draw: &mut Draw) -> usize {
        let all = self.sums.last().copied().unwrap_or(1);
        let drawn = draw.next() % all;
        self.sums.partition_point(|sum| *sum <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64s() {
        let mut draw = Draw::new(1_234_567);
        assert_eq!([draw.next(), draw.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn the_first_place_is_drawn_twice_as_often_as_the_second() {
        let (zipf, mut draw, mut seen) = (Zipf::new(100), Draw::new(1), [0_u32; 100]);
        for _ in 0..100_000 {
            seen[zipf.next(&mut draw)] += 1;
        }
        // Of 100,000 draws the first place gets 1/5.187, the harmonic number of 100.
        assert!((19_000..19_600).contains(&seen[0]), "{}", seen[0]);
        assert!((9_300..10_000).contains(&seen[1]), "{}", seen[1]);
        assert!(seen[99] > 100);
    }
}
