//! Who has nothing to do with whom: a guess, by what transactions say of themselves and by what earlier blocks showed.
//!
//! | a transaction | goes with |
//! |---|---|
//! | of any kind | the others of its sender |
//! | that moves value and no more | its receiver's |
//! | that calls | those of everybody whom a word of its call data could name |
//! | that calls somebody whose calls met lately | all calls of the same |
//! | that makes a contract | all that make one: they ask for ids |
//!
//! What goes with each other goes in one lane. Lanes get the same weight, by gas limits, as far as that can be; where it cannot there
//! are no lanes. The call data of an ERC-20 transfer names the receiver, and so does that of most contracts that keep something for
//! somebody. Of those that keep one thing for all, such as a pool's reserves, the first collision tells.
//!
//! Nothing here changes a result: [`tributary_parallel::in_lanes`] finds out where a guess was wrong.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use alloy_consensus::Transaction as _;
use foldhash::fast::RandomState;
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;
use tributary_message::{EthereumTransaction, Transaction};
use tributary_primitives::EthAddress;

/// Words of call data that are looked at: as many as name somebody in most calls.
const WORDS_MAX: usize = 8;
/// Bytes of a call's selector, and of each word behind it.
const SELECTOR_BYTES: usize = 4;
const WORD_BYTES: usize = 32;

/// A lane may weigh so many quarters of what it would if all weighed the same.
const QUARTERS_MAX: u128 = 6;

/// Callees that are remembered.
const CALLEES_MAX: usize = 16_384;
/// Blocks for which a callee is remembered when its calls met, at first and at most: twice as long each time they meet again. Long from the
/// start: to forget one too early costs most of a block, to remember one for nothing costs no more than lanes for its calls.
const BLOCKS_MIN: u64 = 256;
const BLOCKS_MAX: u64 = 16_384;

/// Whose calls met lately, and how to name them. Of one node.
#[derive(Debug, Default)]
pub(crate) struct Meetings {
    callees: HashMap<Name, Meeting, RandomState>,
    /// Blocks that were planned.
    blocks: u64,
    /// Seeded anew in every process: names are chosen by strangers.
    hasher: RandomState,
}

/// Who sends, receives or is called. Two with one name cost a lane, no more.
type Name = u64;

#[derive(Clone, Copy, Debug)]
struct Meeting {
    until: u64,
    blocks: u64,
}

impl Meetings {
    /// Up to `most` lanes of a block's transactions, each in ascending order; `None` where that would be no gain.
    pub(in crate::executor) fn plan(
        &mut self,
        transactions: &[Transaction],
        weight: impl Fn(usize) -> u64,
        most: usize,
    ) -> Option<Vec<Vec<usize>>> {
        self.blocks += 1;
        let mut groups = Groups::default();
        let of_sender: Vec<_> = transactions.iter().map(|transaction| self.group(transaction, &mut groups)).collect();
        let roots: Vec<_> = of_sender.into_iter().map(|group| groups.root(group)).collect();
        let mut weights = vec![0_u128; groups.parents.len()];
        roots.iter().enumerate().for_each(|(index, root)| weights[*root] += u128::from(weight(index).max(1)));
        let lanes = spread(&weights, most)?;
        let mut turns = vec![Vec::new(); most];
        roots.iter().enumerate().for_each(|(index, root)| turns[lanes[*root]].push(index));
        Some(turns)
    }

    /// Remembers that transactions collided which were not to have anything to do with each other.
    pub(in crate::executor) fn learn(&mut self, transactions: &[Transaction], collisions: &[[usize; 2]]) {
        if self.callees.len() + 2 * collisions.len() > CALLEES_MAX {
            self.callees.clear();
        }
        for index in collisions.iter().flatten() {
            let Some(callee) = transactions.get(*index).and_then(|transaction| self.callee(transaction)) else {
                continue;
            };
            let now = self.blocks;
            let meeting = self.callees.entry(callee).or_insert(Meeting { until: 0, blocks: BLOCKS_MIN / 2 });
            if meeting.until <= now {
                let blocks = (meeting.blocks * 2).min(BLOCKS_MAX);
                *meeting = Meeting { until: now + blocks, blocks };
            }
        }
    }

