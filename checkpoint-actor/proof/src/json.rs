//! The JSON of a proof: the answer of `subnet_getProof`.
//!
//! ```text
//! {
//!   "address": "f410f…",                                        who was asked for
//!   "actor": {…} | null,
//!   "slots": [{"slot": "0x…", "value": "0x…"}],
//!   "entries": [{"key": "0x…", "value": "0x…" | null}],
//!   "state": {"path": "2/0", "value": … | null} | null,         DAG-JSON
//!   "certificate": {"checkpoint": {…}, …, "cbor": "0x…"},       as of subnet_certificate
//!   "witness": "0x…"                                            CARv1
//! }
//! ```
//!
//! It is question, answer and proof in one. As in all of the `subnet_` namespace numbers are JSON numbers, amounts decimal strings of
//! attoTRB, bytes `0x` and hex, addresses `f…`, CIDs base32. The actor has Filecoin's names, and its CIDs are [links](Link).
//!
//! Source of DAG-JSON: ipld.io/specs/codecs/dag-json/spec; of CARv1: ipld.io/specs/transport/car/carv1.

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_checkpoint::CheckpointCertificate;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{BlsSignature, EntryKey, EthAddress, Hash32, Height, SubnetId, parse_address};
use tributary_witness::{Ipld, Parts, PartsOf, StatePath};

use crate::hex_bytes::HexBytes;
use crate::verify::ProofRejected;

/// Most bytes of a proof in JSON: a witness of the greatest size in hex, and the rest.
pub const PROOF_BYTES_MAX: usize = 64 << 20;

/// Answer of `subnet_getProof`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Whose state it is about.
    pub address: String,
    /// The actor there; none if there is none.
    pub actor: Option<Actor>,
    /// Storage slots, in the order asked for.
    pub slots: Vec<Slot>,
    /// Entries, in the order asked for.
    pub entries: Vec<Entry>,
    /// What lies at a path below the actor's state; none if it was not asked for.
    pub state: Option<AtPath>,
    /// Who says so: it names the state root that the witness begins with.
    pub certificate: Certificate,
    /// The blocks from the state root to all of the above, CARv1.
    pub witness: HexBytes,
}

/// An actor, answer of `subnet_getActor`: Filecoin's `ActorV5` in its names, and beside it id, name and Ethereum's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Actor {
    /// Its code.
    pub code: Link,
    /// Root block of its state.
    pub head: Link,
    /// Next nonce.
    pub nonce: u64,
    /// In attoTRB.
    pub balance: String,
    /// Its f4 address, if it has one.
    pub delegated_address: Option<String>,
    /// Its id address: f0.
    pub id: String,
    /// Name of the built-in actor that its code is; none for installed code.
    pub builtin: Option<String>,
    /// How Ethereum names it: its own address, or its id masked.
    pub eth_address: EthAddress,
}

/// A CID as Filecoin's tools write one: `{"/": "bafy…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// In base32.
    #[serde(rename = "/")]
    pub cid: String,
}

impl From<&Cid> for Link {
    fn from(cid: &Cid) -> Self {
        Self { cid: cid.to_string() }
    }
}

impl Actor {
    /// The actor `id`.
    #[must_use]
    pub fn of(id: ActorID, actor: &ActorState) -> Self {
        let own = actor.delegated_address.as_ref().and_then(EthAddress::from_address);
        Self {
            code: Link::from(&actor.code),
            head: Link::from(&actor.state),
            nonce: actor.sequence,
            balance: atto(&actor.balance),
            delegated_address: actor.delegated_address.as_ref().map(Address::to_string),
            id: Address::new_id(id).to_string(),
            builtin: BuiltinActor::from_code(&actor.code).map(|builtin| builtin.name().to_owned()),
            eth_address: own.unwrap_or_else(|| EthAddress::from_actor_id(id)),
        }
    }
}

/// A storage slot of a [`Proof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The slot, big-endian.
    pub slot: Hash32,
    /// What is in it; zero where nothing is.
    pub value: Hash32,
}

/// An entry of a [`Proof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its key.
    pub key: HexBytes,
    /// What is under it; none where nothing is.
    pub value: Option<HexBytes>,
}

/// What lies at a path below an actor's state, as in a [`Proof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtPath {
    /// Keys of maps and positions in lists, with slashes between them; empty for the whole state.
    pub path: String,
    /// What is there, as DAG-JSON; none where nothing is.
    pub value: Option<Value>,
}

/// Answer of `subnet_certificate` and `subnet_latestCertificate`; an entry of `subnet_checkpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Who signed, by position in the validator set, ascending.
    pub signers: Vec<usize>,
    /// The signers' aggregated BLS signature, 96 bytes.
    pub signature: BlsSignature,
    /// All of it in DAG-CBOR: the parameters of the parent actor's `SubmitCheckpoint`.
    pub cbor: HexBytes,
}

