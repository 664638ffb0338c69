//! A chain of decided blocks in memory. Everything in it is the same in every run.

use std::sync::Mutex;
use std::time::Duration;

use fvm_ipld_encoding::IPLD_RAW;
use fvm_shared::event::{Entry, Flags};
use tributary_chain::sign_bytes::{self, VoteKind};
use tributary_chain::tendermint::block::Commit;
use tributary_chain::{
    AppState, Block, BlockRef, BlockTime, CommitCertificate, ConsensusKey, Expected, HeaderRules, LastBlock,
    TransactionResult, Validator, ValidatorSet, next_block, results_hash,
};
use tributary_fvm::receipt::Event;
use tributary_primitives::{EthAddress, Hash32, Height, VotingPower, cbor_cid};
use tributary_rpc::ReadUnavailable;
use tributary_rpc::comet::Chain;
use tributary_rpc::comet::chain::{Card, Decided, Extent, Origin, Outline, Results};

/// 2023-11-14.
const GENESIS_TIME: BlockTime = BlockTime::from_unix_nanos(1_700_000_000_000_000_000);
/// Blocks a second apart.
const INTERVAL: Duration = Duration::from_secs(1);

/// The chain.
pub struct CometChain {
    card: Card,
    origin: Origin,
    rules: HeaderRules,
    blocks: Vec<Made>,
    state: Mutex<Standing>,
}

/// What a test changes.
struct Standing {
    lowest: Height,
    latest: Height,
    health: Result<(), String>,
}

struct Made {
    block: Block,
    certificate: CommitCertificate,
}

fn key(seed: u8) -> ConsensusKey {
    ConsensusKey::from_seed([seed; 32])
}

/// Seeds of those who vote at a height: one goes and one comes at every third.
fn seeds(height: Height) -> std::ops::RangeInclusive<u8> {
    let first = 1 + u8::try_from(height.0 / 3).unwrap();
    first..=first + 3
}

fn set(height: Height) -> ValidatorSet {
    let validator =
        |seed: u8| Validator { public_key: key(seed).public_key(), power: VotingPower(10 + u64::from(seed == 1)) };
    ValidatorSet::new(seeds(height).map(validator)).unwrap()
}

fn state(height: Height) -> AppState {
    AppState {
        state_root: cbor_cid(&height.0.to_be_bytes()),
        receipts_root: Hash32([1; 32]),
        outbox_root: cbor_cid(b"outbox"),
    }
}

/// Block 2 holds two transactions, the others none.
fn transactions(height: Height) -> Vec<Vec<u8>> {
    if height == Height(2) { vec![b"first".to_vec(), b"second".to_vec()] } else { vec![] }
}

fn results(height: Height) -> Vec<(TransactionResult, Vec<Event>)> {
    if height != Height(2) {
        return vec![];
    }
    let entry = |key: &str, value: &[u8]| Entry {
        flags: Flags::FLAG_INDEXED_ALL,
        key: key.to_owned(),
        codec: IPLD_RAW,
        value: value.to_vec(),
    };
    let said = vec![entry("t1", &[0xab; 32]), entry("d", b"")].into();
    let went_well = TransactionResult { code: 0, data: b"returned".to_vec(), gas_wanted: 100_000, gas_used: 21_000 };
    let reverted = TransactionResult { code: 33, data: vec![], gas_wanted: 50_000, gas_used: 50_000 };
    vec![(went_well, vec![Event { emitter: 123, address: EthAddress([0xcd; 20]), said }]), (reverted, vec![])]
}

fn results_hash_of(height: Height) -> Hash32 {
    results_hash(&results(height).into_iter().map(|(result, _)| result).collect::<Vec<_>>())
}

impl CometChain {
    /// A chain of `count` blocks; every commit lacks the last comer.
    pub fn of(count: u64) -> Self {
        let rules = HeaderRules {
            chain_id: "comet-1".parse().unwrap(),
            app_version: 1,
            genesis_time: GENESIS_TIME,
            block_bytes_max: 1 << 20,
            block_gas_max: 30_000_000,
            clock_drift_ms: 500,
        };
        let card = Card {
            id: [0x0f; 20],
            moniker: "alpha".to_owned(),
            listen: "/ip4/127.0.0.1/tcp/26656".to_owned(),
            key: key(8).public_key(),
        };
        let origin = Origin {
            chain_id: rules.chain_id.clone(),
            time: GENESIS_TIME,
            validators: set(Height::FIRST),
            app_hash: state(Height::GENESIS).app_hash(),
            app_version: rules.app_version,
            block_bytes_max: 1 << 20,
            block_gas_max: rules.block_gas_max,
            document: r#"{"chain_name":"comet-1"}"#.into(),
        };
        let standing = Standing { lowest: Height::FIRST, latest: Height(count), health: Ok(()) };
        let mut chain = Self { card, origin, rules, blocks: vec![], state: Mutex::new(standing) };
        for height in (1..=count).map(Height) {
            let made = chain.make(height);
            chain.blocks.push(made);
        }
        chain
    }

