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
use tributary_workloads::actors::{DO_SCRIPT, INCREMENT, KV_TRANSFER, kv_amount};
use tributary_workloads::contract::{Caller, Token};
use tributary_workloads::draw::Draw;
use tributary_workloads::pairs::{Chooser, Pairs};
use tributary_workloads::pools::Pools;

use crate::accounts::Account;
use crate::fees::Fees;
use crate::words::{ByKind, Kind, Load, Signed};

/// Gas of a plain transfer. Source: Ethereum Yellow Paper, appendix G.
pub const TRANSFER_GAS: u64 = 21_000;
/// First bytes of the accounts that transfers go to: far from precompiles and from masked actor ids.
const RECIPIENT: [u8; 4] = *b"load";

/// What a transaction pays, and where.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// In the gas of its kind.
    pub gas: u64,
    /// For that gas.
    pub fees: Fees,
}

/// One of the transactions that come in turn: what it does, and what it pays.
#[derive(Clone, Debug)]
pub struct Task {
    /// What it does.
    pub deed: Deed,
    /// What it pays.
    pub terms: Terms,
}

/// What transactions do.
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
    /// Swaps of a little, pool and direction at random.
    Swap {
        /// The pools.
        pools: Pools,
    },
    /// Calls of these actors in turn.
    Count {
        /// The counters.
        actors: Vec<ActorID>,
    },
    /// One each of a token whose balances are entries, from sender to sender.
    KvTransfer {
        /// The token.
        actor: ActorID,
    },
    /// Calls of an actor that computes.
    Compute {
        /// The actor.
        actor: ActorID,
        /// What it is to do.
        params: Vec<u8>,
    },
    /// Calls of a contract that calls these actors in turn.
    Cross {
        /// The contract.
        contract: EthAddress,
        /// How it is called.
        caller: Caller,
        /// The counters.
        actors: Vec<ActorID>,
    },
}

impl Deed {
    /// Who reads such transactions.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Transfer { .. } | Self::Payment | Self::Erc20 { .. } | Self::Swap { .. } | Self::Cross { .. } => {
                Kind::Ethereum
            }
            Self::Count { .. } | Self::KvTransfer { .. } | Self::Compute { .. } => Kind::Fvm,
        }
    }
}

/// A transaction that is to be signed.
struct Turn {
    /// Its place in the load.
    index: usize,
    sender: usize,
    receiver: usize,
    nonce: u64,
}

/// Signs `count` transactions: `tasks` in turn, between the senders as `pairs` says, each sender's with its nonces from `nonces` on.
///
/// # Errors
/// [`FvmRejected`] for terms out of bounds.
pub fn load(
    tasks: &[Task],
    pairs: Option<Pairs>,
    senders: &[Account],
    nonces: ByKind<Vec<u64>>,
    count: usize,
) -> Result<Load, FvmRejected> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let turns = turns(tasks, pairs, senders.len(), nonces, count);
    let one = |turn: &Turn| {
        let transaction = transaction(&tasks[turn.index % tasks.len()], senders, turn)?;
        Ok(signed(&transaction, u32::try_from(turn.sender).unwrap_or(u32::MAX)))
    };
    let parts: Vec<Result<Vec<Signed>, FvmRejected>> = thread::scope(|scope| {
        let one = &one;
        let parts = turns.chunks(count.div_ceil(threads).max(1));
        let workers: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(one).collect())).collect();
        workers.into_iter().map(|worker| worker.join().expect("signing does not panic")).collect()
    });
    let transactions = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let ethereum = tasks.iter().find(|task| task.deed.kind() == Kind::Ethereum);
    let fee_cap = ethereum.map(|task| task.terms.fees.cap);
    Ok(Load { senders: u32::try_from(senders.len()).unwrap_or(u32::MAX), fee_cap, transactions })
}

/// A load of one sender: what set-up does.
#[must_use]
pub fn alone(transactions: &[Transaction]) -> Load {
    Load {
        senders: 1,
        fee_cap: None,
        transactions: transactions.iter().map(|transaction| signed(transaction, 0)).collect(),
    }
}

/// Who sends to whom, and the sender's nonce. Cost: some 50 ns each.
fn turns(
    tasks: &[Task],
    pairs: Option<Pairs>,
    senders: usize,
    mut nonces: ByKind<Vec<u64>>,
    count: usize,
) -> Vec<Turn> {
    let mut drawn = pairs.map(|pairs| (pairs, Chooser::new(senders)));
    let turn = |index: usize| {
        let (sender, receiver) = match &mut drawn {
            Some((pairs, chooser)) => chooser.pair(*pairs, index),
            None => in_turn(senders, index),
        };
        let next = &mut nonces.of(tasks[index % tasks.len()].deed.kind())[sender];
        let nonce = *next;
        *next = nonce.saturating_add(1);
        Turn { index, sender, receiver, nonce }
    };
    (0..count).map(turn).collect()
}