    fn group(&self, transaction: &Transaction, groups: &mut Groups) -> usize {
        match transaction {
            Transaction::Ethereum(transaction) => {
                let sender = groups.of(self.name(transaction.sender()));
                self.others(transaction, |name| groups.join(sender, name));
                sender
            }
            Transaction::Fvm(transaction) => {
                let message = transaction.message();
                let sender = groups.of(self.name_of(&message.from));
                let callee = self.name_of(&message.to);
                if message.method_num == METHOD_SEND || self.meet(callee) {
                    groups.join(sender, callee);
                }
                sender
            }
        }
    }

    fn others(&self, transaction: &EthereumTransaction, mut join: impl FnMut(Name)) {
        let Some(callee) = transaction.to() else { return join(Name::MAX) };
        let callee = self.name(callee);
        if transaction.is_bare() || self.meet(callee) {
            join(callee);
        }
        let input = transaction.envelope().input();
        let words = input.get(SELECTOR_BYTES..).unwrap_or_default().chunks_exact(WORD_BYTES).take(WORDS_MAX);
        words.filter_map(address_in).for_each(|address| join(self.name(address)));
    }

    fn meet(&self, callee: Name) -> bool {
        self.callees.get(&callee).is_some_and(|meeting| meeting.until > self.blocks)
    }

    fn callee(&self, transaction: &Transaction) -> Option<Name> {
        match transaction {
            Transaction::Ethereum(transaction) => transaction.to().map(|to| self.name(to)),
            Transaction::Fvm(transaction) => Some(self.name_of(&transaction.message().to)),
        }
    }

    fn name_of(&self, address: &Address) -> Name {
        EthAddress::from_address(address).map_or_else(|| self.hash(address), |address| self.name(address))
    }

    fn name(&self, address: EthAddress) -> Name {
        self.hash(address.0)
    }

    fn hash(&self, of: impl Hash) -> Name {
        self.hasher.hash_one(of)
    }
}

/// The address in a word that looks like one: not a number of less than 12 bytes.
fn address_in(word: &[u8]) -> Option<EthAddress> {
    let (zeros, address) = word.split_first_chunk::<12>()?;
    let address: [u8; 20] = address.try_into().ok()?;
    (*zeros == [0; 12] && address[..8] != [0; 8]).then_some(EthAddress(address))
}

/// Which names go with each other: a union-find forest.
#[derive(Default)]
struct Groups {
    known: HashMap<Name, usize, RandomState>,
    parents: Vec<usize>,
}

impl Groups {
    fn of(&mut self, name: Name) -> usize {
        let next = self.parents.len();
        let group = *self.known.entry(name).or_insert(next);
        if group == next {
            self.parents.push(next);
        }
        group
    }

    /// Source: path halving, Tarjan and van Leeuwen, "Worst-case Analysis of Set Union Algorithms".
    fn root(&mut self, mut group: usize) -> usize {
        while self.parents[group] != group {
            self.parents[group] = self.parents[self.parents[group]];
            group = self.parents[group];
        }
        group
    }

    fn join(&mut self, group: usize, name: Name) {
        let (one, other) = (self.root(group), self.of(name));
        let other = self.root(other);
        // The later one below the earlier one, so that the forest does not depend on a seed.
        self.parents[one.max(other)] = one.min(other);
    }
}

/// The lane of each group, by weights, the heaviest first and each to the lightest lane; `None` when that leaves one too heavy. What
/// weighs nothing may be anywhere.
fn spread(weights: &[u128], most: usize) -> Option<Vec<usize>> {
    let mut heaviest_first: Vec<_> = (0..weights.len()).filter(|group| weights[*group] > 0).collect();
    heaviest_first.sort_unstable_by_key(|group| (std::cmp::Reverse(weights[*group]), *group));
    let (mut lanes, mut loads) = (vec![0; weights.len()], vec![0_u128; most]);
    for group in heaviest_first {
        let lightest = (0..most).min_by_key(|lane| loads[*lane])?;
        lanes[group] = lightest;
        loads[lightest] += weights[group];
    }
    let (all, heaviest) = (loads.iter().sum::<u128>(), loads.into_iter().max()?);
    (heaviest * u128::try_from(most).ok()? * 4 <= all * QUARTERS_MAX).then_some(lanes)
}
