//! Where a key stands: 256 bits, from the highest, five a level; the last level has the one that is left.

use tributary_primitives::layout::BIT_WIDTH;

/// The bits that place a key.
pub(crate) type Place = [u8; 32];

/// Bits of a [`Place`].
pub(crate) const PLACE_BITS: usize = 256;

/// Bits of a whole level.
pub(crate) const LEVEL_BITS: usize = 5;

const _: () = assert!(BIT_WIDTH == 5, "the arithmetic here is for 32 children a node");

/// The five bits of `place` from bit `at` on, which is below 256; at 255 the last bit alone.
pub(crate) fn level(place: &Place, at: usize) -> u8 {
    let index = at / 8;
    let low = place.get(index + 1).copied().unwrap_or_default();
    let window = u16::from_be_bytes([place[index], low]);
    let width = LEVEL_BITS.min(PLACE_BITS - at);
    ((window << (at % 8)) >> (16 - width)).to_be_bytes()[1]
}

/// Whether the first `bits` of two places are the same.
pub(crate) fn share(a: &Place, b: &Place, bits: usize) -> bool {
    let (whole, rest) = (bits / 8, bits % 8);
    a[..whole] == b[..whole] && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0)
}

/// The bits that all keys below a node share.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Path {
    place: Place,
    depth: usize,
}

impl Path {
    /// The first `depth` bits of a key.
    pub(crate) const fn of(place: Place, depth: usize) -> Self {
        Self { place, depth }
    }

    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether a key belongs into `slot` of the node at the end of this path.
    pub(crate) fn leads(&self, place: &Place, slot: u8) -> bool {
        share(&self.place, place, self.depth) && level(place, self.depth) == slot
    }

    /// The path of the node that a link in `slot` leads to.
    pub(crate) fn below(&self, slot: u8, skip: &Skip) -> Self {
        let mut below = *self;
        below.push(slot);
        skip.levels().for_each(|level| below.push(level));
        below
    }

    fn push(&mut self, level: u8) {
        put(&mut self.place, self.depth, level);
        self.depth += LEVEL_BITS;
    }
}

/// Writes a whole level at bit `at`. Links never stand in the last level, so there are five bits for it.
fn put(place: &mut Place, at: usize, level: u8) {
    let index = at / 8;
    let shift = 11 - at % 8;
    let (mask, bits) = ((0x1f_u16 << shift).to_be_bytes(), (u16::from(level) << shift).to_be_bytes());
    for (offset, (mask, bits)) in mask.into_iter().zip(bits).enumerate().filter(|(_, (mask, _))| *mask != 0) {
        place[index + offset] = place[index + offset] & !mask | bits;
    }
}

/// The levels that a link skips because all keys below share them; zeros follow its bits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skip {
    bits: usize,
    path: Place,
}

impl Skip {
    /// From its spelling in a node: whole levels in as few bytes as hold them, zeros after. `None` for any other.
    pub(crate) fn parse(bits: u64, bytes: &[u8]) -> Option<Self> {
        let bits = usize::try_from(bits).ok().filter(|bits| *bits < PLACE_BITS && bits % LEVEL_BITS == 0)?;
        let mut path = Place::default();
        path.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let tail_is_zero = bits % 8 == 0 || bytes.last().is_some_and(|last| last << (bits % 8) == 0);
        (bytes.len() == bits.div_ceil(8) && tail_is_zero).then_some(Self { bits, path })
    }

    /// The levels from bit `from` on that two keys share.
    pub(crate) fn common(a: &Place, b: &Place, from: usize) -> Self {
        let mut common = Self::default();
        let mut at = from;
        while at < PLACE_BITS && level(a, at) == level(b, at) {
            common.push(level(a, at));
            at += LEVEL_BITS;
        }
        common
    }

    /// Its bits, as a node spells them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.path[..self.bits.div_ceil(8)]
    }

    pub(crate) const fn bits(&self) -> usize {
        self.bits
    }

    /// How many of its bits, in whole levels, a key shares that comes to it at bit `from`.
    pub(crate) fn shared(&self, place: &Place, from: usize) -> usize {
        let differs = self.levels().zip((from..).step_by(LEVEL_BITS)).position(|(own, at)| own != level(place, at));
        differs.map_or(self.bits, |levels| levels * LEVEL_BITS)
    }

    /// Its first `bits`, the level after them, and the rest.
    pub(crate) fn split(&self, bits: usize) -> (Self, u8, Self) {
        let mut levels = self.levels();
        let head = levels.by_ref().take(bits / LEVEL_BITS).collect();
        let turn = levels.next().unwrap_or_default();
        (head, turn, levels.collect())
    }

    /// Undoes [`Skip::split`].
    pub(crate) fn join(&self, turn: u8, tail: &Self) -> Self {
        self.levels().chain([turn]).chain(tail.levels()).collect()
    }

    fn levels(&self) -> impl Iterator<Item = u8> + '_ {
        (0..self.bits).step_by(LEVEL_BITS).map(|at| level(&self.path, at))
    }

    fn push(&mut self, level: u8) {
        put(&mut self.path, self.bits, level);
        self.bits += LEVEL_BITS;
    }
}

impl FromIterator<u8> for Skip {
    fn from_iter<I: IntoIterator<Item = u8>>(levels: I) -> Self {
        let mut skip = Self::default();
        levels.into_iter().for_each(|level| skip.push(level));
        skip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = {
        let mut place = [0; 32];
        (place[0], place[1], place[31]) = (0b1010_1100, 0b0101_0011, 0xff);
        place
    };

    #[test]
    fn levels_are_five_bits_and_at_the_end_one() {
        assert_eq!(
            [0, 5, 10, 245, 250, 255].map(|at| level(&PLACE, at)),
            [0b10101, 0b10001, 0b01001, 0b11, 0b11111, 1]
        );
        assert_eq!(level(&PLACE, 248), 0b11111);
    }

    #[test]
    fn a_path_grows_by_levels_and_tells_who_belongs() {
        let path = Path::default().below(0b10101, &Skip::parse(5, &[0b1000_1000]).unwrap());
        assert_eq!(path.depth(), 10);
        assert!(path.leads(&PLACE, 0b01001));
        assert!(!path.leads(&PLACE, 0b01000));
        assert!(!path.leads(&[0; 32], 0), "another path");
    }

    #[test]
    fn what_is_split_joins_again() {
        let skip = Skip::common(&PLACE, &PLACE, 6);
        assert_eq!(skip.bits(), 250);
        for bits in (0..250).step_by(LEVEL_BITS) {
            let (head, turn, tail) = skip.split(bits);
            assert_eq!((head.bits(), tail.bits()), (bits, 245 - bits));
            assert_eq!(head.join(turn, &tail), skip);
            assert_eq!(Skip::parse(u64::try_from(tail.bits()).unwrap(), tail.bytes()), Some(tail));
        }
        assert_eq!(skip.shared(&[0; 32], 6), 0);
    }

    #[test]
    fn each_other_spelling_of_skipped_levels_is_refused() {
        assert!(Skip::parse(0, &[]).is_some() && Skip::parse(40, &[0xff; 5]).is_some());
        for (bits, bytes) in [(4, &[0][..]), (5, &[]), (5, &[0, 0]), (5, &[0b100]), (260, &[0; 33]), (u64::MAX, &[0])] {
            assert_eq!(Skip::parse(bits, bytes), None, "{bits} {bytes:?}");
        }
    }
}