/// Senders in turn. Each sends to another one each time, and never to itself unless it is alone.
fn in_turn(senders: usize, index: usize) -> (usize, usize) {
    let sender = index % senders;
    let step = 1 + (index / senders) % senders.saturating_sub(1).max(1);
    (sender, (sender + step) % senders)
}

fn transaction(task: &Task, senders: &[Account], turn: &Turn) -> Result<Transaction, FvmRejected> {
    let (index, nonce, terms) = (turn.index, turn.nonce, task.terms);
    let (key, receiver) = (&senders[turn.sender].key, &senders[turn.receiver]);
    let to = receiver.eth;
    Ok(match &task.deed {
        Deed::Transfer { series } => transfer(terms, key, nonce, recipient(*series, number(index)), 1),
        Deed::Payment => transfer(terms, key, nonce, to, 1),
        Deed::Erc20 { contract, token } => invoke(terms, key, nonce, Some(*contract), token.transfer(to, 1)),
        Deed::Swap { pools } => {
            // Drawn from its place, so that it does not depend on which thread signs it.
            let mut draw = Draw::new(number(index));
            let (pool, swap) = pools.swap(pools.count(), |bound| draw.below(bound));
            invoke(terms, key, nonce, Some(pool), swap)
        }
        Deed::Count { actors } => {
            message(terms, key, nonce, Address::new_id(one_of(actors, index)), INCREMENT, Vec::new())?
        }
        Deed::KvTransfer { actor } => {
            message(terms, key, nonce, Address::new_id(*actor), KV_TRANSFER, kv_amount(receiver.f1, 1))?
        }
        Deed::Compute { actor, params } => {
            message(terms, key, nonce, Address::new_id(*actor), DO_SCRIPT, params.clone())?
        }
        Deed::Cross { contract, caller, actors } => {
            invoke(terms, key, nonce, Some(*contract), caller.increment(one_of(actors, index)))
        }
    })
}

