//! What an event says: a list of keyed entries, which for a contract's log has a fixed shape.
//!
//! | key | value | |
//! |---|---|---|
//! | `t1`, then `t2`, `t3`, `t4` | a topic: 32 bytes | as many as the log has |
//! | `d` | data | left out when there is none |
//!
//! All are raw and indexed. A log stays as the EVM made it until it is encoded or asked for, since most events are logs and a list
//! takes two allocations an entry. What says the same is the same: a list of this very shape is a log, whoever emitted it.
//!
//! Source: FIP-0054, "Logs"; FIP-0049.

use fvm_ipld_encoding::{BytesSer, IPLD_RAW};
use fvm_shared::event::{ActorEvent, Entry, Flags};
use revm::primitives::{B256, LogData};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Keys of topics, in their order.
const TOPICS: [&str; 4] = ["t1", "t2", "t3", "t4"];
/// Key of data.
const DATA: &str = "d";
/// Flags of every part of a log.
const FLAGS: Flags = Flags::FLAG_INDEXED_ALL;

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Of the shape above.
    Log(LogData),
    /// Of any other.
    List(Vec<Entry>),
}

impl Said {
    /// Its entries. Cost: two allocations each.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        match &self.0 {
            Form::Log(log) => parts(log).map(|(key, value)| entry(key, value)).collect(),
            Form::List(list) => list.clone(),
        }
    }

    /// The log whose shape it has; one that has neither topics nor data is an event without entries.
    #[must_use]
    pub const fn as_log(&self) -> Option<&LogData> {
        match &self.0 {
            Form::Log(log) => Some(log),
            Form::List(_) => None,
        }
    }
}

impl From<LogData> for Said {
    fn from(log: LogData) -> Self {
        Self(Form::Log(log))
    }
}

impl From<Vec<Entry>> for Said {
    fn from(list: Vec<Entry>) -> Self {
        Self(log_of(&list).map_or(Form::List(list), Form::Log))
    }
}

impl From<ActorEvent> for Said {
    fn from(event: ActorEvent) -> Self {
        event.entries.into()
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Log(log) => {
                serializer.collect_seq(parts(log).map(|(key, value)| (FLAGS, key, IPLD_RAW, BytesSer(value))))
            }
            Form::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Entry>::deserialize(deserializer).map(Self::from)
    }
}

/// Keys and values of a log.
fn parts(log: &LogData) -> impl Iterator<Item = (&'static str, &[u8])> {
    let topics = TOPICS.into_iter().zip(log.topics()).map(|(key, topic)| (key, topic.as_slice()));
    let data = (!log.data.is_empty()).then_some((DATA, log.data.as_ref()));
    topics.chain(data)
}

fn entry(key: &str, value: &[u8]) -> Entry {
    Entry { flags: FLAGS, key: key.to_owned(), codec: IPLD_RAW, value: value.to_vec() }
}

/// The log that these are the entries of.
fn log_of(list: &[Entry]) -> Option<LogData> {
    let is_part = |entry: &Entry, key| entry.key == key && entry.flags == FLAGS && entry.codec == IPLD_RAW;
    let (topics, data) = match list.split_last() {
        Some((last, topics)) if is_part(last, DATA) && !last.value.is_empty() => (topics, last.value.clone()),
        _ => (list, Vec::new()),
    };
    if topics.len() > TOPICS.len() {
        return None;
    }
    let topic = |(entry, key): (&Entry, _)| is_part(entry, key).then(|| B256::try_from(&entry.value[..]).ok())?;
    let topics = topics.iter().zip(TOPICS).map(topic).collect::<Option<Vec<_>>>()?;
    Some(LogData::new_unchecked(topics, data.into()))
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::{from_slice, to_vec};

    use super::*;

    fn log(topics: u8, data: &[u8]) -> LogData {
        LogData::new_unchecked((1..=topics).map(B256::repeat_byte).collect(), data.to_vec().into())
    }

    #[test]
    fn a_log_reads_as_its_entries_and_they_as_the_log() {
        for log in [log(0, b""), log(0, b"data"), log(1, b""), log(4, b"data")] {
            let said = Said::from(log.clone());
            let list = ActorEvent { entries: said.entries() };
            assert_eq!(list.entries.len(), log.topics().len() + usize::from(!log.data.is_empty()));
            assert_eq!(to_vec(&said).unwrap(), to_vec(&list).unwrap(), "{log:?}");
            assert_eq!(from_slice::<Said>(&to_vec(&list).unwrap()).unwrap(), said);
            assert_eq!((Said::from(list).as_log(), said.as_log()), (Some(&log), Some(&log)));
        }
    }

    #[test]
    fn what_has_another_shape_stays_a_list() {
        let (topic, data) = (|key| entry(key, &[1; 32]), entry(DATA, b"data"));
        for (list, why) in [
            (vec![topic("t2")], "no first topic"),
            (vec![topic("t1"), topic("t1")], "a topic twice"),
            (vec![data.clone(), topic("t1")], "data first"),
            (vec![data.clone(), data.clone()], "data twice"),
            (vec![entry(DATA, b"")], "empty data"),
            (vec![entry("t1", &[1; 31])], "a short topic"),
            (vec![topic("t1"), topic("t2"), topic("t3"), topic("t4"), topic("t5")], "a fifth topic"),
            (vec![Entry { flags: Flags::empty(), ..topic("t1") }], "not indexed"),
            (vec![Entry { codec: 0x51, ..data }], "not raw"),
        ] {
            let said = Said::from(list.clone());
            assert_eq!((said.as_log(), said.entries()), (None, list.clone()), "{why}");
            let bytes = to_vec(&ActorEvent { entries: list }).unwrap();
            assert_eq!((to_vec(&said).unwrap(), from_slice::<Said>(&bytes).unwrap()), (bytes, said), "{why}");
        }
    }
}
