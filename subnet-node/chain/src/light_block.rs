//! What a light client verifies: a header, the commit that decided it, and the sets of its height and the next.
//!
//! All three are Tendermint's types and serialise as its RPC does, so `tendermint-light-client-verifier`, an IBC relayer or any
//! other client with stock code can follow a chain from here.

use serde::{Deserialize, Serialize};
use tendermint::block::Header;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator;

use crate::commit::CommitCertificate;
use crate::keys::ValidatorAddress;
use crate::validators::ValidatorSet;

/// A decided height, as a light client wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LightBlock {
    /// The header and its commit.
    pub signed_header: SignedHeader,
    /// The set of this height, with its proposer named.
    #[serde(rename = "validator_set")]
    pub validators: validator::Set,
    /// The set of the next height.
    #[serde(rename = "next_validator_set")]
    pub next_validators: validator::Set,
}

/// Parts that are not of one block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header of height {header} with a certificate for height {certificate} or for another block")]
pub struct LightBlockRejected {
    /// The header's height.
    pub header: u64,
    /// The certificate's height.
    pub certificate: u64,
}

impl LightBlock {
    /// Puts together what was decided. Cost: the header's hash, and a copy of both sets.
    ///
    /// # Errors
    /// [`LightBlockRejected`] when the certificate is not for `header`. Signatures are not checked.
    pub fn new(
        header: Header,
        certificate: &CommitCertificate,
        validators: &ValidatorSet,
        next_validators: &ValidatorSet,
    ) -> Result<Self, LightBlockRejected> {
        let mismatch = LightBlockRejected { header: header.height.value(), certificate: certificate.height.0 };
        if !certificate.block.names_header(&header) {
            return Err(mismatch);
        }
        let proposer = ValidatorAddress::from(header.proposer_address);
        let signed_header = SignedHeader::new(header, certificate.to_commit(validators)).map_err(|_| mismatch)?;
        Ok(Self {
            signed_header,
            validators: validators.to_tendermint(Some(proposer)),
            next_validators: next_validators.to_tendermint(None),
        })
    }
}

#[cfg(test)]
mod tests;