fn one_of(actors: &[ActorID], index: usize) -> ActorID {
    actors[index % actors.len()]
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
    let kind = match transaction {
        Transaction::Ethereum(_) => Kind::Ethereum,
        Transaction::Fvm(_) => Kind::Fvm,
    };
    Signed { kind, hash: transaction.hash(), raw: format!("0x{}", hex::encode(transaction.raw())).into(), sender }
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_consensus::Transaction as _;

    use super::*;
    use crate::accounts::senders;

    const TERMS: Terms = Terms { chain_id: 7, gas: 100_000, fees: Fees { cap: 9, tip: 1 } };
    const CONTRACT: EthAddress = EthAddress([9; 20]);

    fn erc20() -> Deed {
        Deed::Erc20 { contract: CONTRACT, token: Token::compiled().unwrap() }
    }

    fn swap(count: usize) -> Deed {
        Deed::Swap { pools: Pools::founded_by(CONTRACT, 0, count, &[]).unwrap().0 }
    }

    fn count() -> Deed {
        Deed::Count { actors: vec![100, 101] }
    }

    fn load_of(deeds: &[Deed], pairs: Option<Pairs>, senders: &[Account], count: usize) -> Load {
        let tasks: Vec<_> = deeds.iter().map(|deed| Task { deed: deed.clone(), terms: TERMS }).collect();
        let from = |first: u64| (0..senders.len()).map(|sender| first + number(sender)).collect();
        load(&tasks, pairs, senders, ByKind { ethereum: from(5), fvm: from(40) }, count).unwrap()
    }

    fn decoded(signed: &Signed) -> Transaction {
        Transaction::decode(&hex::decode(&signed.raw[2..]).unwrap(), 7).unwrap()
    }

    /// Whom an Ethereum transaction calls, and what it says.
    fn called(signed: &Signed) -> (EthAddress, Vec<u8>) {
        let Transaction::Ethereum(transaction) = decoded(signed) else { panic!("an Ethereum transaction") };
        let envelope = transaction.envelope();
        (EthAddress(envelope.to().unwrap().into_array()), envelope.input().to_vec())
    }

    fn receiver(signed: &Signed) -> EthAddress {
        EthAddress(called(signed).1[16..36].try_into().unwrap())
    }

    #[test]
    fn every_transaction_reads_back_with_its_senders_next_nonce() {
        let senders = senders(3);
        let cross = Deed::Cross { contract: CONTRACT, caller: Caller::compiled().unwrap(), actors: vec![100] };
        for (deed, nonces) in [
            (Deed::Transfer { series: 1 }, [5, 6, 7, 6, 7, 8, 7]),
            (Deed::Payment, [5, 6, 7, 6, 7, 8, 7]),
            (erc20(), [5, 6, 7, 6, 7, 8, 7]),
            (swap(2), [5, 6, 7, 6, 7, 8, 7]),
            (cross, [5, 6, 7, 6, 7, 8, 7]),
            (count(), [40, 41, 42, 41, 42, 43, 42]),
            (Deed::KvTransfer { actor: 100 }, [40, 41, 42, 41, 42, 43, 42]),
            (Deed::Compute { actor: 100, params: vec![1] }, [40, 41, 42, 41, 42, 43, 42]),
        ] {
            let load = load_of(std::slice::from_ref(&deed), None, &senders, 7);
            let told: Vec<_> = load.transactions.iter().map(|signed| decoded(signed).nonce()).collect();
            assert_eq!(told, nonces, "{deed:?}");
            for signed in &load.transactions {
                let transaction = decoded(signed);
                let sender = &senders[usize::try_from(signed.sender).unwrap()];
                assert_eq!((transaction.hash(), signed.kind), (signed.hash, deed.kind()));
                assert_eq!(transaction.sender(), sender.address(signed.kind));
            }
        }
    }

    #[test]
    fn what_comes_in_turn_counts_its_own_nonces() {
        let load = load_of(&[erc20(), count()], None, &senders(3), 6);
        let told = load.transactions.iter().map(|signed| (signed.kind, signed.sender, decoded(signed).nonce()));
        let (call, message) = (Kind::Ethereum, Kind::Fvm);
        let expected = [(call, 0, 5), (message, 1, 41), (call, 2, 7), (message, 0, 40), (call, 1, 6), (message, 2, 42)];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(load.fee_cap, Some(TERMS.fees.cap));
        assert_eq!(load_of(&[count()], None, &senders(3), 6).fee_cap, None);
    }

    #[test]
    fn transfers_go_to_accounts_of_their_own() {
        let senders = senders(2);
        let to = |series| {
            let load = load_of(&[Deed::Transfer { series }], None, &senders, 50);
            load.transactions.iter().map(|signed| signed.raw.clone()).collect::<BTreeSet<_>>()
        };
        assert_eq!((to(1).len(), to(1).is_disjoint(&to(2))), (50, true));
    }

    #[test]
    fn tokens_go_to_another_sender() {
        let senders = senders(3);
        let drawn = [Pairs::Own, Pairs::Zipf, Pairs::OneReceiver, Pairs::OneSender, Pairs::Chain];
        for pairs in drawn.map(Some).into_iter().chain([None]) {
            for signed in load_of(&[erc20()], pairs, &senders, 12).transactions {
                let to = receiver(&signed);
                assert_ne!(to, senders[usize::try_from(signed.sender).unwrap()].eth);
                assert!(senders.iter().any(|sender| sender.eth == to));
            }
        }
    }

    #[test]
    fn one_receiver_gets_everything_and_zipfs_first_gets_most() {
        let senders = senders(20);
        let of_first = |pairs| {
            let all = load_of(&[erc20()], pairs, &senders, 200).transactions;
            all.iter().filter(|signed| receiver(signed) == senders[0].eth).count()
        };
        let (all, zipf, in_turn) = (of_first(Some(Pairs::OneReceiver)), of_first(Some(Pairs::Zipf)), of_first(None));
        assert_eq!((all, in_turn), (200, 10));
        // Of 20 by Zipf's law the first gets 1/3.6, the harmonic number of 20.
        assert!((40..70).contains(&zipf), "{zipf}");
    }

    #[test]
    fn tokens_that_are_entries_go_to_the_f1_account_of_the_other_of_two() {
        let senders = senders(4);
        let load = load_of(&[Deed::KvTransfer { actor: 100 }], Some(Pairs::Own), &senders, 4);
        for (signed, [from, to]) in load.transactions.iter().zip([[0, 1], [2, 3], [0, 1], [2, 3]]) {
            let Transaction::Fvm(transaction) = decoded(signed) else { panic!("a message") };
            let message = transaction.message();
            assert_eq!((message.from, message.method_num), (senders[from].f1, KV_TRANSFER));
            assert_eq!(message.params.bytes(), kv_amount(senders[to].f1, 1));
        }
    }

    #[test]
    fn swaps_are_of_all_pools_in_both_directions() {
        let all = load_of(&[swap(10)], None, &senders(2), 300).transactions;
        let seen: BTreeSet<_> = all.iter().map(called).map(|(pool, input)| (pool.0, input[35])).collect();
        assert_eq!(seen.len(), 20);
    }
}
