//! EVM code that is kept analysed, by the CID of its block.

use cid::Cid;
use revm::bytecode::Bytecode;

use super::Map;

/// Bytes that count as one: what an actor, a name or a slot takes at most.
const BYTES_OF_ONE: usize = 500;

/// Codes, and what they weigh.
#[derive(Default)]
pub(super) struct Codes {
    codes: Map<Cid, Bytecode>,
    bytes: usize,
}

impl Codes {
    pub(super) fn get(&self, cid: &Cid) -> Option<&Bytecode> {
        self.codes.get(cid)
    }

    pub(super) fn insert(&mut self, cid: Cid, code: Bytecode) {
        self.bytes = self.bytes.saturating_add(size(&code));
        if let Some(before) = self.codes.insert(cid, code) {
            self.bytes = self.bytes.saturating_sub(size(&before));
        }
    }

    /// As how many small things they count.
    pub(super) fn weight(&self) -> usize {
        self.codes.len() + self.bytes / BYTES_OF_ONE
    }
}

/// The code, and a bit for each byte that a jump may lead to.
fn size(code: &Bytecode) -> usize {
    code.len() + code.len() / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_primitives::raw_cid;

    #[test]
    fn a_code_weighs_by_its_bytes_and_once() {
        let code = |byte: u8, bytes: usize| Bytecode::new_legacy(vec![byte; bytes].into());
        let mut codes = Codes::default();
        for (name, byte, bytes, weight) in
            [(1, 0, 10, 1), (2, 1, 24_576, 2 + 55), (2, 1, 24_576, 2 + 55), (3, 2, 24_576, 3 + 110)]
        {
            codes.insert(raw_cid(&[name]), code(byte, bytes));
            assert_eq!(codes.weight(), weight);
        }
        assert!(codes.get(&raw_cid(&[2])).is_some() && codes.get(&raw_cid(&[9])).is_none());
    }
}
