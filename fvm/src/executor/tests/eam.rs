//! The Ethereum address manager: contracts that accounts and contracts make by it.

use fvm_ipld_encoding::{BytesDe, CBOR, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::{Address as EvmAddress, U256, keccak256};
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BuiltinActor, EAM_ID};

use super::crossing::{REVERTED, byte_string, hex};
use super::world::*;
use crate::ReadState as _;
use crate::evm::abi::{self, Value};

/// What every method returns.
type Created = (u64, Option<Address>, BytesDe);

#[test]
fn an_f1_account_deploys_through_the_ethereum_address_manager_and_owns_what_it_deploys() {
    let mut world = World::new();
    // Init code: keeps CALLER in slot 0 and CALLVALUE in slot 1, then makes a contract of one byte.
    let init = [0x33, 0x5f, 0x55, 0x34, 0x60, 0x01, 0x55, 0x60, 0x01, 0x5f, 0xf3];
    let receipt = world.one(message(&carol(), 0, Address::new_id(EAM_ID), 4, byte_string(&init), 9));
    assert_eq!(receipt.exit_code, ExitCode::OK);
    let (id, robust, address): (u64, Option<Address>, BytesDe) = from_slice(&receipt.return_data).unwrap();
    let stable = EvmAddress::from_word(keccak256(carol().f1_address().to_bytes()));
    assert_eq!((robust, &address.0[..]), (None, &stable.create(0)[..]));
    let contract = EthAddress(address.0.try_into().unwrap());
    let (found, actor) = world.tree().actor_at(&contract.to_address()).unwrap().unwrap();
    assert_eq!((found, actor.code, actor.balance), (id, BuiltinActor::Evm.code(), atto(9)));
    let carols = world.tree().resolve(&carol().f1_address()).unwrap().unwrap();
    let caller = EvmAddress::new(EthAddress::from_actor_id(carols).0).into_word();
    assert_eq!(world.stored(contract, 0), U256::from_be_bytes(caller.0));
    assert_eq!(world.stored(contract, 1), U256::from(9));
    assert_eq!(world.tree().nonce(&carol().f1_address()).unwrap(), 1, "one message, one nonce");

    for (nonce, method, params, exit_code) in [
        (1, 4, byte_string(&[0x5f, 0x5f, 0xfd]), REVERTED),
        (2, 4, byte_string(&vec![0; 49_153]), ExitCode::USR_ILLEGAL_ARGUMENT),
        (3, 2, to_vec(&(BytesDe(vec![]), 0)).unwrap(), ExitCode::USR_FORBIDDEN),
        (4, 5, vec![], ExitCode::USR_UNHANDLED_MESSAGE),
    ] {
        let receipt = world.one(message(&carol(), nonce, Address::new_id(EAM_ID), method, params, 1));
        assert_eq!(receipt.exit_code, exit_code, "nonce {nonce}");
    }
    assert_eq!(world.balance(Address::new_id(EAM_ID)), 0, "value comes back with each refusal");
}

/// The call data by which call_actor_id calls a method of the manager.
fn ask(method: u64, params: &[u8]) -> Vec<u8> {
    let number = |number| Value::Word(U256::from(number));
    let head = [number(method), number(0), number(0), number(CBOR)];
    abi::encode(&head.into_iter().chain([Value::Bytes(params), number(EAM_ID)]).collect::<Vec<_>>())
}

fn call_actor_id() -> EthAddress {
    let masked = EthAddress(hex("fe00000000000000000000000000000000000005"));
    EthAddress::from_address(&masked.to_address()).unwrap()
}

/// Hands call data to call_actor_id in its own name; without any it makes an empty contract by the EVM's own instruction.
fn creator() -> Vec<u8> {
    let make = [0x36, 0x60, 0x0a, 0x57, 0x5f, 0x5f, 0x5f, 0xf0, 0x50, 0x00, 0x5b];
    let mut ask = handing_on(0xf4, call_actor_id());
    let jump = ask.windows(2).position(|two| two == [0x60, 0x29]).unwrap();
    ask[jump + 1] += u8::try_from(make.len()).unwrap();
    [&make[..], &ask].concat()
}