/// A checkpoint in [`Certificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its own CID.
    pub cid: String,
    /// Who speaks.
    pub subnet: SubnetId,
    /// The block after which it holds.
    pub height: Height,
    /// Hash of that block.
    pub block_hash: Hash32,
    /// Root of the state after that block.
    pub state_root: String,
    /// CID of the checkpoint before; none for the first.
    pub previous: Option<String>,
    /// Root of the list of messages for the parent.
    pub outbox_root: String,
    /// Messages for the parent ever queued.
    pub outbox_count: u64,
    /// The validator set that signs.
    pub configuration: u64,
    /// Tokens in existence, attoTRB.
    pub supply: String,
}

impl From<&CheckpointCertificate> for Certificate {
    fn from(certificate: &CheckpointCertificate) -> Self {
        let checkpoint = &certificate.checkpoint;
        Self {
            checkpoint: Checkpoint {
                cid: checkpoint.cid().to_string(),
                subnet: checkpoint.subnet.clone(),
                height: checkpoint.height,
                block_hash: checkpoint.block_hash,
                state_root: checkpoint.state_root.to_string(),
                previous: checkpoint.previous.as_ref().map(Cid::to_string),
                outbox_root: checkpoint.outbox_root.to_string(),
                outbox_count: checkpoint.outbox_count,
                configuration: checkpoint.configuration.0,
                supply: atto(&checkpoint.supply),
            },
            signers: certificate.signers.iter().collect(),
            signature: certificate.signature,
            cbor: HexBytes(certificate.to_cbor()),
        }
    }
}

impl Certificate {
    /// The certificate in its bytes; of the plain words beside them nothing is read.
    ///
    /// # Errors
    /// [`ProofRejected::NoCertificate`].
    pub fn decode(&self) -> Result<CheckpointCertificate, ProofRejected> {
        let decoded = fvm_ipld_encoding::from_slice(&self.cbor.0);
        decoded.map_err(|why| ProofRejected::NoCertificate(why.to_string()))
    }
}

/// What lies at a path cannot be told in JSON: a float that is no number, or more than 128 levels.
#[derive(Debug, thiserror::Error)]
#[error("what lies at {path:?} has no JSON form ({why}); ask for what lies below it")]
pub struct NoJson {
    /// The path.
    pub path: String,
    /// Why not.
    pub why: String,
}

impl AtPath {
    /// What lies at this path.
    ///
    /// # Errors
    /// [`NoJson`].
    pub fn new(path: &StatePath, value: Option<&Ipld>) -> Result<Self, NoJson> {
        let path = path.to_string();
        match value.map(dag_json).transpose() {
            Ok(value) => Ok(Self { path, value }),
            Err(why) => Err(NoJson { path, why }),
        }
    }
}

impl Proof {
    /// The proof that `parts` answer `question`.
    ///
    /// # Errors
    /// [`NoJson`].
    pub fn new(
        question: &PartsOf,
        parts: &Parts,
        certificate: &CheckpointCertificate,
        witness: Vec<u8>,
    ) -> Result<Self, NoJson> {
        let slots = question.slots().iter().zip(&parts.slots).map(|(slot, value)| Slot { slot: *slot, value: *value });
        let entries = question
            .entries()
            .iter()
            .zip(&parts.entries)
            .map(|(key, value)| Entry { key: HexBytes(key.as_bytes().to_vec()), value: value.clone().map(HexBytes) });
        let at_path = |path: &StatePath| AtPath::new(path, parts.value.as_ref());
        Ok(Self {
            address: question.actor().to_string(),
            actor: parts.actor.as_ref().map(|(id, actor)| Actor::of(*id, actor)),
            slots: slots.collect(),
            entries: entries.collect(),
            state: question.path().map(at_path).transpose()?,
            certificate: Certificate::from(certificate),
            witness: HexBytes(witness),
        })
    }

