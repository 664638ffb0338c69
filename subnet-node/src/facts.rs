//! What genesis fixed, in the words of those who need it.

use std::time::Duration;

use cid::Cid;
use fvm_shared::address::Protocol;
use fvm_shared::econ::TokenAmount;
use tributary_chain::{
    BlockTime, ChainId, ChainIdRejected, ConsensusPublicKey, HeaderRules, Validator, ValidatorAddress, ValidatorSet,
    ValidatorSetRejected,
};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::registration::{Registration, Validator as CheckpointValidator};
use tributary_consensus::{HeightParams, Pacing, Timeouts};
use tributary_fvm::{ExecutionParams, fees};
use tributary_genesis::{ChainParameters, Genesis, GenesisValidator, SealedGenesis};
use tributary_message::ETHEREUM_BYTES_MAX;
use tributary_primitives::{EthAddress, Hash32, SubnetId};
use tributary_replica::filling::{Fill, FillRules};
use tributary_replica::mempool::ChainRules;

/// Version of what transactions mean; stands in every header.
const APP_VERSION: u64 = 1;
/// Bytes of a block beside its transactions: header, and a last commit of the largest set.
const BLOCK_OVERHEAD_BYTES: usize = 64 * 1024;
/// Gas that a block is filled to however slow it gets, if the chain allows as much: the cap of one Ethereum transaction (EIP-7825).
const FILL_GAS_MIN: u64 = 1 << 24;
/// No step of consensus waits longer, however many rounds have passed.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything about one chain that never changes while the node runs.
#[derive(Clone, Debug)]
pub struct ChainFacts {
    /// The chain's name in CIDs.
    pub genesis_id: Cid,
    /// Where it stands in the hierarchy.
    pub subnet: SubnetId,
    /// EIP-155.
    pub chain_id: u64,
    /// What headers must hold.
    pub rules: HeaderRules,
    /// Who votes, in consensus' order.
    pub validators: ValidatorSet,
    /// The same in the order of certificates' bitmaps.
    pub registered: Vec<GenesisValidator>,
    /// The numbers all nodes share.
    pub parameters: ChainParameters,
    /// Tokens in existence at the start, attoTRB.
    pub supply: TokenAmount,
}

