//! Calls between contracts and actors, both ways in one transaction.

use fvm_ipld_encoding::{BytesDe, BytesSer, CBOR, DAG_CBOR, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::{Address as EvmAddress, U256, keccak256};
use tributary_message::Transaction;
use tributary_primitives::actors::{INIT_ID, SYSTEM_ID};
use tributary_primitives::{EthAddress, raw_cid};

use super::world::*;
use crate::ReadState as _;
use crate::evm::INVOKE_EVM;
use crate::evm::abi::{self, Value};
use crate::state::contract::ContractHead;
use crate::state::read_block;
use crate::{CallRequest, FvmCall, Wanted};

pub(super) const REVERTED: ExitCode = ExitCode::new(33);

/// A forwarder, a proxy, and a keeper: contract, actor, contract.
pub(super) struct Chain {
    pub(super) world: World,
    pub(super) forwarder: EthAddress,
    pub(super) proxy: Address,
    pub(super) keeper: EthAddress,
}

impl Chain {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        let forwarder = world.deploy(0, FORWARDER);
        let keeper = world.deploy(1, KEEPER);
        let proxy = world.exec_code(0, proxy_code());
        Self { world, forwarder, proxy, keeper }
    }

    pub(super) fn masked_proxy(&self) -> EthAddress {
        EthAddress::from_actor_id(self.proxy.id().unwrap())
    }

    /// Through forwarder and proxy to the keeper.
    pub(super) fn through(&self, nonce: u64, input: &[u8]) -> Transaction {
        let proxied = proxied(&self.keeper.to_address(), INVOKE_EVM, &byte_string(input));
        send(&alice(), nonce, self.forwarder, 0, forwarded(self.masked_proxy(), &proxied))
    }

    fn proxy_state(&self) -> cid::Cid {
        self.world.tree().actor_at(&self.proxy).unwrap().unwrap().1.state
    }
}

pub(super) fn byte_string(bytes: &[u8]) -> Vec<u8> {
    to_vec(&BytesSer(bytes)).unwrap()
}

/// What a proxy takes.
pub(super) fn proxied(to: &Address, method: u64, params: &[u8]) -> Vec<u8> {
    let to = to.to_bytes();
    [&[u8::try_from(to.len()).unwrap()][..], &to, &method.to_le_bytes(), params].concat()
}

/// What a forwarder takes.
pub(super) fn forwarded(to: EthAddress, data: &[u8]) -> Vec<u8> {
    [&EvmAddress::new(to.0).into_word()[..], data].concat()
}

#[test]
fn a_contract_calls_an_actor_that_calls_a_contract() {
    let mut chain = Chain::new();
    let receipt = chain.world.one(chain.through(2, &words(&[1, 10])));
    assert_eq!(receipt.exit_code, ExitCode::OK);
    assert_eq!(chain.world.stored(chain.keeper, 1), U256::from(10));
    assert_eq!(chain.world.stored(chain.forwarder, 0), U256::from(1));
    assert_eq!(chain.proxy_state(), tributary_primitives::cbor_cid(&[0x81, 7]));
    assert_eq!(receipt.events.len(), 1, "the keeper's");
    assert_eq!(receipt.events[0].address, chain.keeper);
}

#[test]
fn a_revert_at_the_far_end_undoes_both_runtimes_up_to_whoever_catches_it() {
    let mut chain = Chain::new();
    let (before, root) = (chain.proxy_state(), chain.world.root);
    let reverting = words(&[1, 10, 0]);
    let receipt = chain.world.one(chain.through(2, &reverting));
    assert_eq!((receipt.exit_code, receipt.events.len()), (REVERTED, 0));
    assert_ne!(chain.world.root, root, "fee and nonce");
    assert_eq!(chain.proxy_state(), before);
    assert_eq!((chain.world.stored(chain.keeper, 1), chain.world.stored(chain.forwarder, 0)), (U256::ZERO, U256::ZERO));

    // Method 8 of the proxy catches it: what the proxy did stays, what the keeper did does not.
    let params = proxied(&chain.keeper.to_address(), INVOKE_EVM, &byte_string(&reverting));
    let receipt = chain.world.one(message(&carol(), 1, chain.proxy, 8, params, 0));
    assert_eq!((receipt.exit_code, receipt.events.len()), (ExitCode::OK, 0));
    assert_eq!(chain.proxy_state(), tributary_primitives::cbor_cid(&[0x81, 7]));
    assert_eq!(chain.world.stored(chain.keeper, 1), U256::ZERO);
}