    /// Reads a proof, alone or within the whole answer of a JSON-RPC call. The text has [`PROOF_BYTES_MAX`] bytes at most.
    ///
    /// # Errors
    /// [`ProofRejected::TooLarge`], [`ProofRejected::Malformed`], and [`ProofRejected::Refused`] for an answer that is a refusal.
    pub fn from_json(text: &[u8]) -> Result<Self, ProofRejected> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofRejected::TooLarge(text.len()));
        }
        let malformed = |why: serde_json::Error| ProofRejected::Malformed(why.to_string());
        let json = unwrapped(serde_json::from_slice(text).map_err(malformed)?).map_err(ProofRejected::Refused)?;
        Self::deserialize(json).map_err(malformed)
    }

    /// What the proof says that it answers.
    ///
    /// # Errors
    /// [`ProofRejected::BadQuestion`], [`ProofRejected::TooManyParts`].
    pub fn question(&self) -> Result<PartsOf, ProofRejected> {
        let bad = |what: &'static str, why: String| ProofRejected::BadQuestion { what, why };
        let address = parse_address(&self.address).map_err(|why| bad("address", why.to_string()))?;
        let key = |entry: &Entry| {
            EntryKey::new(&entry.key.0).ok_or_else(|| bad("entry", format!("a key of {} bytes", entry.key.0.len())))
        };
        let entries = self.entries.iter().map(key).collect::<Result<_, _>>()?;
        let path = self.state.as_ref().map(|state| state.path.parse::<StatePath>());
        let path = path.transpose().map_err(|why| bad("path", why.to_string()))?;
        let slots = self.slots.iter().map(|slot| slot.slot).collect();
        PartsOf::new(address, slots, entries, path).map_err(ProofRejected::TooManyParts)
    }
}

/// What a JSON-RPC answer carries, or what is none; the sentence of a refusal.
pub(crate) fn unwrapped(mut json: Value) -> Result<Value, String> {
    if json.get("jsonrpc").is_none() {
        return Ok(json);
    }
    match json.get("error") {
        Some(error) if !error.is_null() => {
            Err(error.get("message").and_then(Value::as_str).unwrap_or("no reason was given").to_owned())
        }
        _ => Ok(json.get_mut("result").map(Value::take).unwrap_or_default()),
    }
}

/// As JSON that is written again and read again stays: so what was sent and what was made here are compared.
fn dag_json(value: &Ipld) -> Result<Value, String> {
    let text = serde_ipld_dagjson::to_vec(value).map_err(|why| why.to_string())?;
    let value: Value = serde_json::from_slice(&text).map_err(|why| why.to_string())?;
    serde_json::from_str(&value.to_string()).map_err(|why| why.to_string())
}

/// An amount as a decimal string of attoTRB.
fn atto(amount: &TokenAmount) -> String {
    amount.atto().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Case;

    #[test]
    fn a_proof_reads_back_from_its_json_alone_and_within_an_answer() {
        let proof = Case::good().proof();
        let alone = serde_json::to_string(&proof).unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{alone}}}"#);
        for text in [alone.as_str(), &answer] {
            assert_eq!(Proof::from_json(text.as_bytes()).unwrap(), proof);
        }
    }

    #[test]
    fn an_actor_is_written_in_filecoins_names() {
        let (code, head) = (BuiltinActor::Account.code(), BuiltinActor::Init.code());
        let mut actor =
            ActorState { code, state: head, sequence: 7, balance: TokenAmount::from_atto(5), delegated_address: None };
        let masked = EthAddress::from_actor_id(100);
        let mut expected = serde_json::json!({
            "Code": { "/": code.to_string() },
            "Head": { "/": head.to_string() },
            "Nonce": 7,
            "Balance": "5",
            "DelegatedAddress": null,
            "Id": "f0100",
            "Builtin": "account",
            "EthAddress": masked,
        });
        assert_eq!(serde_json::to_value(Actor::of(100, &actor)).unwrap(), expected);
        let own = EthAddress([7; 20]);
        actor.delegated_address = Some(own.to_address());
        expected["DelegatedAddress"] = serde_json::json!(own.to_address().to_string());
        expected["EthAddress"] = serde_json::json!(own);
        assert_eq!(serde_json::to_value(Actor::of(100, &actor)).unwrap(), expected);
    }

    #[test]
    fn what_is_no_proof_is_refused_for_its_own_reason() {
        for (text, reason) in [
            ("", "no answer of subnet_getProof"),
            ("[]", "no answer of subnet_getProof"),
            ("{}", "missing field `address`"),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "no answer of subnet_getProof"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"none yet"}}"#, "the node refused: none yet"),
        ] {
            let refusal = Proof::from_json(text.as_bytes()).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
        let large = vec![b' '; PROOF_BYTES_MAX + 1];
        assert!(matches!(Proof::from_json(&large), Err(ProofRejected::TooLarge(_))));
    }

    #[test]
    fn floats_and_the_least_integer_stay_as_they_are_when_sent() {
        for value in [
            Ipld::Float(0.300_000_000_000_000_04),
            Ipld::Integer(-(1 << 64)),
            Ipld::Integer((1 << 64) - 1),
            Ipld::Float(1e300),
        ] {
            let sent = dag_json(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&sent.to_string()).unwrap(), sent, "{value:?}");
        }
        assert!(dag_json(&Ipld::Float(f64::NAN)).is_err());
    }
}
