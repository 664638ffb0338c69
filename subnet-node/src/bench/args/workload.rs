//! What the transactions do, as the command line has it.

use clap::ValueEnum;
use tributary_load::workload::Workload;

/// What the transactions do.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkloadArg {
    /// Value, each transaction to an account that nobody used before
    Transfer,
    /// Value, between the senders
    Payment,
    /// Tokens of OpenZeppelin's ERC-20, between the senders
    Erc20,
    /// The same, to senders that are popular by Zipf's law
    Erc20Zipf,
    /// The same, all to the first sender
    Erc20Hot,
    /// Swaps in one constant-product pool
    #[value(name = "swap-1")]
    Swap1,
    /// Swaps in ten pools
    #[value(name = "swap-10")]
    Swap10,
    /// Swaps in a hundred pools
    #[value(name = "swap-100")]
    Swap100,
    /// Of five transactions three as payment, one as erc20, one as swap-100
    Mixed,
    /// Calls of a hundred WASM counters in turn; only on a network started here
    Wasm,
    /// Calls of a WASM actor that computes for some 40 µs; only on a network started here
    Compute,
    /// As erc20 and as wasm in turn; only on a network started here
    Both,
    /// A contract calls one of a hundred WASM counters; only on a network started here
    Cross,
}

impl From<WorkloadArg> for Workload {
    fn from(arg: WorkloadArg) -> Self {
        match arg {
            WorkloadArg::Transfer => Self::Transfer,
            WorkloadArg::Payment => Self::Payment,
            WorkloadArg::Erc20 => Self::Erc20,
            WorkloadArg::Erc20Zipf => Self::Erc20Zipf,
            WorkloadArg::Erc20Hot => Self::Erc20Hot,
            WorkloadArg::Swap1 => Self::Swap1,
            WorkloadArg::Swap10 => Self::Swap10,
            WorkloadArg::Swap100 => Self::Swap100,
            WorkloadArg::Mixed => Self::Mixed,
            WorkloadArg::Wasm => Self::Wasm,
            WorkloadArg::Compute => Self::Compute,
            WorkloadArg::Both => Self::Both,
            WorkloadArg::Cross => Self::Cross,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_can_be_asked_for_by_the_name_that_reports_have() {
        let asked = |name: &str| WorkloadArg::from_str(name, false).map(Workload::from);
        for workload in Workload::ALL {
            assert_eq!(asked(workload.name()), Ok(workload));
        }
        assert_eq!(WorkloadArg::value_variants().len(), Workload::ALL.len());
    }
}
