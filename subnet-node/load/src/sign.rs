//! Transactions of a workload, signed on all cores before the clock starts. Cost: 40 µs of a core each.

use std::thread;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, Bytes, TxKind, U256};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::{ActorID, MethodNum};
use tributary_crypto::SecpSecretKey;
use tributary_message::{EthereumTransaction, FvmRejected, FvmTransaction, Transaction};
use tributary_primitives::EthAddress;

use crate::accounts::Account;
use crate::fees::Fees;
use crate::token::Token;
use crate::words::{Kind, Load, Signed};

/// Gas of a plain transfer. Source: Ethereum Yellow Paper, appendix G.
pub const TRANSFER_GAS: u64 = 21_000;
/// Hash of the name `Increment`, as FRC-0042 says; see the counter's documentation.
pub const INCREMENT: MethodNum = 2_922_929_132;
/// First bytes of the accounts that transfers go to: far from precompiles and from masked actor ids.
const RECIPIENT: [u8; 4] = *b"load";

/// What every transaction of a load has in common.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// Of each transaction, in the gas of its kind.
    pub gas: u64,
    /// For that gas.
    pub fees: Fees,
}

/// What the transactions do.
#[derive(Clone, Debug)]
pub enum Deed {
    /// One wei each, to accounts of this series.
    Transfer {
        /// Another series goes to other accounts.
        series: u64,
    },
    /// One wei each, from sender to sender.
    Payment,
    /// One token each, from sender to sender.
    Erc20 {
        /// The contract.
        contract: EthAddress,
        /// How it is called.
        token: Token,
    },
    /// Calls of these actors in turn.
    Count {
        /// The counters.
        actors: Vec<ActorID>,
    },
}

impl Deed {
    /// Who reads such transactions.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Transfer { .. } | Self::Payment | Self::Erc20 { .. } => Kind::Ethereum,
            Self::Count { .. } => Kind::Fvm,
        }
    }
}

/// Signs `count` transactions of the senders in turn, each with its nonces from `nonces` on.
///
/// # Errors
/// [`FvmRejected`] for terms out of bounds.
pub fn load(deed: &Deed, terms: Terms, senders: &[Account], nonces: &[u64], count: usize) -> Result<Load, FvmRejected> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let one = |index: usize| {
        let (sender, round) = (index % senders.len(), index / senders.len());
        let nonce = nonces[sender].saturating_add(number(round));
        let transaction = transaction(deed, terms, senders, sender, nonce, index)?;
        Ok(signed(&transaction, u32::try_from(sender).unwrap_or(u32::MAX)))
    };
    let part = count.div_ceil(threads).max(1);
    let parts: Vec<Result<Vec<Signed>, FvmRejected>> = thread::scope(|scope| {
        let starts = (0..count).step_by(part);
        let one = &one;
        let workers: Vec<_> =
            starts.map(|start| scope.spawn(move || (start..count.min(start + part)).map(one).collect())).collect();
        workers.into_iter().map(|worker| worker.join().expect("signing does not panic")).collect()
    });
    let transactions = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let kind = deed.kind();
    let fee_cap = (kind == Kind::Ethereum).then_some(terms.fees.cap);
    Ok(Load { kind, senders: u32::try_from(senders.len()).unwrap_or(u32::MAX), fee_cap, transactions })
}

/// A load of one sender: what set-up does.
#[must_use]
pub fn alone(kind: Kind, transactions: &[Transaction]) -> Load {
    Load {
        kind,
        senders: 1,
        fee_cap: None,
        transactions: transactions.iter().map(|transaction| signed(transaction, 0)).collect(),
    }
}

fn transaction(
    deed: &Deed,
    terms: Terms,
    senders: &[Account],
    sender: usize,
    nonce: u64,
    index: usize,
) -> Result<Transaction, FvmRejected> {
    let key = &senders[sender].key;
    Ok(match deed {
        Deed::Transfer { series } => transfer(terms, key, nonce, recipient(*series, number(index)), 1),
        Deed::Payment => transfer(terms, key, nonce, other(senders, sender, index).eth, 1),
        Deed::Erc20 { contract, token } => {
            let to = other(senders, sender, index).eth;
            invoke(terms, key, nonce, Some(*contract), token.transfer(to, 1))
        }
        Deed::Count { actors } => {
            let to = Address::new_id(actors[index % actors.len()]);
            message(terms, key, nonce, to, INCREMENT, Vec::new())?
        }
    })
}

/// Whom a sender sends to: another one each time, and never itself unless it is alone.
fn other(senders: &[Account], sender: usize, index: usize) -> &Account {
    let step = 1 + (index / senders.len()) % senders.len().saturating_sub(1).max(1);
    &senders[(sender + step) % senders.len()]
}

/// A transfer of so many wei.
#[must_use]
pub fn transfer(terms: Terms, key: &SecpSecretKey, nonce: u64, to: EthAddress, wei: u128) -> Transaction {
    ethereum(terms, key, nonce, TxKind::Call(EvmAddress::from(to.0)), U256::from(wei), Vec::new())
}

