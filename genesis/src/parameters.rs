//! The chain's parameters: numbers all nodes of a network share, fixed by genesis.
//!
//! One table says all about each: unit, bounds, default and reason. The struct, the checks, `genesis show --parameters` and the
//! documentation come from it. (A number that one node may choose for itself belongs to the node's configuration instead.)

use serde::{Deserialize, Serialize};
use tributary_checkpoint::registration::CHECKPOINT_PERIOD_MAX;
use tributary_fvm::CodeInstaller;
use tributary_primitives::actors::FIRST_USER_ID;

use crate::verify::Rule;

/// What the table says about one parameter.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ParameterRow {
    /// Its name in the document.
    pub name: &'static str,
    /// What it counts.
    pub unit: &'static str,
    /// Least value allowed.
    pub min: u64,
    /// Greatest value allowed.
    pub max: u64,
    /// Value where the document says nothing.
    pub default: u64,
    /// What it decides, and why the default is what it is.
    pub reason: &'static str,
}

macro_rules! parameters {
    ($($name:ident: $unit:literal, $min:expr, $max:expr, $default:expr, $reason:literal;)*) => {
        /// The parameters of a chain. [`PARAMETERS`] is the table of their units, bounds, defaults and reasons.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct ChainParameters {
            $(
                #[doc = $reason]
                #[doc = ""]
                #[doc = concat!("Unit: ", $unit, ".")]
                pub $name: u64,
            )*
        }

        impl Default for ChainParameters {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// One row for each parameter, in the order of the document.
        pub const PARAMETERS: &[ParameterRow] = &[$(
            ParameterRow {
                name: stringify!($name), unit: $unit, min: $min, max: $max, default: $default, reason: $reason,
            },
        )*];

        impl ChainParameters {
            /// The values, in the order of [`PARAMETERS`].
            #[must_use]
            pub fn values(&self) -> Vec<u64> {
                vec![$(self.$name,)*]
            }

            /// Sets the parameter called `name`. Bounds are asked when the document is verified.
            ///
            /// # Errors
            /// [`UnknownParameter`] if the table has no such row.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), UnknownParameter> {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return Err(UnknownParameter(name.to_owned())),
                }
                Ok(())
            }
        }
    };
}

parameters! {
    block_gas_limit: "gas", 1_000_000, 10_000_000_000, 60_000_000,
        "Gas that the transactions of one block may use together. The default holds 2,857 transfers, or 1,742 ERC-20 transfers of \
         34,441 gas: a few milliseconds of execution.";
    block_bytes_max: "bytes", 65_536, 16_777_216, 2_097_152,
        "Size of one block with its transactions. Bounds what a proposer can make everyone receive.";
    transaction_bytes_max: "bytes", 1_024, 524_288, 524_288,
        "Size of one transaction as it travels, of either kind. An Ethereum transaction has 131,072 bytes at most, whatever this says: what \
         Ethereum's clients accept, and enough for a contract of the greatest size. The default lets a message carry a module of code.";
    base_fee_initial: "attoTRB per gas", 0, 1_000_000_000_000_000, 1_000_000_000,
        "Base fee of the first block. The default is Ethereum's (EIP-1559): 1 gwei.";
    base_fee_min: "attoTRB per gas", 0, 1_000_000_000_000_000, 1_000_000,
        "The base fee never falls below this. With the default a transfer on an idle chain costs 0.000000021 TRB: next to \
         nothing, yet spam is not free.";
    fvm_gas_per_gas: "FVM gas per gas", 1, 1_000_000, 500,
        "How much FVM gas weighs as much as one gas in the block. The default is near what was measured: one ERC-20 transfer uses \
         597 times as much FVM gas on the reference executor as gas on Ethereum.";
    code_installer: "actor id", 0, 9_007_199_254_740_991, 1,
        "Who may install WASM code: 0 nobody, 1 anyone, from 100 on that actor alone. Whoever may pays for it by the byte, and for \
         what takes a compiler long; anyone may make actors of what is installed. The default is open: code is checked, metered, and can \
         harm only who calls it.";
    cron_entry_gas: "FVM gas", 1_000_000, 10_000_000_000, 500_000_000,
        "FVM gas that each cron entry may use at the end of a block, beside the block's own gas. The default is a sixtieth of a \
         block: enough to write a few dozen slots, and sixteen entries that use up all of it take a quarter of a block's time.";
    block_interval_min_ms: "ms", 0, 60_000, 100,
        "Least time from the start of one block to that of the next while transactions wait. The default bundles what arrives together and stays \
         below what a person notices.";
    heartbeat_ms: "ms", 1_000, 3_600_000, 10_000,
        "An empty block is made after this time without transactions, so that peers know the chain is alive and checkpoints go on.";
    checkpoint_period: "blocks", 1, CHECKPOINT_PERIOD_MAX, 20,
        "Blocks from one checkpoint to the next. The default keeps the parent a few seconds behind a busy subnet.";
    timeout_propose_ms: "ms", 50, 600_000, 3_000,
        "How long validators wait for a proposal in round 0: what is left of executing the block before is among it. The default is \
         Tendermint's.";
    timeout_propose_delta_ms: "ms", 1, 600_000, 500,
        "How much longer in each further round, so that a slow network gets its time at last.";
    timeout_prevote_ms: "ms", 50, 600_000, 1_000,
        "How long validators wait for more prevotes after two thirds arrived without agreement, in round 0.";
    timeout_prevote_delta_ms: "ms", 1, 600_000, 500,
        "How much longer in each further round.";
    timeout_precommit_ms: "ms", 50, 600_000, 1_000,
        "How long validators wait for more precommits after two thirds arrived without agreement, in round 0.";
    timeout_precommit_delta_ms: "ms", 1, 600_000, 500,
        "How much longer in each further round.";
    timeout_rebroadcast_ms: "ms", 500, 600_000, 5_000,
        "A validator that sees no progress for this time sends its votes again.";
    clock_drift_ms: "ms", 100, 60_000, 5_000,
        "How far ahead of a validator's own clock a proposed block's time may be. The default is what Tendermint light clients \
         allow for.";
}

