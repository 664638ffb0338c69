//! What a block is filled with.

use clap::ValueEnum;

/// A kind of block. Senders take turns; receivers are drawn at random, from a fixed seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// FVM messages that move value between f1 accounts.
    FvmTransfer,
    /// Ethereum transactions that move value between accounts.
    EthTransfer,
    /// Transfers of one ERC-20 between its holders.
    Erc20,
    /// Calls of a hundred small WASM actors, each of which reads and writes its root.
    Counter,
}

impl Workload {
    /// Every one, in the order of the report.
    pub const ALL: [Self; 4] = [Self::FvmTransfer, Self::EthTransfer, Self::Erc20, Self::Counter];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FvmTransfer => "transfer, FVM message",
            Self::EthTransfer => "transfer, Ethereum",
            Self::Erc20 => "ERC-20 transfer",
            Self::Counter => "WASM counter",
        }
    }

    /// Whether bare revm can run it.
    #[must_use]
    pub const fn is_ethereums(self) -> bool {
        matches!(self, Self::EthTransfer | Self::Erc20)
    }
}
