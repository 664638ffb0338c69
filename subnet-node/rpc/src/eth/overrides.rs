//! What a call is to find otherwise than it is: accounts, and the block that it runs in.
//!
//! Unlike other objects, these are read strictly: a member that is passed over would be a wrong answer that looks like a right one. What
//! has no meaning on a subnet may be said as it is anyway, as in `"difficulty": "0x0"`, and is refused otherwise.
//!
//! Source: go-ethereum, `internal/ethapi/override`; the other names of members are erigon's and older go-ethereum's.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U64, U256};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tributary_fvm::{AccountOverride, AccountOverrides, BlockOverrides, StorageOverride};
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::convert::tokens;
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;

/// Most accounts of one call.
pub const ACCOUNTS_MAX: usize = 1_024;
/// Most slots of all its accounts together.
pub const SLOTS_MAX: usize = 16_384;
/// Most bytes of one account's code: more than a contract may have (EIP-170), since code for a look need not be small.
pub const CODE_BYTES_MAX: usize = 128 << 10;
/// What BLOBBASEFEE answers: there are no blobs, so their price is the lowest there is (EIP-7516).
const BLOB_BASE_FEE: U256 = U256::ONE;

/// Accounts by address.
#[derive(Debug, Default, Deserialize)]
pub struct StateOverrides(BTreeMap<Address, Account>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Account {
    balance: Option<U256>,
    nonce: Option<U64>,
    code: Option<HexBytes>,
    state: Option<Slots>,
    state_diff: Option<Slots>,
    #[serde(alias = "MovePrecompileToAddress")]
    move_precompile_to_address: Option<Address>,
}

type Slots = BTreeMap<B256, B256>;

impl StateOverrides {
    /// The accounts, in our words; `position` is the parameter's.
    pub fn read(self, position: usize) -> Result<AccountOverrides, RpcRejected> {
        let (accounts, slots) = (self.0.len(), self.0.values().map(Account::slots).sum::<usize>());
        if accounts > ACCOUNTS_MAX {
            return Err(RpcRejected::AboveLimit(format!(
                "{accounts} accounts are overridden; at most {ACCOUNTS_MAX} may be"
            )));
        }
        if slots > SLOTS_MAX {
            return Err(RpcRejected::AboveLimit(format!("{slots} slots are overridden; at most {SLOTS_MAX} may be")));
        }
        let read = |(address, account): (Address, Account)| {
            let account = account.read(address).map_err(|refusal| refusal.at(position))?;
            Ok((EthAddress(address.0.0), account))
        };
        self.0.into_iter().map(read).collect()
    }
}

/// What is wrong with an account.
enum Fault {
    Meaning(String),
    Size(String),
}

impl Fault {
    fn at(self, position: usize) -> RpcRejected {
        match self {
            Self::Meaning(reason) => RpcRejected::argument(position, reason),
            Self::Size(reason) => RpcRejected::AboveLimit(reason),
        }
    }
}

impl Account {
    fn slots(&self) -> usize {
        [&self.state, &self.state_diff].into_iter().flatten().map(Slots::len).sum()
    }

    fn read(self, address: Address) -> Result<AccountOverride, Fault> {
        let code_bytes = self.code.as_ref().map_or(0, |code| code.0.len());
        if code_bytes > CODE_BYTES_MAX {
            let reason = format!("account {address}: code of {code_bytes} bytes; at most {CODE_BYTES_MAX} are taken");
            return Err(Fault::Size(reason));
        }
        let storage = match (self.state, self.state_diff) {
            (None, None) => StorageOverride::Kept,
            (Some(only), None) => StorageOverride::Only(words(only)),
            (None, Some(with)) => StorageOverride::With(words(with)),
            (Some(_), Some(_)) => {
                return Err(Fault::Meaning(format!("account {address} has both 'state' and 'stateDiff'")));
            }
        };
        Ok(AccountOverride {
            balance: self.balance.map(tokens),
            nonce: self.nonce.map(|nonce| nonce.to()),
            code: self.code.map(|code| code.0),
            storage,
            precompile_to: self.move_precompile_to_address.map(|to| EthAddress(to.0.0)),
            ..AccountOverride::default()
        })
    }
}

fn words(slots: Slots) -> BTreeMap<Hash32, Hash32> {
    slots.into_iter().map(|(slot, value)| (Hash32(slot.0), Hash32(value.0))).collect()
}

/// The block that a call runs in.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockOverridesJson {
    #[serde(alias = "blockNumber")]
    number: Option<U256>,
    #[serde(alias = "timestamp")]
    time: Option<U64>,
    gas_limit: Option<U64>,
    #[serde(alias = "coinbase")]
    fee_recipient: Option<Address>,
    #[serde(alias = "random")]
    prev_randao: Option<B256>,
    #[serde(alias = "baseFee")]
    base_fee_per_gas: Option<U256>,
    difficulty: Option<U256>,
    blob_base_fee: Option<U256>,
    #[serde(alias = "parentBeaconBlockRoot")]
    beacon_root: Option<B256>,
    withdrawals: Option<Vec<IgnoredAny>>,
    block_hash: Option<IgnoredAny>,
}

impl BlockOverridesJson {
    /// The block, in our words; `position` is the parameter's.
    pub fn read(self, position: usize) -> Result<BlockOverrides, RpcRejected> {
        if let Some(reason) = self.without_meaning() {
            return Err(RpcRejected::argument(position, reason));
        }
        let bounded = |name: &str, number: U256| {
            u64::try_from(number)
                .map_err(|_| RpcRejected::argument(position, format!("{name} {number} is above 2^64 - 1")))
        };
        Ok(BlockOverrides {
            height: self.number.map(|number| bounded("number", number).map(Height)).transpose()?,
            timestamp_s: self.time.map(|time| time.to()),
            proposer: self.fee_recipient.map(|address| EthAddress(address.0.0)),
            base_fee: self.base_fee_per_gas.map(|fee| bounded("baseFeePerGas", fee)).transpose()?,
            gas_limit: self.gas_limit.map(|gas| gas.to()),
            prev_randao: self.prev_randao.map(|randao| Hash32(randao.0)),
        })
    }

    /// Why a member that was given means nothing here.
    fn without_meaning(&self) -> Option<&'static str> {
        if self.difficulty.is_some_and(|difficulty| !difficulty.is_zero()) {
            return Some("difficulty: there is no proof of work, and DIFFICULTY answers prevRandao");
        }
        if self.blob_base_fee.is_some_and(|fee| fee != BLOB_BASE_FEE) {
            return Some("blobBaseFee: blobs (EIP-4844) have no meaning on a subnet, and BLOBBASEFEE answers 1");
        }
        if self.beacon_root.is_some_and(|root| !root.is_zero()) {
            return Some("beaconRoot: a subnet has no beacon chain");
        }
        if self.withdrawals.as_ref().is_some_and(|withdrawals| !withdrawals.is_empty()) {
            return Some("withdrawals: there are none (EIP-4895) on a subnet");
        }
        self.block_hash.is_some().then_some("blockHash: hashes of past blocks cannot be overridden")
    }
}
