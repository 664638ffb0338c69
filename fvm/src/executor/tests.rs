//! Blocks on a small world: two Ethereum accounts, one key's account, two installed modules.

mod crossing;
mod ethereum;
mod fvm;
mod laws;
mod plain;
mod world;
