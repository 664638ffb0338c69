//! The system actor's state: which code is part of the node, and which is installed.
//!
//! The tuple `[manifest, installed]`. The manifest is Filecoin's, a list of `[name, code]`; the second field is ours: a HAMT from the
//! bytes of a code CID to the CID, so that the modules themselves hang on the state root. The init actor executes what is in it.
//! Genesis installs some code; users install more by the init actor's `InstallCode`, if the chain lets them.

use std::collections::BTreeSet;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_hamt::{BytesKey, Hamt};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::layout::BIT_WIDTH;

use super::{read_cbor, write_cbor};
use crate::error::StateFatal;

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct SystemState {
    manifest: Cid,
    installed: Cid,
}

/// Writes the state of the system actor and answers its root.
pub(crate) fn write<B: Blockstore>(store: &B, installed: &BTreeSet<Cid>) -> Result<Cid, StateFatal> {
    let manifest: Vec<(&str, Cid)> = BuiltinActor::MANIFEST.iter().map(|actor| (actor.name(), actor.code())).collect();
    let mut map = Hamt::<_, Cid>::new_with_bit_width(store, BIT_WIDTH);
    for code in installed {
        map.set(key_of(code), *code).map_err(StateFatal::tree)?;
    }
    let installed = map.flush().map_err(StateFatal::tree)?;
    write_cbor(store, &SystemState { manifest: write_cbor(store, &manifest)?, installed })
}

/// Whether the init actor may execute this code, in the state of the system actor under `root`.
pub(crate) fn is_installed<B: Blockstore>(store: &B, root: &Cid, code: &Cid) -> Result<bool, StateFatal> {
    open(store, root)?.1.contains_key(&key_of(code)).map_err(StateFatal::tree)
}

/// Adds code; the new root of the system actor's state.
pub(crate) fn install<B: Blockstore>(store: &B, root: &Cid, code: &Cid) -> Result<Cid, StateFatal> {
    let (state, mut map) = open(store, root)?;
    map.set(key_of(code), *code).map_err(StateFatal::tree)?;
    let installed = map.flush().map_err(StateFatal::tree)?;
    write_cbor(store, &SystemState { installed, ..state })
}

fn open<'a, B: Blockstore>(store: &'a B, root: &Cid) -> Result<(SystemState, Hamt<&'a B, Cid>), StateFatal> {
    let state: SystemState = read_cbor(store, root, "system actor state")?;
    let map = Hamt::load_with_bit_width(&state.installed, store, BIT_WIDTH).map_err(StateFatal::tree)?;
    Ok((state, map))
}

fn key_of(code: &Cid) -> BytesKey {
    BytesKey(code.to_bytes())
}

#[cfg(test)]
mod tests {
    use tributary_primitives::raw_cid;

    use super::*;
    use crate::state::MemoryStore;

    #[test]
    fn what_is_installed_later_is_what_genesis_would_have_installed() {
        let (store, one, two) = (MemoryStore::default(), raw_cid(b"one"), raw_cid(b"two"));
        let root = write(&store, &BTreeSet::from([one])).unwrap();
        assert!(is_installed(&store, &root, &one).unwrap() && !is_installed(&store, &root, &two).unwrap());
        let later = install(&store, &root, &two).unwrap();
        assert_eq!(later, write(&store, &BTreeSet::from([one, two])).unwrap());
        assert_eq!(install(&store, &later, &two).unwrap(), later, "twice is once");
    }
}
