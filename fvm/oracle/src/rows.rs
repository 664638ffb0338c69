//! Cases written by hand: one a behaviour.
//!
//! | file | asks |
//! |---|---|
//! | `rows/accounts.rs` | plain transfers, senders, receivers that do not exist yet |
//! | `rows/ipld.rs` | blocks and state roots |
//! | `rows/crypto.rs` | hashes and signatures |
//! | `rows/context.rs` | actors, events, gas, network, randomness, debug |
//! | `rows/sends.rs` | calls between actors |
//! | `rows/limits.rs` | time, stack, memory, traps |
//! | `rows/modules.rs` | actors of a few instructions |
//! | `rows/ethereum.rs` | Ethereum's transactions, given a bundle: a list of its own |

mod accounts;
mod context;
mod crypto;
pub mod ethereum;
mod ipld;
mod limits;
pub mod modules;
mod sends;

use crate::case::Case;

/// All of them.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = accounts::cases();
    cases.extend(ipld::cases());
    cases.extend(crypto::cases());
    cases.extend(context::cases());
    cases.extend(sends::cases());
    cases.extend(limits::cases());
    cases
}
