//! Hashes of past blocks, kept where EIP-2935 keeps them: in the storage of a contract that genesis deploys.
//!
//! Before a block's first transaction the hash of the block before it is written to slot `(height - 1) mod 8191`. `BLOCKHASH`
//! and the FVM's `tipset_cid` read it back from there, so what they answer is part of the state that everyone agrees on.
//!
//! Source: EIP-2935, "Serve historical block hashes from state".

use revm::primitives::{Bytes, U256, hex};
use tributary_primitives::{EthAddress, Height};

/// Hashes kept: `HISTORY_SERVE_WINDOW`.
const WINDOW: u64 = 8191;

/// Where the contract lives, on every chain.
pub const HISTORY_ADDRESS: EthAddress = EthAddress(hex!("0000f90827f1c53a10cb7a02335b175320002935"));

/// Its code: answers a block's hash to anyone who sends the height.
pub(crate) fn history_code() -> Bytes {
    Bytes::from_static(&hex!(
        "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
    ))
}

/// The slot that holds the hash of the block at `height`.
pub(crate) fn slot_of(height: Height) -> U256 {
    U256::from(height.0 % WINDOW)
}

/// Whether the hash of the block at `height` is known to the block at `now`: it lies before, and not too far.
pub(crate) fn is_kept(height: Height, now: Height) -> bool {
    height < now && now.0 - height.0 <= WINDOW
}
