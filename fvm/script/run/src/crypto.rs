//! `crypto`.

use fvm_sdk::sys;
use tributary_script::Op;

use crate::Run;

impl Run {
    pub(crate) fn crypto(&mut self, op: Op) {
        // SAFETY: pointers and lengths are those of live buffers; an address from a script is the host's to refuse.
        unsafe {
            match op {
                Op::VerifySignature { kind, signature, signer, message } => {
                    let (signature, signer, message) = (signature.0, signer.0, message.0);
                    self.log.outcome(sys::crypto::verify_signature(
                        kind,
                        signature.as_ptr(),
                        signature.len() as u32,
                        signer.as_ptr(),
                        signer.len() as u32,
                        message.as_ptr(),
                        message.len() as u32,
                    ));
                }
                Op::VerifyAggregate { signers, signature, keys, messages, lens } => {
                    self.log.outcome(sys::crypto::verify_bls_aggregate(
                        signers,
                        signature.0.as_ptr(),
                        keys.0.as_ptr().cast(),
                        messages.0.as_ptr(),
                        lens.as_ptr(),
                    ));
                }
                Op::Recover { hash, signature } => {
                    self.log.outcome(sys::crypto::recover_secp_public_key(hash.0.as_ptr(), signature.0.as_ptr()));
                }
                Op::Hash { code, data, out_len } => self
                    .bytes(out_len, |out| sys::crypto::hash(code, data.0.as_ptr(), data.0.len() as u32, out, out_len)),
                Op::HashAt { code, at, len } => {
                    self.bytes(32, |out| sys::crypto::hash(code, at as usize as *const u8, len, out, 32));
                }
                _ => {}
            }
        }
    }
}
