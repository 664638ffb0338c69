//! What the operating system does not give: that ends a question, and no block.

use std::collections::BTreeMap;
use std::process::Command;

use fvm_ipld_encoding::from_slice;
use fvm_shared::address::Address;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tributary_primitives::EthAddress;
use tributary_wasm::NATIVE_STACK_BYTES;

use super::crossing::{byte_string, forwarded, proxied};
use super::world::*;
use crate::ReadState as _;
use crate::evm::INVOKE_EVM;
use crate::simulation::{SimulatedBlock, SimulatedCall};
use crate::{
    AccountOverride, AccountOverrides, BlockEnv, CallRequest, EthereumCall, ExecutorFatal, FvmCall, Leash, Overrides,
    TraceRequest, Wanted,
};

/// Takes all the memory that it gets, unless it is called without parameters.
const GREEDY: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "invoke") (param $params i32) (result i32)
    (if (local.get $params)
      (then (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))))
    (i32.const 0)))"#;

/// Every way in which somebody can ask for what the actor does.
const WAYS: [&str; 9] = [
    "a message",
    "a contract",
    "a contract below an actor",
    "on accounts that are otherwise",
    "an estimate",
    "an access list",
    "a simulation",
    "a trace of a call",
    "a trace of a transaction",
];

/// A greedy actor, a contract that calls it, and an actor that calls the contract.
struct Chain {
    world: World,
    greedy: Address,
    forwarder: EthAddress,
    proxy: Address,
}

impl Chain {
    fn new() -> Self {
        let mut world = World::new();
        let made = install_and_make(&wat::parse_str(GREEDY).unwrap(), 0).map(|transaction| world.one(transaction));
        let (greedy, _robust): (Address, Address) = from_slice(&made[1].return_data).unwrap();
        let forwarder = world.deploy(0, FORWARDER);
        let proxy = world.exec_code(2, proxy_code());
        Self { world, greedy, forwarder, proxy }
    }

    fn message(to: Address, params: Vec<u8>) -> CallRequest {
        let from = carol().f1_address();
        CallRequest::Fvm(FvmCall { from, to, method: 2, params, value: atto(0), gas_limit: None })
    }

    /// What the contract takes to call the actor.
    fn input(&self) -> Vec<u8> {
        forwarded(EthAddress::from_actor_id(self.greedy.id().unwrap()), &[1])
    }

    fn by_contract(&self) -> EthereumCall {
        let (from, to) = (alice().eth_address(), Some(self.forwarder));
        EthereumCall { from, to, input: self.input(), ..EthereumCall::default() }
    }

    fn below_an_actor(&self) -> CallRequest {
        let invoked = byte_string(&self.input());
        Self::message(self.proxy, proxied(&self.forwarder.to_address(), INVOKE_EVM, &invoked))
    }

    /// Asks, whatever the answer is.
    fn ask(&self, way: &str) -> Result<(), ExecutorFatal> {
        let (executor, env, leash) = (&self.world.executor, self.world.env(), Leash::default());
        let (greedy, nothing) = (Self::message(self.greedy, byte_string(&[1])), Overrides::default());
        let open = || self.world.open();
        let call = |overrides: &Overrides, request: &CallRequest| {
            executor.call(open()?, &env, overrides, request, &leash).map(|called| drop(called.unwrap()))
        };
        let traced = TraceRequest { wanted: Wanted::Nothing, limits: no_limits() };
        match way {
            "a message" => call(&nothing, &greedy),
            "a contract" => call(&nothing, &CallRequest::Ethereum(self.by_contract())),
            "a contract below an actor" => call(&nothing, &self.below_an_actor()),
            "on accounts that are otherwise" => {
                let other = AccountOverride { code: Some(vec![0]), ..AccountOverride::default() };
                let accounts = BTreeMap::from([(EthAddress([0x97; 20]), other)]);
                call(&Overrides { accounts, ..Overrides::default() }, &greedy)
            }
            "an estimate" => {
                executor.estimate_gas(open, &env, &nothing, &greedy, &leash).map(|estimate| drop(estimate.unwrap()))
            }
            "an access list" => {
                let listed = executor.access_list(open, &env, &nothing, &self.by_contract(), &leash);
                listed.map(|listed| drop(listed.unwrap()))
            }
            "a simulation" => {
                let calls = vec![SimulatedCall { call: self.by_contract(), nonce: None }];
                let block = SimulatedBlock {
                    env: BlockEnv { base_fee: 0, ..env.clone() },
                    accounts: AccountOverrides::new(),
                    calls,
                    validation: false,
                    trace_transfers: false,
                    gas_max: 50_000_000,
                    bytes_max: 1 << 20,
                };
                executor.simulate(open()?, &block, &leash).map(|simulated| drop(simulated.unwrap()))
            }
            "a trace of a call" => {
                let traced = executor.trace_call(open()?, &env, &nothing, &greedy, &traced);
                traced.map(|traced| drop(traced.unwrap()))
            }
            _ => {
                let transactions = [message(&carol(), 3, self.greedy, 2, byte_string(&[1]), 0)];
                let replayed = executor.replay(open()?, &env, &transactions, 0..1, &traced);
                replayed.map(|replayed| drop(replayed.unwrap()))
            }
        }
    }

