//! Blocks on several threads leave what blocks in order leave: receipts, gas, root, and blocks of state in the store.
//!
//! The blocks are made to collide: few slots, few actors, deployments and first transfers that ask for ids, accounts that change whom
//! they delegate to, gas that ends in the middle of a block.
//!
//! | module | tests |
//! |---|---|
//! | `faults` | a store that breaks in the middle of a block |
//! | `leaves` | leaves that are read by several threads at once |
//! | `lessons` | what went wrong in other executors |

mod faults;
mod leaves;
mod lessons;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore as _;
use fvm_ipld_encoding::to_vec;
use fvm_shared::address::Address;
use proptest::prelude::*;
use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use super::world::*;
use crate::block::{BlockEnv, BlockRun};
use crate::executor::{Hints, Workers};
use crate::state::MemoryStore;
use crate::{ReadState as _, Stats};

/// Reads the slot that the first word names; stores one more at the slot that the second names, unless the last three bits are set.
const MIXER: &[u8] = &[
    0x5f, 0x35, 0x54, 0x80, 0x60, 0x07, 0x16, 0x60, 0x07, 0x14, 0x60, 0x15, 0x57, // if sload(a) & 7 == 7 revert
    0x60, 0x01, 0x01, 0x60, 0x20, 0x35, 0x55, 0x00, // sstore(b, sload(a) + 1)
    0x5b, 0x5f, 0x5f, 0xfd,
];

/// `create2(0, call data, 0)`.
const FACTORY: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x36, 0x5f, 0x5f, 0xf5, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// Init code that destroys what it makes, for the caller.
const GONE: &[u8] = &[0x33, 0xff];

/// Senders of each kind.
const SENDERS: u8 = 8;

/// Accounts that delegate and never send.
const AUTHORITIES: u8 = 3;

/// Transactions ahead of the frontier: none, an odd few, a node's with one worker, and more than a block has.
const WINDOWS: [usize; 4] = [1, 3, 16, 1_000];

/// Block gas that no block here uses up.
const PLENTY: u64 = 100_000_000;

/// One transaction, by parties' numbers.
#[derive(Clone, Debug)]
enum Act {
    Pay {
        to: u8,
        value: u128,
    },
    Keep {
        slot: u64,
        value: u64,
    },
    Mix {
        from: u64,
        to: u64,
    },
    MixThrough {
        from: u64,
        to: u64,
    },
    Deploy {
        destroyed: bool,
    },
    Create2 {
        variant: u8,
    },
    Delegate {
        authority: u8,
        to: u8,
    },
    CallAuthority {
        authority: u8,
        from: u64,
        to: u64,
    },
    Actor {
        actor: usize,
        method: u64,
    },
    /// Of an actor that keeps entries: what its method number says.
    Entry {
        actor: usize,
        method: u64,
    },
    PayByMessage {
        to: u8,
        value: u128,
    },
    Proxy {
        method: u64,
    },
}

#[derive(Clone, Debug)]
struct Sent {
    by: u8,
    /// From which of the sender's accounts, if it is a message: f1, f3, f410.
    account: u8,
    /// How far its nonce is ahead of what it should be.
    gap: u64,
    gas_limit: u64,
    act: Act,
}

/// Where every block starts.
struct Start {
    world: World,
    keeper: EthAddress,
    mixer: EthAddress,
    forwarder: EthAddress,
    factory: EthAddress,
    actors: Vec<Address>,
    keepers: Vec<Address>,
    proxy: Address,
}

