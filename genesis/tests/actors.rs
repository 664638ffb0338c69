//! The actors that this workspace compiles to WASM, run by the executor from a sealed genesis.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_encoding::{RawBytes, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use fvm_shared::{ActorID, MethodNum};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_checkpoint::actor::{
    CHECKPOINT_AT, CONSTRUCTOR, CertificateReturn, CheckpointAtParams, ConstructorParams, LATEST_CHECKPOINT,
    SUBMIT_CHECKPOINT, SUBNET, event,
};
use tributary_checkpoint::{
    Candidate, Checkpoint, CheckpointCertificate, ConfigurationNumber, Registration, exit_code,
};
use tributary_crypto::{BlsSecretKey, SecpSecretKey, bls};
use tributary_fvm::state::MemoryStore;
use tributary_fvm::{BlockEnv, CodeInstaller, ExecutionParams, Executor, Receipt};
use tributary_genesis::{Genesis, GenesisAccount, GenesisCode, GenesisTime, GenesisValidator};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, made_actor};
use tributary_primitives::{BlsSignature, Hash32, Height, SignerBitmap, SubnetId, VotingPower, cbor_cid, raw_cid};

const CHAIN_ID: u64 = 31_415;
const PERIOD: u64 = 10;
const INCREMENT: MethodNum = 2_922_929_132;
const GET: MethodNum = 355_179_992;
const MINT: MethodNum = 116_935_346;
const TRANSFER: MethodNum = 80_475_954;
const BALANCE_OF: MethodNum = 2_266_030_508;
/// A block of ten thousand million gas: what these tests run fits, and what it costs is asserted apart.
const BLOCK_GAS: u64 = 10_000_000_000;

/// A root network of one user, and another who sends nothing by itself; one message a block.
struct Network {
    executor: Executor,
    store: Arc<MemoryStore>,
    root: Cid,
    height: Height,
    user: SecpSecretKey,
    nonce: u64,
}

fn bls_key(seed: u8) -> BlsSecretKey {
    let mut bytes = [1; 32];
    bytes[31] = seed;
    BlsSecretKey::from_bytes(&bytes).unwrap()
}

/// Has money too.
fn other() -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[8; 32]).unwrap()
}

impl Network {
    fn new() -> Self {
        let user = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        let mut genesis = Genesis::draft("river-1", CHAIN_ID, SubnetId::root(CHAIN_ID));
        genesis.genesis_time = Some(GenesisTime::from_unix(1_763_640_000).unwrap());
        let keys = tributary_genesis::Keys { consensus_seed: [1; 32], bls: bls_key(1), network_seed: [2; 32] }.public();
        genesis.validators.push(GenesisValidator {
            name: None,
            consensus_key: keys.consensus_key,
            bls_key: keys.bls_key,
            bls_possession: keys.bls_possession,
            power: VotingPower(1),
            reward_address: None,
        });
        let balance = tributary_genesis::words::Balance::from_typed("1000000TRB").unwrap();
        for key in [&user, &other()] {
            genesis.accounts.push(GenesisAccount { address: key.f1_address().to_string().parse().unwrap(), balance });
        }
        let counter = tributary_genesis_code::COUNTER_ACTOR.to_vec();
        genesis.code.push(GenesisCode::new(tributary_genesis_code::COUNTER_ACTOR_NAME, counter));
        genesis.code.push(GenesisCode::new("token", tributary_genesis_code::TOKEN_ACTOR.to_vec()));
        let sealed = genesis.verify().unwrap();
        let store = Arc::new(MemoryStore::default());
        let root = sealed.build_state(&*store).unwrap();
        assert_eq!(root, sealed.state_root());
        let executor = Executor::new(
            ExecutionParams {
                fvm_gas_per_gas: 500,
                genesis_supply: sealed.supply(),
                code_installer: CodeInstaller::Nobody,
                cron_entry_gas: 0,
            },
            None,
        )
        .unwrap();
        Self { executor, store, root, height: Height::GENESIS, user, nonce: 0 }
    }

