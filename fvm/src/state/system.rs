//! The system actor's state: which code is part of the node, and which was installed at genesis.
//!
//! The tuple `[manifest, installed]`. The manifest is Filecoin's, a list of `[name, code]`; the second field is ours: the sorted
//! code CIDs that the init actor may execute. Anyone may create an actor of installed code; nobody may install more yet, since
//! compiling a module is work that must be bounded and paid first.

use std::collections::BTreeSet;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use tributary_primitives::actors::BuiltinActor;

use super::{read_cbor, write_cbor};
use crate::error::StateFatal;

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct SystemState {
    manifest: Cid,
    installed: Cid,
}

/// Writes the state of the system actor and answers its root.
pub(crate) fn write<B: Blockstore>(store: &B, installed: &BTreeSet<Cid>) -> Result<Cid, StateFatal> {
    let manifest: Vec<(&str, Cid)> = BuiltinActor::ALL.iter().map(|actor| (actor.name(), actor.code())).collect();
    let state = SystemState { manifest: write_cbor(store, &manifest)?, installed: write_cbor(store, installed)? };
    write_cbor(store, &state)
}

/// The code that the init actor may execute.
pub(crate) fn installed<B: Blockstore>(store: &B, root: &Cid) -> Result<BTreeSet<Cid>, StateFatal> {
    let state: SystemState = read_cbor(store, root, "system actor state")?;
    read_cbor(store, &state.installed, "list of installed code")
}