static START: LazyLock<Start> = LazyLock::new(|| {
    let mut world = World::new();
    let made = [KEEPER, MIXER, FORWARDER, FACTORY].map(|code| {
        let nonce = world.tree().nonce(&alice().eth_address().to_address()).unwrap();
        world.deploy(nonce, code)
    });
    let [keeper, mixer, forwarder, factory] = made;
    let actors = (0..3).map(|nonce| world.exec(nonce)).collect();
    let proxy = world.exec_code(3, proxy_code());
    let keepers = (4..6).map(|nonce| world.exec_code(nonce, keeper_code())).collect();
    let share = RICH / 100;
    let paid: Vec<_> =
        (0..SENDERS).map(|by| send(&alice(), 4 + u64::from(by), sender(by).eth_address(), share, vec![])).collect();
    world.block(&paid);
    let paid: Vec<_> = (0..SENDERS)
        .map(|by| message(&carol(), 6 + u64::from(by), sender(by).f1_address(), 0, vec![], share))
        .collect();
    world.block(&paid);
    let paid: Vec<_> = (0..SENDERS)
        .map(|by| message(&carol(), 6 + u64::from(SENDERS + by), Account::F3(100 + by).address(), 0, vec![], share))
        .collect();
    world.block(&paid);
    Start { world, keeper, mixer, forwarder, factory, actors, keepers, proxy }
});

fn sender(by: u8) -> SecpSecretKey {
    key(100 + by)
}

fn authority(number: u8) -> SecpSecretKey {
    key(200 + number)
}

fn act() -> impl Strategy<Value = Act> {
    let slot = || 0..4_u64;
    prop_oneof![
        4 => (0..SENDERS * 2, 0..3_u128).prop_map(|(to, value)| Act::Pay { to, value }),
        2 => (slot(), 0..3_u64).prop_map(|(slot, value)| Act::Keep { slot, value }),
        6 => (slot(), slot()).prop_map(|(from, to)| Act::Mix { from, to }),
        2 => (slot(), slot()).prop_map(|(from, to)| Act::MixThrough { from, to }),
        1 => any::<bool>().prop_map(|destroyed| Act::Deploy { destroyed }),
        1 => (0..3_u8).prop_map(|variant| Act::Create2 { variant }),
        2 => (0..AUTHORITIES, 0..3_u8).prop_map(|(authority, to)| Act::Delegate { authority, to }),
        2 => (0..AUTHORITIES, slot(), slot()).prop_map(|(authority, from, to)| Act::CallAuthority { authority, from, to }),
        3 => (0..3_usize, 2..10_u64).prop_map(|(actor, method)| Act::Actor { actor, method }),
        4 => (0..2_usize, 16..80_u64).prop_map(|(actor, method)| Act::Entry { actor, method }),
        2 => (0..SENDERS * 2, 0..3_u128).prop_map(|(to, value)| Act::PayByMessage { to, value }),
        1 => (2..10_u64).prop_map(|method| Act::Proxy { method }),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let gas_limit = prop_oneof![8 => Just(400_000), 1 => Just(45_000), 1 => Just(21_000)];
    let gap = prop_oneof![20 => Just(0), 1 => Just(1)];
    let sent = (0..SENDERS, 0..3_u8, gap, gas_limit, act());
    sent.prop_map(|(by, account, gap, gas_limit, act)| Sent { by, account, gap, gas_limit, act })
}

/// Nonces by sender: of Ethereum accounts, of f1, of f3, of authorities.
#[derive(Default)]
struct Nonces {
    ethereum: BTreeMap<u8, u64>,
    f1: BTreeMap<u8, u64>,
    f3: BTreeMap<u8, u64>,
    authority: BTreeMap<u8, u64>,
}

impl Sent {
    fn sign(&self, nonces: &mut Nonces) -> Transaction {
        let start = &*START;
        let message = |nonces: &mut Nonces, to: Address, method, params, value| {
            let seed = 100 + self.by;
            let (account, of_account) = match self.account {
                0 => (Account::F1(seed), &mut nonces.f1),
                1 => (Account::F3(seed), &mut nonces.f3),
                _ => (Account::F410(seed), &mut nonces.ethereum),
            };
            account.message(self.nonce(of_account), to, method, params, value)
        };
        match &self.act {
            Act::Pay { to, value } => self.ethereum(nonces, Some(sender(*to).eth_address()), *value, vec![]),
            Act::Keep { slot, value } => self.ethereum(nonces, Some(start.keeper), 0, words(&[*slot, *value])),
            Act::Mix { from, to } => self.ethereum(nonces, Some(start.mixer), 0, words(&[*from, *to])),
            Act::MixThrough { from, to } => {
                let input = [&[0; 12][..], &start.mixer.0, &words(&[*from, *to])].concat();
                self.ethereum(nonces, Some(start.forwarder), 0, input)
            }
            Act::Deploy { destroyed: true } => self.ethereum(nonces, None, 1, GONE.to_vec()),
            Act::Deploy { destroyed: false } => self.ethereum(nonces, None, 0, init_code(KEEPER)),
            Act::Create2 { variant } => {
                let input = init_code(&[KEEPER, &[*variant]].concat());
                self.ethereum(nonces, Some(start.factory), 0, input)
            }
            Act::Delegate { authority: number, to } => {
                let nonce = self.nonce(&mut nonces.ethereum);
                let authority_nonce = nonces.authority.entry(*number).or_default();
                *authority_nonce += 1;
                let to = [start.keeper, start.mixer, EthAddress([0; 20])][usize::from(*to)];
                set_code(&sender(self.by), nonce, (&authority(*number), *authority_nonce - 1), to, words(&[1, 2]))
            }
            Act::CallAuthority { authority: number, from, to } => {
                self.ethereum(nonces, Some(authority(*number).eth_address()), 0, words(&[*from, *to]))
            }
            Act::Actor { actor, method } => message(nonces, start.actors[*actor], *method, vec![], 0),
            Act::Entry { actor, method } => message(nonces, start.keepers[*actor], *method, vec![], 0),
            Act::PayByMessage { to, value } => message(nonces, sender(*to).f1_address(), 0, vec![], *value),
            Act::Proxy { method } => {
                let callee = start.actors[0].to_bytes();
                let length = u8::try_from(callee.len()).unwrap();
                let params = [&[length][..], &callee, &method.to_le_bytes(), &to_vec(&0).unwrap()].concat();
                message(nonces, start.proxy, 2, params, 0)
            }
        }
    }

    fn nonce(&self, nonces: &mut BTreeMap<u8, u64>) -> u64 {
        let next = nonces.entry(self.by).or_default();
        let nonce = *next + self.gap;
        // One that is ahead does not run, and uses up nothing.
        *next += 1 - self.gap;
        nonce
    }

    fn ethereum(&self, nonces: &mut Nonces, to: Option<EthAddress>, value: u128, input: Vec<u8>) -> Transaction {
        let nonce = self.nonce(&mut nonces.ethereum);
        let unsigned = unsigned(nonce, to, value, input);
        sign(&sender(self.by), alloy_consensus::TxEip1559 { gas_limit: self.gas_limit, ..unsigned })
    }
}

/// What a block leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    run: BlockRun,
    root: Cid,
    blocks: BTreeMap<Cid, Vec<u8>>,
}