    /// One block with one message of the user.
    fn send(&mut self, to: ActorID, method: MethodNum, value: u64, params: Vec<u8>) -> Receipt {
        let message = Message {
            version: 0,
            from: self.user.f1_address(),
            to: Address::new_id(to),
            sequence: self.nonce,
            value: TokenAmount::from_atto(value),
            method_num: method,
            params: RawBytes::new(params),
            gas_limit: 4_000_000_000_000,
            gas_fee_cap: TokenAmount::default(),
            gas_premium: TokenAmount::default(),
        };
        let transaction = Transaction::Fvm(FvmTransaction::sign(message, &self.user, CHAIN_ID).unwrap().into());
        self.nonce += 1;
        self.height = self.height.next();
        let env = BlockEnv {
            height: self.height,
            timestamp_s: 1_763_640_000 + self.height.0,
            proposer: tributary_primitives::EthAddress([9; 20]),
            base_fee: 0,
            gas_limit: BLOCK_GAS,
            chain_id: CHAIN_ID,
            previous_hash: Hash32::default(),
            prev_randao: Hash32::default(),
        };
        let outcome = self.executor.execute_block(&self.store, &self.root, &env, &[transaction]).unwrap();
        self.root = outcome.state_root;
        let [receipt] = outcome.receipts.try_into().unwrap();
        assert!(!receipt.skipped, "{receipt:?}");
        receipt
    }

    /// A message without value that must go well.
    fn ask<T: DeserializeOwned>(&mut self, to: ActorID, method: MethodNum, params: &impl Serialize) -> T {
        let receipt = self.send(to, method, 0, to_vec(params).unwrap());
        assert_eq!(receipt.exit_code, ExitCode::OK, "method {method}");
        from_slice(&receipt.return_data).unwrap()
    }

    /// A message without value that must be refused.
    fn refused(&mut self, to: ActorID, method: MethodNum, params: &impl Serialize) -> ExitCode {
        let receipt = self.send(to, method, 0, to_vec(params).unwrap());
        assert!(!receipt.exit_code.is_success() && receipt.events.is_empty(), "method {method}");
        receipt.exit_code
    }

    fn exec(&mut self, code: Cid, params: Vec<u8>) -> Receipt {
        self.send(INIT_ID, EXEC, 0, to_vec(&ExecParams { code, params: RawBytes::new(params) }).unwrap())
    }

    /// Makes an actor and answers its id.
    fn make(&mut self, code: Cid, params: Vec<u8>) -> ActorID {
        let receipt = self.exec(code, params);
        assert_eq!(receipt.exit_code, ExitCode::OK);
        made_actor(&receipt.return_data).unwrap()
    }
}

fn candidates(number: u8) -> Vec<Candidate> {
    let candidate = |seed| {
        let key = bls_key(seed);
        Candidate { key: key.public_key(), possession: key.prove_possession(), power: VotingPower(1) }
    };
    (1..=number).map(candidate).collect()
}

fn constructor(validators: Vec<Candidate>) -> ConstructorParams {
    ConstructorParams { parent: SubnetId::root(CHAIN_ID), checkpoint_period: PERIOD, validators }
}

/// The certificate of the first `signers` of `size` validators.
fn certify(subnet: &SubnetId, period: u64, previous: Option<Cid>, signers: u8, size: u8) -> CheckpointCertificate {
    let checkpoint = Checkpoint {
        subnet: subnet.clone(),
        height: Height(period * PERIOD),
        block_hash: Hash32([3; 32]),
        state_root: cbor_cid(b"a block that the parent does not have"),
        previous,
        outbox_root: cbor_cid(b"another"),
        outbox_count: period,
        configuration: ConfigurationNumber::FIRST,
        supply: TokenAmount::from_whole(5),
    };
    let mut bitmap = SignerBitmap::none_of(usize::from(size)).unwrap();
    (0..usize::from(signers)).for_each(|position| bitmap.insert(position));
    let payload = checkpoint.signing_payload();
    let signatures: Vec<_> = (1..=signers).map(|seed| bls_key(seed).sign(&payload)).collect();
    CheckpointCertificate { checkpoint, signers: bitmap, signature: bls::aggregate(&signatures).unwrap() }
}

#[test]
fn a_counter_counts() {
    let mut network = Network::new();
    let counter = network.make(tributary_genesis_code::counter_actor_cid(), Vec::new());
    for count in 1..=3_u64 {
        assert_eq!(network.ask::<u64>(counter, INCREMENT, &()), count);
    }
    assert_eq!(network.ask::<u64>(counter, GET, &()), 3);
    assert_eq!(network.refused(counter, 42, &()), ExitCode::USR_UNHANDLED_MESSAGE);
    assert_eq!(network.refused(counter, CONSTRUCTOR, &()), ExitCode::USR_FORBIDDEN);
    assert_eq!(network.ask::<u64>(counter, GET, &()), 3);
}

