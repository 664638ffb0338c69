//! Ethereum transactions: OpenZeppelin's token, constructors of a few instructions, and value between accounts.
//!
//! Each case starts by deploying the token.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use anyhow::Result;
use fvm_shared::ActorID;
use tributary_bench::contract::{Token, word};
use tributary_message::{EthereumTransaction, Transaction};
use tributary_primitives::EthAddress;

use crate::world::{CHAIN_ID, Who};

/// How a call ends that the contract reverts, and the EVM's other ends.
const REVERTED: u32 = 33;
const INVALID: u32 = 34;
const UNDEFINED: u32 = 35;
const UNDERFLOW: u32 = 36;
const BAD_JUMP: u32 = 39;
/// Gas for any transaction here.
const GAS: u64 = 5_000_000;
/// Nobody's address.
const STRANGER: EthAddress = EthAddress([0xcc; 20]);

/// Transactions of one block, and the exit code that each must end with on both sides.
pub struct EthereumCase {
    /// Names it in reports.
    pub name: &'static str,
    /// In order.
    pub transactions: Vec<(Transaction, u32)>,
    /// The one actor whose state is meant to differ, and why.
    pub wanted: Option<(ActorID, &'static str)>,
}

/// All of them.
///
/// # Errors
/// When the token in this program is not what the compiler made.
pub fn cases() -> Result<Vec<EthereumCase>> {
    let (alice, bob) = (Who::Alice.key().eth_address(), Who::Bob.key().eth_address());
    let token = Token::compiled()?;
    let call = |method: &str, words: &[[u8; 32]]| token.call(method, words);
    let transfer = |to: EthAddress, amount: u64| token.transfer(to, amount);
    let approve = call("approve(address,uint256)", &[word(&bob.0), word(&[7])])?;
    let spend = call("transferFrom(address,address,uint256)", &[word(&alice.0), word(&bob.0), word(&[4])])?;
    let allowance = call("allowance(address,address)", &[word(&alice.0), word(&bob.0)])?;
    let balance = |of: EthAddress| call("balanceOf(address)", &[word(&of.0)]);
    let holder = |number: u8| EthAddress([number; 20]);
    let case = |name| Block::of(name, &token);
    let mut cases = vec![
        case("the token is deployed").done(),
        case("a transfer").call(Who::Alice, transfer(bob, 5), 0).call(Who::Alice, balance(bob)?, 0).done(),
        case("a transfer there and all of it back")
            .call(Who::Alice, transfer(bob, 5), 0)
            .call(Who::Bob, transfer(alice, 5), 0)
            .done(),
        case("a transfer to oneself, and of nothing")
            .call(Who::Alice, transfer(alice, 5), 0)
            .call(Who::Bob, transfer(alice, 0), 0)
            .done(),
        case("a transfer of more than all").call(Who::Bob, transfer(alice, 1), REVERTED).done(),
        case("a transfer to nobody").call(Who::Alice, transfer(EthAddress([0; 20]), 1), REVERTED).done(),
        case("an allowance, used until it is too small")
            .call(Who::Alice, approve, 0)
            .call(Who::Bob, spend.clone(), 0)
            .call(Who::Bob, allowance, 0)
            .call(Who::Bob, spend, REVERTED)
            .done(),
        case("questions")
            .call(Who::Bob, call("name()", &[])?, 0)
            .call(Who::Bob, call("symbol()", &[])?, 0)
            .call(Who::Bob, call("decimals()", &[])?, 0)
            .call(Who::Bob, call("totalSupply()", &[])?, 0)
            .call(Who::Bob, balance(alice)?, 0)
            .call(Who::Bob, balance(STRANGER)?, 0)
            .done(),
        case("no method, a wrong one, half an argument, and value")
            .call(Who::Alice, vec![], REVERTED)
            .call(Who::Alice, vec![1, 2, 3, 4], REVERTED)
            .call(Who::Alice, transfer(bob, 5)[..40].to_vec(), REVERTED)
            .send(Who::Alice, Some(created(alice)), 1, transfer(bob, 5), REVERTED)
            .done(),
        (1..=200)
            .fold(case("two hundred holders"), |case, at| case.call(Who::Alice, transfer(holder(at), 9), 0))
            .done(),
        case("the token again, by another").send(Who::Bob, None, 0, token.bytecode().to_vec(), 0).done(),
        case("value to an account, with data and without")
            .send(Who::Alice, Some(bob), 3, vec![], 0)
            .send(Who::Alice, Some(bob), 3, vec![1, 2, 3], 0)
            .done(),
        case("value to a stranger").send(Who::Alice, Some(STRANGER), 3, vec![], 0).done(),
    ];
    cases.extend(CONSTRUCTORS.iter().map(|(name, code, ends)| case(name).deploy(code, *ends).done()));
    cases.extend(WANTED.iter().map(|(name, code, why)| EthereumCase {
        wanted: Some((SECOND_CONTRACT, *why)),
        ..case(name).deploy(code, 0).done()
    }));
    Ok(cases)
}

/// Init code, and how it ends.
const CONSTRUCTORS: &[(&str, &[u8], u32)] = &[
    ("a constructor that does nothing", &[0x00], 0),
    ("a constructor that writes a slot", &[0x60, 1, 0x60, 9, 0x55], 0),
    ("a constructor that writes a slot and clears it", &[0x60, 1, 0x60, 9, 0x55, 0x5f, 0x60, 9, 0x55], 0),
    ("a constructor that logs data without a topic", &[0x60, 33, 0x5f, 0xa0], 0),
    ("a constructor that logs four topics without data", &[0x60, 1, 0x60, 2, 0x60, 3, 0x60, 4, 0x5f, 0x5f, 0xa4], 0),
    ("a constructor that makes a contract by CREATE", &[0x5f, 0x5f, 0x5f, 0xf0], 0),
    ("a constructor that makes a contract by CREATE2", &[0x5f, 0x5f, 0x5f, 0x5f, 0xf5], 0),
    ("a constructor that reverts", &[0x5f, 0x5f, 0xfd], REVERTED),
    ("a constructor that is the invalid instruction", &[0xfe], INVALID),
    ("a constructor that is no instruction", &[0x0c], UNDEFINED),
    ("a constructor that pops nothing", &[0x50], UNDERFLOW),
    ("a constructor that jumps nowhere", &[0x5f, 0x56], BAD_JUMP),
];

/// The id of what a constructor here makes: the next after the standard world's and the token's.
const SECOND_CONTRACT: ActorID = 106;

/// Init code, and why the state of what it makes differs.
const WANTED: &[(&str, &[u8], &str)] = &[
    (
        "a constructor that writes transient storage and reads it",
        &[0x60, 1, 0x5f, 0x5d, 0x5f, 0x5c, 0x5f, 0x55],
        "what is transient: the reference leaves it in the state after the transaction, ours leaves nothing",
    ),
    (
        "a constructor that destroys its contract",
        &[0x33, 0xff],
        "a contract that is gone: the reference keeps it with a tombstone, ours makes it a placeholder again",
    ),
];

/// Where an account's first contract is.
fn created(by: EthAddress) -> EthAddress {
    EthAddress(Address::from(by.0).create(0).into_array())
}

/// A block that is being written.
struct Block {
    name: &'static str,
    nonces: [u64; 2],
    transactions: Vec<(Transaction, u32)>,
}

impl Block {
    fn of(name: &'static str, token: &Token) -> Self {
        let empty = Self { name, nonces: [0; 2], transactions: Vec::new() };
        empty.send(Who::Alice, None, 0, token.bytecode().to_vec(), 0)
    }

    fn call(self, from: Who, input: Vec<u8>, ends: u32) -> Self {
        let token = created(Who::Alice.key().eth_address());
        self.send(from, Some(token), 0, input, ends)
    }

    fn send(mut self, from: Who, to: Option<EthAddress>, value: u64, input: Vec<u8>, ends: u32) -> Self {
        let nonce = &mut self.nonces[usize::from(from == Who::Bob)];
        let unsigned = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: *nonce,
            gas_limit: GAS,
            to: to.map_or(TxKind::Create, |to| TxKind::Call(Address::from(to.0))),
            value: U256::from(value),
            input: Bytes::from(input),
            ..TxEip1559::default()
        };
        *nonce += 1;
        let signed = EthereumTransaction::sign(unsigned, &from.key());
        self.transactions.push((Transaction::Ethereum(signed.into()), ends));
        self
    }

    fn deploy(self, code: &[u8], ends: u32) -> Self {
        self.send(Who::Bob, None, 0, code.to_vec(), ends)
    }

    fn done(self) -> EthereumCase {
        EthereumCase { name: self.name, transactions: self.transactions, wanted: None }
    }
}
