//! The digests of what has changed, and only of that: level by level from below, several nodes at once.
//!
//! blake2b hashes four messages in about twice the time of one. Nodes of one level do not depend on each other, so a level is
//! split among threads when it is large enough to pay for them; the digests are the same however it is split.

use blake2b_simd::Params;
use blake2b_simd::many::{HashManyJob, hash_many};

use crate::kind::Kind;
use crate::node::{Digest, Node, Standing};
use crate::slots::{bit, slots};
use crate::threads::share;

/// Bytes a thread must have to hash before it is started: some 70 µs of work, against 20 µs to start it.
const THREAD_BYTES_MIN: usize = 128 << 10;

/// Nodes hashed in one call: the last few of them are hashed alone, and each takes a quarter of a kilobyte meanwhile.
const AT_ONCE: usize = 256;

/// Makes the digests of these roots known, and of all below them.
pub(crate) fn hash<K: Kind>(roots: &mut [&mut Node], threads: usize) {
    let changed = roots.iter_mut().filter(|root| root.standing == Standing::Changed);
    let mut roots: Vec<&mut Node> = changed.map(|root| &mut **root).collect();
    let height = roots.iter().map(|root| height(root)).max();
    for depth in (0..height.unwrap_or_default()).rev() {
        let mut level = Vec::new();
        roots.iter_mut().for_each(|root| collect(root, depth, &mut level));
        hash_level::<K>(&mut level, threads);
    }
}

/// Levels of changed nodes.
fn height(node: &Node) -> usize {
    let below = slots(node.stale).filter_map(|slot| node.below.get(slot));
    1 + below.map(height).max().unwrap_or_default()
}

/// The changed nodes `depth` levels below `node`.
fn collect<'a>(node: &'a mut Node, depth: usize, level: &mut Vec<&'a mut Node>) {
    if depth == 0 {
        level.push(node);
        return;
    }
    let stale = node.stale;
    let below = node.below.iter_mut().filter(|(slot, _)| stale & bit(*slot) != 0);
    below.for_each(|(_, below)| collect(below, depth - 1, level));
}

fn hash_level<K: Kind>(level: &mut [&mut Node], threads: usize) {
    let bytes: usize = level.iter().map(|node| node.block.len()).sum();
    let threads = threads.min(bytes / THREAD_BYTES_MIN).max(1);
    let at_once = if threads == 1 { AT_ONCE } else { AT_ONCE.min(level.len().div_ceil(4 * threads)) };
    share(level.chunks_mut(at_once), threads, hash_some::<K>);
}

fn hash_some<K: Kind>(nodes: &mut [&mut Node]) {
    nodes.iter_mut().for_each(|node| node.refresh::<K>());
    let digests = digests(nodes.iter().map(|node| &*node.block));
    for (node, digest) in nodes.iter_mut().zip(digests) {
        node.digest = digest;
        node.standing = Standing::Hashed;
    }
}

fn digests<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> Vec<Digest> {
    let mut params = Params::new();
    params.hash_length(size_of::<Digest>());
    let mut jobs: Vec<_> = blocks.map(|block| HashManyJob::new(&params, block)).collect();
    hash_many(&mut jobs);
    jobs.iter().map(|job| *job.to_hash().as_array().first_chunk().expect("a hash has 64 bytes of room")).collect()
}