#[test]
fn a_missing_block_below_an_actor_stops_the_node_and_is_never_a_receipt() {
    let mut chain = Chain::new();
    assert_eq!(chain.world.one(chain.through(2, &words(&[1, 10]))).exit_code, ExitCode::OK);
    let (_, keeper) = chain.world.tree().actor_at(&chain.keeper.to_address()).unwrap().unwrap();
    let head: ContractHead = from_slice(&read_block(&*chain.world.store, &keeper.state).unwrap()).unwrap();
    assert!(chain.world.store.remove(&head.storage));
    // The contract is the first that a message's actor calls, and the second of a transaction; its caller would catch any exit code.
    let params = proxied(&chain.keeper.to_address(), INVOKE_EVM, &byte_string(&words(&[2, 10])));
    for sent in [message(&carol(), 1, chain.proxy, 8, params, 0), chain.through(3, &words(&[2, 10]))] {
        let Chain { world, .. } = &chain;
        let failed = world.executor.execute_block(&world.store, &world.root, &world.env(), &[sent]).unwrap_err();
        assert!(failed.to_string().contains(&head.storage.to_string()), "{failed}");
    }
}

#[test]
fn what_an_actor_aborts_with_is_what_the_contract_reverts_with() {
    let mut chain = Chain::new();
    // 22: the init actor has no such method, and says nothing.
    let data = forwarded(chain.masked_proxy(), &proxied(&Address::new_id(INIT_ID), 77, &[]));
    let receipt = chain.world.one(send(&alice(), 2, chain.forwarder, 0, data));
    assert_eq!(receipt.exit_code, REVERTED);
    let why = abi::bytes(&receipt.return_data[4..], 0).unwrap();
    assert_eq!(why, b"actor exited with code 22");
}

#[test]
fn value_goes_all_the_way_and_comes_back_with_a_revert() {
    let mut chain = Chain::new();
    let stranger = key(9).f1_address();
    let data = |to: &Address, method| forwarded(chain.masked_proxy(), &proxied(to, method, &[]));
    let (good, bad) = (data(&stranger, 0), data(&Address::new_id(INIT_ID), 77));
    assert_eq!(chain.world.one(send(&alice(), 2, chain.forwarder, 7, good)).exit_code, ExitCode::OK);
    assert_eq!(chain.world.one(send(&alice(), 3, chain.forwarder, 7, bad)).exit_code, REVERTED);
    let at = |address: Address| chain.world.balance(address);
    assert_eq!((at(stranger), at(chain.proxy), at(chain.forwarder.to_address())), (7, 0, 0));
}

#[test]
fn a_static_call_changes_nothing_on_the_other_side() {
    let mut chain = Chain::new();
    let state = chain.proxy_state();
    let asker = chain.world.deploy(2, &handing_on(0xfa, chain.masked_proxy()));
    let input = proxied(&chain.keeper.to_address(), INVOKE_EVM, &byte_string(&words(&[1, 10])));
    let receipt = chain.world.one(send(&alice(), 3, asker, 0, input));
    assert_eq!(receipt.exit_code, REVERTED, "the proxy may not set its root");
    assert_eq!(chain.proxy_state(), state);
}

#[test]
fn nobody_runs_an_actor_in_its_own_name() {
    let mut chain = Chain::new();
    let asker = chain.world.deploy(2, &handing_on(0xf4, chain.masked_proxy()));
    let receipt = chain.world.one(send(&alice(), 3, asker, 0, vec![1]));
    assert_eq!(receipt.exit_code, REVERTED);
    assert_eq!(abi::bytes(&receipt.return_data[4..], 0), Some(&b"an actor does not run in another's name"[..]));
}

