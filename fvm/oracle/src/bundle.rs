//! Filecoin's built-in actors, out of the file that they are released in.
//!
//! ```text
//! CAR file, one root
//!   └─ [1, manifest]
//!        └─ [[name, code], …]     in Filecoin's numbering, from 1
//!             └─ WASM             one block an actor
//! ```
//!
//! No registry carries one, so it is the user's: a release asset of filecoin-project/builtin-actors, or what its `make bundle` writes.
//! Every block is checked against its CID, so a file is what its release was, or it is refused.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::CborStore;
use tributary_primitives::actors::BuiltinActor;

use crate::store::{Base, Store};

/// Most bytes of a file: several times the largest release.
pub const BUNDLE_BYTES_MAX: u64 = 64 << 20;

/// The built-in actors of one release.
#[derive(Clone, Debug)]
pub struct Bundle {
    blocks: Base,
    manifest: Cid,
    /// Name and code, in Filecoin's numbering, from 1.
    actors: Vec<(String, Cid)>,
}

impl Bundle {
    /// Reads the file at `path`: at most [`BUNDLE_BYTES_MAX`] of it.
    ///
    /// # Errors
    /// When it cannot be read, or is no bundle that has every actor of ours.
    pub fn open(path: &Path) -> Result<Self> {
        let refused = || format!("{} is no bundle of Filecoin's built-in actors", path.display());
        let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let mut bytes = Vec::new();
        file.take(BUNDLE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::read(&bytes).with_context(refused)
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// When it is none that has every actor of ours, or is larger than [`BUNDLE_BYTES_MAX`].
    pub fn read(car: &[u8]) -> Result<Self> {
        ensure!(u64::try_from(car.len())? <= BUNDLE_BYTES_MAX, "it is larger than {BUNDLE_BYTES_MAX} bytes");
        let store = Store::default();
        let roots = fvm_ipld_car::load_car(&store, car)?;
        let [manifest] = roots[..] else { bail!("it has {} roots, not one", roots.len()) };
        let pair =
            store.get_cbor(&manifest).context("its root is no manifest of version 1, as releases from v9 on have")?;
        let (version, list): (u32, Cid) = pair.context("it has no block for its root")?;
        ensure!(version == 1, "its manifest's version is {version}, not 1");
        let actors = store.get_cbor(&list).context("its list of actors is no list of names and code")?;
        let actors: Vec<(String, Cid)> = actors.context("it has no block for its list of actors")?;
        check(&store, &actors)?;
        Ok(Self { blocks: store.into_base(), manifest, actors })
    }

    /// Version and CID of the list of actors: what the reference's `builtin_actors_override` takes.
    #[must_use]
    pub const fn manifest(&self) -> Cid {
        self.manifest
    }

    /// The code and the manifest.
    #[must_use]
    pub const fn blocks(&self) -> &Base {
        &self.blocks
    }

    /// The code of the actor that is `ours` among our built-in actors; `None` for any other code.
    #[must_use]
    pub fn code_for(&self, ours: &Cid) -> Option<Cid> {
        let actor = BuiltinActor::MANIFEST.into_iter().find(|actor| actor.code() == *ours)?;
        named(&self.actors, actor).map(|(_, code)| *code)
    }

    /// The other way around: our code of the actor whose code is `theirs`.
    #[must_use]
    pub fn ours_for(&self, theirs: &Cid) -> Option<Cid> {
        let ours = BuiltinActor::MANIFEST.into_iter().map(BuiltinActor::code);
        ours.into_iter().find(|ours| self.code_for(ours).as_ref() == Some(theirs))
    }
}

/// Every actor of ours is in its place, and every actor's code is here.
fn check(store: &Store, actors: &[(String, Cid)]) -> Result<()> {
    for actor in BuiltinActor::MANIFEST {
        let name = named(actors, actor).map(|(name, _)| name.as_str());
        let (want, number) = (actor.name(), actor.number());
        ensure!(name == Some(want), "its actor {number} is {}, not {want}", name.unwrap_or("missing"));
    }
    for (name, code) in actors {
        ensure!(store.has(code)?, "it has no block for the code of {name}");
    }
    Ok(())
}

fn named(actors: &[(String, Cid)], actor: BuiltinActor) -> Option<&(String, Cid)> {
    actors.get(usize::try_from(actor.number()).ok()?.checked_sub(1)?)
}

#[cfg(test)]
mod tests;