/// A store of one's own with all that every block starts from.
fn stored() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    for (cid, block) in START.world.store.blocks() {
        store.put_keyed(&cid, &block).unwrap();
    }
    store
}

fn run(workers: u32, hints: &Hints, gas_limit: u64, transactions: &[Transaction]) -> Left {
    let workers = Workers::new(workers);
    run_in_window((workers, workers.window()), hints, gas_limit, transactions).0
}

fn run_in_window(
    threads: (Workers, usize),
    hints: &Hints,
    gas_limit: u64,
    transactions: &[Transaction],
) -> (Left, Stats) {
    let (world, store) = (&START.world, stored());
    let state = world.executor.open(&store, &world.root).unwrap();
    let env = BlockEnv { gas_limit, ..world.env() };
    let ran = world.executor.run_in_window(threads, hints, state, &env, transactions);
    let (mut state, run, stats) = ran.unwrap();
    (Left { run, root: state.flush().unwrap(), blocks: store.blocks().into_iter().collect() }, stats)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn threads_leave_what_one_leaves(
        sent in prop::collection::vec(sent(), 1..120),
        gas_limit in prop_oneof![4 => Just(PLENTY), 1 => Just(1_500_000)],
        lanes in prop::collection::vec(0..4_usize, 120),
    ) {
        let mut nonces = Nonces::default();
        let transactions: Vec<_> = sent.iter().map(|sent| sent.sign(&mut nonces)).collect();
        let in_order = run(1, &Hints::Nothing, gas_limit, &transactions);
        let lanes = Hints::Lanes(lanes[..transactions.len()].to_vec());
        for workers in 2..=4 {
            for hints in [&Hints::Learnt, &lanes] {
                let left = run(workers, hints, gas_limit, &transactions);
                prop_assert_eq!(&left, &in_order, "{} workers, {:?}", workers, hints);
            }
            for (hints, window) in [&Hints::Senders, &Hints::Nothing].into_iter().flat_map(in_every_window) {
                let (left, stats) = run_in_window((Workers::new(workers), window), hints, gas_limit, &transactions);
                prop_assert_eq!(&left, &in_order, "{} workers, {:?}, a window of {}", workers, hints, window);
                if window == 1 && gas_limit == PLENTY {
                    prop_assert_eq!(stats.repeated, 0, "nothing is run before its turn: {:?}", stats);
                }
            }
        }
    }
}

