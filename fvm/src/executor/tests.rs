//! Blocks on a small world: two Ethereum accounts, one key's account, two installed modules.

mod access;
mod calls;
mod cron;
mod crossing;
mod eam;
mod ethereum;
mod fvm;
mod lanes;
mod laws;
mod leash;
mod machine;
mod multisig;
mod overrides;
mod pace;
mod parallel;
mod plain;
mod reward;
mod senders;
mod simulate;
mod trace;
mod world;
