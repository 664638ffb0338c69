//! From the language to transactions, scripts and EVM code.

mod evm;

use alloy_primitives::U256;
use fvm_ipld_encoding::{BytesSer, RawBytes, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_crypto::SecpSecretKey;
use tributary_fvm::ReadState as _;
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_message::Transaction;
use tributary_primitives::actors::{EAM_ID, INIT_ID};
use tributary_primitives::{EthAddress, raw_cid};
use tributary_script::{CidArg, EventHeader, Op, Params, Script, SendOp};

use super::language::{Act, ActorOp, Data, EvmOp, Limit, Message, Nonce, Target, Value};
use crate::world::{
    self, ETHEREUM_GAS, FVM_GAS, INVOKE_EVM, KEEPER, RICH, Who, World, call, create, ethereum, fvm, init_code, key,
    words,
};

/// Bytes of init code, at most. Source: EIP-3860.
const INIT_CODE_BYTES_MAX: usize = 49_152;
/// Codecs.
const CBOR: u64 = 0x51;
const RAW: u64 = 0x55;
/// Handle of the first block that a script makes: block 1 is its parameters.
const FIRST_BLOCK: u32 = 2;
const NO_GAS_LIMIT: u64 = u64::MAX;
/// Methods that somebody has: constructors, `Exec`, `InstallCode`, an account's, a contract's.
const METHODS: [u64; 10] = [0, 1, 2, 3, 4, 5, 1_596_813_081, 2_643_134_072, INVOKE_EVM, 1_024];

/// What a message's sender signs.
pub(crate) enum Unsigned {
    Ethereum(alloy_consensus::TxEip1559),
    Fvm(fvm_shared::message::Message),
}

/// The transaction that a message is; `None` if its sender has no such transaction.
pub(super) fn transaction(world: &World, message: &Message) -> Option<Transaction> {
    let nonce = nonce(message.nonce, world.nonce(message.from));
    Some(match unsigned(&Names::of(world), message, message.from.is_ethereum(), nonce)? {
        Unsigned::Ethereum(unsigned) => ethereum(message.from, unsigned),
        Unsigned::Fvm(unsigned) => fvm(message.from, unsigned),
    })
}

/// What a message is from an account of either kind; `None` if that kind has no such transaction.
pub(crate) fn unsigned(names: &Names<'_>, message: &Message, is_ethereum: bool, nonce: u64) -> Option<Unsigned> {
    if is_ethereum {
        let (to, input) = ethereum_call(names, &message.act)?;
        let unsigned = match to {
            Some(to) => call(nonce, to, input),
            None => create(nonce, input),
        };
        let (gas_limit, value) = (limit(message.gas, ETHEREUM_GAS), U256::from(atto(message.value)));
        return Some(Unsigned::Ethereum(alloy_consensus::TxEip1559 { gas_limit, value, ..unsigned }));
    }
    let (to, method, params) = fvm_call(names, &message.act);
    let (gas_limit, value) = (limit(message.gas, FVM_GAS), TokenAmount::from_atto(atto(message.value)));
    let unsigned = world::message(nonce, to, method, params);
    Some(Unsigned::Fvm(fvm_shared::message::Message { gas_limit, value, ..unsigned }))
}

fn ethereum_call(names: &Names<'_>, act: &Act) -> Option<(Option<EthAddress>, Vec<u8>)> {
    Some(match act {
        Act::Pay(to) => (Some(names.eth_address(*to)), vec![]),
        Act::Call(to, data) => (Some(names.eth_address(*to)), names.data(data)),
        Act::Script(actor, ops) => (Some(EthAddress::from_actor_id(names.actor(*actor))), names.script(ops)),
        Act::Create(init, runtime) => (None, names.init_code(init, runtime)?),
        Act::Exec => (None, init_code(KEEPER)),
        Act::Install(_) => return None,
        Act::Method(to, _, data) => (Some(names.eth_address(*to)), data.clone()),
    })
}

fn fvm_call(names: &Names<'_>, act: &Act) -> (Address, u64, Vec<u8>) {
    match act {
        Act::Pay(to) => (names.address(*to), 0, vec![]),
        Act::Call(to, data) => (names.address(*to), INVOKE_EVM, byte_string(&names.data(data))),
        Act::Script(actor, ops) => (Address::new_id(names.actor(*actor)), 2, names.script(ops)),
        Act::Create(init, runtime) => {
            let code = names.init_code(init, runtime).unwrap_or_default();
            (Address::new_id(EAM_ID), 4, byte_string(&code))
        }
        Act::Exec => (Address::new_id(INIT_ID), 2, exec()),
        Act::Install(number) => (Address::new_id(INIT_ID), METHODS[6], byte_string(&module(*number))),
        Act::Method(to, method, params) => (names.address(*to), names.method(*method), params.clone()),
    }
}

/// The nonce, where `right` is the right one.
pub(crate) fn nonce(nonce: Nonce, right: u64) -> u64 {
    match nonce {
        Nonce::Right | Nonce::AlsoRight | Nonce::StillRight => right,
        Nonce::Past => right.saturating_sub(1),
        Nonce::Future(gap) => right + 1 + u64::from(gap),
    }
}

/// The gas limit, where `plenty` is enough.
pub(crate) fn limit(limit: Limit, plenty: u64) -> u64 {
    let part = |of: u64, part: u16| 1 + of * u64::from(part) / 65_536;
    match limit {
        Limit::Plenty => plenty,
        Limit::Part(so_many) => part(plenty, so_many),
        Limit::SmallPart(so_many) => part(plenty / 50, so_many),
    }
}

fn atto(value: Value) -> u128 {
    match value {
        Value::Nothing => 0,
        Value::Little(value) => value.into(),
        Value::Much(value) => value.into(),
        Value::MoreThanThereIs => 6 * RICH,
    }
}

/// The high and the low 64 bits.
fn halves(value: u128) -> (u64, u64) {
    let [low, high] = U256::from(value).as_limbs()[..2].try_into().unwrap();
    (high, low)
}

fn byte_string(bytes: &[u8]) -> Vec<u8> {
    to_vec(&BytesSer(bytes)).unwrap()
}

/// Parameters that make a script actor.
pub(crate) fn exec() -> Vec<u8> {
    to_vec(&(raw_cid(SCRIPT_ENTRIES_ACTOR), RawBytes::default())).unwrap()
}

/// The smallest actor, with one byte of data.
fn module(data: u8) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x05\x03\x01\0\x01".to_vec();
    wasm.extend(b"\x07\x13\x02\x06memory\x02\0\x06invoke\0\0\x0a\x06\x01\x04\0\x41\0\x0b\x0b\x07\x01\0\x41\0\x0b\x01");
    wasm.push(data);
    wasm
}

