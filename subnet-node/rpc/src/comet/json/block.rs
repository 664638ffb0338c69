//! Headers, blocks and commits.

use serde::Serialize;
use tributary_chain::tendermint::block::{self, CommitSig as Entry};
use tributary_chain::tendermint::{AppHash, Hash, Time, account};
use tributary_chain::{Block as ChainBlock, BlockRef};

use super::{Base64, Int64};
use crate::comet::chain::{Decided, Outline};

/// What Go's zero time looks like: of an entry without a signature.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// A header, or none for a hash that no block has.
#[derive(Clone, Debug, Serialize)]
pub struct HeaderAnswer {
    pub header: Option<Header>,
}

/// A block, or none for a hash that no block has.
#[derive(Clone, Debug, Serialize)]
pub struct BlockAnswer {
    block_id: BlockId,
    block: Option<Block>,
}

/// A header with the commit that decided it.
#[derive(Clone, Debug, Serialize)]
pub struct CommitAnswer {
    pub signed_header: SignedHeader,
    /// Whether the commit is the chain's, the one in the next block; if not, other nodes may have other signatures.
    pub canonical: bool,
}

/// What a light client checks.
#[derive(Clone, Debug, Serialize)]
pub struct SignedHeader {
    pub header: Header,
    pub commit: Commit,
}

/// What is told of some blocks.
#[derive(Clone, Debug, Serialize)]
pub struct BlockchainAnswer {
    pub last_height: Int64<u64>,
    pub block_metas: Vec<BlockMeta>,
}

/// A block without its contents.
#[derive(Clone, Debug, Serialize)]
pub struct BlockMeta {
    block_id: BlockId,
    block_size: Int64<usize>,
    header: Header,
    num_txs: Int64<usize>,
}

#[derive(Clone, Debug, Serialize)]
struct Block {
    header: Header,
    data: Data,
    evidence: Evidence,
    last_commit: Commit,
}

#[derive(Clone, Debug, Serialize)]
struct Data {
    txs: Vec<Base64<Vec<u8>>>,
}

/// This chain carries evidence as transactions.
#[derive(Clone, Debug, Default, Serialize)]
struct Evidence {
    evidence: [(); 0],
}

/// What a vote names.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BlockId {
    hash: String,
    parts: Parts,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Parts {
    total: u32,
    hash: String,
}

/// What is hashed.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    version: Version,
    chain_id: String,
    height: Int64<u64>,
    time: String,
    last_block_id: BlockId,
    last_commit_hash: String,
    data_hash: String,
    validators_hash: String,
    next_validators_hash: String,
    consensus_hash: String,
    app_hash: String,
    last_results_hash: String,
    evidence_hash: String,
    proposer_address: String,
}

#[derive(Clone, Debug, Serialize)]
struct Version {
    block: Int64<u64>,
    app: Int64<u64>,
}

/// Who signed a block.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Commit {
    height: Int64<u64>,
    round: u32,
    block_id: BlockId,
    signatures: Vec<CommitSig>,
}

/// 1 for nobody, 2 for this block, 3 for none.
#[derive(Clone, Debug, Serialize)]
struct CommitSig {
    block_id_flag: u8,
    validator_address: String,
    timestamp: String,
    signature: Option<Base64<Vec<u8>>>,
}

impl BlockAnswer {
    pub fn of(decided: &Decided<ChainBlock>) -> Self {
        let block = &decided.what;
        let txs = block.transactions.iter().cloned().map(Base64).collect();
        Self {
            block_id: (&decided.reference).into(),
            block: Some(Block {
                header: (&block.header).into(),
                data: Data { txs },
                evidence: Evidence::default(),
                // The first block has an empty one, as CometBFT's.
                last_commit: block.last_commit.as_ref().map(Into::into).unwrap_or_default(),
            }),
        }
    }

    pub fn none() -> Self {
        Self { block_id: BlockId::default(), block: None }
    }
}

impl BlockMeta {
    pub fn of(decided: &Decided<Outline>) -> Self {
        let outline = &decided.what;
        Self {
            block_id: (&decided.reference).into(),
            block_size: Int64(outline.bytes),
            header: (&outline.header).into(),
            num_txs: Int64(outline.transactions),
        }
    }
}

impl From<&block::Header> for Header {
    fn from(header: &block::Header) -> Self {
        Self {
            version: Version { block: Int64(header.version.block), app: Int64(header.version.app) },
            chain_id: header.chain_id.to_string(),
            height: Int64(header.height.value()),
            time: time(header.time),
            last_block_id: header.last_block_id.as_ref().map(Into::into).unwrap_or_default(),
            last_commit_hash: optional(header.last_commit_hash),
            data_hash: optional(header.data_hash),
            validators_hash: hash(header.validators_hash),
            next_validators_hash: hash(header.next_validators_hash),
            consensus_hash: hash(header.consensus_hash),
            app_hash: app_hash(&header.app_hash),
            last_results_hash: optional(header.last_results_hash),
            evidence_hash: optional(header.evidence_hash),
            proposer_address: address(header.proposer_address),
        }
    }
}

impl From<&block::Commit> for Commit {
    fn from(commit: &block::Commit) -> Self {
        Self {
            height: Int64(commit.height.value()),
            round: commit.round.value(),
            block_id: (&commit.block_id).into(),
            signatures: commit.signatures.iter().map(CommitSig::of).collect(),
        }
    }
}

impl CommitSig {
    fn of(entry: &Entry) -> Self {
        let (block_id_flag, said) = match entry {
            Entry::BlockIdFlagAbsent => (1, None),
            Entry::BlockIdFlagCommit { validator_address, timestamp, signature } => {
                (2, Some((validator_address, timestamp, signature)))
            }
            Entry::BlockIdFlagNil { validator_address, timestamp, signature } => {
                (3, Some((validator_address, timestamp, signature)))
            }
        };
        let Some((validator, at, signature)) = said else {
            let (validator_address, timestamp) = (String::new(), NO_TIME.to_owned());
            return Self { block_id_flag, validator_address, timestamp, signature: None };
        };
        Self {
            block_id_flag,
            validator_address: address(*validator),
            timestamp: time(*at),
            signature: signature.as_ref().map(|signature| Base64(signature.as_bytes().to_vec())),
        }
    }
}

impl From<&block::Id> for BlockId {
    fn from(id: &block::Id) -> Self {
        let parts = Parts { total: id.part_set_header.total, hash: hash(id.part_set_header.hash) };
        Self { hash: hash(id.hash), parts }
    }
}

impl From<&BlockRef> for BlockId {
    fn from(reference: &BlockRef) -> Self {
        (&reference.block_id()).into()
    }
}

pub(super) fn hash(hash: Hash) -> String {
    hex::encode_upper(hash.as_bytes())
}

fn optional(optional: Option<Hash>) -> String {
    optional.map(hash).unwrap_or_default()
}

pub(super) fn app_hash(hash: &AppHash) -> String {
    hex::encode_upper(hash.as_bytes())
}

fn address(id: account::Id) -> String {
    hex::encode_upper(id.as_bytes())
}

pub(super) fn time(time: Time) -> String {
    time.to_rfc3339()
}