/// Init code that calls who creates it, without call data, and makes a contract without code.
const CALLING_BACK: [u8; 12] = [0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x33, 0x5a, 0xf1, 0x50, 0x5f, 0x5f, 0xf3];

fn bytes(bytes: &[u8]) -> BytesDe {
    BytesDe(bytes.to_vec())
}

#[test]
fn a_contract_makes_contracts_by_the_manager_and_counts_what_it_makes_itself() {
    let mut world = World::new();
    let contract = world.deploy(0, &creator());
    let creator = EvmAddress::new(contract.0);
    let nonce = |world: &World| world.tree().nonce(&contract.to_address()).unwrap();
    let salt = [7; 32];
    let create = |init: &[u8], nonce: u64| ask(2, &to_vec(&(bytes(init), nonce)).unwrap());
    let create2 = |init: &[u8]| ask(3, &to_vec(&(bytes(init), bytes(&salt))).unwrap());
    let one_byte = [0x60, 0x01, 0x5f, 0xf3];
    for (at, (input, made, left)) in [
        (create(&one_byte, 77), creator.create(77), 1),
        (create2(&one_byte), creator.create2(salt, keccak256(one_byte)), 1),
        // The constructor has its creator make one more, which is its first, and is counted.
        (create(&CALLING_BACK, 78), creator.create(78), 2),
        (create2(&CALLING_BACK), creator.create2(salt, keccak256(CALLING_BACK)), 3),
    ]
    .into_iter()
    .enumerate()
    {
        let receipt = world.one(send(&alice(), 1 + u64::try_from(at).unwrap(), contract, 0, input));
        assert_eq!(receipt.exit_code, ExitCode::OK, "{at}");
        assert_eq!(abi::number(&receipt.return_data, 0), Some(0), "{at}: {:?}", receipt.return_data);
        let (id, robust, address): Created = from_slice(abi::bytes(&receipt.return_data, 2).unwrap()).unwrap();
        assert_eq!((robust, &address.0[..]), (None, &made[..]), "{at}");
        let (found, _) = world.tree().actor_at(&EthAddress(made.0.0).to_address()).unwrap().unwrap();
        assert_eq!((found, nonce(&world)), (id, left), "{at}");
    }
    for own in [1, 2] {
        let made = EthAddress(creator.create(own).0.0).to_address();
        assert!(world.tree().actor_at(&made).unwrap().is_some(), "{own}");
    }
    let failing = send(&alice(), 5, contract, 0, create(&[0x5f, 0x5f, 0xfd], 79));
    let receipt = world.one(failing);
    assert_eq!(abi::number(&receipt.return_data, 0), Some(33));
    assert_eq!(nonce(&world), 3, "a creation that fails leaves the nonce as it was");
}

#[test]
fn only_who_sent_the_message_makes_a_contract_as_an_account() {
    let mut world = World::new();
    let delegate = world.deploy(0, &handing_on(0xf4, call_actor_id()));
    let input = ask(4, &byte_string(&[0x60, 0x01, 0x5f, 0xf3]));
    // Bob's account hands on what it is called with, in its own name.
    let receipt = world.one(set_code(&alice(), 1, (&bob(), 0), delegate, input.clone()));
    assert_eq!(abi::number(&receipt.return_data, 0), Some(18), "alice sent it");
    let receipt = world.one(send(&bob(), 1, bob().eth_address(), 0, input));
    assert_eq!(abi::number(&receipt.return_data, 0), Some(0));
    let (_, _, address): Created = from_slice(abi::bytes(&receipt.return_data, 2).unwrap()).unwrap();
    assert_eq!(address.0, EvmAddress::new(bob().eth_address().0).create(1).to_vec());
}
