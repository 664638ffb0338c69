//! Registers a child with its parent: makes the actor that will judge its checkpoints.
//!
//! ```text
//! the child's genesis document ─▶ validators, period, actor code ─▶ init.Exec on the parent ─▶ the child's name
//! ```
//!
//! The child is named by the id of that actor, and its document carries the name: a draft guesses it, this tells whether the
//! guess was right. Asked twice with the same document, the second time finds the child registered and changes nothing.

use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use serde::{Deserialize, Deserializer};
use tributary_checkpoint::actor::ConstructorParams;
use tributary_checkpoint::{Candidate, Registration, Validator};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams};
use tributary_primitives::{BlsPublicKey, BlsSignature, SubnetId, VotingPower};

use crate::fees::Fees;

/// Name of the checkpoint actor's code in a genesis document.
const CHECKPOINT_CODE_NAME: &str = "checkpoint";

/// What a child's genesis document, sealed or not, says that its parent must know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChildDocument {
    /// The child's name, or the draft's guess.
    pub subnet: SubnetId,
    validators: Vec<ValidatorJson>,
    code: Vec<CodeJson>,
    parameters: ParametersJson,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ValidatorJson {
    bls_key: BlsPublicKey,
    bls_possession: BlsSignature,
    power: VotingPower,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct CodeJson {
    name: String,
    #[serde(deserialize_with = "cid_text")]
    cid: Cid,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ParametersJson {
    checkpoint_period: u64,
}

fn cid_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cid, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Why a document does not register a child.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRejected {
    /// Not a genesis document.
    #[error("not a genesis document: {0}")]
    Malformed(String),
    /// A root, or a child of another network.
    #[error(
        "the document is of {child}, which is no child of {parent}: set \"subnet\" to {parent}/f0 and the actor's id"
    )]
    NotItsChild {
        /// The network that was asked to be its parent.
        parent: SubnetId,
        /// The document's name.
        child: SubnetId,
    },
    /// The document carries no checkpoint actor.
    #[error("the document carries no code named {CHECKPOINT_CODE_NAME:?}: make the draft with `genesis new`")]
    NoCode,
}

impl ChildDocument {
    /// Reads a genesis document.
    ///
    /// # Errors
    /// [`DocumentRejected::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentRejected> {
        serde_json::from_slice(json).map_err(|why| DocumentRejected::Malformed(why.to_string()))
    }

    /// Whether `registration` is what this document would register, by its name, period and first validator set.
    #[must_use]
    pub fn is_registered_by(&self, registration: &Registration) -> bool {
        let validators = self.validators.iter().map(|one| Validator { key: one.bls_key, power: one.power });
        registration.subnet == self.subnet
            && registration.checkpoint_period == self.parameters.checkpoint_period
            && validators.eq(registration.validators.iter().copied())
    }

    /// The unsigned message that registers this child with `parent`; nonce, gas limit and fees as given.
    ///
    /// # Errors
    /// [`DocumentRejected`] for a document of another place, or without the actor's code.
    pub fn message(
        &self,
        parent: &SubnetId,
        sender: Address,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Message, DocumentRejected> {
        if self.subnet.parent().as_ref() != Some(parent) {
            let (parent, child) = (parent.clone(), self.subnet.clone());
            return Err(DocumentRejected::NotItsChild { parent, child });
        }
        let code = self.code.iter().find(|code| code.name == CHECKPOINT_CODE_NAME).ok_or(DocumentRejected::NoCode)?.cid;
        let params = ExecParams { code, params: to_cbor(&self.constructor(parent)) };
        Ok(Message {
            version: 0,
            from: sender,
            to: Address::new_id(INIT_ID),
            sequence: nonce,
            value: TokenAmount::default(),
            method_num: EXEC,
            params: to_cbor(&params),
            gas_limit,
            gas_fee_cap: TokenAmount::from_atto(fees.cap),
            gas_premium: TokenAmount::from_atto(fees.premium),
        })
    }

    fn constructor(&self, parent: &SubnetId) -> ConstructorParams {
        let candidate =
            |one: &ValidatorJson| Candidate { key: one.bls_key, possession: one.bls_possession, power: one.power };
        ConstructorParams {
            parent: parent.clone(),
            checkpoint_period: self.parameters.checkpoint_period,
            validators: self.validators.iter().map(candidate).collect(),
        }
    }
}

fn to_cbor(params: &impl serde::Serialize) -> RawBytes {
    RawBytes::serialize(params).expect("tuples of words have a CBOR form")
}

#[cfg(test)]
mod tests {
    use tributary_primitives::raw_cid;

    use super::*;
    use crate::fixture::Family;

    fn document(subnet: &str, code_name: &str) -> ChildDocument {
        let registration = Family::of(100).registration();
        let validator = |one: &Validator| {
            serde_json::json!({"name": "a", "consensus_key": "0x00", "bls_key": one.key,
                "bls_possession": BlsSignature([2; 96]), "power": one.power})
        };
        let json = serde_json::json!({
            "version": 1, "subnet": subnet, "chain_id": 5,
            "validators": registration.validators.iter().map(validator).collect::<Vec<_>>(),
            "code": [{"name": code_name, "cid": raw_cid(b"wasm").to_string(), "wasm": "d2FzbQ=="}],
            "parameters": {"checkpoint_period": 10, "heartbeat_ms": 5},
        });
        ChildDocument::from_json(json.to_string().as_bytes()).unwrap()
    }

    fn message(document: &ChildDocument) -> Result<Message, DocumentRejected> {
        document.message(&SubnetId::root(31_415), Address::new_id(7), 3, 9, Fees::quote(1))
    }

    #[test]
    fn a_document_becomes_a_call_of_the_init_actor() {
        let message = message(&document("/r31415/f0100", "checkpoint")).unwrap();
        assert_eq!((message.to, message.method_num, message.sequence), (Address::new_id(INIT_ID), 2, 3));
        let (code, params): (Cid, RawBytes) = message.params.deserialize().unwrap();
        assert_eq!(code, raw_cid(b"wasm"));
        let constructor: ConstructorParams = params.deserialize().unwrap();
        assert_eq!((constructor.checkpoint_period, constructor.validators.len()), (10, 4));
    }

    #[test]
    fn each_bad_document_is_refused_for_its_own_reason() {
        for (document, reason) in [
            (document("/r31415", "checkpoint"), "no child of /r31415"),
            (document("/r1/f0100", "checkpoint"), "no child of /r31415"),
            (document("/r31415/f0100", "counter"), "no code named"),
        ] {
            assert!(message(&document).unwrap_err().to_string().contains(reason));
        }
        assert!(ChildDocument::from_json(b"{}").unwrap_err().to_string().contains("missing field"));
    }

    #[test]
    fn a_child_is_known_again_by_name_period_and_validators() {
        let (document, registration) = (document("/r31415/f0100", "checkpoint"), Family::of(100).registration());
        assert!(document.is_registered_by(&registration));
        assert!(!document.is_registered_by(&Registration { checkpoint_period: 11, ..registration.clone() }));
        assert!(!document.is_registered_by(&Registration { validators: Vec::new(), ..registration }));
        assert!(!document.is_registered_by(&Family::of(101).registration()));
    }
}
