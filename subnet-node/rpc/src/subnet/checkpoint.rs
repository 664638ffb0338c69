//! Checkpoints and their certificates.

use tributary_primitives::Height;

use super::view::Certificate;
use crate::error::RpcRejected;
use crate::node::Node;

/// Most certificates in one answer, about 3 KiB of JSON each.
const CERTIFICATES_MAX: usize = 256;

/// `subnet_latestCertificate`: of the greatest height certified; `null` before the first.
pub fn latest_certificate(node: &Node, (): ()) -> Result<Option<Certificate>, RpcRejected> {
    Ok(node.backend.latest_certificate()?.as_ref().map(Certificate::from))
}

/// `subnet_certificate`: of this very height; `null` if there is none.
pub fn certificate(node: &Node, (height,): (Height,)) -> Result<Option<Certificate>, RpcRejected> {
    let first = node.backend.certificates(height, 1)?.into_iter().next();
    let found = first.filter(|certificate| certificate.checkpoint.height == height);
    Ok(found.as_ref().map(Certificate::from))
}

/// `subnet_checkpoints`: certificates from a height on, ascending.
pub fn checkpoints(node: &Node, (from, limit): (Height, usize)) -> Result<Vec<Certificate>, RpcRejected> {
    if !(1..=CERTIFICATES_MAX).contains(&limit) {
        return Err(RpcRejected::argument(1, format!("a limit of {limit}; it must be 1 to {CERTIFICATES_MAX}")));
    }
    Ok(node.backend.certificates(from, limit)?.iter().map(Certificate::from).collect())
}