    /// A block with a message to the actor.
    fn run(&self) -> Result<(), ExecutorFatal> {
        let World { store, executor, root, .. } = &self.world;
        let transactions = [message(&carol(), 3, self.greedy, 2, byte_string(&[1]), 0)];
        executor.execute_block(store, root, &self.world.env(), &transactions).map(drop)
    }
}

/// From here on this process gets so many bytes more than it has, and nothing beyond.
fn leave(bytes: usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(5).unwrap().parse().unwrap();
    let most = pages * rustix::param::page_size() + bytes;
    let Rlimit { maximum, .. } = getrlimit(Resource::Data);
    setrlimit(Resource::Data, Rlimit { current: Some(u64::try_from(most).unwrap()), maximum }).unwrap();
}

fn leave_all() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Data);
    setrlimit(Resource::Data, Rlimit { current: maximum, maximum }).unwrap();
}

/// Runs in a process of its own, whose memory it bounds.
#[test]
fn what_the_machine_does_not_give_ends_a_question_and_is_no_blocks_receipt() {
    const NAME: &str =
        "executor::tests::machine::what_the_machine_does_not_give_ends_a_question_and_is_no_blocks_receipt";
    const SHORT_OF_MEMORY: &str = "TRIBUTARY_TEST_SHORT_OF_MEMORY";
    /// A call that somebody asks for may have ten times as much. A slot keeps what it got, so each way finds a little more.
    const LITTLE: usize = 12 << 20;
    if std::env::var_os(SHORT_OF_MEMORY).is_none() {
        let process = std::env::current_exe().unwrap();
        let ran = Command::new(process).args(["--exact", NAME]).env(SHORT_OF_MEMORY, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let chain = Chain::new();
    let memory_is_refused = |what: &str, ran: Result<(), ExecutorFatal>| {
        let fatal = ran.expect_err(what);
        let why = fatal.refused_by_the_machine().unwrap_or_else(|| panic!("{what}: {fatal:?}"));
        assert!(why.contains("memory that was granted is not there"), "{what}: {why}");
    };
    for way in WAYS {
        leave(NATIVE_STACK_BYTES + LITTLE);
        memory_is_refused(way, chain.ask(way));
    }
    leave(NATIVE_STACK_BYTES + LITTLE);
    memory_is_refused("a block", chain.run());
    leave(LITTLE);
    let unbegun = chain.ask(WAYS[0]).unwrap_err();
    assert!(matches!(unbegun, ExecutorFatal::Thread(_)) && unbegun.refused_by_the_machine().is_some(), "{unbegun:?}");

    leave_all();
    for way in WAYS {
        assert!(chain.ask(way).is_ok(), "{way}: the same executor answers as soon as there is memory");
    }
    assert!(chain.run().is_ok());
}

#[test]
fn what_is_broken_is_not_the_machines_refusal() {
    let chain = Chain::new();
    let (_, greedy) = chain.world.tree().actor_at(&chain.greedy).unwrap().unwrap();
    assert!(chain.world.store.remove(&greedy.code));
    let fresh = World { executor: World::new().executor, ..chain.world };
    let chain = Chain { world: fresh, ..chain };
    for way in ["a message", "a contract", "a contract below an actor"] {
        let fatal = chain.ask(way).unwrap_err();
        assert_eq!(fatal.refused_by_the_machine(), None, "{way}");
        assert!(fatal.to_string().contains(&greedy.code.to_string()), "{way}: {fatal}");
    }
}