/// The table has no parameter of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no parameter {0:?}; `genesis show --parameters` lists all")]
pub struct UnknownParameter(pub String);

impl ChainParameters {
    /// Who may install WASM code.
    #[must_use]
    pub const fn code_installer(&self) -> CodeInstaller {
        match self.code_installer {
            0 => CodeInstaller::Nobody,
            1 => CodeInstaller::Anyone,
            id => CodeInstaller::Actor(id),
        }
    }

    /// Every rule that these numbers break: first the table's bounds, then those that hold between two of them.
    /// Each with the path of the field at fault.
    pub(crate) fn violations(&self) -> Vec<(String, Rule)> {
        let bounds = PARAMETERS.iter().zip(self.values()).filter(|(row, value)| !(row.min..=row.max).contains(value));
        let bounds = bounds
            .map(|(row, value)| (row.name, Rule::OutOfBounds { value, min: row.min, max: row.max, unit: row.unit }));
        let at_most = |low_name, low: u64, high_name, high: u64| {
            (low > high)
                .then_some((low_name, Rule::AbovePartner { value: low, partner: high_name, partner_value: high }))
        };
        let pairs = [
            at_most("base_fee_min", self.base_fee_min, "base_fee_initial", self.base_fee_initial),
            at_most("transaction_bytes_max", self.transaction_bytes_max, "block_bytes_max", self.block_bytes_max),
            at_most("block_interval_min_ms", self.block_interval_min_ms, "heartbeat_ms", self.heartbeat_ms),
        ];
        let installer = matches!(self.code_installer, 2..FIRST_USER_ID)
            .then_some(("code_installer", Rule::CodeInstaller(self.code_installer)));
        bounds
            .chain(pairs.into_iter().chain([installer]).flatten())
            .map(|(name, rule)| (format!("parameters.{name}"), rule))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_break_no_rule() {
        assert_eq!(ChainParameters::default().violations(), []);
    }

    #[test]
    fn each_parameter_is_held_to_both_of_its_bounds() {
        for row in PARAMETERS {
            let below = row.min.checked_sub(1);
            for value in below.into_iter().chain([row.max + 1]) {
                let mut parameters = ChainParameters::default();
                parameters.set(row.name, value).unwrap();
                let (path, rule) = parameters.violations().remove(0);
                assert_eq!(path, format!("parameters.{}", row.name));
                assert_eq!(rule, Rule::OutOfBounds { value, min: row.min, max: row.max, unit: row.unit });
            }
        }
    }

    #[test]
    fn each_pair_is_held_in_order() {
        for (low, high) in [
            ("base_fee_min", "base_fee_initial"),
            ("transaction_bytes_max", "block_bytes_max"),
            ("block_interval_min_ms", "heartbeat_ms"),
        ] {
            let mut parameters = ChainParameters::default();
            parameters.set(low, 70_000).unwrap();
            parameters.set(high, 69_999).unwrap();
            let violations = parameters.violations();
            let pair = violations.iter().find(|(_, rule)| matches!(rule, Rule::AbovePartner { .. }));
            assert_eq!(pair.map(|(path, _)| path.clone()), Some(format!("parameters.{low}")));
        }
    }

    #[test]
    fn no_built_in_actor_but_none_or_all_stands_for_who_may_install() {
        let with = |code_installer| ChainParameters { code_installer, ..ChainParameters::default() };
        for (id, installer) in
            [(0, CodeInstaller::Nobody), (1, CodeInstaller::Anyone), (100, CodeInstaller::Actor(100))]
        {
            assert_eq!((with(id).code_installer(), with(id).violations()), (installer, vec![]));
        }
        for id in [2, 99] {
            assert_eq!(with(id).violations(), [("parameters.code_installer".to_owned(), Rule::CodeInstaller(id))]);
        }
    }

    #[test]
    fn every_row_says_its_unit_and_its_reason() {
        for row in PARAMETERS {
            assert!(!row.unit.is_empty() && row.reason.ends_with('.'), "{}", row.name);
        }
        let unknown = ChainParameters::default().set("block_gas", 1).unwrap_err();
        assert_eq!(unknown, UnknownParameter("block_gas".to_owned()));
    }
}
