//! What a block is filled with.

use clap::ValueEnum;
use tributary_workloads::mixed;
use tributary_workloads::pairs::Pairs;

/// A kind of block; they are reported in this order. Who is drawn at random is drawn from a fixed seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// FVM messages that move value between f1 accounts.
    FvmTransfer,
    /// Ethereum transactions that move value between accounts.
    EthTransfer,
    /// Transfers of one ERC-20, senders in turn, receivers at random.
    Erc20,
    /// The same between pairs of accounts that share nothing with other pairs.
    Erc20Pairs,
    /// The same to receivers that are popular by Zipf's law: the nth gets 1/n of what the first gets.
    Erc20Zipf,
    /// The same, all to one receiver.
    Erc20Hot,
    /// The same, all from one sender.
    Erc20Sender,
    /// The same, each from whom the one before it was to.
    Erc20Chain,
    /// Swaps in one constant-product pool.
    #[value(name = "swap-1")]
    Swap1,
    /// Swaps in ten pools.
    #[value(name = "swap-10")]
    Swap10,
    /// Swaps in a hundred pools.
    #[value(name = "swap-100")]
    Swap100,
    /// Of five Ethereum transactions three move value, one is an ERC-20's, one a swap in a hundred pools.
    Mixed,
    /// Calls of a hundred small WASM actors, each of which reads and writes its root.
    Counter,
    /// Transfers of a WASM token whose balances are entries, between pairs of accounts that share nothing with other pairs.
    KvToken,
    /// Calls of a WASM actor that computes for some 40 µs and writes nothing.
    Compute,
    /// ERC-20 and counters in turn.
    Both,
    /// A contract calls a counter.
    Cross,
}

/// What a workload needs to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The ERC-20, some for each account.
    Token,
    /// The counters.
    Counters,
    /// The pools and their coins, some for each account.
    Pools,
    /// The token whose balances are entries, some for each account.
    KvToken,
    /// The actor that computes.
    Computer,
    /// The contract that calls actors.
    Caller,
}

/// A transaction's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Value moved by an FVM message.
    FvmTransfer,
    /// Value moved by an Ethereum transaction.
    EthTransfer,
    /// The token's `transfer`.
    Erc20,
    /// A swap in one of so many pools.
    Swap(usize),
    /// `Transfer` of the token whose balances are entries.
    KvTransfer,
    /// A counter's `Increment`.
    Count,
    /// The computer's work.
    Compute,
    /// A counter's `Increment` by way of the contract that calls.
    Cross,
}

/// Those of [`Workload::Mixed`], in turn.
const MIXED: [Deed; 5] = mixed(Deed::EthTransfer, Deed::Erc20, Deed::Swap(100));

impl Workload {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FvmTransfer => "transfer, FVM message",
            Self::EthTransfer => "transfer, Ethereum",
            Self::Erc20 => "ERC-20, at random",
            Self::Erc20Pairs => "ERC-20, own pairs",
            Self::Erc20Zipf => "ERC-20, Zipf",
            Self::Erc20Hot => "ERC-20, one receiver",
            Self::Erc20Sender => "ERC-20, one sender",
            Self::Erc20Chain => "ERC-20, chain",
            Self::Swap1 => "swap, 1 pool",
            Self::Swap10 => "swap, 10 pools",
            Self::Swap100 => "swap, 100 pools",
            Self::Mixed => "mixed 60/20/20",
            Self::Counter => "WASM counter",
            Self::KvToken => "WASM token, own pairs",
            Self::Compute => "WASM compute",
            Self::Both => "both runtimes",
            Self::Cross => "contract calls actor",
        }
    }

    /// As `--workload` has it.
    #[must_use]
    pub fn option(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether bare revm can run it.
    #[must_use]
    pub const fn is_ethereums(self) -> bool {
        !matches!(self, Self::FvmTransfer | Self::Counter | Self::KvToken | Self::Compute | Self::Both | Self::Cross)
    }

    /// What has to be there first.
    #[must_use]
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::FvmTransfer | Self::EthTransfer => &[],
            Self::Erc20
            | Self::Erc20Pairs
            | Self::Erc20Zipf
            | Self::Erc20Hot
            | Self::Erc20Sender
            | Self::Erc20Chain => &[Part::Token],
            Self::Swap1 | Self::Swap10 | Self::Swap100 => &[Part::Pools],
            Self::Mixed => &[Part::Token, Part::Pools],
            Self::Counter => &[Part::Counters],
            Self::KvToken => &[Part::KvToken],
            Self::Compute => &[Part::Computer],
            Self::Both => &[Part::Token, Part::Counters],
            Self::Cross => &[Part::Counters, Part::Caller],
        }
    }

    /// Who sends to whom.
    #[must_use]
    pub const fn pairs(self) -> Pairs {
        match self {
            Self::Erc20Pairs | Self::KvToken => Pairs::Own,
            Self::Erc20Zipf => Pairs::Zipf,
            Self::Erc20Hot => Pairs::OneReceiver,
            Self::Erc20Sender => Pairs::OneSender,
            Self::Erc20Chain => Pairs::Chain,
            _ => Pairs::Random,
        }
    }

    /// What the transaction with this number does.
    #[must_use]
    pub const fn deed(self, turn: usize) -> Deed {
        match self {
            Self::FvmTransfer => Deed::FvmTransfer,
            Self::EthTransfer => Deed::EthTransfer,
            Self::Swap1 => Deed::Swap(1),
            Self::Swap10 => Deed::Swap(10),
            Self::Swap100 => Deed::Swap(100),
            Self::Mixed => MIXED[turn % MIXED.len()],
            Self::Both if turn % 2 == 1 => Deed::Count,
            Self::Counter => Deed::Count,
            Self::KvToken => Deed::KvTransfer,
            Self::Compute => Deed::Compute,
            Self::Cross => Deed::Cross,
            _ => Deed::Erc20,
        }
    }
}
