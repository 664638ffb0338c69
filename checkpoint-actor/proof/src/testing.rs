//! A subnet at genesis, with a checkpoint that its validators really signed.

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::json;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate, ConfigurationNumber};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_fvm::state::MemoryStore;
use tributary_fvm::state::history::HISTORY_ADDRESS;
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_primitives::{EntryKey, EthAddress, Hash32, Height, SignerBitmap, SubnetId, cbor_cid};
use tributary_witness::{PartsOf, make};

use crate::json::Proof;
use crate::trusted::Trusted;

/// Who has money: actor 100.
pub const ALICE: EthAddress = EthAddress([0xa1; 20]);

/// A subnet of validators of 10 power each, and who of them signed.
pub struct Case {
    pub keys: Vec<BlsSecretKey>,
    pub signers: Vec<usize>,
}

impl Case {
    /// Three of four signed.
    pub fn good() -> Self {
        Self::of_validators([1, 2, 3, 4])
    }

    /// The same with other keys.
    pub fn of_validators(seeds: [u8; 4]) -> Self {
        let keys = seeds.map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).into();
        Self { keys, signers: vec![0, 1, 3] }
    }

    pub fn subnet(&self) -> SubnetId {
        SubnetId::root(7).child(100).unwrap()
    }

    /// The genesis document, as far as it is about validators.
    pub fn document(&self) -> Vec<u8> {
        let validator = |key: &BlsSecretKey| json!({"name": "a", "bls_key": key.public_key(), "bls_possession": key.prove_possession(), "power": 10});
        let validators: Vec<_> = self.keys.iter().map(validator).collect();
        json!({"version": 1, "subnet": self.subnet(), "validators": validators}).to_string().into_bytes()
    }

    /// The answer of `subnet_validators`.
    pub fn set(&self) -> Vec<u8> {
        let validator = |key: &BlsSecretKey| json!({"checkpoint_key": key.public_key(), "power": 10});
        let validators: Vec<_> = self.keys.iter().map(validator).collect();
        json!({"height": 1, "configuration": 1, "validators": validators}).to_string().into_bytes()
    }

    pub fn trusted(&self) -> Trusted {
        Trusted::of_genesis(&self.document(), bls::verify).unwrap()
    }

    fn state(&self) -> (MemoryStore, cid::Cid) {
        let store = MemoryStore::default();
        let rich = GenesisAccount { address: ALICE.to_address(), balance: TokenAmount::from_whole(1_000) };
        let genesis = GenesisState { chain_name: "case-1".to_owned(), accounts: vec![rich], ..GenesisState::default() };
        let root = build_genesis_state(&store, &genesis).unwrap();
        (store, root)
    }

    /// Of the checkpoint at height 10, which has the state at genesis.
    pub fn certificate(&self) -> CheckpointCertificate {
        let checkpoint = Checkpoint {
            subnet: self.subnet(),
            height: Height(10),
            block_hash: Hash32([0xb1; 32]),
            state_root: self.state().1,
            previous: None,
            outbox_root: cbor_cid(b"outbox"),
            outbox_count: 0,
            configuration: ConfigurationNumber::FIRST,
            supply: TokenAmount::from_whole(1_000),
        };
        let mut signers = SignerBitmap::none_of(self.keys.len()).unwrap();
        self.signers.iter().for_each(|position| signers.insert(*position));
        let signatures: Vec<_> =
            self.signers.iter().map(|position| self.keys[*position].sign(&checkpoint.signing_payload())).collect();
        CheckpointCertificate { checkpoint, signers, signature: bls::aggregate(&signatures).unwrap() }
    }

    /// Of Alice: her account, a slot and an entry.
    pub fn proof(&self) -> Proof {
        self.proof_of(ALICE.to_address(), None)
    }

    /// The same of the contract that remembers block hashes, and its state.
    pub fn proof_of_contract(&self) -> Proof {
        self.proof_of(HISTORY_ADDRESS.to_address(), Some(""))
    }

    pub fn proof_of(&self, actor: Address, path: Option<&str>) -> Proof {
        let (store, root) = self.state();
        let (key, path) = (EntryKey::new(b"k").unwrap(), path.map(|path| path.parse().unwrap()));
        let question = PartsOf::new(actor, vec![Hash32::default()], vec![key], path).unwrap();
        let (parts, witness) = make(&store, &root, &question).unwrap();
        Proof::new(&question, &parts, &self.certificate(), witness).unwrap()
    }
}
