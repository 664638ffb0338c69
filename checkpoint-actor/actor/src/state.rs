//! What the actor keeps.
//!
//! ```text
//! State                    DAG-CBOR tuple, rewritten with every accepted checkpoint (about 120 bytes)
//! ├─ registration ─▶ Registration          written once
//! ├─ latest       ─▶ CheckpointCertificate the latest accepted, or null
//! └─ accepted     ─▶ AMT: height / period ─▶ CheckpointCertificate
//! ```
//!
//! Certificates are blocks of codec CBOR (0x51), not DAG-CBOR: the CIDs in a checkpoint name blocks of the *child*, which the
//! parent's store does not hold. The list is indexed by period, so it is dense, and a proof of one certificate is a path of
//! `log8(checkpoints)` nodes.

use cid::Cid;
use fvm_ipld_amt::Amt;
use fvm_ipld_blockstore::{Block, Blockstore};
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{CBOR, CborStore, DAG_CBOR};
use multihash_codetable::Code;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_checkpoint::{Accepted, CertificateRejected, CheckpointCertificate, Registration, Standing, judge};
use tributary_primitives::{BlsPublicKey, BlsSignature, Height};

/// Eight entries a node: a proof's nodes stay below half a kilobyte.
const ACCEPTED_BIT_WIDTH: u32 = 3;

/// The root block of the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct State {
    /// [`Registration`] of the child.
    pub registration: Cid,
    /// The [`CheckpointCertificate`] accepted last; `None` before the first.
    pub latest: Option<Cid>,
    /// AMT of accepted [`CheckpointCertificate`]s, by height divided by the checkpoint period.
    pub accepted: Cid,
}

/// Why a submission changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionRejected {
    /// The law refuses the certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateRejected),
    /// The actor's own blocks do not read or write.
    #[error(transparent)]
    State(#[from] StateFatal),
}

/// The actor's own blocks do not read or write. No message can cause it.
#[derive(Debug, thiserror::Error)]
pub enum StateFatal {
    /// The host's store answered so.
    #[error("the actor's state is not accessible: {0}")]
    Store(String),
    /// A block that the state names is not there.
    #[error("block {0} of the actor's state is missing")]
    Missing(Cid),
}

impl State {
    /// The state of a subnet that was just registered. Writes its blocks to `store`.
    ///
    /// # Errors
    /// [`StateFatal`] when `store` does not take a block.
    pub fn new(store: &impl Blockstore, registration: &Registration) -> Result<Self, StateFatal> {
        let accepted = Amt::<Cid, _>::new_with_bit_width(store, ACCEPTED_BIT_WIDTH).flush().map_err(fatal)?;
        Ok(Self { registration: put(store, DAG_CBOR, registration)?, latest: None, accepted })
    }

    /// The state at `root`.
    ///
    /// # Errors
    /// [`StateFatal`] when it does not read.
    pub fn load(store: &impl Blockstore, root: &Cid) -> Result<Self, StateFatal> {
        get(store, root)
    }

    /// Writes the root block.
    ///
    /// # Errors
    /// [`StateFatal`] when `store` does not take it.
    pub fn save(&self, store: &impl Blockstore) -> Result<Cid, StateFatal> {
        put(store, DAG_CBOR, self)
    }

    /// Who is registered here.
    ///
    /// # Errors
    /// [`StateFatal`] when it does not read.
    pub fn registration(&self, store: &impl Blockstore) -> Result<Registration, StateFatal> {
        get(store, &self.registration)
    }

    /// The certificate accepted last.
    ///
    /// # Errors
    /// [`StateFatal`] when it does not read.
    pub fn latest(&self, store: &impl Blockstore) -> Result<Option<CheckpointCertificate>, StateFatal> {
        self.latest.map(|cid| get(store, &cid)).transpose()
    }

    /// The certificate accepted at `height`; `None` where there is none.
    ///
    /// # Errors
    /// [`StateFatal`] when it does not read.
    pub fn at(&self, store: &impl Blockstore, height: Height) -> Result<Option<CheckpointCertificate>, StateFatal> {
        let period = self.registration(store)?.checkpoint_period;
        if !height.ends_period(period) {
            return Ok(None);
        }
        let accepted = Amt::<Cid, _>::load(&self.accepted, store).map_err(fatal)?;
        accepted.get(height.0 / period).map_err(fatal)?.map(|cid| get(store, cid)).transpose()
    }

    /// Judges `certificate` and, if it is accepted, keeps it.
    ///
    /// # Errors
    /// [`SubmissionRejected`]; `self` is then as it was.
    pub fn submit(
        &mut self,
        store: &impl Blockstore,
        certificate: &CheckpointCertificate,
        verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
    ) -> Result<Accepted, SubmissionRejected> {
        let registration = self.registration(store)?;
        let latest = self.latest(store)?.map(|latest| Accepted::from(&latest.checkpoint));
        let height = certificate.checkpoint.height;
        let is_past = latest.as_ref().is_some_and(|latest| height < latest.height);
        let same_height = if is_past { self.at(store, height)? } else { None };
        let same_height = same_height.map(|same| same.checkpoint.cid());
        let standing =
            Standing { registration: &registration, latest: latest.as_ref(), same_height: same_height.as_ref() };
        let judged = judge(standing, certificate, verify)?;
        self.keep(store, certificate, height.0 / registration.checkpoint_period)?;
        Ok(judged)
    }

    fn keep(
        &mut self,
        store: &impl Blockstore,
        certificate: &CheckpointCertificate,
        period: u64,
    ) -> Result<(), StateFatal> {
        let block = put(store, CBOR, certificate)?;
        let mut accepted = Amt::<Cid, _>::load(&self.accepted, store).map_err(fatal)?;
        accepted.set(period, block).map_err(fatal)?;
        self.accepted = accepted.flush().map_err(fatal)?;
        self.latest = Some(block);
        Ok(())
    }
}

fn put(store: &impl Blockstore, codec: u64, value: &impl Serialize) -> Result<Cid, StateFatal> {
    let bytes = fvm_ipld_encoding::to_vec(value).map_err(fatal)?;
    store.put(Code::Blake2b256, &Block::new(codec, bytes)).map_err(fatal)
}

fn get<T: DeserializeOwned>(store: &impl Blockstore, cid: &Cid) -> Result<T, StateFatal> {
    store.get_cbor(cid).map_err(fatal)?.ok_or(StateFatal::Missing(*cid))
}

fn fatal(reason: impl std::fmt::Display) -> StateFatal {
    StateFatal::Store(reason.to_string())
}

#[cfg(test)]
mod tests;