/// Below 192 the root is written, else one of four entries is got, set or deleted; all of it so many cells further.
fn write(number: u8, cell: u8) -> Op {
    let key = vec![b'k', (number % 4).wrapping_add(cell)].into();
    match number {
        0..192 => Op::Write(u64::from(number) + u64::from(cell)),
        192..208 => Op::EntryGet { key, out_len: 8 },
        208..240 => Op::EntrySet { key, value: vec![number; usize::from(number / 4 % 4)].into() },
        240.. => Op::EntryDelete(key),
    }
}

/// How much further than its numbers say a message reaches, when it is one of many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    /// Of accounts, actors, contracts, ids and new addresses.
    pub(crate) whom: u8,
    /// Of slots, entries, roots and the last of any bytes.
    pub(crate) cell: u8,
}

/// New addresses that are reached from each of the four that a message names.
const NEW_STEPS: u8 = 64;

/// The world, asked for who is meant.
pub(crate) struct Names<'a> {
    world: &'a World,
    accounts: &'a [Address],
    turn: Turn,
}

impl<'a> Names<'a> {
    /// As their numbers say.
    pub(crate) fn of(world: &'a World) -> Self {
        Self::in_turn(world, &*world::WHO, Turn::default())
    }

    /// So much further, among `accounts`, which are not none.
    pub(crate) const fn in_turn(world: &'a World, accounts: &'a [Address], turn: Turn) -> Self {
        Self { world, accounts, turn }
    }

    fn account(&self, who: Who) -> &Address {
        &self.accounts[(who.number() + usize::from(self.turn.whom)) % self.accounts.len()]
    }

    fn actor(&self, number: u8) -> ActorID {
        let actors = &self.world.names.actors;
        actors[(usize::from(number) + usize::from(self.turn.whom)) % actors.len()]
    }

    fn method(&self, number: u8) -> u64 {
        METHODS[usize::from(number) % METHODS.len()]
    }

    fn id(&self, number: u8) -> ActorID {
        u64::from(number) + u64::from(self.turn.whom)
    }

    fn new_key(&self, number: u8) -> SecpSecretKey {
        key(100 + number % 4 + self.turn.whom % NEW_STEPS)
    }

    fn address(&self, target: Target) -> Address {
        match target {
            Target::Account(who) => *self.account(who),
            Target::Actor(number) => Address::new_id(self.actor(number)),
            Target::NewKey(number) => self.new_key(number).f1_address(),
            Target::Id(id) => Address::new_id(self.id(id)),
            Target::Contract(_) | Target::NewEthereum(_) | Target::Precompile(_) => {
                self.eth_address(target).to_address()
            }
        }
    }

    pub(crate) fn eth_address(&self, target: Target) -> EthAddress {
        match target {
            Target::Account(who) => {
                let account = self.account(who);
                EthAddress::from_address(account).unwrap_or_else(|| self.masked(account))
            }
            Target::Actor(number) => EthAddress::from_actor_id(self.actor(number)),
            Target::Contract(number) => {
                let contracts = &self.world.names.contracts;
                contracts[(usize::from(number) + usize::from(self.turn.whom)) % contracts.len()]
            }
            Target::NewEthereum(number) => {
                let mut address = [0xa0 + number % 4; 20];
                address[19] = address[19].wrapping_add(self.turn.whom);
                EthAddress(address)
            }
            Target::NewKey(number) => self.new_key(number).eth_address(),
            Target::Id(id) => EthAddress::from_actor_id(self.id(id)),
            Target::Precompile(number) => {
                let mut address = [0; 20];
                address[19] = number % 20;
                if number >= 128 {
                    (address[0], address[19]) = (0xfe, number % 8);
                }
                EthAddress(address)
            }
        }
    }

