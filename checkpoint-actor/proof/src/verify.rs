//! Verifies a proof: the crate's picture is its table.

use tributary_checkpoint::{CertificateRejected, Checkpoint, is_certified};
use tributary_primitives::{BlsPublicKey, BlsSignature};
use tributary_witness::{Parts, PartsOf, TooManyParts, WitnessRejected};

use crate::json::{NoJson, PROOF_BYTES_MAX, Proof};
use crate::trusted::Trusted;

/// What was proven.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// After which block it was so, and all else that the validators signed with it.
    pub checkpoint: Checkpoint,
    /// The question.
    pub question: PartsOf,
    /// Its answer.
    pub parts: Parts,
}

/// Why a proof proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofRejected {
    /// More bytes than any proof has. Nothing of it was read.
    #[error("the proof has {0} bytes; at most {PROOF_BYTES_MAX} are read")]
    TooLarge(usize),
    /// No JSON, or of another shape.
    #[error("this is no answer of subnet_getProof: {0}")]
    Malformed(String),
    /// The answer of a node that has no proof.
    #[error("this is no proof, the node refused: {0}")]
    Refused(String),
    /// It asks for what cannot be.
    #[error("the proof's {what} is none: {why}")]
    BadQuestion {
        /// Which part of the question.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It asks for too much.
    #[error("the proof is about {0}")]
    TooManyParts(TooManyParts),
    /// The certificate's bytes are none.
    #[error("certificate.cbor is no certificate: {0}")]
    NoCertificate(String),
    /// The validators that are trusted did not sign that.
    #[error("the certificate does not hold: {0}")]
    Uncertified(CertificateRejected),
    /// The state root in the certificate does not lead to the answer.
    #[error("the witness does not hold: {0}")]
    Witness(WitnessRejected),
    /// It was proven, and cannot be compared with what is said.
    #[error(transparent)]
    NoJson(#[from] NoJson),
    /// It says one thing and proves another.
    #[error("{what} of the proof says one thing, and its certificate and witness prove another")]
    Contradicted {
        /// The member at fault.
        what: &'static str,
    },
}

/// What `proof` proves to whoever trusts these validators.
///
/// `check` answers whether one aggregate signature holds for these keys over this message (IETF `FastAggregateVerify`). It is asked at most
/// once. Cost: that, and one hash over the witness.
///
/// # Errors
/// [`ProofRejected`]: the first fault in the crate's picture.
///
/// Source of `FastAggregateVerify`: draft-irtf-cfrg-bls-signature-05.
pub fn verify(
    trusted: &Trusted,
    proof: &Proof,
    check: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
) -> Result<Proven, ProofRejected> {
    let question = proof.question()?;
    let certificate = proof.certificate.decode()?;
    is_certified(trusted.registration(), &certificate, check).map_err(ProofRejected::Uncertified)?;
    let parts = tributary_witness::verify(&certificate.checkpoint.state_root, &proof.witness.0, &question);
    let parts = parts.map_err(ProofRejected::Witness)?;
    agree(&Proof::new(&question, &parts, &certificate, Vec::new())?, proof)?;
    Ok(Proven { checkpoint: certificate.checkpoint, question, parts })
}

/// Whether what is said is what was proven. The address is the question, in any of its spellings.
fn agree(proven: &Proof, said: &Proof) -> Result<(), ProofRejected> {
    let agreed = [
        ("certificate", proven.certificate == said.certificate),
        ("actor", proven.actor == said.actor),
        ("slots", proven.slots == said.slots),
        ("entries", proven.entries == said.entries),
        ("state", proven.state == said.state),
    ];
    match agreed.into_iter().find(|(_, agrees)| !agrees) {
        Some((what, _)) => Err(ProofRejected::Contradicted { what }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use fvm_shared::address::Address;
    use serde_json::json;
    use tributary_crypto::bls::fast_aggregate_verify;
    use tributary_primitives::{Hash32, SubnetId, parse_address};

    use super::*;
    use crate::hex_bytes::HexBytes;
    use crate::json::Slot;
    use crate::testing::{ALICE, Case};

    #[test]
    fn a_good_proof_proves_the_actor_and_its_parts() {
        let case = Case::good();
        let proven = verify(&case.trusted(), &case.proof(), fast_aggregate_verify).unwrap();
        assert_eq!(proven.checkpoint, case.certificate().checkpoint);
        let (id, actor) = proven.parts.actor.unwrap();
        assert_eq!((id, actor.balance.atto().to_string().as_str()), (100, "1000000000000000000000"));
        assert_eq!((proven.parts.slots, proven.parts.entries), (vec![Hash32::default()], vec![None]));
    }

    #[test]
    fn an_address_has_several_spellings() {
        let case = Case::good();
        for address in [ALICE.to_string(), Address::new_id(100).to_string()] {
            let mut proof = case.proof_of(parse_address(&address).unwrap(), None);
            proof.address = address;
            assert!(verify(&case.trusted(), &proof, fast_aggregate_verify).is_ok(), "{}", proof.address);
        }
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        type Fault = fn(&mut Proof);
        let rows: [(Fault, &str); 16] = [
            (|proof| proof.address = "f5".to_owned(), "the proof's address is none"),
            (|proof| proof.entries[0].key = HexBytes(vec![]), "the proof's entry is none: a key of 0 bytes"),
            (|proof| proof.state.as_mut().unwrap().path = "a//b".to_owned(), "the proof's path is none"),
            (|proof| proof.slots = vec![proof.slots[0].clone(); 65], "66 slots and entries"),
            (|proof| proof.certificate.cbor = HexBytes(vec![0x80]), "certificate.cbor is no certificate"),
            // A signature over another checkpoint: one bit of the outbox root's digest.
            (
                |proof| {
                    let at = proof.certificate.cbor.0.windows(2).rposition(|two| two == [0xd8, 0x2a]).unwrap();
                    proof.certificate.cbor.0[at + 30] ^= 1;
                },
                "the certificate does not hold: the signature is not by these signers",
            ),
            (|proof| proof.witness.0.truncate(100), "the witness does not hold"),
            (|proof| proof.witness.0.clear(), "the witness does not hold"),
            (|proof| proof.slots.clear(), "the witness does not hold"),
            (|proof| proof.address = Address::new_id(99).to_string(), "the witness does not hold"),
            (|proof| proof.certificate.checkpoint.height.0 += 1, "certificate of the proof says one thing"),
            (|proof| proof.certificate.signers = vec![], "certificate of the proof says one thing"),
            (|proof| proof.actor = None, "actor of the proof says one thing"),
            (|proof| proof.actor.as_mut().unwrap().balance.push('0'), "actor of the proof says one thing"),
            (
                |proof| proof.slots[0] = Slot { value: Hash32([1; 32]), ..proof.slots[0].clone() },
                "slots of the proof says one thing",
            ),
            (|proof| proof.state.as_mut().unwrap().value = Some(json!(7)), "state of the proof says one thing"),
        ];
        let case = Case::good();
        for (row, (fault, reason)) in rows.into_iter().enumerate() {
            let mut proof = case.proof_of_contract();
            fault(&mut proof);
            let refusal = verify(&case.trusted(), &proof, fast_aggregate_verify).unwrap_err().to_string();
            assert!(refusal.contains(reason), "row {row}: {refusal}");
        }
    }

    #[test]
    fn others_are_not_believed() {
        let case = Case::good();
        let proof = case.proof();
        let refusal = |trusted: Trusted| verify(&trusted, &proof, fast_aggregate_verify).unwrap_err().to_string();
        let elsewhere = Trusted::of_validators(&case.set(), SubnetId::root(7).child(101).unwrap()).unwrap();
        assert!(refusal(elsewhere).contains("a certificate of subnet /r7/f0100, not of /r7/f0101"));
        let strangers = Case::of_validators([11, 12, 13, 14]);
        assert!(refusal(strangers.trusted()).contains("the signature is not by these signers"));
        let too_few = Case { signers: vec![0, 1], ..Case::good() };
        let refusal = verify(&too_few.trusted(), &too_few.proof(), fast_aggregate_verify).unwrap_err().to_string();
        assert!(refusal.contains("signed by 20 of 40 power"), "{refusal}");
    }
}
