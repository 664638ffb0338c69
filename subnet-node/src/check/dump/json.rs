//! The JSON of a dump: DAG-JSON, so that CIDs and bytes come back as they were; amounts are decimal attoTRB.

use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use fvm_shared::ActorID;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde::{Deserialize, Serialize};
use tributary_fvm::{BlockEnv, BlockOutcome, CodeInstaller, Event, ExecutionParams, Receipt, Workers};
use tributary_primitives::{EthAddress, Hash32, Height};

use super::super::words::{Attempt, Case, Execution};

/// All of a case but the block's bytes, and how the node ran it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseForm {
    /// Version of the program that wrote it.
    program: String,
    state_root_before: Cid,
    state_is_cut: bool,
    #[serde(with = "EnvForm")]
    environment: BlockEnv,
    #[serde(with = "ParamsForm")]
    parameters: ExecutionParams,
    #[serde(with = "ExecutionForm")]
    execution: Execution,
}

impl CaseForm {
    pub(super) fn of(case: &Case, execution: Execution, is_cut: bool) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            state_root_before: case.parent_root,
            state_is_cut: is_cut,
            environment: case.env.clone(),
            parameters: case.params.clone(),
            execution,
        }
    }

    pub(super) fn into_parts(self, block: Vec<u8>) -> (Case, Execution, bool) {
        let case = Case { parent_root: self.state_root_before, env: self.environment, params: self.parameters, block };
        (case, self.execution, self.state_is_cut)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BlockEnv", deny_unknown_fields)]
struct EnvForm {
    height: Height,
    timestamp_s: u64,
    proposer: EthAddress,
    base_fee: u64,
    gas_limit: u64,
    chain_id: u64,
    previous_hash: Hash32,
    prev_randao: Hash32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ExecutionParams", deny_unknown_fields)]
struct ParamsForm {
    fvm_gas_per_gas: u64,
    #[serde(with = "atto")]
    genesis_supply: TokenAmount,
    #[serde(with = "InstallerForm")]
    code_installer: CodeInstaller,
    cron_entry_gas: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CodeInstaller", rename_all = "snake_case")]
enum InstallerForm {
    Nobody,
    Anyone,
    Actor(ActorID),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Execution", rename_all = "snake_case", deny_unknown_fields)]
enum ExecutionForm {
    InOrder,
    Parallel {
        #[serde(rename = "threads", with = "several")]
        workers: Workers,
        gave_up: bool,
    },
}

/// An outcome.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutcomeForm {
    state_root: Cid,
    gas_used: u64,
    cron_gas_used: u64,
    receipts: Vec<ReceiptOf>,
}

impl OutcomeForm {
    pub(super) fn of(outcome: BlockOutcome) -> Self {
        let BlockOutcome { state_root, receipts, gas_used, cron_gas_used } = outcome;
        Self { state_root, gas_used, cron_gas_used, receipts: receipts.into_iter().map(ReceiptOf).collect() }
    }

    pub(super) fn into_outcome(self) -> BlockOutcome {
        let Self { state_root, gas_used, cron_gas_used, receipts } = self;
        let receipts = receipts.into_iter().map(|ReceiptOf(receipt)| receipt).collect();
        BlockOutcome { state_root, receipts, gas_used, cron_gas_used }
    }
}

/// An outcome, or why there is none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttemptForm {
    Outcome(OutcomeForm),
    None(String),
}

impl AttemptForm {
    pub(super) fn of(attempt: Attempt) -> Self {
        attempt.map_or_else(Self::None, |outcome| Self::Outcome(OutcomeForm::of(outcome)))
    }

    pub(super) fn into_attempt(self) -> Attempt {
        match self {
            Self::Outcome(outcome) => Ok(outcome.into_outcome()),
            Self::None(why) => Err(why),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct ReceiptOf(#[serde(with = "ReceiptForm")] Receipt);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Receipt", deny_unknown_fields)]
struct ReceiptForm {
    transaction: Hash32,
    exit_code: ExitCode,
    gas_used: u64,
    fvm_gas_used: u64,
    #[serde(with = "atto")]
    effective_gas_price: TokenAmount,
    #[serde(with = "strict_bytes")]
    return_data: Vec<u8>,
    contract: Option<EthAddress>,
    events: Vec<Event>,
    skipped: bool,
}

/// Two threads or more, and no more than a block may use.
mod several {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use tributary_fvm::Workers;

    pub(super) fn serialize<S: Serializer>(workers: &Workers, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(workers.threads())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Workers, D::Error> {
        let (threads, most) = (u32::deserialize(deserializer)?, Workers::MAX);
        if (2..=most).contains(&threads) {
            Ok(Workers::new(threads))
        } else {
            Err(D::Error::custom(format_args!("a block is run in parallel on 2 to {most} threads, not on {threads}")))
        }
    }
}

mod atto {
    use fvm_shared::bigint::BigInt;
    use fvm_shared::econ::TokenAmount;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(amount: &TokenAmount, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount.atto())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TokenAmount, D::Error> {
        let digits = String::deserialize(deserializer)?;
        digits.parse::<BigInt>().map(TokenAmount::from_atto).map_err(D::Error::custom)
    }
}
