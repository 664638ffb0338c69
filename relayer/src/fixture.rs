//! A child with four validators and real BLS keys, for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::{Accepted, Checkpoint, CheckpointCertificate, ConfigurationNumber, Registration, Validator};
use tributary_crypto::bls::{BlsSecretKey, aggregate};
use tributary_primitives::{Hash32, Height, SignerBitmap, SubnetId, VotingPower, cbor_cid};

/// Blocks from one checkpoint to the next.
pub const PERIOD: u64 = 10;

/// Certificates that were signed before.
static MADE: Mutex<BTreeMap<(SubnetId, u64), CheckpointCertificate>> = Mutex::new(BTreeMap::new());

/// A child chain's validators and its history of checkpoints.
pub struct Family {
    keys: Vec<BlsSecretKey>,
    /// The child.
    pub subnet: SubnetId,
}

impl Family {
    /// The child with `actor` of the root 31415.
    pub fn of(actor: u64) -> Self {
        let seed = u8::try_from(actor % 50).unwrap() + 1;
        let keys = (0..4).map(|n| BlsSecretKey::from_bytes(&[seed + n; 32]).unwrap()).collect();
        Self { keys, subnet: SubnetId::root(31_415).child(actor).unwrap() }
    }

    pub fn registration(&self) -> Registration {
        let validator = |key: &BlsSecretKey| Validator { key: key.public_key(), power: VotingPower(1) };
        Registration {
            subnet: self.subnet.clone(),
            checkpoint_period: PERIOD,
            configuration: ConfigurationNumber::FIRST,
            validators: self.keys.iter().map(validator).collect(),
        }
    }

    /// The checkpoint of period `number`, from 1; every seventh brings a message to the parent.
    pub fn checkpoint(&self, number: u64) -> Checkpoint {
        self.history(number).pop().unwrap()
    }

    /// The first `count` checkpoints.
    pub fn history(&self, count: u64) -> Vec<Checkpoint> {
        let mut history: Vec<Checkpoint> = Vec::new();
        for number in 1..=count {
            history.push(Checkpoint {
                subnet: self.subnet.clone(),
                height: Height(number * PERIOD),
                block_hash: Hash32([u8::try_from(number % 256).unwrap(); 32]),
                state_root: cbor_cid(&number.to_be_bytes()),
                previous: history.last().map(Checkpoint::cid),
                outbox_root: cbor_cid(b"outbox"),
                outbox_count: number / 7,
                configuration: ConfigurationNumber::FIRST,
                supply: TokenAmount::from_whole(1_000),
            });
        }
        history
    }

    /// `checkpoint` signed by the validators at `positions`.
    pub fn certify_by(&self, checkpoint: Checkpoint, positions: &[usize]) -> CheckpointCertificate {
        let mut signers = SignerBitmap::none_of(self.keys.len()).unwrap();
        positions.iter().for_each(|position| signers.insert(*position));
        let payload = checkpoint.signing_payload();
        let signatures: Vec<_> = positions.iter().map(|position| self.keys[*position].sign(&payload)).collect();
        CheckpointCertificate { checkpoint, signers, signature: aggregate(&signatures).unwrap() }
    }

    /// The certificate of period `number`. Signed once in a process, since tests ask for the same ones thousands of times.
    pub fn certificate(&self, number: u64) -> CheckpointCertificate {
        let mut made = MADE.lock().unwrap();
        let sign = || self.certify_by(self.checkpoint(number), &[0, 1, 3]);
        made.entry((self.subnet.clone(), number)).or_insert_with(sign).clone()
    }

    /// What the parent remembers of period `number`.
    pub fn accepted(&self, number: u64) -> Accepted {
        Accepted::from(&self.certificate(number).checkpoint)
    }
}