    fn make(&self, height: Height) -> Made {
        let before = height.previous().unwrap();
        let last = self.blocks.last().map(|made| &made.certificate);
        let expected = Expected {
            height,
            last: last.map(|last| LastBlock { reference: last.block, validators: set(before) }),
            validators: set(height),
            next_validators: set(height.next()),
            app_hash: state(before).app_hash(),
            last_results_hash: results_hash_of(before),
        };
        let (time, proposer) = (expected.time_before(&self.rules).after(INTERVAL), set(height).proposer(height, 0));
        let commit = last.map(|last| last.to_commit(&set(before)));
        let block = next_block(&self.rules, &expected, proposer, time, transactions(height), commit);
        let reference = BlockRef::of(&block.header, &block.encode()).unwrap();
        let message = sign_bytes::vote(&self.rules.chain_id, VoteKind::Precommit, height, 0, Some(&reference));
        let sign = |seed| (key(seed).public_key().address(), key(seed).sign(&message));
        let signatures = seeds(height).take(3).map(sign).collect();
        Made { block, certificate: CommitCertificate { height, round: 0, block: reference, signatures } }
    }

    /// When its last block says that it was made.
    pub fn time(&self) -> BlockTime {
        self.blocks.last().unwrap().certificate.block.time
    }

    /// Forgets the blocks below `lowest`.
    pub fn prune(&self, lowest: u64) {
        self.state.lock().unwrap().lowest = Height(lowest);
    }

    /// Makes no blocks any more, for this reason.
    pub fn sicken(&self, why: &str) {
        self.state.lock().unwrap().health = Err(why.to_owned());
    }

    fn made(&self, height: Height) -> Option<&Made> {
        let Extent { lowest, latest } = self.extent().unwrap();
        let place = usize::try_from(height.0).unwrap().checked_sub(1)?;
        self.blocks.get(place).filter(|_| (lowest..=latest).contains(&height))
    }
}

impl Chain for CometChain {
    fn card(&self) -> &Card {
        &self.card
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn extent(&self) -> Result<Extent, ReadUnavailable> {
        let state = self.state.lock().unwrap();
        Ok(Extent { lowest: state.lowest, latest: state.latest })
    }

    fn is_catching_up(&self) -> bool {
        false
    }

    fn health(&self) -> Result<(), String> {
        self.state.lock().unwrap().health.clone()
    }

    fn height_of(&self, hash: &Hash32) -> Result<Option<Height>, ReadUnavailable> {
        let found = self.blocks.iter().find(|made| made.certificate.block.hash == *hash);
        Ok(found.map(|made| made.certificate.height))
    }

    fn block(&self, height: Height) -> Result<Option<Decided<Block>>, ReadUnavailable> {
        let decided = |made: &Made| Decided { reference: made.certificate.block, what: made.block.clone() };
        Ok(self.made(height).map(decided))
    }

    fn outline(&self, height: Height) -> Result<Option<Decided<Outline>>, ReadUnavailable> {
        Ok(self.block(height)?.map(|Decided { reference, what }| {
            let bytes = what.encode().len();
            let Block { header, transactions, last_commit } = what;
            Decided { reference, what: Outline { header, last_commit, transactions: transactions.len(), bytes } }
        }))
    }

    fn seen_commit(&self, height: Height) -> Result<Option<Commit>, ReadUnavailable> {
        Ok(self.made(height).map(|made| made.certificate.to_commit(&set(height))))
    }

    fn validators(&self, height: Height) -> Result<Option<ValidatorSet>, ReadUnavailable> {
        Ok(Some(set(height)))
    }

    fn results(&self, height: Height) -> Result<Option<Results>, ReadUnavailable> {
        let results = || Results { transactions: results(height), app_hash: state(height).app_hash() };
        Ok(self.made(height).map(|_| results()))
    }
}
