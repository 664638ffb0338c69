//! Parts of the state, proven against a checkpoint that the validators certified.

use tributary_checkpoint::CheckpointCertificate;
use tributary_primitives::Height;
use tributary_proof::Proof;

use super::parameter::{AnyAddress, ProofParts};
use crate::backend::Witnessed;
use crate::error::RpcRejected;
use crate::node::Node;

/// Most bytes of a witness in an answer, twice as many in hex. A slot takes some KiB, a path may lead through blocks of a MiB each.
pub const PROOF_WITNESS_BYTES_MAX: usize = 4 << 20;

/// `subnet_getProof`: against the checkpoint of the height given, or the latest that is certified. Nobody's proof is one that nobody is there.
pub fn proof(
    node: &Node,
    (at, parts, height): (AnyAddress, Option<ProofParts>, Option<Height>),
) -> Result<Proof, RpcRejected> {
    let question = parts.unwrap_or_default().of(at.0).map_err(|why| RpcRejected::argument(1, why))?;
    let certificate = certified(node, height)?;
    let Witnessed { parts, witness } = node.backend.prove(&certificate.checkpoint, &question)?;
    if witness.len() > PROOF_WITNESS_BYTES_MAX {
        let (bytes, most) = (witness.len(), PROOF_WITNESS_BYTES_MAX);
        let sentence = format!("the witness has {bytes} bytes, and at most {most} are sent; ask for less");
        return Err(RpcRejected::AboveLimit(sentence));
    }
    Proof::new(&question, &parts, &certificate, witness).map_err(|why| RpcRejected::argument(1, why))
}

/// The certificate of the checkpoint of this very height, or the latest.
fn certified(node: &Node, height: Option<Height>) -> Result<CheckpointCertificate, RpcRejected> {
    let found = match height {
        None => node.backend.latest_certificate()?,
        Some(height) => {
            let first = node.backend.certificates(height, 1)?.into_iter().next();
            first.filter(|certificate| certificate.checkpoint.height == height)
        }
    };
    let Some(certificate) = found else {
        let latest = node.backend.latest_certificate()?.map(|latest| latest.checkpoint.height);
        let period = node.backend.identity().parameters.checkpoint_period;
        return Err(RpcRejected::NotCertified { height, latest, period });
    };
    Ok(certificate)
}
