//! Ethereum's rules, by revm: the current mainnet (Osaka), gas to the unit.
//!
//! What differs from mainnet, each for a reason:
//!
//! | | here | why |
//! |---|---|---|
//! | tips | after the block's last transaction | see [`crate::fees`] |
//! | what is burnt | counted, at f099 | the sum of all balances never changes |
//! | blobs | refused before this | a subnet has no data availability layer |
//! | calls to actors that are not contracts | value moves; data is answered with a revert | see `precompiles` |
//! | masked ids of actors with an f410 address | nobody | one actor, one Ethereum address |
//!
//! | module | does |
//! |---|---|
//! | `env` | our block and transaction in revm's words |
//! | `handler` | the steps of a transaction that we change |
//! | `precompiles` | precompiled contracts, and calls that leave the EVM |
//! | `outcome` | results as exit codes |

mod env;
mod handler;
mod outcome;
mod precompiles;

use revm::context::result::{EVMError, InvalidTransaction};
use revm::context::{BlockEnv as EvmBlock, CfgEnv, Context, Evm, LocalContext, TxEnv};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, Handler};
use revm::interpreter::interpreter::EthInterpreter;
use revm::primitives::hardfork::SpecId;

use crate::block::BlockEnv;
use crate::error::{ExecutorFatal, StateFatal};
use crate::journal::{Database, Journal};
use crate::state::StateView;

pub use env::TRANSACTION_GAS_MAX;
pub(crate) use env::{simulated, transaction};
pub(crate) use outcome::EvmOutcome;
use precompiles::Precompiles;

/// The fork in force, from genesis on.
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

type EvmContext<V> = Context<EvmBlock, TxEnv, CfgEnv, Database<V>, Journal<V>, (), LocalContext>;
type OurEvm<V> =
    Evm<EvmContext<V>, (), EthInstructions<EthInterpreter, EvmContext<V>>, Precompiles, EthFrame<EthInterpreter>>;
type EvmError = EVMError<StateFatal, InvalidTransaction>;

/// Whether a transaction pays.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is signed, uses up a nonce and pays for gas.
    Transaction,
    /// Nobody signed it: nonce, code and funds of the caller do not matter, gas is free.
    Simulation,
}

/// Runs one transaction on `journal`, which comes back with its changes; with none when the transaction is not valid.
pub(crate) fn transact<V: StateView>(
    journal: Journal<V>,
    env: &BlockEnv,
    transaction: TxEnv,
    mode: Mode,
) -> Result<(Journal<V>, Result<EvmOutcome, InvalidTransaction>), ExecutorFatal> {
    let is_create = transaction.kind.is_create();
    let context = env::context(journal, env, transaction, mode);
    let instructions = EthInstructions::new_mainnet_with_spec(SPEC);
    let mut evm = OurEvm::new(context, instructions, Precompiles::new(SPEC));
    let result = handler::Law::new(mode).run(&mut evm);
    let journal = evm.ctx.journaled_state;
    match result {
        Ok(result) => Ok((journal, Ok(outcome::outcome_of(result, is_create)))),
        Err(EVMError::Transaction(why)) => Ok((journal, Err(why))),
        Err(EVMError::Database(fatal)) => Err(fatal.into()),
        Err(other) => Err(ExecutorFatal::Evm(other.to_string())),
    }
}