/// A call of a contract, or the creation of one.
#[must_use]
pub fn invoke(
    terms: Terms,
    key: &SecpSecretKey,
    nonce: u64,
    contract: Option<EthAddress>,
    input: Vec<u8>,
) -> Transaction {
    let to = contract.map_or(TxKind::Create, |contract| TxKind::Call(EvmAddress::from(contract.0)));
    ethereum(terms, key, nonce, to, U256::ZERO, input)
}

/// A message to an actor.
///
/// # Errors
/// [`FvmRejected`] for terms out of bounds.
pub fn message(
    terms: Terms,
    key: &SecpSecretKey,
    nonce: u64,
    to: Address,
    method: MethodNum,
    params: Vec<u8>,
) -> Result<Transaction, FvmRejected> {
    let message = Message {
        version: 0,
        from: to,
        to,
        sequence: nonce,
        value: TokenAmount::default(),
        method_num: method,
        params: RawBytes::new(params),
        gas_limit: terms.gas,
        gas_fee_cap: TokenAmount::from_atto(terms.fees.cap),
        gas_premium: TokenAmount::from_atto(terms.fees.tip),
    };
    Ok(Transaction::Fvm(FvmTransaction::sign(message, key, terms.chain_id)?.into()))
}

fn ethereum(terms: Terms, key: &SecpSecretKey, nonce: u64, to: TxKind, value: U256, input: Vec<u8>) -> Transaction {
    let unsigned = TxEip1559 {
        chain_id: terms.chain_id,
        nonce,
        gas_limit: terms.gas,
        max_fee_per_gas: terms.fees.cap,
        max_priority_fee_per_gas: terms.fees.tip,
        to,
        value,
        access_list: Default::default(),
        input: Bytes::from(input),
    };
    Transaction::Ethereum(EthereumTransaction::sign(unsigned, key).into())
}

/// The account number `number` of a series.
fn recipient(series: u64, number: u64) -> EthAddress {
    let mut address = [0; 20];
    address[..4].copy_from_slice(&RECIPIENT);
    address[4..12].copy_from_slice(&series.to_be_bytes());
    address[12..].copy_from_slice(&number.to_be_bytes());
    EthAddress(address)
}

fn signed(transaction: &Transaction, sender: u32) -> Signed {
    Signed { hash: transaction.hash(), raw: format!("0x{}", hex::encode(transaction.raw())).into(), sender }
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::accounts::senders;

    const TERMS: Terms = Terms { chain_id: 7, gas: 100_000, fees: Fees { cap: 9, tip: 1 } };

    fn decoded(signed: &Signed) -> Transaction {
        Transaction::decode(&hex::decode(&signed.raw[2..]).unwrap(), 7).unwrap()
    }

    #[test]
    fn every_transaction_reads_back_with_its_senders_next_nonce() {
        let senders = senders(3);
        let token = Token::compiled();
        for deed in [
            Deed::Transfer { series: 1 },
            Deed::Payment,
            Deed::Erc20 { contract: EthAddress([9; 20]), token },
            Deed::Count { actors: vec![100, 101] },
        ] {
            let load = load(&deed, TERMS, &senders, &[5, 0, 40], 7).unwrap();
            let nonces: Vec<_> = load.transactions.iter().map(|signed| decoded(signed).nonce()).collect();
            assert_eq!(nonces, [5, 0, 40, 6, 1, 41, 7]);
            for signed in &load.transactions {
                let transaction = decoded(signed);
                let sender = &senders[usize::try_from(signed.sender).unwrap()];
                assert_eq!(transaction.hash(), signed.hash);
                assert_eq!(transaction.sender(), sender.address(load.kind));
            }
        }
    }

    #[test]
    fn transfers_go_to_accounts_of_their_own() {
        let senders = senders(2);
        let to = |series| {
            let load = load(&Deed::Transfer { series }, TERMS, &senders, &[0, 0], 50).unwrap();
            load.transactions.iter().map(|signed| signed.raw.clone()).collect::<BTreeSet<_>>()
        };
        assert_eq!((to(1).len(), to(1).is_disjoint(&to(2))), (50, true));
    }

    #[test]
    fn tokens_go_to_another_sender() {
        let senders = senders(3);
        let token = Token::compiled();
        let deed = Deed::Erc20 { contract: EthAddress([9; 20]), token };
        for signed in load(&deed, TERMS, &senders, &[0; 3], 12).unwrap().transactions {
            let Transaction::Ethereum(transaction) = decoded(&signed) else { panic!("an Ethereum transaction") };
            use alloy_consensus::Transaction as _;
            let to = EthAddress(transaction.envelope().input()[16..36].try_into().unwrap());
            assert_ne!(to, transaction.sender());
            assert!(senders.iter().any(|sender| sender.eth == to));
        }
    }
}
