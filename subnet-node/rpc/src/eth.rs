//! The Ethereum namespaces: `eth_`, `net_`, `web3_`, `txpool_` and `rpc_`.
//!
//! | module | methods about |
//! |---|---|
//! | [`chain`] | the chain and this node |
//! | [`rules`] | which of Ethereum's rules hold |
//! | [`account`] | balances, nonces, code, storage |
//! | [`block`] | blocks and their receipts |
//! | [`transaction`] | transactions, receipts, and bringing new ones |
//! | [`call`] | calls that change nothing |
//! | [`overrides`] | what such calls are to find otherwise |
//! | [`simulate`] | blocks of such calls |
//! | [`fee`] | what gas costs |
//! | [`logs`] | events of contracts |
//! | [`filter`] | what changed since it was last asked for |
//! | [`pool`] | what waits in the mempool |
//! | [`subscribe`] | subscriptions, where there are none: over HTTP |
//!
//! Objects in parameters are read as go-ethereum reads them: members it would not know are ignored, except in a log filter, in
//! overrides and in a simulation.

mod account;
mod block;
mod call;
mod chain;
mod fee;
mod filter;
mod logs;
mod overrides;
mod pool;
mod rules;
mod simulate;
mod subscribe;
mod transaction;

use crate::methods::Methods;

pub use call::held;
pub use chain::syncing;
pub use fee::TipCache;
pub use overrides::{ACCOUNTS_MAX, BlockOverridesJson, CODE_BYTES_MAX, SLOTS_MAX, StateOverrides};
pub use transaction::{by_hash as transaction_by_hash, raw_by_hash as raw_transaction_by_hash};

/// Puts every method of these namespaces into the table.
pub fn register(methods: &mut Methods) {
    methods.known("eth_chainId", chain::chain_id);
    methods.known("eth_blockNumber", chain::block_number);
    methods.known("eth_syncing", chain::syncing);
    methods.known("eth_accounts", chain::accounts);
    methods.read("eth_config", rules::config);
    methods.known("net_version", chain::network);
    methods.known("net_listening", chain::listening);
    methods.known("net_peerCount", chain::peer_count);
    methods.known("web3_clientVersion", chain::client_version);
    methods.read("web3_sha3", chain::sha3);
    methods.known("rpc_modules", chain::modules);

    methods.read("eth_getBalance", account::balance);
    methods.read("eth_getTransactionCount", account::transaction_count);
    methods.read("eth_getCode", account::code);
    methods.read("eth_getStorageAt", account::storage_at);
    methods.read("eth_getStorageValues", account::storage_values);
    methods.read("eth_getProof", account::no_proof);

    methods.read("eth_getBlockByNumber", block::by_number);
    methods.read("eth_getBlockByHash", block::by_hash);
    methods.read("eth_getHeaderByNumber", block::header_by_number);
    methods.read("eth_getHeaderByHash", block::header_by_hash);
    methods.read("eth_getBlockTransactionCountByNumber", block::transaction_count_by_number);
    methods.read("eth_getBlockTransactionCountByHash", block::transaction_count_by_hash);
    methods.read("eth_getBlockReceipts", block::receipts);
    methods.read("eth_getUncleCountByBlockNumber", block::uncle_count_by_number);
    methods.read("eth_getUncleCountByBlockHash", block::uncle_count_by_hash);
    methods.read("eth_getUncleByBlockNumberAndIndex", block::uncle_by_number);
    methods.read("eth_getUncleByBlockHashAndIndex", block::uncle_by_hash);

    methods.read("eth_getTransactionByHash", transaction::by_hash);
    methods.read("eth_getTransactionByBlockNumberAndIndex", transaction::by_number_and_index);
    methods.read("eth_getTransactionByBlockHashAndIndex", transaction::by_hash_and_index);
    methods.read("eth_getRawTransactionByHash", transaction::raw_by_hash);
    methods.read("eth_getRawTransactionByBlockNumberAndIndex", transaction::raw_by_number_and_index);
    methods.read("eth_getRawTransactionByBlockHashAndIndex", transaction::raw_by_hash_and_index);
    methods.read("eth_getTransactionReceipt", transaction::receipt);
    methods.submission("eth_sendRawTransaction", transaction::send_raw);
    methods.awaited_submission("eth_sendRawTransactionSync", transaction::send_raw_sync, transaction::receipt);

    methods.read("eth_call", call::call);
    methods.read("eth_estimateGas", call::estimate_gas);
    methods.read("eth_createAccessList", call::create_access_list);
    methods.read("eth_simulateV1", simulate::simulate);

    methods.read("eth_gasPrice", fee::gas_price);
    methods.read("eth_maxPriorityFeePerGas", fee::max_priority_fee);
    methods.read("eth_baseFee", fee::base_fee);
    methods.read("eth_blobBaseFee", fee::blob_base_fee);
    methods.read("eth_feeHistory", fee::history);

    methods.read("eth_getLogs", logs::matching);

    methods.keep("eth_newFilter", filter::logs_from_now);
    methods.keep("eth_newBlockFilter", filter::blocks);
    methods.keep("eth_newPendingTransactionFilter", filter::arrivals);
    methods.read("eth_getFilterChanges", filter::changes);
    methods.read("eth_getFilterLogs", filter::all_logs);
    methods.read("eth_uninstallFilter", filter::remove);

    methods.read("txpool_status", pool::status);
    methods.read("txpool_content", pool::content);
    methods.read("txpool_contentFrom", pool::content_from);
    methods.read("txpool_inspect", pool::inspect);

    methods.read("eth_subscribe", subscribe::subscribe);
    methods.read("eth_unsubscribe", subscribe::unsubscribe);
}
