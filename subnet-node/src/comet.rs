//! What CometBFT's RPC asks, answered from the ledger.

use std::error::Error;
use std::sync::Arc;

use tributary_chain::tendermint::block::Commit;
use tributary_chain::{Block, BlockOutline, BlockRef, ConsensusKey, ValidatorSet};
use tributary_genesis::{Keys, SealedGenesis};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};
use tributary_rpc::ReadUnavailable;
use tributary_rpc::comet::Chain;
use tributary_rpc::comet::chain::{Card, Decided, Extent, Origin, Outline, Results};
use tributary_service::http::Status as _;

use crate::config::NodeConfig;
use crate::halt::Halt;
use crate::ledger::{Ledger, LedgerFatal};
use crate::status::Status;

/// This node's chain, as CometBFT's RPC sees it.
pub struct CometChain {
    card: Card,
    origin: Origin,
    ledger: Arc<Ledger>,
    status: Arc<Status>,
    halt: Halt,
}

impl CometChain {
    /// Answers from these.
    ///
    /// # Errors
    /// [`LedgerFatal`] when what is known after genesis cannot be read.
    pub fn new(
        config: &NodeConfig,
        keys: &Keys,
        genesis: &SealedGenesis,
        ledger: Arc<Ledger>,
        status: Arc<Status>,
        halt: Halt,
    ) -> Result<Self, LedgerFatal> {
        let (card, origin) = (card_of(config, keys), origin_of(&ledger, genesis)?);
        Ok(Self { card, origin, ledger, status, halt })
    }

    /// The node stops, and its last line is the cause; a caller learns only that this node is broken.
    fn broken<E: Error + Send + Sync + 'static>(&self) -> impl Fn(E) -> ReadUnavailable {
        |why| {
            self.halt.because(why);
            ReadUnavailable::Broken
        }
    }

    fn reference(&self, height: Height) -> Result<Option<BlockRef>, ReadUnavailable> {
        let certificate = self.ledger.certificate_at(height).map_err(self.broken())?;
        Ok(certificate.map(|certificate| certificate.block))
    }

    /// What executing `block` at `height` came to, if its receipts are there.
    fn results_of(&self, height: Height, block: &Block) -> Result<Option<Results>, LedgerFatal> {
        let (Some(receipts), Some(record)) = (self.ledger.receipts_at(height)?, self.ledger.record_at(height)?) else {
            return Ok(None);
        };
        let chain_id = self.ledger.facts().chain_id;
        let decode = |raw: &Vec<u8>| Transaction::decode(raw, chain_id);
        let transactions = block.transactions.iter().map(decode).collect::<Result<Vec<_>, _>>();
        let transactions = transactions.map_err(|why| damaged(height, &why))?;
        let results = self.ledger.results(&transactions, &receipts);
        let events = receipts.into_iter().map(|receipt| receipt.events);
        Ok(Some(Results {
            transactions: results.into_iter().zip(events).collect(),
            app_hash: record.app_state().app_hash(),
        }))
    }
}

fn damaged(height: Height, why: &dyn Error) -> LedgerFatal {
    LedgerFatal::Damaged { what: "the block", height, why: why.to_string() }
}

fn card_of(config: &NodeConfig, keys: &Keys) -> Card {
    // CometBFT names nodes by the key of their network as it names validators by theirs.
    let id = ConsensusKey::from_seed(keys.network_seed).public_key().address().0;
    Card {
        id,
        moniker: config.moniker.clone(),
        listen: config.consensus.listen.clone(),
        key: ConsensusKey::from_seed(keys.consensus_seed).public_key(),
    }
}

fn origin_of(ledger: &Ledger, genesis: &SealedGenesis) -> Result<Origin, LedgerFatal> {
    let (facts, no_form) = (ledger.facts(), |why: serde_json::Error| LedgerFatal::Genesis(why.to_string()));
    let record = ledger.record_at(Height::GENESIS)?;
    let record = record.ok_or_else(|| LedgerFatal::Genesis("its record is missing".to_owned()))?;
    Ok(Origin {
        chain_id: facts.rules.chain_id.clone(),
        time: facts.rules.genesis_time,
        validators: facts.validators.clone(),
        app_hash: record.app_state().app_hash(),
        app_version: facts.rules.app_version,
        block_bytes_max: facts.parameters.block_bytes_max,
        block_gas_max: facts.rules.block_gas_max,
        document: serde_json::to_string(genesis.genesis()).map_err(no_form)?.into(),
    })
}

impl Chain for CometChain {
    fn card(&self) -> &Card {
        &self.card
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn extent(&self) -> Result<Extent, ReadUnavailable> {
        let (store, latest) = (self.ledger.store(), self.ledger.head().height);
        let first = store.base().map_err(self.broken())?.map_or(Height::FIRST, Height::next);
        Ok(Extent { lowest: first.max(store.kept().map_err(self.broken())?.blocks), latest })
    }

    fn is_catching_up(&self) -> bool {
        self.status.syncing().is_some()
    }

    fn health(&self) -> Result<(), String> {
        self.status.health()
    }

    fn height_of(&self, hash: &Hash32) -> Result<Option<Height>, ReadUnavailable> {
        let height = self.ledger.store().height_of(hash).map_err(self.broken())?;
        let Extent { lowest, latest } = self.extent()?;
        Ok(height.filter(|height| (lowest..=latest).contains(height)))
    }

    fn block(&self, height: Height) -> Result<Option<Decided<Block>>, ReadUnavailable> {
        let (reference, block) = (self.reference(height)?, self.ledger.block_at(height).map_err(self.broken())?);
        Ok(reference.zip(block).map(|(reference, (_, what))| Decided { reference, what }))
    }

    fn outline(&self, height: Height) -> Result<Option<Decided<Outline>>, ReadUnavailable> {
        let (reference, bytes) = (self.reference(height)?, self.ledger.store().block(height).map_err(self.broken())?);
        let Some((reference, bytes)) = reference.zip(bytes) else { return Ok(None) };
        let outline = BlockOutline::decode(&bytes).map_err(|why| damaged(height, &why)).map_err(self.broken())?;
        let BlockOutline { header, last_commit, transactions } = outline;
        Ok(Some(Decided { reference, what: Outline { header, last_commit, transactions, bytes: bytes.len() } }))
    }

    fn seen_commit(&self, height: Height) -> Result<Option<Commit>, ReadUnavailable> {
        let certificate = self.ledger.certificate_at(height).map_err(self.broken())?;
        Ok(certificate.map(|certificate| certificate.to_commit(&self.ledger.facts().validators)))
    }

    /// The set of genesis: it does not change yet.
    fn validators(&self, _: Height) -> Result<Option<ValidatorSet>, ReadUnavailable> {
        Ok(Some(self.ledger.facts().validators.clone()))
    }

    fn results(&self, height: Height) -> Result<Option<Results>, ReadUnavailable> {
        let Some((_, block)) = self.ledger.block_at(height).map_err(self.broken())? else { return Ok(None) };
        self.results_of(height, &block).map_err(self.broken())
    }
}
