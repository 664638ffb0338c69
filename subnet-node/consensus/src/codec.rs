//! One codec for the network, block sync and the write-ahead log: borsh.
//!
//! Lengths are bounded before anything is allocated: a message is no longer than its topic allows (see [`crate::config`]), borsh
//! allocates as it reads, and lists of signatures are counted first. Three types of the engine have no borsh of their own and are
//! written here through ours.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use malachite_app_channel::app::types::streaming::StreamMessage;
use malachite_app_channel::app::types::{ProposedValue, SignedConsensusMsg};
use malachite_codec::{Codec, HasEncodedLen};
use malachite_core_consensus::LivenessMsg;
use malachite_core_types::{
    CommitCertificate as EngineCertificate, CommitSignature, ExtendedCommitCertificate, ExtendedCommitSignature,
    PolkaCertificate, Round, ValidatorProof,
};
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueResponse};
use tributary_chain::{CommitCertificate, ConsensusSignature};

use crate::application::DecidedBlock;
use crate::config::SYNC_BATCH;
use crate::context::{Address, Chain, EngineHeight, Part, Value};

/// See the module.
#[derive(Copy, Clone, Debug)]
pub(crate) struct BorshCodec;

macro_rules! by_borsh {
    ($($message:ty),* $(,)?) => {$(
        impl Codec<$message> for BorshCodec {
            type Error = io::Error;

            fn decode(&self, bytes: Bytes) -> io::Result<$message> {
                borsh::from_slice(&bytes)
            }

            fn encode(&self, message: &$message) -> io::Result<Bytes> {
                borsh::to_vec(message).map(Bytes::from)
            }
        }
    )*};
}

by_borsh!(
    Part,
    SignedConsensusMsg<Chain>,
    LivenessMsg<Chain>,
    StreamMessage<Part>,
    PolkaCertificate<Chain>,
    ProposedValue<Chain>,
    Status<Chain>,
    Request<Chain>,
);

impl Codec<ValidatorProof<Chain>> for BorshCodec {
    type Error = io::Error;

    fn decode(&self, bytes: Bytes) -> io::Result<ValidatorProof<Chain>> {
        let (public_key, peer_id, signature): (Vec<u8>, Vec<u8>, ConsensusSignature) = borsh::from_slice(&bytes)?;
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }

    fn encode(&self, proof: &ValidatorProof<Chain>) -> io::Result<Bytes> {
        borsh::to_vec(&(&proof.public_key, &proof.peer_id, &proof.signature)).map(Bytes::from)
    }
}

/// Start height, number of blocks, then certificate and bytes of each.
impl Codec<Response<Chain>> for BorshCodec {
    type Error = io::Error;

    fn decode(&self, bytes: Bytes) -> io::Result<Response<Chain>> {
        let mut rest = &bytes[..];
        let (start, count) = <(EngineHeight, u32)>::deserialize(&mut rest)?;
        if usize::try_from(count).unwrap_or(usize::MAX) > SYNC_BATCH {
            return Err(invalid("more blocks than were asked for"));
        }
        let values = (0..count).map(|_| decode_decided(&mut rest)).collect::<io::Result<_>>()?;
        if !rest.is_empty() {
            return Err(invalid("bytes after the last block"));
        }
        Ok(Response::ValueResponse(ValueResponse::new(start, values)))
    }

    fn encode(&self, response: &Response<Chain>) -> io::Result<Bytes> {
        let Response::ValueResponse(response) = response;
        let count = u32::try_from(response.values.len()).map_err(|_| invalid("more blocks than a count holds"))?;
        let mut bytes = borsh::to_vec(&(response.start_height, count))?;
        for value in &response.values {
            certificate_from_extended(&value.certificate)?.serialize(&mut bytes)?;
            value.value_bytes.as_ref().serialize(&mut bytes)?;
        }
        Ok(bytes.into())
    }
}

impl HasEncodedLen<Response<Chain>> for BorshCodec {
    fn encoded_len(&self, response: &Response<Chain>) -> io::Result<usize> {
        let Response::ValueResponse(response) = response;
        response.values.iter().try_fold(8 + 4, |sum, value| {
            let certificate = borsh::object_length(&certificate_from_extended(&value.certificate)?)?;
            Ok(sum + certificate + 4 + value.value_bytes.len())
        })
    }
}

fn decode_decided(rest: &mut &[u8]) -> io::Result<RawDecidedValue<Chain>> {
    let (certificate, bytes) = <(CommitCertificate, Vec<u8>)>::deserialize(rest)?;
    Ok(raw_decided(DecidedBlock { certificate, bytes }))
}

/// A decided block as the engine serves it.
pub(crate) fn raw_decided(decided: DecidedBlock) -> RawDecidedValue<Chain> {
    let DecidedBlock { certificate, bytes } = decided;
    let signature = |(address, signature)| ExtendedCommitSignature::new(Address(address), signature, None);
    let certificate = ExtendedCommitCertificate {
        height: EngineHeight(certificate.height),
        round: Round::new(certificate.round),
        value_id: Value(certificate.block),
        commit_signatures: certificate.signatures.into_iter().map(signature).collect(),
    };
    RawDecidedValue::new(bytes.into(), certificate)
}

fn certificate_from_extended(certificate: &ExtendedCommitCertificate<Chain>) -> io::Result<CommitCertificate> {
    certificate_from_engine(&certificate.trim_vote_extensions()).ok_or_else(|| invalid("a certificate of no round"))
}

/// The engine's certificate in our words; `None` for the round before the first, in which nothing is decided.
pub(crate) fn certificate_from_engine(certificate: &EngineCertificate<Chain>) -> Option<CommitCertificate> {
    let signature = |entry: &CommitSignature<Chain>| (entry.address.0, entry.signature);
    Some(CommitCertificate {
        height: certificate.height.0,
        round: certificate.round.as_u32()?,
        block: certificate.value_id.0,
        signatures: certificate.commit_signatures.iter().map(signature).collect(),
    })
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests;