#[test]
fn a_refund_that_a_contract_earns_above_an_actor_comes_back_to_the_transaction() {
    let mut chain = Chain::new();
    chain.world.one(chain.through(2, &words(&[1, 5])));
    let gas = |value| chain.world.run(&[chain.through(3, &words(&[1, value]))]).receipts[0].gas_used;
    // EIP-3529: 4,800 for a slot that is cleared. A byte of call data that is not zero costs 12 more (EIP-2028).
    assert_eq!(gas(6) - gas(0), 4_800 + 12);
}

#[test]
fn a_message_calls_a_contract_and_pays_for_its_gas_at_the_chains_rate() {
    let mut world = World::new();
    // Returns the block's number: NUMBER, MSTORE, RETURN.
    let teller = world.deploy(0, &[0x43, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    let idle = world.deploy(1, &[0x00]);
    let call = |nonce, to: EthAddress| message(&carol(), nonce, to.to_address(), INVOKE_EVM, vec![], 3);
    let receipts = world.block(&[call(0, teller), call(1, idle)]);
    let BytesDe(returned) = from_slice(&receipts[0].return_data).unwrap();
    assert_eq!((receipts[0].exit_code, U256::from_be_slice(&returned)), (ExitCode::OK, U256::from(3)));
    // NUMBER 2, PUSH0 2, MSTORE 3 + 3 for a word of memory, PUSH1 3, PUSH0 2; and the longer return value: 33 bytes, 1,300 each.
    assert_eq!(receipts[0].fvm_gas_used - receipts[1].fvm_gas_used, 15 * 500 + 33 * 1_300);
    assert_eq!(world.balance(teller), 3);
}

#[test]
fn a_contract_that_an_actor_calls_sees_who_called_and_who_signed() {
    let mut world = World::new();
    // Returns CALLER and ORIGIN.
    let mirror = world.deploy(0, &[0x33, 0x5f, 0x52, 0x32, 0x60, 0x20, 0x52, 0x60, 0x40, 0x5f, 0xf3]);
    let proxy = world.exec_code(0, proxy_code());
    let params = proxied(&mirror.to_address(), INVOKE_EVM, &[]);
    let receipt = world.one(message(&carol(), 1, proxy, 7, params, 0));
    let BytesDe(returned) = from_slice(&receipt.return_data).unwrap();
    let carols = world.tree().resolve(&carol().f1_address()).unwrap().unwrap();
    let seen = [proxy.id().unwrap(), carols].map(|id| EvmAddress::new(EthAddress::from_actor_id(id).0).into_word());
    assert_eq!(returned, seen.concat());
}

#[test]
fn call_actor_reaches_any_method_and_tells_every_end_apart() {
    let mut world = World::new();
    let call_actor_id =
        EthAddress::from_address(&EthAddress(hex("fe00000000000000000000000000000000000005")).to_address());
    let asker = world.deploy(0, &handing_on(0xf4, call_actor_id.unwrap()));
    let carols = world.tree().resolve(&carol().f1_address()).unwrap().unwrap();
    let ask = |method: u64, flags: u64, codec: u64, params: &[u8], id: u64| {
        let number = |number| Value::Word(U256::from(number));
        let id = number(id);
        abi::encode(&[number(method), number(0), number(flags), number(codec), Value::Bytes(params), id])
    };
    let carols_key = to_vec(&carol().f1_address()).unwrap();
    // A CID like any other, of a block that no node has.
    let linking = to_vec(&(1, [raw_cid(b"nothing")])).unwrap();
    for (what, input, exit, codec, data) in [
        ("PubkeyAddress", ask(2, 1, 0, &[], carols), 0, CBOR, carols_key),
        ("a method that nobody has", ask(77, 0, 0, &[], INIT_ID), 22, 0, vec![]),
        ("an actor that is not there", ask(2, 0, 0, &[], 5_000), -6, 0, vec![]),
    ] {
        let receipt = world.run(&[send(&alice(), 1, asker, 0, input)]).receipts.remove(0);
        assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
        let said = U256::try_from(u64::from(i32::unsigned_abs(exit))).unwrap();
        let said = if exit < 0 { U256::ZERO.wrapping_sub(said) } else { said };
        let output = &receipt.return_data;
        assert_eq!(U256::from_be_slice(&output[..32]), said, "{what}");
        assert_eq!((abi::number(output, 1), abi::bytes(output, 2)), (Some(codec), Some(&data[..])), "{what}");
    }
    for (why, input) in [
        ("the send flags are unknown", ask(2, 2, 0, &[], carols)),
        ("parameters need a codec", ask(2, 0, 0, &[1], carols)),
        ("the parameters are not of their codec", ask(2, 0, 0x71, &[0x82], carols)),
        ("the parameters link to blocks, and a contract reaches none", ask(2, 0, 0x71, &linking, carols)),
        ("the call data is no (uint64,uint256,uint64,uint64,bytes,address)", vec![1, 2, 3]),
    ] {
        let receipt = world.run(&[send(&alice(), 1, asker, 0, input)]).receipts.remove(0);
        assert_eq!(receipt.exit_code, REVERTED, "{why}");
        assert_eq!(abi::bytes(&receipt.return_data[4..], 0), Some(why.as_bytes()));
    }
}

/// Takes a MiB of memory, then calls `callee` by `opcode` with as many bytes of it as the first word of its call data says, and the gas that
/// the second says. Answers whether that went well.
fn bringing(opcode: u8, callee: EthAddress) -> Vec<u8> {
    let memory = [0x5f, 0x62, 0x0f, 0xff, 0xff, 0x53]; // mstore8(2^20 - 1, 0)
    let value: &[u8] = if opcode == 0xf1 { &[0x5f] } else { &[] };
    let data = [0x5f, 0x5f, 0x5f, 0x35, 0x5f]; // (0, 0, calldata[0], 0)
    let call = [0x60, 0x20, 0x35, opcode, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]; // call with calldata[32]; return it
    [&memory[..], &data, value, &[0x73], &callee.0, &call].concat()
}

/// Runs [`bringing`] and answers the gas used and whether the call went well.
fn brought(world: &World, nonce: u64, contract: EthAddress, bytes: u64, gas: u64) -> (u64, bool) {
    let input = words(&[bytes, gas]);
    let unsigned = alloy_consensus::TxEip1559 { gas_limit: 5_000_000, ..unsigned(nonce, Some(contract), 0, input) };
    let receipt = world.run(&[sign(&alice(), unsigned)]).receipts.remove(0);
    assert_eq!(receipt.exit_code, ExitCode::OK);
    (receipt.gas_used, receipt.return_data[31] == 1)
}

/// Sizes and gas of the same price as call data: as many bytes of each are not zero.
#[test]
fn a_call_of_an_actor_pays_for_its_data_before_anybody_looks_at_it() {
    let mut world = World::new();
    let actor = EthAddress::from_actor_id(world.exec(0).id().unwrap());
    let precompile = |last: u8| EthAddress(hex(&format!("fe000000000000000000000000000000000000{last:02x}")));
    let (mib, plenty) = (1 << 20, 1_000_000);
    // Neither is a call; the first knows nobody of that address.
    for (nonce, precompile, is_good) in [(0, precompile(1), true), (1, precompile(3), false)] {
        let asker = world.deploy(nonce, &bringing(0xf4, precompile));
        let brought = |bytes, gas| brought(&world, nonce + 1, asker, bytes, gas);
        let (large, small) = (brought(mib, plenty), brought(1, plenty));
        assert_eq!((large.1, small.1), (is_good, is_good));
        // A syscall and ten for each byte, in units of 500, rounded up: 10,499,760 and 14,010.
        assert_eq!(large.0 - small.0, 21_000 - 29);
        let (more, less) = (brought(mib, 0x0404), brought(mib, 0x0101));
        assert_eq!((more.0 - less.0, more.1, less.1), (0x0404 - 0x0101, false, false), "all of it is gone");
    }
    // Refused for what it is, with all its gas left.
    let caller = world.deploy(2, &bringing(0xf1, precompile(3)));
    assert_eq!(brought(&world, 3, caller, mib, plenty), brought(&world, 3, caller, 1, plenty));
    let caller = world.deploy(3, &bringing(0xf1, actor));
    let brought = |bytes| brought(&world, 4, caller, bytes, plenty);
    let (large, small) = (brought(0x0f_fffb), brought(0x01_0101));
    assert!(large.1 && small.1);
    assert!((large.0 - small.0).abs_diff((0x0f_fffb - 0x01_0101) * 10 / 500) <= 1);
    let too_large = brought(0x0f_fffc);
    assert!(!too_large.1 && too_large.0 < small.0 - 1_000, "refused with all its gas left");
}

#[test]
fn parameters_that_a_contract_gives_pay_for_each_item() {
    let mut world = World::new();
    let call_actor_id = EthAddress(hex("fe00000000000000000000000000000000000005"));
    // A MiB of memory first, whose price is above the least that a transaction pays for its call data (EIP-7623); its jump goes so much further.
    let memory = [0x5f, 0x62, 0x0f, 0xff, 0xff, 0x53];
    let mut code = [&memory[..], &handing_on(0xf4, call_actor_id)].concat();
    let jump = code.windows(2).position(|push| push == [0x60, 0x29]).unwrap();
    code[jump + 1] += 6;
    let asker = world.deploy(0, &code);
    let gas = |codec: u64, params: &[u8]| {
        let number = |number| Value::Word(U256::from(number));
        let head = [number(77), number(0), number(0), number(codec)];
        let asked = head.into_iter().chain([Value::Bytes(params), number(INIT_ID)]).collect::<Vec<_>>();
        let unsigned = unsigned(1, Some(asker), 0, abi::encode(&asked));
        let sent = sign(&alice(), alloy_consensus::TxEip1559 { gas_limit: 5_000_000, ..unsigned });
        let receipt = world.run(&[sent]).receipts.remove(0);
        assert_eq!(receipt.return_data[31], 22, "nobody has method 77");
        receipt.gas_used
    };
    // An array of 2,999 numbers: 35 for each and for the array, in units of 500. CBOR is not looked through.
    let items = [&[0x99, 0x0b, 0xb7][..], &[0x01; 2_999]].concat();
    assert_eq!(gas(DAG_CBOR, &items) - gas(CBOR, &items), 3_000 * 35 / 500);
}

pub(super) fn hex(text: &str) -> [u8; 20] {
    let bytes: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

#[test]
fn a_contract_resolves_addresses_and_looks_them_up() {
    let mut world = World::new();
    let precompile = |last: u8| {
        let mut address = [0; 20];
        (address[0], address[19]) = (0xfe, last);
        EthAddress(address)
    };
    let resolver = world.deploy(0, &handing_on(0xfa, precompile(1)));
    let looker = world.deploy(1, &handing_on(0xfa, precompile(2)));
    let dice = world.deploy(2, &handing_on(0xfa, precompile(6)));
    let ask = |to, input| world.run(&[send(&alice(), 3, to, 0, input)]).receipts.remove(0).return_data;
    let alices = world.tree().resolve(&alice().eth_address().to_address()).unwrap().unwrap();
    assert_eq!(ask(resolver, alice().eth_address().to_address().to_bytes()), words(&[alices]));
    assert!(ask(resolver, key(50).f1_address().to_bytes()).is_empty());
    assert!(ask(resolver, vec![9, 9]).is_empty());
    assert_eq!(ask(looker, words(&[alices])), alice().eth_address().to_address().to_bytes());
    assert!(ask(looker, words(&[INIT_ID])).is_empty());
    assert_eq!(ask(dice, words(&[world.env().height.0])), [0x22; 32]);
    assert!(ask(dice, words(&[0])).is_empty());
}

#[test]
fn a_contract_answers_methods_of_its_own_by_handle_filecoin_method() {
    let mut world = World::new();
    let says = |exit: u64, codec: u64, data: &[u8]| {
        let number = |number| Value::Word(U256::from(number));
        // Init code is itself code that returns what follows it.
        init_code(&abi::encode(&[number(exit), number(codec), Value::Bytes(data)]))
    };
    // A CID like any other, of a block that no node has.
    let linking = to_vec(&(1, [raw_cid(b"nothing")])).unwrap();
    for (nonce, code, exit_code, data) in [
        (0, says(0, CBOR, &[0x07]), ExitCode::OK, vec![0x07]),
        (1, says(40, CBOR, &[0x08]), ExitCode::new(40), vec![0x08]),
        (2, says(41, 0, &[]), ExitCode::new(41), vec![]),
        (3, says(7, 0, &[]), ExitCode::SYS_ILLEGAL_EXIT_CODE, vec![]),
        (4, says(0, 0, &[1]), ExitCode::USR_SERIALIZATION, vec![]),
        (5, says(0, 0x70, &[1]), ExitCode::USR_SERIALIZATION, vec![]),
        (6, init_code(&[1]), ExitCode::USR_SERIALIZATION, vec![]),
        (7, says(0, DAG_CBOR, &[0x07]), ExitCode::OK, vec![0x07]),
        (8, says(0, DAG_CBOR, &linking), ExitCode::USR_SERIALIZATION, vec![]),
        (9, says(40, DAG_CBOR, &linking), ExitCode::USR_SERIALIZATION, vec![]),
    ] {
        let contract = world.deploy(nonce, &code);
        let receipt = world.one(message(&carol(), nonce, contract.to_address(), 5_000, vec![0x01], 0));
        assert_eq!((receipt.exit_code, receipt.return_data), (exit_code, data), "contract {nonce}");
    }
    // What the contract gets is what Solidity would encode.
    let mirror = world.deploy(10, &[0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd]);
    let receipt = world.one(message(&carol(), 10, mirror.to_address(), 5_000, vec![0x01], 0));
    let BytesDe(input) = from_slice(&receipt.return_data).unwrap();
    assert_eq!(
        (receipt.exit_code, &input[..4]),
        (REVERTED, &keccak256("handle_filecoin_method(uint64,uint64,bytes)")[..4])
    );
    let input = &input[4..];
    assert_eq!(
        (abi::number(input, 0), abi::number(input, 1), abi::bytes(input, 2)),
        (Some(5_000), Some(CBOR), Some(&[1][..]))
    );
}

#[test]
fn an_actor_reads_a_contracts_code_and_nobody_else_its_storage() {
    let mut chain = Chain::new();
    chain.world.one(chain.through(2, &words(&[1, 10])));
    let ask = |from: Address, method, params: Vec<u8>| {
        let to = chain.keeper.to_address();
        let call = FvmCall { from, to, method, params, value: atto(0), gas_limit: None };
        chain.world.call(CallRequest::Fvm(call))
    };
    let hash = ask(carol().f1_address(), 4, vec![]);
    let BytesDe(hash) = from_slice(&hash.return_data).unwrap();
    assert_eq!(hash, keccak256(KEEPER)[..]);
    let code: Option<cid::Cid> = from_slice(&ask(carol().f1_address(), 3, vec![]).return_data).unwrap();
    assert_eq!(code, Some(tributary_primitives::raw_cid(KEEPER)));
    let slot = to_vec(&(BytesDe(vec![1]),)).unwrap();
    let value = ask(Address::new_id(SYSTEM_ID), 5, slot.clone());
    let BytesDe(value) = from_slice(&value.return_data).unwrap();
    assert_eq!(value, [10]);
    assert_eq!(ask(carol().f1_address(), 5, slot).exit_code, ExitCode::USR_FORBIDDEN);
    for method in [1, 2, 6, 7, 1_023] {
        assert_eq!(ask(carol().f1_address(), method, vec![]).exit_code, ExitCode::USR_UNHANDLED_MESSAGE, "{method}");
    }
}

#[test]
fn with_less_and_less_gas_both_sides_run_out_of_it_together() {
    let chain = Chain::new();
    let used = chain.world.run(&[chain.through(2, &words(&[1, 10]))]).receipts[0].gas_used;
    let Transaction::Ethereum(_) = chain.through(2, &[]) else { unreachable!() };
    let proxied = proxied(&chain.keeper.to_address(), INVOKE_EVM, &byte_string(&words(&[1, 10])));
    let input = forwarded(chain.masked_proxy(), &proxied);
    let mut fee_alone = std::collections::HashMap::new();
    for gas_limit in (25_000..used).step_by(211) {
        let unsigned = alloy_consensus::TxEip1559 { gas_limit, ..unsigned(2, Some(chain.forwarder), 0, input.clone()) };
        let outcome = chain.world.run(&[sign(&alice(), unsigned)]);
        let receipt = &outcome.receipts[0];
        assert!(!receipt.exit_code.is_success() && receipt.events.is_empty(), "{gas_limit}");
        assert!(receipt.gas_used <= gas_limit);
        // The same gas used by a transaction that does nothing but fail leaves the same state.
        fee_alone.insert(receipt.gas_used, outcome.state_root);
        let world = StateOf { world: &chain.world, root: outcome.state_root };
        assert_eq!(world.slot(chain.keeper, 1), U256::ZERO, "{gas_limit}");
        assert_eq!(world.slot(chain.forwarder, 0), U256::ZERO, "{gas_limit}");
        assert_eq!(world.head(&chain.proxy), chain.proxy_state(), "{gas_limit}");
    }
    assert!(fee_alone.len() > 10, "the walk met many different ends");
}

/// A state that a block left which was not gone on from.
struct StateOf<'a> {
    world: &'a World,
    root: cid::Cid,
}

impl StateOf<'_> {
    fn tree(&self) -> crate::StateTree<std::sync::Arc<crate::state::MemoryStore>> {
        crate::StateTree::load(std::sync::Arc::clone(&self.world.store), &self.root).unwrap()
    }

    fn slot(&self, contract: EthAddress, slot: u64) -> U256 {
        let slot = tributary_primitives::Hash32(U256::from(slot).to_be_bytes());
        U256::from_be_bytes(self.tree().storage(&contract.to_address(), &slot).unwrap().0)
    }

    fn head(&self, actor: &Address) -> cid::Cid {
        self.tree().actor_at(actor).unwrap().unwrap().1.state
    }
}

#[test]
fn two_runtimes_that_call_each_other_without_end_run_out_of_gas_or_depth_and_nothing_breaks() {
    let mut world = World::new();
    let proxy = world.exec_code(0, proxy_code());
    let masked = EthAddress::from_actor_id(proxy.id().unwrap());
    // The contract's address is known before it is made, so its code can hold a call of itself through the proxy.
    let looping = EthAddress(EvmAddress::new(alice().eth_address().0).create(0).0.0);
    let data = proxied(&looping.to_address(), INVOKE_EVM, &[]);
    let length = u8::try_from(data.len()).unwrap();
    let head = [0x60, length, 0x60, 0x3b, 0x5f, 0x39, 0x5f, 0x5f, 0x60, length, 0x5f, 0x5f, 0x73];
    // codecopy(0, 59, length); call(gas, proxy, 0, 0, length, 0, 0); sstore(0, sload(0) + 1)
    let tail = [0x5a, 0xf1, 0x50, 0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x00];
    let mut code = [&head[..], &masked.0, &tail].concat();
    code.resize(0x3b, 0);
    code.extend(&data);
    assert_eq!(world.deploy(0, &code), looping);
    let unsigned = alloy_consensus::TxEip1559 { gas_limit: 1 << 24, ..unsigned(1, Some(looping), 0, vec![]) };
    let sent = sign(&alice(), unsigned);
    let traced = world.replay(std::slice::from_ref(&sent), 0..1, Wanted::Calls { only_top: false }).remove(0);
    let receipt = world.one(sent);
    assert_eq!(traced.receipt, receipt, "traced, it goes as deep");
    assert_eq!(receipt.exit_code, ExitCode::OK, "the innermost failed, and its caller went on");
    assert!(world.stored(looping, 0) > U256::from(30), "{} levels", world.stored(looping, 0));
}
