//! The price list: what each thing costs in FVM gas, one number in one place.
//!
//! All are those of network versions 21 to 29 ("Watermelon" and later; what differs between them
//! prices storage proofs, which this network does not have).
//!
//! Source, unless said otherwise: ref-fvm 4.8 `fvm/src/gas/price_list.rs`, `WATERMELON_PRICES`. One
//! gas stands for a tenth of a nanosecond on the reference's benchmark machine (FIP-0032).

use fvm_shared::crypto::signature::SignatureType;

use crate::gas::Gas;
use crate::host::FirstAccess;

/// Entering any syscall.
pub const SYSCALL: Gas = Gas::new(14_000);

/// Moving value between two actors.
pub const VALUE_TRANSFER: Gas = Gas::new(6_000);

/// Storage of an actor that did not exist.
pub const ACTOR_CREATE: Gas = Gas::new(650_000);

/// Giving an address its id, when a send creates the receiver: a look-up and an assignment.
pub const ADDRESS_ASSIGN: Gas = Gas::new(1_050_000 + 1_000_000);

/// One item of CBOR looked at in a scan for links.
pub const CBOR_FIELD: Gas = Gas::new(35);

/// One CID looked at in a scan for links.
pub const CBOR_CID: Gas = Gas::new(400);

/// Opening a block, before its size is known: 187,440 to read it, 300 to check that it is reachable.
pub const BLOCK_OPEN: Gas = Gas::new(STATE_READ + LINK);

/// A byte that the state keeps for good.
const STORED_BYTE: u64 = 3_340;

/// Asking for one's state root: the root becomes reachable.
pub const ROOT_GET: Gas = Gas::new(LINK);

/// Setting one's state root: it must be reachable.
pub const ROOT_SET: Gas = Gas::new(LINK);

/// Recovering a secp256k1 public key.
pub const SECP_RECOVER: Gas = Gas::new(1_637_292);

/// Reading an entry, before its size is known: a read of the state, as for a block.
///
/// Source of this price and the other three of entries: ours, of the reference's parts; it has no such syscalls.
pub const ENTRY_READ: Gas = Gas::new(STATE_READ);

/// Reading a block, or an entry, from the state.
const STATE_READ: u64 = 187_440;

/// Keeping a block, or an entry: what it takes beside its bytes.
const STATE_WRITE: Gas = Gas::new(172_000);

/// A link checked against, or added to, the reachable set.
const LINK: u64 = 300;

/// First look-up of an actor in a message.
const ACTOR_LOOKUP: Gas = Gas::new(500_000);

/// First update of an actor in a message.
const ACTOR_UPDATE: Gas = Gas::new(475_000);

/// Calling an actor's code.
const INVOCATION: Gas = Gas::new(75_000);

/// A byte on the chain.
const CHAIN_BYTE: Gas = Gas::new(1_300);

/// Copying a byte: 0.4 gas. Also filling it, which is what memory costs.
const COPY_BYTE: Gas = Gas::from_milligas(400);

/// Allocating a byte.
const ALLOCATE_BYTE: Gas = Gas::new(2);

/// Holding a byte of a block until the message ends, at the least.
const RETAIN_BYTE: Gas = Gas::new(10);

/// Hashing a byte with blake2b.
const BLAKE2B_BYTE: Gas = Gas::new(10);

/// Verifying one BLS signature: two pairings and the hash to the curve.
const BLS_VERIFY: Gas = Gas::new(16_598_605);

/// A byte of a message whose BLS signature is verified.
const BLS_VERIFY_BYTE: Gas = Gas::new(26);

/// Decompressing a BLS public key, checking its subgroup and adding it: 39 µs measured with blst, at
/// 10,000 gas a microsecond. Ours: the reference has no such syscall.
const BLS_KEY: Gas = Gas::new(390_000);

/// One instruction.
const INSTRUCTION: Gas = Gas::new(4);

/// Reading or updating an actor, as far as it is the message's first time.
pub fn access(first: FirstAccess) -> Gas {
    let lookup = if first.lookup { ACTOR_LOOKUP } else { Gas::ZERO };
    let update = if first.update { ACTOR_UPDATE } else { Gas::ZERO };
    lookup + update
}

/// A message of this many bytes in a block, and the update of its sender.
///
/// 36 bytes are added for what the chain keeps beside the message (its signature's share and link).
pub fn inclusion(message_bytes: usize) -> Gas {
    Gas::new(38_863) + CHAIN_BYTE * 36 + CHAIN_BYTE * count(message_bytes) + ACTOR_UPDATE
}

/// Calling an actor with parameters of this many links.
pub fn invocation(param_links: usize) -> Gas {
    INVOCATION + Gas::new(LINK) * count(param_links)
}

