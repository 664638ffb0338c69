//! The form of a genesis document that is hashed: one DAG-CBOR tuple, one spelling.
//!
//! ```text
//! [version, chain_name, chain_id, subnet, genesis_time in Unix seconds,
//!  [[name | null, consensus_key, bls_key, bls_possession, power, reward_address | null], …],
//!  [[address, balance], …],
//!  [[name, code CID], …],
//!  [[receiver, method], …],
//!  [parameter, …]]
//! ```
//!
//! `parent` follows from `subnet` and code is named by its CID, so neither is repeated; `seal` is about this form and not part
//! of it. Lists keep the document's order, which decides bitmap positions and actor ids.

use cid::Cid;
use fvm_ipld_encoding::tuple::{Serialize_tuple, serde_tuple};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::Serialize;
use tributary_primitives::{BlsPublicKey, BlsSignature, EthAddress, SubnetId, VotingPower, cbor_cid};

use crate::document::{Genesis, GenesisValidator};
use crate::time::GenesisTime;
use crate::words::ConsensusPublicKey;

#[derive(Serialize_tuple)]
struct Canonical<'a> {
    version: u64,
    chain_name: &'a str,
    chain_id: u64,
    subnet: &'a SubnetId,
    genesis_time: u64,
    validators: Vec<CanonicalValidator<'a>>,
    accounts: Vec<(Address, TokenAmount)>,
    code: Vec<(&'a str, Cid)>,
    cron: Vec<(Address, u64)>,
    parameters: Vec<u64>,
}

#[derive(Serialize_tuple)]
struct CanonicalValidator<'a> {
    name: Option<&'a str>,
    consensus_key: ConsensusPublicKey,
    bls_key: BlsPublicKey,
    bls_possession: BlsSignature,
    power: VotingPower,
    reward_address: Option<EthAddress>,
}

impl<'a> From<&'a GenesisValidator> for CanonicalValidator<'a> {
    fn from(validator: &'a GenesisValidator) -> Self {
        Self {
            name: validator.name.as_deref(),
            consensus_key: validator.consensus_key,
            bls_key: validator.bls_key,
            bls_possession: validator.bls_possession,
            power: validator.power,
            reward_address: validator.reward_address,
        }
    }
}

/// The canonical form of `genesis`, starting at `time`.
pub(crate) fn encode(genesis: &Genesis, time: GenesisTime) -> Vec<u8> {
    let canonical = Canonical {
        version: genesis.version,
        chain_name: &genesis.chain_name,
        chain_id: genesis.chain_id,
        subnet: &genesis.subnet,
        genesis_time: time.unix_seconds(),
        validators: genesis.validators.iter().map(CanonicalValidator::from).collect(),
        accounts: genesis.accounts.iter().map(|account| (account.address.address(), account.balance.into())).collect(),
        code: genesis.code.iter().map(|code| (code.name.as_str(), code.cid)).collect(),
        cron: genesis.cron.iter().map(|entry| (entry.receiver.address(), entry.method)).collect(),
        parameters: genesis.parameters.values(),
    };
    to_cbor(&canonical)
}

fn to_cbor(canonical: &impl Serialize) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(canonical).expect("a tuple of words; balances are below 2^128")
}

/// The name of a genesis: CID of its canonical form.
pub(crate) fn genesis_id(genesis: &Genesis, time: GenesisTime) -> Cid {
    cbor_cid(&encode(genesis, time))
}
