//! Signs and verifies what validators say, over the bytes of [`tributary_chain::sign_bytes`].
//!
//! A certificate is checked by making its votes again from height, round and value, so the bytes depend on nothing else than those
//! and the chain id.

use async_trait::async_trait;
use malachite_core_types::{SignedMessage, SigningScheme, ValidatorProof, VoteExtensionScope};
use malachite_signing::{Error, Signer, VerificationResult, Verifier};
use tributary_chain::{ChainId, ConsensusKey, ConsensusPublicKey, ConsensusSignature, sign_bytes};

use crate::context::{Address, Chain, Ed25519, Init, Proposal, Vote};

/// Checks signatures of one chain.
#[derive(Clone, Debug)]
pub(crate) struct ChainVerifier {
    pub(crate) chain_id: ChainId,
}

impl ChainVerifier {
    pub(crate) fn vote_bytes(&self, vote: &Vote) -> Vec<u8> {
        let round = vote.round.as_u32().unwrap_or(0);
        sign_bytes::vote(&self.chain_id, vote.vote_kind(), vote.height.0, round, vote.block())
    }

    pub(crate) fn proposal_bytes(&self, proposal: &Proposal) -> Vec<u8> {
        let (round, valid_round) = (proposal.round.as_u32().unwrap_or(0), proposal.pol_round.as_u32());
        sign_bytes::proposal(&self.chain_id, proposal.height.0, round, valid_round, &proposal.value.0)
    }

    /// What the streamer of a proposal signs. It is not part of the bytes: its key is what they are checked with.
    pub(crate) fn stream_bytes(&self, init: &Init) -> Vec<u8> {
        let Init { height, round, valid_round, proposer: Address(proposer), block, .. } = init;
        sign_bytes::proposal_stream(&self.chain_id, height.0, *round, *valid_round, proposer, block)
    }
}

fn check(key: &ConsensusPublicKey, bytes: &[u8], signature: &ConsensusSignature) -> VerificationResult {
    VerificationResult::from_bool(key.verifies(bytes, signature))
}

#[async_trait]
impl Verifier<Chain> for ChainVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &ConsensusSignature,
        key: &ConsensusPublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(check(key, &self.vote_bytes(vote), signature))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &ConsensusSignature,
        key: &ConsensusPublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(check(key, &self.proposal_bytes(proposal), signature))
    }

    /// There are no extensions, so none is valid.
    async fn verify_signed_vote_extension(
        &self,
        _scope: &VoteExtensionScope<Chain>,
        (): &(),
        _signature: &ConsensusSignature,
        _key: &ConsensusPublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<Chain>) -> Result<VerificationResult, Error> {
        Ok(match Ed25519::decode_public_key(&proof.public_key) {
            Ok(key) => check(&key, &proof.preimage(), &proof.signature),
            Err(_) => VerificationResult::Invalid,
        })
    }
}

/// Signs for one validator of one chain.
#[derive(Clone, Debug)]
pub(crate) struct ChainSigner {
    pub(crate) verifier: ChainVerifier,
    pub(crate) key: ConsensusKey,
}

#[async_trait]
impl Signer<Chain> for ChainSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<Chain, Vote>, Error> {
        let signature = self.key.sign(&self.verifier.vote_bytes(&vote));
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Chain, Proposal>, Error> {
        let signature = self.key.sign(&self.verifier.proposal_bytes(&proposal));
        Ok(SignedMessage::new(proposal, signature))
    }

    /// Refused: the engine does not ask while extensions are disabled, and an extension's bytes have no form here.
    async fn sign_vote_extension(
        &self,
        _scope: VoteExtensionScope<Chain>,
        (): (),
    ) -> Result<SignedMessage<Chain, ()>, Error> {
        Err(Error::from_source("vote extensions are disabled"))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<Chain>, Error> {
        let signature = self.key.sign(&ValidatorProof::<Chain>::signing_bytes(&public_key, &peer_id));
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}
