//! Certificates of checkpoints, and the shares they are made of.
//!
//! A share is kept until the checkpoint of its height has a certificate. Shares of a height that never gets one are deleted by
//! [`Store::delete_shares_below`], once a later checkpoint made it moot.

use rocksdb::WriteBatch;
use tributary_primitives::{BlsPublicKey, Height, VALIDATORS_MAX};

use crate::store::{Store, malformed};
use crate::undecided::Survives;
use crate::{Family, StoreFatal, key};

impl Store {
    /// Keeps one validator's share of the checkpoint at `height`. The same validator's share written again replaces the first.
    ///
    /// A node's own share asks for [`Survives::PowerLoss`] before it is sent: two different shares of one height are slashed. Peers'
    /// shares come again.
    ///
    /// # Errors
    /// [`StoreFatal::Write`].
    pub fn put_share(
        &self,
        height: Height,
        signer: &BlsPublicKey,
        share: &[u8],
        survives: Survives,
    ) -> Result<(), StoreFatal> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(Family::Shares), key::share(height, signer), share);
        self.write(batch, survives)
    }

    /// The shares of the checkpoint at `height`, by public key, at most as many as a network has validators.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn shares(&self, height: Height) -> Result<Vec<(BlsPublicKey, Vec<u8>)>, StoreFatal> {
        let (from, to) = (key::height(height).into(), key::height(height.next()).into());
        let entries = self.scan(Family::Shares, from, to, VALIDATORS_MAX)?;
        entries
            .into_iter()
            .map(|(key, share)| {
                let (_, signer) =
                    key::as_share(&key).ok_or_else(|| malformed(Family::Shares, &key, "a share's key of 56"))?;
                Ok((signer, share.into_vec()))
            })
            .collect()
    }

    /// Keeps the certificate of the checkpoint at `height`, for good, and deletes that height's shares in the same batch.
    ///
    /// Survives a power loss when it returns: a relayer may have carried it by then.
    ///
    /// # Errors
    /// [`StoreFatal::Write`], [`StoreFatal::Read`].
    pub fn put_checkpoint(&self, height: Height, certificate: &[u8]) -> Result<(), StoreFatal> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(Family::Checkpoints), key::height(height), certificate);
        self.delete_shares(&mut batch, height, height.next())?;
        self.write(batch, Survives::PowerLoss)
    }

    /// The certificate of the checkpoint at `height`. A range of them: [`Store::range`] of [`Family::Checkpoints`].
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn checkpoint(&self, height: Height) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Checkpoints, &key::height(height))
    }

    /// The latest certified checkpoint at or below `height`.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn latest_checkpoint(&self, height: Height) -> Result<Option<(Height, Vec<u8>)>, StoreFatal> {
        let Some((key, certificate)) = self.last_until(Family::Checkpoints, &key::height(height))? else {
            return Ok(None);
        };
        let at = key::as_height(&key).ok_or_else(|| malformed(Family::Checkpoints, &key, "a height of 8"))?;
        Ok(Some((at, certificate.into_vec())))
    }

    /// Deletes the shares of every height below `height`.
    ///
    /// # Errors
    /// [`StoreFatal::Write`], [`StoreFatal::Read`].
    pub fn delete_shares_below(&self, height: Height) -> Result<(), StoreFatal> {
        let mut batch = WriteBatch::default();
        self.delete_shares(&mut batch, Height::GENESIS, height)?;
        self.write(batch, Survives::Process)
    }

    fn delete_shares(&self, batch: &mut WriteBatch, from: Height, to: Height) -> Result<(), StoreFatal> {
        for key in self.keys(Family::Shares, key::height(from).into(), key::height(to).into())? {
            batch.delete_cf(self.family(Family::Shares), key);
        }
        Ok(())
    }
}
