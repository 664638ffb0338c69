//! Ethereum logs of actors' events.
//!
//! The FVM's events are lists of keyed entries; a contract's log is one of a fixed shape:
//!
//! | key | value | flag |
//! |---|---|---|
//! | `t1`, then `t2`, `t3`, `t4` | a topic: 32 raw bytes | indexed |
//! | `d` | data: raw bytes; left out when empty | |
//!
//! An event of any other shape has no Ethereum log: it is left out of blooms, receipts and `eth_getLogs`, takes no log index, and
//! is shown by `subnet_getMessageReceipt`. An actor that is no contract may emit this shape and then has logs too.
//!
//! Source: FIP-0054, "Handlers for LOG0 to LOG4"; FIP-0049.

use alloy_primitives::{B256, Bloom, BloomInput, Log as PrimitiveLog, LogData};
use alloy_rpc_types_eth::Log;
use fvm_shared::event::Entry;
use tributary_fvm::receipt::{Event, Receipt};

use super::{address, count, hash};
use crate::backend::BlockView;

/// Codec of a value of plain bytes.
const RAW: u64 = 0x55;
/// Most topics of a log.
const TOPICS_MAX: usize = 4;

/// The log of an event; `None` for an event of another shape.
pub fn of_event(event: &Event) -> Option<PrimitiveLog> {
    let data = match event.said.as_log() {
        Some(log) if !log.topics().is_empty() || !log.data.is_empty() => log.clone(),
        _ => of_entries(event.said.entries())?,
    };
    Some(PrimitiveLog { address: address(event.address), data })
}

/// The log that entries in any order make.
fn of_entries(entries: Vec<Entry>) -> Option<LogData> {
    if entries.is_empty() {
        return None;
    }
    let mut topics: [Option<B256>; TOPICS_MAX] = [None; TOPICS_MAX];
    let mut data = None;
    for Entry { key, value, codec, .. } in entries {
        if codec != RAW {
            return None;
        }
        let seen_before = match key.as_str() {
            "t1" => topics[0].replace(B256::try_from(value.as_slice()).ok()?).is_some(),
            "t2" => topics[1].replace(B256::try_from(value.as_slice()).ok()?).is_some(),
            "t3" => topics[2].replace(B256::try_from(value.as_slice()).ok()?).is_some(),
            "t4" => topics[3].replace(B256::try_from(value.as_slice()).ok()?).is_some(),
            "d" => data.replace(value).is_some(),
            _ => return None,
        };
        if seen_before {
            return None;
        }
    }
    let used = topics.iter().take_while(|topic| topic.is_some()).count();
    // A topic after a gap is nothing that a LOG instruction makes.
    let is_dense = topics[used..].iter().all(Option::is_none);
    let topics = topics.into_iter().flatten().collect();
    is_dense.then(|| LogData::new_unchecked(topics, data.unwrap_or_default().into()))
}

/// The logs of a receipt, in the order of emission.
pub fn of_receipt(receipt: &Receipt) -> impl Iterator<Item = PrimitiveLog> + '_ {
    receipt.events.iter().filter_map(of_event)
}

/// The logs of a block with their places, in order. The index counts through the block.
pub fn of_block(block: &BlockView) -> impl Iterator<Item = Log> + '_ {
    let placed = block.transactions.iter().enumerate().flat_map(move |(position, executed)| {
        of_receipt(&executed.receipt).map(move |log| (position, executed.hash(), log))
    });
    placed.enumerate().map(move |(index, (position, transaction, inner))| Log {
        inner,
        block_hash: Some(hash(block.hash)),
        block_number: Some(block.height.0),
        block_timestamp: Some(block.unix_seconds()),
        transaction_hash: Some(hash(transaction)),
        transaction_index: Some(count(position)),
        log_index: Some(count(index)),
        removed: false,
    })
}

/// The bloom filter of logs. Cost: a keccak-256 for each address and topic.
///
/// Source: Yellow Paper, 4.3.1, "Transaction Receipt".
pub fn bloom(logs: impl IntoIterator<Item = PrimitiveLog>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Raw(log.address.as_slice()));
        log.topics().iter().for_each(|topic| bloom.accrue(BloomInput::Raw(topic.as_slice())));
    }
    bloom
}

/// The bloom filter of a block's logs. Cost: three hashes a topic and an address.
pub fn logs_bloom<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Bloom {
    bloom(receipts.into_iter().flat_map(of_receipt))
}

#[cfg(test)]
mod tests {
    use fvm_shared::event::Flags;
    use tributary_primitives::EthAddress;

    use super::*;

    fn entry(key: &str, value: Vec<u8>) -> Entry {
        Entry { flags: Flags::FLAG_INDEXED_ALL, key: key.to_owned(), codec: RAW, value }
    }

    fn event(entries: Vec<Entry>) -> Event {
        Event { emitter: 100, address: EthAddress([0xaa; 20]), said: entries.into() }
    }

    #[test]
    fn topics_stand_in_order_whatever_the_order_of_entries() {
        let log =
            of_event(&event(vec![entry("d", vec![9]), entry("t2", vec![2; 32]), entry("t1", vec![1; 32])])).unwrap();
        assert_eq!(log.topics(), [B256::repeat_byte(1), B256::repeat_byte(2)]);
        assert_eq!((log.address, log.data.data.as_ref()), (address(EthAddress([0xaa; 20])), &[9][..]));
        let anonymous = of_event(&event(vec![entry("d", vec![9])])).unwrap();
        assert!(anonymous.topics().is_empty());
    }

    #[test]
    fn an_event_of_another_shape_has_no_log() {
        let cbor = Entry { codec: 0x51, ..entry("d", vec![1]) };
        for (entries, why) in [
            (vec![], "no entry"),
            (vec![entry("t1", vec![1; 31])], "short topic"),
            (vec![entry("t2", vec![1; 32])], "no first topic"),
            (vec![entry("t1", vec![1; 32]), entry("t3", vec![1; 32])], "gap"),
            (vec![entry("t1", vec![1; 32]), entry("t1", vec![1; 32])], "topic twice"),
            (vec![entry("d", vec![1]), entry("d", vec![1])], "data twice"),
            (vec![entry("t1", vec![1; 32]), entry("name", vec![1])], "another key"),
            (vec![entry("t5", vec![1; 32])], "fifth topic"),
            (vec![cbor], "another codec"),
        ] {
            assert_eq!(of_event(&event(entries)), None, "{why}");
        }
    }

    #[test]
    fn a_bloom_is_the_one_of_the_yellow_paper() {
        // go-ethereum's `TestBloom`-style vector: alloy's own bloom over the same log.
        let log = of_event(&event(vec![entry("t1", vec![1; 32])])).unwrap();
        let expected: Bloom = [&log].into_iter().collect();
        assert_eq!(bloom([log]), expected);
        assert_eq!(bloom([]), Bloom::ZERO);
    }
}