/// Returning a block: to the chain, by the byte; to another actor, by the link.
///
/// `depth` is the returning call's, 1 for the message's own receiver.
pub fn invocation_return(depth: u32, bytes: u32, links: usize) -> Gas {
    if depth == 1 { CHAIN_BYTE * u64::from(bytes) } else { Gas::new(LINK) * count(links) }
}

/// Memory of a fresh instance.
pub fn memory(bytes: u64) -> Gas {
    COPY_BYTE * bytes
}

/// Opening a block, once its size is known.
pub fn block_open(bytes: u32, links: usize) -> Gas {
    block_held(bytes, links)
}

/// Creating a block.
pub fn block_create(bytes: u32, links: usize) -> Gas {
    block_held(bytes, links)
}

/// Reading a block's bytes into an actor's memory.
pub fn block_read(bytes: usize) -> Gas {
    COPY_BYTE * count(bytes)
}

/// Hashing a block, keeping it and making it reachable.
pub fn block_link(bytes: u32) -> Gas {
    let bytes = u64::from(bytes);
    let compute = (COPY_BYTE + ALLOCATE_BYTE + BLAKE2B_BYTE) * bytes + Gas::new(LINK);
    // What the state keeps for good, and 100 bytes' worth of bookkeeping a block.
    let storage = Gas::new(STORED_BYTE) * bytes.saturating_add(100);
    compute + storage + STATE_WRITE
}

/// An entry's value, once its size is known: held until the message ends, and copied to the actor.
pub fn entry_value(bytes: usize) -> Gas {
    (RETAIN_BYTE + COPY_BYTE) * count(bytes)
}

/// Setting an entry: kept as a block of its key and value would be, and a path of nodes in a map is made again, as for an actor's update.
///
/// With the 475,000 of the latter, and 172,000 of the former, 65 µs are paid for; a map of a million entries takes 22 µs for each
/// that changes, one whose nodes are as large as they can be some 130 µs for a node.
pub fn entry_set(key: usize, value: usize) -> Gas {
    block_link(u32::try_from(key.saturating_add(value)).unwrap_or(u32::MAX)) + ACTOR_UPDATE
}

/// Deleting an entry: as setting it, but nothing is kept.
pub fn entry_delete(key: usize) -> Gas {
    STATE_WRITE + ACTOR_UPDATE + (COPY_BYTE + ALLOCATE_BYTE + BLAKE2B_BYTE) * count(key)
}

/// Installing a module: checking, metering and compiling it, and keeping it as state.
///
/// Source: ours. Compiling was measured at 7 µs a byte, and the FVM's gas stands for a tenth of a nanosecond (FIP-0032), hence
/// 70,000 a byte; the reference's own price is still zero.
pub fn install(bytes: u32) -> Gas {
    Gas::new(70_000) * u64::from(bytes) + block_link(bytes)
}

/// What compiling a module may take beyond 7 µs a byte, which [`install`] charges: nothing for any actor known.
///
/// Source: ours, as for [`install`]; the estimate is `effort.rs`'.
pub fn compile(bytes: usize, compile_ns: u64) -> Gas {
    Gas::new(10) * compile_ns.saturating_sub(7_000 * count(bytes))
}

/// Looking back this many blocks: a skip list's walk, and 75 a block.
pub fn lookback(blocks: u64) -> Gas {
    Gas::new(5_800 * 19 + 15_000 + 21_000) + Gas::new(75) * blocks
}

/// Verifying a signature over a message of this many bytes.
pub fn signature(kind: SignatureType, message_bytes: usize) -> Gas {
    match kind {
        SignatureType::Secp256k1 => SECP_RECOVER + Gas::new(10) * count(message_bytes),
        SignatureType::BLS => BLS_VERIFY + BLS_VERIFY_BYTE * count(message_bytes),
    }
}

/// Verifying an aggregate of BLS signatures over different messages: a pairing each and one more.
pub fn bls_aggregate(signers: usize, message_bytes: usize) -> Gas {
    Gas::new(8_299_302) * count(signers).saturating_add(1) + Gas::new(7) * count(message_bytes)
}

/// Verifying an aggregate of BLS signatures over one message: keys are added, then one verification.
pub fn bls_fast_aggregate(signers: usize, message_bytes: usize) -> Gas {
    BLS_VERIFY + BLS_KEY * count(signers) + BLS_VERIFY_BYTE * count(message_bytes)
}

/// Hashing data at so much a byte (see the syscall for each function's price).
pub fn hash(per_byte: u64, bytes: usize) -> Gas {
    Gas::new(per_byte) * count(bytes)
}

