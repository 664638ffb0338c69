//! Blocks on a small world: two Ethereum accounts, one key's account, one installed module.

mod ethereum;
mod fvm;
mod laws;
mod world;
