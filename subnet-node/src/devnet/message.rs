//! The transactions a devnet sends: signed, with fees that fit every base fee a devnet comes to.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as AlloyAddress, Bytes, TxKind, U256};
use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::{ActorID, MethodNum};
use tributary_crypto::SecpSecretKey;
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::EthAddress;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams};

use super::plan::Network;

/// What is said where the answer to [`exec`] is not understood.
pub const NO_ACTOR: &str = "the init actor's answer names no actor";
/// FVM gas to reserve: a third of a block. What is not used is not paid.
const FVM_GAS_LIMIT: u64 = 10_000_000_000;
/// Most to pay for FVM gas, attoTRB: five hundred times the base fee that the parameters start with.
const FVM_FEE_CAP: u64 = 1_000_000_000;
/// Most to pay for gas, attoTRB: a hundred times the base fee that the parameters start with.
const FEE_CAP: u128 = 100_000_000_000;
/// Gas of a plain transfer. Source: Ethereum Yellow Paper, appendix G.
const TRANSFER_GAS: u64 = 21_000;
/// Gas to reserve for creating or calling the small contract.
const CONTRACT_GAS: u64 = 1_000_000;

/// A message to an actor of `network`.
///
/// # Errors
/// None that this code can bring about; they name the field.
pub fn call(
    network: Network,
    key: &SecpSecretKey,
    nonce: u64,
    actor: ActorID,
    method: MethodNum,
    params: Vec<u8>,
) -> anyhow::Result<Transaction> {
    let message = Message {
        version: 0,
        from: key.f1_address(),
        to: Address::new_id(actor),
        sequence: nonce,
        value: TokenAmount::default(),
        method_num: method,
        params: RawBytes::new(params),
        gas_limit: FVM_GAS_LIMIT,
        gas_fee_cap: TokenAmount::from_atto(FVM_FEE_CAP),
        gas_premium: TokenAmount::default(),
    };
    Ok(Transaction::Fvm(FvmTransaction::sign(message, key, network.chain_id())?.into()))
}

/// The message that makes an actor of `code`.
///
/// # Errors
/// As [`call`].
pub fn exec(
    network: Network,
    key: &SecpSecretKey,
    nonce: u64,
    code: Cid,
    params: Vec<u8>,
) -> anyhow::Result<Transaction> {
    let params = to_vec(&ExecParams { code, params: RawBytes::new(params) })?;
    call(network, key, nonce, INIT_ID, EXEC, params)
}

/// A transfer of `atto` attoTRB on the child.
#[must_use]
pub fn transfer(key: &SecpSecretKey, nonce: u64, to: EthAddress, atto: u64) -> Transaction {
    ethereum(key, nonce, TxKind::Call(AlloyAddress::from(to.0)), U256::from(atto), Vec::new(), TRANSFER_GAS)
}

/// The creation of a contract on the child.
#[must_use]
pub fn create(key: &SecpSecretKey, nonce: u64, bytecode: Vec<u8>) -> Transaction {
    ethereum(key, nonce, TxKind::Create, U256::ZERO, bytecode, CONTRACT_GAS)
}

/// A call of a contract on the child.
#[must_use]
pub fn invoke(key: &SecpSecretKey, nonce: u64, contract: EthAddress, input: Vec<u8>) -> Transaction {
    ethereum(key, nonce, TxKind::Call(AlloyAddress::from(contract.0)), U256::ZERO, input, CONTRACT_GAS)
}

/// The address of the contract that `sender` creates with its transaction `nonce`. Source: Ethereum Yellow Paper, section 7.
#[must_use]
pub fn created_contract(sender: EthAddress, nonce: u64) -> EthAddress {
    EthAddress(AlloyAddress::from(sender.0).create(nonce).into_array())
}

fn ethereum(key: &SecpSecretKey, nonce: u64, to: TxKind, value: U256, input: Vec<u8>, gas_limit: u64) -> Transaction {
    let unsigned = TxEip1559 {
        chain_id: Network::Child.chain_id(),
        nonce,
        gas_limit,
        max_fee_per_gas: FEE_CAP,
        max_priority_fee_per_gas: 0,
        to,
        value,
        access_list: Default::default(),
        input: Bytes::from(input),
    };
    Transaction::Ethereum(EthereumTransaction::sign(unsigned, key).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devnet::keys::load_key;

    #[test]
    fn every_transaction_is_one_of_its_chain() {
        let (key, to) = (load_key(0), load_key(1).eth_address());
        let code = tributary_genesis_code::counter_actor_cid();
        for (transaction, network) in [
            (transfer(&key, 7, to, 1), Network::Child),
            (create(&key, 7, vec![0x60]), Network::Child),
            (invoke(&key, 7, to, vec![1, 2, 3, 4]), Network::Child),
            (exec(Network::Parent, &key, 7, code, vec![]).unwrap(), Network::Parent),
            (call(Network::Child, &key, 7, 100, 3, vec![]).unwrap(), Network::Child),
        ] {
            let read = Transaction::decode(transaction.raw(), network.chain_id()).unwrap();
            assert_eq!((read.sender(), read.nonce()), (transaction.sender(), 7));
        }
    }
}