/// Emitting an event: checked, copied three times, hashed.
pub fn event(entries: usize, key_bytes: usize, value_bytes: usize) -> Gas {
    // At most 12 bytes of CBOR around an event and 9 around an entry.
    let size = count(entries)
        .saturating_mul(9)
        .saturating_add(12)
        .saturating_add(count(key_bytes))
        .saturating_add(count(value_bytes));
    let validate_entries = Gas::new(2_000) + Gas::new(1_400) * count(entries);
    let validate_keys = Gas::new(500) + Gas::new(16) * count(key_bytes);
    let copies = (COPY_BYTE + ALLOCATE_BYTE) * 3 * size;
    validate_entries + validate_keys + copies + BLAKE2B_BYTE * size
}

/// Bytes of events that a message with this gas limit may emit.
///
/// An event's price is for making it, and receipts keep it: so a message must be ready to pay for its events what their bytes would cost as
/// state. That is about what the EVM asks for a log's data, 8 a byte. It is not charged: gas stays the reference's, which has no such bound.
pub fn event_bytes_max(limit: Gas) -> u64 {
    limit.round_down() / STORED_BYTE
}

/// One instruction that is not free, in milligas, for the instrumentation.
pub(crate) const fn instruction_milligas() -> u64 {
    INSTRUCTION.as_milligas()
}

/// One byte that an instruction copies or fills, in milligas, for the instrumentation.
pub(crate) const fn copy_byte_milligas() -> u64 {
    COPY_BYTE.as_milligas()
}

/// A block in the registry: copied, allocated, its links tracked, or what its bytes cost to hold.
fn block_held(bytes: u32, links: usize) -> Gas {
    let bytes = u64::from(bytes);
    let compute = (COPY_BYTE + ALLOCATE_BYTE) * bytes + Gas::new(LINK) * count(links);
    compute.max(RETAIN_BYTE * bytes)
}

/// A size as a factor.
fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row was computed with the reference's own price list.
    #[test]
    fn prices_are_the_references() {
        let both = FirstAccess { lookup: true, update: true };
        let table = [
            ("a syscall", SYSCALL, 14_000_000),
            ("moving value", VALUE_TRANSFER, 6_000_000),
            ("assigning an address", ADDRESS_ASSIGN, (1_050_000 + 1_000_000) * 1_000),
            ("creating an actor", ACTOR_CREATE, 650_000_000),
            ("getting a root", ROOT_GET, 300_000),
            ("setting a root", ROOT_SET, 300_000),
            ("a field of CBOR", CBOR_FIELD, 35_000),
            ("a CID in CBOR", CBOR_CID, 400_000),
            ("recovering a key", SECP_RECOVER, 1_637_292_000),
            ("access, none", access(FirstAccess::default()), 0),
            ("access, both", access(both), 975_000_000),
            ("inclusion", inclusion(120), (38_863 + 36 * 1_300 + 120 * 1_300 + 475_000) * 1_000),
            ("invocation", invocation(2), 75_600_000),
            ("return to the chain", invocation_return(1, 10, 3), 13_000_000),
            ("return to an actor", invocation_return(2, 10, 3), 900_000),
            ("a page of memory", memory(65_536), 26_214_400),
            ("open, base", BLOCK_OPEN, 187_740_000),
            ("open, held by its bytes", block_open(1_000, 1), 10_000_000),
            ("open, held by its links", block_open(100, 10), 3_240_000),
            ("create", block_create(10, 0), 100_000),
            ("read", block_read(5), 2_000),
            ("link", block_link(100), 506_300_000 + 100 * 3_352_400),
            ("lookback", lookback(3), 146_425_000),
            ("secp256k1", signature(SignatureType::Secp256k1, 10), 1_637_392_000),
            ("BLS", signature(SignatureType::BLS, 10), 16_598_865_000),
            ("BLS aggregate", bls_aggregate(2, 10), 24_897_976_000),
            ("event", event(2, 10, 20), (2_500 + 2_800 + 160) * 1_000 + 17_200 * 60),
            ("hash", hash(33, 10), 330_000),
        ];
        for (what, gas, milligas) in table {
            assert_eq!(gas, Gas::from_milligas(milligas), "{what}");
        }
    }

    #[test]
    fn an_entry_costs_what_a_block_and_an_actors_update_do() {
        assert_eq!(ENTRY_READ, Gas::new(187_440));
        assert_eq!(entry_value(1_000), Gas::new(10_400));
        assert_eq!(entry_set(8, 92), Gas::from_milligas(506_300_000 + 100 * 3_352_400 + 475_000_000));
        assert_eq!(entry_delete(10), Gas::from_milligas(172_000_000 + 475_000_000 + 10 * 12_400));
    }

    #[test]
    fn a_checkpoint_of_256_signers_costs_what_its_work_takes() {
        let gas = bls_fast_aggregate(256, 200);
        assert_eq!(gas, Gas::new(16_598_605 + 256 * 390_000 + 200 * 26));
    }
}
