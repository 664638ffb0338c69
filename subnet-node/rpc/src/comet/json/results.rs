//! What executing a block came to.

use fvm_shared::event::Entry;
use serde::Serialize;
use tributary_chain::TransactionResult;
use tributary_fvm::receipt::Event as ActorEvent;
use tributary_primitives::Height;

use super::{Base64, Int64};
use crate::comet::chain::Results;

/// Of a block's transactions.
#[derive(Clone, Debug, Serialize)]
pub struct ResultsAnswer {
    height: Int64<u64>,
    /// `null` for a block without transactions, as CometBFT has it.
    txs_results: Option<Vec<TxResult>>,
    finalize_block_events: [(); 0],
    validator_updates: [(); 0],
    consensus_param_updates: Option<()>,
    /// The one in the next header, here in base64.
    app_hash: Base64<Vec<u8>>,
}

/// The next header's `last_results_hash` is over code, data, gas wanted and gas used of each.
#[derive(Clone, Debug, Serialize)]
struct TxResult {
    code: u32,
    data: Option<Base64<Vec<u8>>>,
    log: &'static str,
    info: &'static str,
    gas_wanted: Int64<i64>,
    gas_used: Int64<i64>,
    events: Vec<Event>,
    codespace: &'static str,
}

/// An actor's event, or a contract's log.
#[derive(Clone, Debug, Serialize)]
struct Event {
    r#type: &'static str,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, Serialize)]
struct Attribute {
    key: String,
    value: String,
    index: bool,
}

impl ResultsAnswer {
    pub fn of(height: Height, results: &Results) -> Self {
        let of_each: Vec<_> =
            results.transactions.iter().map(|(result, events)| TxResult::of(result, events)).collect();
        Self {
            height: Int64(height.0),
            txs_results: (!of_each.is_empty()).then_some(of_each),
            finalize_block_events: [],
            validator_updates: [],
            consensus_param_updates: None,
            app_hash: Base64(results.app_hash.0.0.to_vec()),
        }
    }
}

impl TxResult {
    fn of(result: &TransactionResult, events: &[ActorEvent]) -> Self {
        Self {
            code: result.code,
            data: (!result.data.is_empty()).then(|| Base64(result.data.clone())),
            log: "",
            info: "",
            gas_wanted: signed(result.gas_wanted),
            gas_used: signed(result.gas_used),
            events: events.iter().map(Event::of).collect(),
            codespace: "",
        }
    }
}

/// As the results' hash has it.
fn signed(gas: u64) -> Int64<i64> {
    Int64(i64::try_from(gas).unwrap_or(i64::MAX))
}

impl Event {
    fn of(event: &ActorEvent) -> Self {
        let emitter = Attribute::new("emitter", format!("f0{}", event.emitter));
        let address = Attribute::new("address", event.address.to_string());
        let entry = |entry: Entry| Attribute::new(&entry.key, format!("0x{}", hex::encode(entry.value)));
        let entries = event.said.entries().into_iter().map(entry);
        Self { r#type: "actor", attributes: [emitter, address].into_iter().chain(entries).collect() }
    }
}

impl Attribute {
    fn new(key: &str, value: String) -> Self {
        Self { key: key.to_owned(), value, index: false }
    }
}
