//! Whether the nodes of a network agree once a run is over: one block at one height, and one state after it.
//!
//! ```text
//! the highest block of any ─▶ all nodes: what they have there ─┬─ the same         ─▶ they agree
//!                             (who is behind is waited for)    ├─ another          ─▶ they do not
//!                                                              └─ nothing, in time ─▶ they do not
//! ```
//!
//! A block's hash stands for all blocks before it, and a state root for all that they did: one height says it of the whole run.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tributary_primitives::Hash32;

use crate::client::{Client, ClientUnavailable};
use crate::http::Endpoint;

/// How long all nodes together may take to the highest block of one: as long as a full network's last validator may be behind.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// From one question whether a node has it to the next.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// What the nodes have at one height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// The highest block of any node.
    pub height: u64,
    /// Whether all have what the first one has.
    pub agree: bool,
    /// Each, in the order in which they were named.
    pub nodes: Vec<Seen>,
}

/// What one node has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Where it answers. In no document: an address may hold the key by which a node lets its clients in.
    #[serde(skip)]
    pub node: String,
    /// Its block; none if it did not get there in time.
    pub block: Option<Mark>,
}

/// A block, and the state after it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Mark {
    /// The block's hash.
    pub hash: Hash32,
    /// The state's root.
    pub state_root: Hash32,
}

impl Agreement {
    /// Of what these nodes have at `height`.
    #[must_use]
    pub fn of(height: u64, nodes: Vec<Seen>) -> Self {
        let is_there = nodes.iter().all(|seen| seen.block.is_some());
        let agree = is_there && nodes.windows(2).all(|pair| pair[0].block == pair[1].block);
        Self { height, agree, nodes }
    }

    /// Who is the first to have something else than the first node, and what; none where all agree.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        let height = self.height;
        let first = self.nodes.first()?;
        let other = self.nodes.iter().find(|seen| seen.block.is_none() || seen.block != first.block)?;
        Some(match (first.block, other.block) {
            (Some(one), Some(another)) if one.hash != another.hash => {
                let (node, other) = (&first.node, &other.node);
                format!(
                    "block {height} is {} on {node} and {} on {other}: these are two chains",
                    one.hash, another.hash
                )
            }
            (Some(one), Some(another)) => {
                let (node, other, one, another) = (&first.node, &other.node, one.state_root, another.state_root);
                format!(
                    "after block {height} the state root is {one} on {node} and {another} on {other}: one executed it wrongly"
                )
            }
            _ => format!("{} did not get to block {height} in time, or does not show it", other.node),
        })
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.nodes.first().and_then(|seen| seen.block);
        let same = self.nodes.iter().filter(|seen| seen.block.is_some() && seen.block == first).count();
        write!(f, "{same} of {}, at block {}", self.nodes.len(), self.height)
    }
}

/// Compares what `nodes`, which are of one network, have at the highest block of any; who is behind has `patience` to get there, and who is
/// gone has nothing. `None` for fewer than two.
///
/// # Errors
/// [`ClientUnavailable`] where the first one gives no answer of use.
pub async fn compare(nodes: &[Endpoint], patience: Duration) -> Result<Option<Agreement>, ClientUnavailable> {
    let [first, others @ ..] = nodes else { return Ok(None) };
    if others.is_empty() {
        return Ok(None);
    }
    let mut height = Client::of(first.clone()).head().await?;
    for node in others {
        height = height.max(Client::of(node.clone()).head().await.unwrap_or_default());
    }
    let (until, mut seen) = (Instant::now() + patience, Vec::with_capacity(nodes.len()));
    for node in nodes {
        let mut client = Client::of(node.clone());
        let mut block = mark(&mut client, height).await;
        while block.is_none() && Instant::now() < until {
            sleep(ASK_EVERY).await;
            block = mark(&mut client, height).await;
        }
        seen.push(Seen { node: node.to_string(), block });
    }
    Ok(Some(Agreement::of(height, seen)))
}

/// A node that is gone, or refuses to speak of a block that is not there yet, has nothing to show, and is asked again.
async fn mark(client: &mut Client, height: u64) -> Option<Mark> {
    client.ask("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Mark = Mark { hash: Hash32([1; 32]), state_root: Hash32([2; 32]) };

    fn of(blocks: &[Option<Mark>]) -> Agreement {
        let names = ["a", "b", "c"].into_iter().map(str::to_owned);
        Agreement::of(7, names.zip(blocks).map(|(node, block)| Seen { node, block: *block }).collect())
    }

    #[test]
    fn nodes_agree_only_if_all_have_one_block_and_one_state_and_else_it_is_told_who_differs() {
        let (fork, state) = (Mark { hash: Hash32([3; 32]), ..ONE }, Mark { state_root: Hash32([4; 32]), ..ONE });
        for (blocks, shown, told) in [
            ([Some(ONE); 3], "3 of 3, at block 7", vec![]),
            (
                [Some(ONE), Some(ONE), Some(fork)],
                "2 of 3, at block 7",
                vec!["block 7 is 0x0101", "on a and 0x0303", "on c:"],
            ),
            (
                [Some(ONE), Some(state), Some(ONE)],
                "2 of 3, at block 7",
                vec!["state root is 0x0202", "0x0404", "on b:"],
            ),
            ([Some(state), Some(ONE), Some(ONE)], "1 of 3, at block 7", vec!["0x0404", "on a and 0x0202", "on b:"]),
            ([Some(ONE), None, Some(fork)], "1 of 3, at block 7", vec!["b did not get to block 7"]),
            ([None, Some(ONE), Some(ONE)], "0 of 3, at block 7", vec!["a did not get to block 7"]),
            ([None; 3], "0 of 3, at block 7", vec!["a did not get to block 7"]),
        ] {
            let agreement = of(&blocks);
            assert_eq!((agreement.agree, agreement.to_string().as_str()), (told.is_empty(), shown));
            let why = agreement.disagreement();
            assert_eq!(why.is_none(), told.is_empty(), "{why:?}");
            for words in told {
                assert!(why.as_ref().is_some_and(|why| why.contains(words)), "no {words:?} in {why:?}");
            }
        }
    }

    #[test]
    fn a_document_has_what_each_node_has_and_no_address() {
        let document = serde_json::to_value(of(&[Some(ONE), None])).unwrap();
        let (hash, root) = (ONE.hash.to_string(), ONE.state_root.to_string());
        let nodes = json!([{"block": {"hash": hash, "state_root": root}}, {"block": null}]);
        assert_eq!(document, json!({"height": 7, "agree": false, "nodes": nodes}));
    }

    #[test]
    fn a_block_is_read_as_ethereum_nodes_write_it() {
        let block = json!({"hash": ONE.hash.to_string(), "stateRoot": ONE.state_root.to_string(), "number": "0x7"});
        assert_eq!(serde_json::from_value::<Mark>(block).unwrap(), ONE);
    }
}