#[test]
fn a_token_is_minted_by_its_maker_and_moved_by_its_holders() {
    let mut network = Network::new();
    let token = network.make(raw_cid(tributary_genesis_code::TOKEN_ACTOR), Vec::new());
    let (user, other_address) = (network.user.f1_address(), other().f1_address());
    let stranger = Address::new_actor(b"nobody's");
    assert_eq!(network.ask::<u64>(token, BALANCE_OF, &user), 0);
    assert_eq!(network.ask::<u64>(token, MINT, &(user, 10_u64)), 10);
    for (what, method, params, exit_code) in [
        ("more than there is", TRANSFER, to_vec(&(other_address, 11_u64)), ExitCode::USR_INSUFFICIENT_FUNDS),
        ("more than fits", MINT, to_vec(&(user, u64::MAX)), ExitCode::USR_ILLEGAL_ARGUMENT),
        ("to nobody", TRANSFER, to_vec(&(stranger, 1_u64)), ExitCode::USR_NOT_FOUND),
        ("no parameters of the method", TRANSFER, to_vec(&1), ExitCode::USR_SERIALIZATION),
        ("no such method", 2, to_vec(&1), ExitCode::USR_UNHANDLED_MESSAGE),
    ] {
        assert_eq!(network.send(token, method, 0, params.unwrap()).exit_code, exit_code, "{what}");
    }
    assert_eq!(network.ask::<u64>(token, TRANSFER, &(user, 10_u64)), 10, "to oneself");
    assert_eq!(network.ask::<u64>(token, TRANSFER, &(other_address, 4_u64)), 6);
    (network.user, network.nonce) = (other(), 0);
    assert_eq!(network.refused(token, MINT, &(other_address, 1_u64)), ExitCode::USR_FORBIDDEN);
    assert_eq!(network.ask::<u64>(token, TRANSFER, &(user, 4_u64)), 0);
    assert_eq!(network.ask::<u64>(token, BALANCE_OF, &user), 10);
}

#[test]
fn a_subnet_registers_and_its_checkpoints_are_accepted() {
    let mut network = Network::new();
    let params = to_vec(&constructor(candidates(4))).unwrap();
    let actor = network.make(tributary_genesis_code::checkpoint_actor_cid(), params);
    let registration: Registration = network.ask(actor, SUBNET, &());
    assert_eq!(registration.subnet, SubnetId::root(CHAIN_ID).child(actor).unwrap());
    assert_eq!(network.ask::<CertificateReturn>(actor, LATEST_CHECKPOINT, &()), None);

    let mut previous = None;
    for period in 1..=10 {
        let certificate = certify(&registration.subnet, period, previous, 3, 4);
        let receipt = network.send(actor, SUBMIT_CHECKPOINT, 0, certificate.to_cbor());
        assert_eq!(receipt.exit_code, ExitCode::OK);
        let [accepted] = receipt.events.as_slice() else { panic!("one event") };
        let said = accepted.said.entries();
        let value = |key: &str| &said.iter().find(|entry| entry.key == key).unwrap().value;
        let cid = certificate.checkpoint.cid();
        assert_eq!(accepted.emitter, actor);
        assert_eq!(from_slice::<String>(value(event::TYPE_KEY)).unwrap(), event::CHECKPOINT_ACCEPTED);
        assert_eq!(from_slice::<Height>(value(event::HEIGHT_KEY)).unwrap(), certificate.checkpoint.height);
        assert_eq!(from_slice::<Cid>(value(event::CID_KEY)).unwrap(), cid);
        assert_eq!(network.ask::<CertificateReturn>(actor, LATEST_CHECKPOINT, &()), Some(certificate));
        previous = Some(cid);
    }
    let third: CertificateReturn = network.ask(actor, CHECKPOINT_AT, &CheckpointAtParams { height: Height(30) });
    assert_eq!(third.unwrap().checkpoint.height, Height(30));
    let none: CertificateReturn = network.ask(actor, CHECKPOINT_AT, &CheckpointAtParams { height: Height(31) });
    assert_eq!(none, None);
}