/// A verified document that still makes no chain: a rule is missing in its verification.
#[derive(Debug, thiserror::Error)]
pub enum FactsFatal {
    /// The chain's name.
    #[error("genesis chain_name: {0}")]
    ChainId(#[from] ChainIdRejected),
    /// A consensus key.
    #[error("genesis validators: {0}")]
    Key(#[from] tributary_chain::keys::PublicKeyRejected),
    /// The set.
    #[error("genesis validators: {0}")]
    Set(#[from] ValidatorSetRejected),
}

impl ChainFacts {
    /// Reads them out of a verified document.
    ///
    /// # Errors
    /// [`FactsFatal`].
    pub fn of(sealed: &SealedGenesis) -> Result<Self, FactsFatal> {
        let genesis: &Genesis = sealed.genesis();
        let parameters = genesis.parameters.clone();
        let chain_id: ChainId = genesis.chain_name.parse()?;
        let rules = HeaderRules {
            chain_id,
            app_version: APP_VERSION,
            genesis_time: BlockTime::EPOCH.after(Duration::from_secs(sealed.time().unix_seconds())),
            block_bytes_max: usize::try_from(parameters.block_bytes_max).unwrap_or(usize::MAX),
            block_gas_max: parameters.block_gas_limit,
            clock_drift_ms: parameters.clock_drift_ms,
        };
        let validator = |validator: &GenesisValidator| -> Result<Validator, FactsFatal> {
            let public_key = ConsensusPublicKey::from_bytes(&validator.consensus_key.0)?;
            Ok(Validator { public_key, power: validator.power })
        };
        let validators = genesis.validators.iter().map(validator).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            genesis_id: sealed.genesis_id(),
            subnet: genesis.subnet.clone(),
            chain_id: genesis.chain_id,
            rules,
            validators: ValidatorSet::new(validators)?,
            registered: genesis.validators.clone(),
            parameters,
            supply: sealed.supply(),
        })
    }

    /// The digest of the genesis id: stands for the block before the first.
    #[must_use]
    pub fn genesis_hash(&self) -> Hash32 {
        Hash32(self.genesis_id.hash().digest().try_into().expect("a genesis id is a blake2b-256 CID"))
    }

    /// Blocks from one checkpoint to the next; `None` for a root, which has no one to report to.
    #[must_use]
    pub fn checkpoint_period(&self) -> Option<u64> {
        self.subnet.parent().map(|_| self.parameters.checkpoint_period)
    }

    /// What the parent knows of this network's validators.
    #[must_use]
    pub fn registration(&self) -> Registration {
        let validator =
            |validator: &GenesisValidator| CheckpointValidator { key: validator.bls_key, power: validator.power };
        Registration {
            subnet: self.subnet.clone(),
            checkpoint_period: self.parameters.checkpoint_period,
            configuration: ConfigurationNumber::FIRST,
            validators: self.registered.iter().map(validator).collect(),
        }
    }

    /// Where the tips of a block by `proposer` go.
    #[must_use]
    pub fn tip_address(&self, proposer: &ValidatorAddress) -> EthAddress {
        let is_proposer = |validator: &&GenesisValidator| {
            ConsensusPublicKey::from_bytes(&validator.consensus_key.0).is_ok_and(|key| key.address() == *proposer)
        };
        self.registered.iter().find(is_proposer).map(GenesisValidator::tip_address).unwrap_or_default()
    }

    /// What the mempool and proposals are held to.
    #[must_use]
    pub fn mempool_rules(&self) -> ChainRules {
        ChainRules {
            block_gas_limit: self.parameters.block_gas_limit,
            base_fee_min: self.parameters.base_fee_min.into(),
            fvm_gas_per_gas: self.parameters.fvm_gas_per_gas,
            transaction_bytes_max: usize::try_from(self.parameters.transaction_bytes_max).unwrap_or(usize::MAX),
        }
    }

    /// Messages from f3 that the gas of a block includes at most.
    #[must_use]
    pub fn pairings_max(&self) -> usize {
        let inclusion = fees::inclusion(Protocol::BLS, 0).round_up();
        let least = fees::block_gas(inclusion, self.parameters.fvm_gas_per_gas).max(1);
        usize::try_from(self.parameters.block_gas_limit / least).unwrap_or(usize::MAX)
    }

    /// What a block has room for.
    #[must_use]
    pub const fn block_room(&self) -> Fill {
        let bytes = self.rules.block_bytes_max.saturating_sub(BLOCK_OVERHEAD_BYTES);
        Fill { gas: self.parameters.block_gas_limit, bytes }
    }

    /// What a proposer fills its blocks by, which are to take no longer than `budget`: no less than one Ethereum transaction of the largest
    /// kind. A larger message goes in as a block's first.
    #[must_use]
    pub fn filling(&self, budget: Option<Duration>) -> FillRules {
        let most = self.block_room();
        let least = Fill { gas: FILL_GAS_MIN.min(most.gas), bytes: ETHEREUM_BYTES_MAX.min(most.bytes) };
        FillRules { most, least, budget, lately_max: 2 * self.validators.len() }
    }

    /// What the executor is made with.
    #[must_use]
    pub fn execution(&self) -> ExecutionParams {
        ExecutionParams {
            fvm_gas_per_gas: self.parameters.fvm_gas_per_gas,
            genesis_supply: self.supply.clone(),
            code_installer: self.parameters.code_installer(),
            cron_entry_gas: self.parameters.cron_entry_gas,
        }
    }

    /// What consensus needs for any height: the set does not change yet.
    #[must_use]
    pub fn height_params(&self) -> HeightParams {
        let ms = Duration::from_millis;
        let parameters = &self.parameters;
        let timeouts = Timeouts {
            propose: ms(parameters.timeout_propose_ms),
            propose_delta: ms(parameters.timeout_propose_delta_ms),
            prevote: ms(parameters.timeout_prevote_ms),
            prevote_delta: ms(parameters.timeout_prevote_delta_ms),
            precommit: ms(parameters.timeout_precommit_ms),
            precommit_delta: ms(parameters.timeout_precommit_delta_ms),
            rebroadcast: ms(parameters.timeout_rebroadcast_ms),
            longest: LONGEST_TIMEOUT,
        };
        HeightParams { validators: self.validators.clone(), timeouts }
    }

    /// When the next block is due.
    #[must_use]
    pub const fn pacing(&self) -> Pacing {
        Pacing {
            interval_min: Duration::from_millis(self.parameters.block_interval_min_ms),
            heartbeat: Duration::from_millis(self.parameters.heartbeat_ms),
        }
    }
}
