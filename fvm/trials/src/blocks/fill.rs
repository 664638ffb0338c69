//! From patterns to a block's transactions: turn after turn, with the nonces that they need.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_consensus::TxEip7702;
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address as EvmAddress, Signature, U256};
use fvm_shared::address::Address;
use tributary_crypto::SecpSecretKey;
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::EthAddress;

use super::crowd::{ADDRESSES, PARTIES, Party};
use super::language::{Delegation, Pattern, Sent, Steps, What};
use crate::calls::compile::{Names, Turn, Unsigned, limit, nonce, unsigned};
use crate::calls::language::{Message, Nonce, Value};
use crate::world::{CHAIN_ID, ETHEREUM_GAS, Who, World};

/// The transactions of a block on top of `world`, at most so many.
pub(super) fn block(world: &World, patterns: &[Pattern], most: usize) -> Vec<Transaction> {
    let mut filler = Filler { world, nonces: HashMap::new() };
    let turns = patterns.iter().flat_map(|pattern| (0..=pattern.again).map(|turn| (turn, &pattern.sent)));
    let sent = turns.flat_map(|(turn, sent)| sent.iter().map(move |sent| (turn, sent)));
    sent.filter_map(|(turn, sent)| filler.transaction(sent, turn)).take(most).collect()
}

/// Knows everybody's next nonce, as if whatever can run did: what is skipped takes the rest of its sender's chain with it.
struct Filler<'a> {
    world: &'a World,
    nonces: HashMap<Address, u64>,
}

impl Filler<'_> {
    fn transaction(&mut self, sent: &Sent, turn: u8) -> Option<Transaction> {
        let Steps { from, whom, cell, ring } = sent.steps;
        let turn = u16::from(turn) % (u16::from(ring) + 1);
        let further = |step: u8| u8::try_from(turn * u16::from(step) % 256).unwrap();
        let (from, turn) = (further(from), Turn { whom: further(whom), cell: further(cell) });
        match &sent.what {
            What::Message(message) => self.message(message, party(message.from, from), turn),
            What::Delegation(delegation) => self.delegation(delegation, party(delegation.from, from), turn),
        }
    }

    fn message(&mut self, message: &Message, by: &Party, turn: Turn) -> Option<Transaction> {
        let right = *self.next(by.address);
        let names = Names::in_turn(self.world, &ADDRESSES, turn);
        let unsigned = unsigned(&names, message, by.is_ethereum, nonce(message.nonce, right))?;
        if is_right(message.nonce) && !(by.is_ethereum && matches!(message.value, Value::MoreThanThereIs)) {
            *self.next(by.address) += 1;
        }
        Some(match unsigned {
            Unsigned::Ethereum(unsigned) => {
                Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, &by.key)))
            }
            Unsigned::Fvm(unsigned) => {
                Transaction::Fvm(Arc::new(FvmTransaction::sign(unsigned, &by.key, CHAIN_ID).unwrap()))
            }
        })
    }

    fn delegation(&mut self, delegation: &Delegation, by: &Party, turn: Turn) -> Option<Transaction> {
        if !by.is_ethereum {
            return None;
        }
        let names = Names::in_turn(self.world, &ADDRESSES, turn);
        let (delegate, input) = (names.eth_address(delegation.to), names.data(&delegation.data));
        let authority = party(delegation.authority, turn.whom);
        let sequence = self.next(by.address);
        *sequence += 1;
        let sequence = *sequence - 1;
        // Its own nonce, when it sends this itself, is one more by then.
        let right = self.next(authority.eth_address.to_address());
        let authorized = nonce(delegation.nonce, *right);
        *right += u64::from(is_right(delegation.nonce));
        let unsigned = TxEip7702 {
            chain_id: CHAIN_ID,
            nonce: sequence,
            gas_limit: limit(delegation.gas, ETHEREUM_GAS),
            max_fee_per_gas: 10_000,
            max_priority_fee_per_gas: 5,
            to: EvmAddress::new(authority.eth_address.0),
            input: input.into(),
            authorization_list: vec![authorize(&authority.key, authorized, delegate)],
            ..TxEip7702::default()
        };
        Some(Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, &by.key))))
    }

    fn next(&mut self, address: Address) -> &mut u64 {
        self.nonces.entry(address).or_insert_with(|| self.world.nonce_of(&address))
    }
}

fn party(who: Who, further: u8) -> &'static Party {
    &PARTIES[(who.number() + usize::from(further)) % PARTIES.len()]
}

fn is_right(nonce: Nonce) -> bool {
    matches!(nonce, Nonce::Right | Nonce::AlsoRight | Nonce::StillRight)
}

fn authorize(key: &SecpSecretKey, nonce: u64, delegate: EthAddress) -> alloy_eips::eip7702::SignedAuthorization {
    let address = EvmAddress::new(delegate.0);
    let authorization = Authorization { chain_id: U256::from(CHAIN_ID), address, nonce };
    let signature = key.sign(authorization.signature_hash().0);
    let signature = Signature::from_bytes_and_parity(&signature[..64], signature[64] == 1);
    authorization.into_signed(signature)
}