#[test]
fn each_refused_submission_has_its_exit_code_and_changes_nothing() {
    let mut network = Network::new();
    let params = to_vec(&constructor(candidates(4))).unwrap();
    let actor = network.make(tributary_genesis_code::checkpoint_actor_cid(), params);
    let subnet = SubnetId::root(CHAIN_ID).child(actor).unwrap();
    let first = certify(&subnet, 1, None, 3, 4);
    assert_eq!(network.send(actor, SUBMIT_CHECKPOINT, 0, first.to_cbor()).exit_code, ExitCode::OK);

    let next = certify(&subnet, 2, Some(first.checkpoint.cid()), 3, 4);
    let mut forged = next.clone();
    forged.checkpoint.state_root = cbor_cid(b"a state that nobody signed");
    let gapped = certify(&subnet, 3, Some(next.checkpoint.cid()), 3, 4);
    let mut wrong_set = next.clone();
    wrong_set.checkpoint.configuration = ConfigurationNumber(2);
    let below = certify(&subnet, 0, None, 3, 4);
    let mut off_period = next.clone();
    off_period.checkpoint.height = off_period.checkpoint.height.next();
    // As many signers as are needed, and none of them registered.
    let strangers: Vec<_> = (50..53).map(|seed| bls_key(seed).sign(&next.checkpoint.signing_payload())).collect();
    let strangers = CheckpointCertificate { signature: bls::aggregate(&strangers).unwrap(), ..next.clone() };
    let rows = [
        (gapped, exit_code::SKIPPED_MESSAGES),
        (wrong_set, exit_code::WRONG_CONFIGURATION),
        (below, exit_code::NOT_ABOVE),
        (off_period, exit_code::OFF_PERIOD),
        (strangers, exit_code::BAD_SIGNATURE),
        (certify(&SubnetId::root(1), 2, None, 3, 4), exit_code::WRONG_SUBNET),
        (first.clone(), exit_code::ALREADY_ACCEPTED),
        (certify(&subnet, 2, None, 3, 4), exit_code::NOT_NEXT),
        (certify(&subnet, 2, Some(first.checkpoint.cid()), 2, 4), exit_code::NO_QUORUM),
        (certify(&subnet, 2, Some(first.checkpoint.cid()), 3, 5), exit_code::BITMAP_SIZE),
        (forged, exit_code::BAD_SIGNATURE),
        (CheckpointCertificate { signature: BlsSignature([0xff; 96]), ..next.clone() }, exit_code::BAD_SIGNATURE),
    ];
    for (certificate, code) in rows {
        assert_eq!(network.refused(actor, SUBMIT_CHECKPOINT, &certificate), code);
        assert_eq!(network.ask::<CertificateReturn>(actor, LATEST_CHECKPOINT, &()).as_ref(), Some(&first), "{code}");
    }
    assert_eq!(network.refused(actor, SUBMIT_CHECKPOINT, &1), ExitCode::USR_SERIALIZATION);
    assert_eq!(network.refused(actor, 42, &()), ExitCode::USR_UNHANDLED_MESSAGE);
    assert_eq!(network.refused(actor, CONSTRUCTOR, &constructor(candidates(1))), ExitCode::USR_FORBIDDEN);
    let paid = network.send(actor, SUBMIT_CHECKPOINT, 1, next.to_cbor());
    assert_eq!(paid.exit_code, ExitCode::USR_NOT_PAYABLE);

    assert_eq!(network.ask::<CertificateReturn>(actor, LATEST_CHECKPOINT, &()), Some(first));
    assert_eq!(network.send(actor, SUBMIT_CHECKPOINT, 0, next.to_cbor()).exit_code, ExitCode::OK);
}

#[test]
fn each_refused_registration_has_its_exit_code_and_makes_no_actor() {
    let mut network = Network::new();
    let code = tributary_genesis_code::checkpoint_actor_cid();
    let mut stolen = candidates(4);
    stolen[2].possession = stolen[1].possession;
    for (params, expected) in [
        (constructor(Vec::new()), exit_code::VALIDATOR_COUNT),
        (constructor(stolen), exit_code::BAD_POSSESSION),
        (ConstructorParams { checkpoint_period: 0, ..constructor(candidates(1)) }, exit_code::PERIOD_OUT_OF_BOUNDS),
    ] {
        assert_eq!(network.exec(code, to_vec(&params).unwrap()).exit_code, expected);
    }
    assert_eq!(network.exec(code, Vec::new()).exit_code, ExitCode::USR_SERIALIZATION);
    assert_eq!(network.exec(cbor_cid(b"code nobody installed"), Vec::new()).exit_code, ExitCode::USR_FORBIDDEN);
}

#[test]
fn a_large_set_registers_and_submits_within_a_blocks_gas() {
    /// Half of the default `block_gas_limit`.
    const GAS_MAX: u64 = 30_000_000;
    let mut network = Network::new();
    let params = to_vec(&constructor(candidates(200))).unwrap();
    let made = network.exec(tributary_genesis_code::checkpoint_actor_cid(), params);
    assert_eq!(made.exit_code, ExitCode::OK);
    assert!(made.gas_used < GAS_MAX, "registering takes {} gas", made.gas_used);
    let actor = made_actor(&made.return_data).unwrap();
    let subnet = SubnetId::root(CHAIN_ID).child(actor).unwrap();
    let submitted = network.send(actor, SUBMIT_CHECKPOINT, 0, certify(&subnet, 1, None, 134, 200).to_cbor());
    assert_eq!(submitted.exit_code, ExitCode::OK);
    assert!(submitted.gas_used < GAS_MAX / 50, "submitting takes {} gas", submitted.gas_used);
}
