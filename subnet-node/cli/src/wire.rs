//! The JSON of a node's answers, as far as they are used here. Other members are passed over.

use alloy_primitives::{B256, Bytes, U64};
use serde::{Deserialize, Serialize, Serializer};
use tributary_primitives::{EthAddress, Hash32, SubnetId};

/// Answer of `subnet_status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// Where the network stands.
    pub subnet: SubnetId,
    /// Ethereum's chain id, which FVM messages are signed for too.
    pub chain_id: u64,
    /// Height of the latest block.
    pub height: u64,
    /// Of the next block, attoTRB per unit of block gas.
    pub base_fee: u128,
    /// The same per unit of FVM gas.
    pub fvm_base_fee: u128,
    /// Height of the latest certificate.
    pub certified_height: Option<u64>,
    /// The latest height that the parent holds a checkpoint of, if the node knows.
    pub finalized_height: Option<u64>,
}

/// Answer of `subnet_genesis`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Genesis {
    /// Blocks from one checkpoint to the next; 0 on a network that cuts none.
    pub checkpoint_period: u64,
}

/// Answer of `subnet_getActor`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Actor {
    /// Its f0 address.
    pub id: String,
    /// Next nonce.
    pub nonce: u64,
    /// attoTRB.
    pub balance: String,
    /// Name of a built-in actor.
    pub builtin: Option<String>,
    /// Its code.
    pub code: Link,
    /// How Ethereum names it.
    pub eth_address: EthAddress,
}

/// A CID in Filecoin's words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// In base32.
    #[serde(rename = "/")]
    pub cid: String,
}

/// Answer of `subnet_getMessageReceipt`, of either kind of transaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receipt {
    /// Height of its block.
    pub height: u64,
    /// That block's hash.
    pub block_hash: Hash32,
    /// Zero, or why nothing but nonce and fee changed.
    pub exit_code: u32,
    /// What it returned.
    #[serde(rename = "Return")]
    pub returned: Bytes,
    /// FVM gas; zero for an Ethereum transaction.
    pub gas_used: u64,
    /// Block gas.
    pub block_gas_used: u64,
    /// Whether it did not run at all.
    pub skipped: bool,
}

/// Answer of `subnet_messageStatus`, of either kind of transaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageStatus {
    /// How it waits, while it does.
    pub waiting: Option<Waiting>,
    /// What became of it, once it is in a block.
    pub receipt: Option<Receipt>,
    /// Height of the latest certificate.
    pub certified_height: Option<u64>,
    /// The latest height that the parent holds a checkpoint of, if the node knows.
    pub finalized_height: Option<u64>,
}

/// How a transaction waits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Waiting {
    /// The sender's nonce that it waits for, which nobody brought yet.
    pub missing_nonce: Option<u64>,
}

/// Answer of `subnet_call`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Called")]
pub struct Outcome {
    /// Zero, or why it would change nothing.
    pub exit_code: u32,
    /// What it would return.
    pub returned: Bytes,
    /// FVM gas it would use.
    pub gas_used: u64,
}

/// The same as a node writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Called {
    msg_rct: CallReceipt,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CallReceipt {
    exit_code: u32,
    r#return: Bytes,
    gas_used: u64,
}

impl From<Called> for Outcome {
    fn from(called: Called) -> Self {
        let CallReceipt { exit_code, r#return: returned, gas_used } = called.msg_rct;
        Self { exit_code, returned, gas_used }
    }
}

/// Answer of `eth_getTransactionReceipt`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EthereumReceipt {
    /// The contract that it made.
    pub contract_address: Option<EthAddress>,
}

/// Answer of `eth_getBlockByNumber`, with hashes of transactions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Its height.
    pub number: U64,
    /// Its name.
    pub hash: B256,
    /// Seconds since 1970.
    pub timestamp: U64,
    /// Hashes of its transactions, of both kinds.
    pub transactions: Vec<B256>,
    /// Block gas that it used.
    pub gas_used: U64,
}

/// An entry of the answer of `eth_getLogs`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// Who emitted it.
    pub address: EthAddress,
    /// Up to four words.
    pub topics: Vec<B256>,
    /// The rest.
    pub data: Bytes,
    /// Height of its block.
    pub block_number: U64,
    /// The transaction that it is of.
    pub transaction_hash: B256,
    /// Its place in the block.
    pub log_index: U64,
}

/// Parameter of `subnet_call`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageCall {
    /// In whose name.
    pub from: String,
    /// Whom.
    pub to: String,
    /// Which method.
    pub method: u64,
    /// With what, in CBOR.
    pub params: Bytes,
    /// attoTRB.
    #[serde(serialize_with = "as_text")]
    pub value: u128,
}

fn as_text<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read_as_a_node_writes_them() {
        let status = json!({"subnet": "/r7/f0100", "chain_id": 9, "height": 5, "block_hash": "0x00", "time_ms": 1,
            "base_fee": 1000, "fvm_base_fee": 2, "certified_height": 3, "finalized_height": null, "peers": 3,
            "syncing_to": null, "client_version": "x"});
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!((status.subnet.actor(), status.certified_height, status.base_fee), (Some(100), Some(3), 1_000));
        let zero = format!("0x{}", "00".repeat(32));
        let receipt = json!({"Hash": zero, "Height": 5, "BlockHash": zero, "Index": 0, "ExitCode": 33, "Return": "0x05",
            "GasUsed": 0, "BlockGasUsed": 21_000, "EffectiveGasPrice": "1", "Skipped": false, "Events": []});
        let receipt: Receipt = serde_json::from_value(receipt).unwrap();
        assert_eq!((receipt.exit_code, &receipt.returned[..], receipt.block_gas_used), (33, &[5][..], 21_000));
        let called = json!({"MsgRct": {"ExitCode": 33, "Return": "0x05", "GasUsed": 7}, "Error": "", "Events": []});
        let called: Outcome = serde_json::from_value(called).unwrap();
        assert_eq!((called.exit_code, &called.returned[..], called.gas_used), (33, &[5][..], 7));
        let status = json!({"hash": zero, "stage": "admitted", "waiting": {"from": "f1a", "nonce": 5, "missing_nonce": 4},
            "receipt": null, "checkpoint_height": null, "certified_height": 3, "finalized_height": null});
        let status: MessageStatus = serde_json::from_value(status).unwrap();
        assert_eq!(
            (status.waiting.unwrap().missing_nonce, status.receipt, status.certified_height),
            (Some(4), None, Some(3))
        );
        let block = json!({"number": "0x10", "hash": zero, "timestamp": "0x6553f100", "transactions": [zero],
            "gasUsed": "0x5208", "baseFeePerGas": "0x7"});
        let block: Block = serde_json::from_value(block).unwrap();
        assert_eq!((block.number.to::<u64>(), block.transactions.len(), block.gas_used.to::<u64>()), (16, 1, 21_000));
    }

    #[test]
    fn a_call_is_written_as_the_node_reads_it() {
        let (from, to) = ("f00".to_owned(), "f0100".to_owned());
        let call = MessageCall { from, to, method: 5, params: vec![0x80].into(), value: u128::MAX };
        let expected =
            json!({"from": "f00", "to": "f0100", "method": 5, "params": "0x80", "value": u128::MAX.to_string()});
        assert_eq!(serde_json::to_value(call).unwrap(), expected);
    }
}
