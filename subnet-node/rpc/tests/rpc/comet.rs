//! CometBFT's RPC, in front of a chain whose validators change.
//!
//! | module | proves |
//! |---|---|
//! | `chain` | nothing: the chain that answers |
//! | `follower` | nothing: a light client that knows the RPC alone |
//! | `shapes` | the JSON of every method, pinned |
//! | `following` | a stock verifier follows the chain by what is served |
//! | `refusals` | each fault has its own sentence, in CometBFT's shape |

pub mod chain;
#[path = "../support/follower.rs"]
mod follower;
mod following;
mod refusals;
mod shapes;