fn in_every_window(hints: &Hints) -> [(&Hints, usize); 4] {
    WINDOWS.map(|window| (hints, window))
}

#[test]
fn calls_of_one_actor_do_not_meet_in_entries_with_different_keys() {
    let (start, mut nonces) = (&*START, Nonces::default());
    // Each sender reads and writes an entry of its own, time and again.
    let sent = (0..64).map(|turn: u8| {
        let act = Act::Entry { actor: 0, method: 16 + 32 + 4 * u64::from(turn % 4) };
        Sent { by: turn % 4, account: turn % 4 % 3, gap: 0, gas_limit: 0, act }.sign(&mut nonces)
    });
    let transactions: Vec<_> = sent.collect();
    for workers in 2..=4 {
        for hints in [Hints::Senders, Hints::Lanes((0..64).map(|turn| turn % 4).collect())] {
            let (state, env) = (start.world.open().unwrap(), start.world.env());
            let ran = start.world.executor.run_hinted(Workers::new(workers), &hints, state, &env, &transactions);
            let (_, run, stats) = ran.unwrap();
            assert!(run.receipts.iter().all(|receipt| receipt.exit_code.is_success()));
            assert_eq!((stats.repeated, stats.is_closed), (0, false), "{workers} workers, {hints:?}");
        }
    }
}

/// One of each that goes well.
fn acts() -> Vec<Act> {
    vec![
        Act::Mix { from: 0, to: 1 },
        Act::MixThrough { from: 1, to: 2 },
        Act::Deploy { destroyed: false },
        Act::Deploy { destroyed: true },
        Act::Create2 { variant: 0 },
        Act::Delegate { authority: 0, to: 1 },
        Act::CallAuthority { authority: 0, from: 5, to: 6 },
        Act::Actor { actor: 0, method: 3 },
        Act::Entry { actor: 0, method: 16 + 2 },
        Act::Entry { actor: 0, method: 16 + 16 },
        Act::Entry { actor: 1, method: 16 + 32 },
        Act::PayByMessage { to: SENDERS, value: 1 },
        Act::Proxy { method: 3 },
    ]
}

#[test]
fn the_blocks_of_the_property_do_what_they_should() {
    let mut nonces = Nonces::default();
    let sents: Vec<_> = (0..3_u8)
        .flat_map(|account| {
            let of_account = move |act| Sent { by: account, account, gap: 0, gas_limit: 400_000, act };
            acts().into_iter().map(of_account)
        })
        .collect();
    let transactions: Vec<_> = sents.iter().map(|sent| sent.sign(&mut nonces)).collect();
    for (sent, receipt) in sents.iter().zip(run(1, &Hints::Nothing, PLENTY, &transactions).run.receipts) {
        assert!(receipt.exit_code.is_success(), "{sent:?}: {receipt:?}");
    }
}