    fn masked(&self, account: &Address) -> EthAddress {
        let id = self.world.tree().resolve(account).unwrap();
        EthAddress::from_actor_id(id.unwrap_or_default())
    }

    pub(crate) fn data(&self, data: &Data) -> Vec<u8> {
        let further = |number: &u8| number.wrapping_add(self.turn.cell);
        match data {
            Data::Nothing => vec![],
            Data::Keep(slot, value, reverts) => {
                let mut input = words(&[further(slot).into(), further(value).into()]);
                input.extend(std::iter::repeat_n(0, usize::from(*reverts)));
                input
            }
            Data::Forward(to, data) => [&[0; 12][..], &self.eth_address(*to).0, &self.data(data)].concat(),
            Data::Script(ops) => self.script(ops),
            Data::Bytes(bytes) => {
                let rest = bytes.split_last().map(|(last, rest)| [rest, &[further(last)]].concat());
                rest.unwrap_or_default()
            }
        }
    }

    /// A script's bytes. The blocks that its sends need are made first, so that their handles are known.
    fn script(&self, ops: &[ActorOp]) -> Vec<u8> {
        to_vec(&self.ops(ops)).unwrap()
    }

    fn ops(&self, ops: &[ActorOp]) -> Script {
        let (mut blocks, mut rest) = (Vec::new(), Vec::new());
        for op in ops {
            rest.push(self.op(op, &mut blocks));
        }
        blocks.extend(rest);
        Script(blocks)
    }

    fn op(&self, op: &ActorOp, blocks: &mut Vec<Op>) -> Op {
        let mut block = |codec, data: Vec<u8>| {
            blocks.push(Op::Create { codec, data: data.into() });
            Params::Block(FIRST_BLOCK + u32::try_from(blocks.len()).unwrap() - 1)
        };
        let send = |to: Address, method, params, value: Value| SendOp {
            to: to.to_bytes().into(),
            method,
            params,
            value: halves(atto(value)),
            gas_limit: NO_GAS_LIMIT,
            flags: 0,
            read: true,
        };
        match op {
            ActorOp::Write(number) => write(*number, self.turn.cell),
            ActorOp::Read => Op::ReadState,
            ActorOp::Emit(key, value) => {
                let (key_len, value_len) = (u32::from(key % 33), u32::from(*value));
                let headers = vec![EventHeader { flags: 3, codec: RAW, key_len, value_len }];
                let bytes = |len: u32| vec![b'k'; usize::try_from(len).unwrap()];
                Op::Emit { headers, keys: bytes(key_len).into(), values: bytes(value_len).into() }
            }
            ActorOp::Pay(to, value) => Op::Send(send(self.address(*to), 0, Params::Block(0), *value)),
            ActorOp::Run { actor, ops, value, limit, read_only } => {
                let to = Address::new_id(self.actor(*actor));
                let sent = send(to, 2, Params::Script(self.ops(ops)), *value);
                let gas_limit = limit.map_or(NO_GAS_LIMIT, u64::from);
                Op::Send(SendOp { gas_limit, flags: (*read_only).into(), ..sent })
            }
            ActorOp::Contract { to, data, value } => {
                let params = block(CBOR, byte_string(&self.data(data)));
                Op::Send(send(self.address(*to), INVOKE_EVM, params, *value))
            }
            ActorOp::Method(to, method, params) => {
                let params = block(RAW, params.clone());
                Op::Send(send(self.address(*to), self.method(*method), params, Value::Nothing))
            }
            ActorOp::Exec => {
                let params = block(CBOR, exec());
                Op::Send(send(Address::new_id(INIT_ID), 2, params, Value::Nothing))
            }
            ActorOp::Exit(code) => Op::ExitWithLog((*code).into()),
            ActorOp::Trap => Op::Unreachable,
            ActorOp::Spin(count) => Op::Spin((*count).into()),
            ActorOp::Recurse(depth) => Op::Recurse((*depth).into()),
            ActorOp::Grow(pages) => Op::Grow((*pages).into()),
            ActorOp::SelfDestruct(burn) => Op::SelfDestruct(*burn),
            ActorOp::Balance(of) => Op::Resolve(self.address(*of).to_bytes().into()),
            ActorOp::Charge(gas) => Op::Charge { name: b"trial".into(), amount: (*gas).into() },
            ActorOp::SetRootOfOld => Op::SetRoot(CidArg::Latest),
        }
    }

    fn init_code(&self, init: &[EvmOp], runtime: &[EvmOp]) -> Option<Vec<u8>> {
        let code = self.init_code_of(init, &evm::Code::runtime(self, runtime));
        (code.len() <= INIT_CODE_BYTES_MAX).then_some(code)
    }

    /// Init code that runs a program and makes a contract of `runtime`.
    pub(crate) fn init_code_of(&self, init: &[EvmOp], runtime: &[u8]) -> Vec<u8> {
        evm::Code::init(self, init, runtime)
    }
}
