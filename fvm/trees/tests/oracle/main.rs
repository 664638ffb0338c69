//! Both maps against the libraries whose blocks they write: same root after every batch, same blocks in the store, same entries.
//!
//! A script is a list of rounds. Each applies a batch to ours and, one by one, to the library's; some save, drop what is in memory or
//! load again from what was saved. What must hold after each round is in [`script`]; what the maps are is in [`hamt`] and [`kamt`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod hamt;
mod kamt;
mod script;
