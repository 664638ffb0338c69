//! EVM code, straight on: each op leaves the stack as it found it.

use alloy_primitives::U256;
use tributary_primitives::EthAddress;

use super::{CBOR, EvmOp, Names, Value, atto};

/// Where in memory the outcome of the last call is kept, past all call data that matters.
const OUTCOME: u16 = 0x1000;
/// Slots that keep outcomes start here.
const OUTCOME_SLOTS: u16 = 0x100;
/// The precompile that calls an actor by its id.
const CALL_ACTOR_ID: EthAddress = {
    let mut address = [0; 20];
    (address[0], address[19]) = (0xfe, 0x05);
    EthAddress(address)
};
/// Bytes from the copying of the runtime's code to its start.
const TAIL_BYTES: usize = 13;

mod op {
    pub(super) const STOP: u8 = 0x00;
    pub(super) const BALANCE: u8 = 0x31;
    pub(super) const CODECOPY: u8 = 0x39;
    pub(super) const POP: u8 = 0x50;
    pub(super) const MLOAD: u8 = 0x51;
    pub(super) const MSTORE: u8 = 0x52;
    pub(super) const SLOAD: u8 = 0x54;
    pub(super) const SSTORE: u8 = 0x55;
    pub(super) const JUMPI: u8 = 0x57;
    pub(super) const GAS: u8 = 0x5a;
    pub(super) const JUMPDEST: u8 = 0x5b;
    pub(super) const TSTORE: u8 = 0x5d;
    pub(super) const PUSH0: u8 = 0x5f;
    pub(super) const PUSH2: u8 = 0x61;
    pub(super) const DUP1: u8 = 0x80;
    pub(super) const LOG0: u8 = 0xa0;
    pub(super) const CREATE: u8 = 0xf0;
    pub(super) const CALL: u8 = 0xf1;
    pub(super) const CALLCODE: u8 = 0xf2;
    pub(super) const RETURN: u8 = 0xf3;
    pub(super) const DELEGATECALL: u8 = 0xf4;
    pub(super) const CREATE2: u8 = 0xf5;
    pub(super) const STATICCALL: u8 = 0xfa;
    pub(super) const REVERT: u8 = 0xfd;
    pub(super) const INVALID: u8 = 0xfe;
    pub(super) const SELFDESTRUCT: u8 = 0xff;
}

/// A program in the making.
pub(super) struct Code<'a> {
    names: &'a Names<'a>,
    bytes: Vec<u8>,
    calls: u16,
}

impl<'a> Code<'a> {
    /// A contract's code.
    pub(super) fn runtime(names: &'a Names<'a>, program: &[EvmOp]) -> Vec<u8> {
        let mut code = Self { names, bytes: Vec::new(), calls: 0 };
        program.iter().for_each(|op| code.op(op));
        code.bytes.push(op::STOP);
        code.bytes
    }

    /// Code that runs a program and makes a contract of `runtime`.
    pub(super) fn init(names: &'a Names<'a>, program: &[EvmOp], runtime: &[u8]) -> Vec<u8> {
        let mut code = Self { names, bytes: Vec::new(), calls: 0 };
        program.iter().for_each(|op| code.op(op));
        let length = u16::try_from(runtime.len()).unwrap_or(u16::MAX);
        let start = u16::try_from(code.bytes.len() + TAIL_BYTES).unwrap_or(u16::MAX);
        code.push2(length);
        code.push2(start);
        code.bytes.extend([op::PUSH0, op::CODECOPY]);
        code.push2(length);
        code.bytes.extend([op::PUSH0, op::RETURN]);
        code.bytes.extend(runtime);
        code.bytes
    }

    fn push2(&mut self, number: u16) {
        self.bytes.push(op::PUSH2);
        self.bytes.extend(number.to_be_bytes());
    }

    fn push(&mut self, number: U256) {
        let bytes = number.to_be_bytes_trimmed_vec();
        self.bytes.push(op::PUSH0 + u8::try_from(bytes.len()).unwrap());
        self.bytes.extend(bytes);
    }

    fn number(&mut self, number: impl Into<u64>) {
        self.push(U256::from(number.into()));
    }

    fn value(&mut self, value: Value) {
        self.push(U256::from(atto(value)));
    }

    fn address(&mut self, address: EthAddress) {
        self.push(U256::from_be_slice(&address.0));
    }

    /// Writes bytes to memory from 0 on.
    fn memory(&mut self, data: &[u8]) {
        for (at, chunk) in data.chunks(32).enumerate() {
            let mut word = [0; 32];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(U256::from_be_bytes(word));
            self.number(u64::try_from(32 * at).unwrap());
            self.bytes.push(op::MSTORE);
        }
    }

    /// Keeps the word on the stack in the next slot, and in memory for [`EvmOp::RevertIfFailed`].
    fn keep(&mut self) {
        self.bytes.push(op::DUP1);
        self.push2(OUTCOME);
        self.bytes.push(op::MSTORE);
        self.push2(OUTCOME_SLOTS + self.calls);
        self.bytes.push(op::SSTORE);
        self.calls += 1;
    }

    fn op(&mut self, op: &EvmOp) {
        match op {
            EvmOp::Store(slot, value) => self.pair(*value, *slot, op::SSTORE),
            EvmOp::StoreForNow(slot, value) => self.pair(*value, *slot, op::TSTORE),
            EvmOp::Load(slot) => {
                self.number(*slot);
                self.bytes.extend([op::SLOAD, op::POP]);
            }
            EvmOp::Log(topics) => {
                (0..topics % 5).for_each(|topic| self.number(topic));
                self.number(*topics);
                self.bytes.extend([op::PUSH0, op::LOG0 + topics % 5]);
            }
            EvmOp::Call { kind, to, value, data, gas } => {
                let (to, data) = (self.names.eth_address(*to), self.names.data(data));
                let kind = [op::CALL, op::CALLCODE, op::DELEGATECALL, op::STATICCALL][usize::from(kind % 4)];
                self.call(kind, to, *value, &data, *gas);
            }
            EvmOp::Create { two, value, program } => {
                let code = Self::init(self.names, program, &[op::STOP]);
                self.memory(&code);
                if let Some(salt) = two {
                    self.number(*salt);
                }
                self.number(u64::try_from(code.len()).unwrap());
                self.bytes.push(op::PUSH0);
                self.value(*value);
                self.bytes.push(if two.is_some() { op::CREATE2 } else { op::CREATE });
                self.keep();
            }
            EvmOp::Actor { to, ops, value, read_only } => {
                let data = call_actor(self.names.actor(*to), *value, *read_only, &self.names.script(ops));
                self.call(op::DELEGATECALL, CALL_ACTOR_ID, Value::Nothing, &data, None);
            }
            EvmOp::SelfDestruct(to) => self.on_address(*to, &[op::SELFDESTRUCT]),
            EvmOp::Balance(of) => self.on_address(*of, &[op::BALANCE, op::POP]),
            EvmOp::RevertIfFailed => self.revert_if_failed(),
            EvmOp::Revert => self.bytes.extend([op::PUSH0, op::PUSH0, op::REVERT]),
            EvmOp::Invalid => self.bytes.push(op::INVALID),
            EvmOp::Stop => self.bytes.push(op::STOP),
        }
    }

    fn pair(&mut self, below: u8, above: u8, code: u8) {
        self.number(below);
        self.number(above);
        self.bytes.push(code);
    }

    fn on_address(&mut self, of: super::Target, code: &[u8]) {
        let address = self.names.eth_address(of);
        self.address(address);
        self.bytes.extend(code);
    }

    fn call(&mut self, kind: u8, to: EthAddress, value: Value, data: &[u8], gas: Option<u16>) {
        self.memory(data);
        self.bytes.extend([op::PUSH0, op::PUSH0]);
        self.number(u64::try_from(data.len()).unwrap());
        self.bytes.push(op::PUSH0);
        if [op::CALL, op::CALLCODE].contains(&kind) {
            self.value(value);
        }
        self.address(to);
        match gas {
            Some(gas) => self.number(gas),
            None => self.bytes.push(op::GAS),
        }
        self.bytes.push(kind);
        self.keep();
    }

    fn revert_if_failed(&mut self) {
        if self.calls == 0 {
            return;
        }
        self.push2(OUTCOME);
        self.bytes.push(op::MLOAD);
        // The jump's target: PUSH2 and its two bytes, JUMPI, PUSH0, PUSH0, REVERT.
        self.push2(u16::try_from(self.bytes.len() + 7).unwrap_or(u16::MAX));
        self.bytes.extend([op::JUMPI, op::PUSH0, op::PUSH0, op::REVERT, op::JUMPDEST]);
    }
}

/// `(uint64 method, uint256 value, uint64 flags, uint64 codec, bytes params, uint64 id)`.
fn call_actor(id: u64, value: Value, read_only: bool, params: &[u8]) -> Vec<u8> {
    let length = u64::try_from(params.len()).unwrap();
    let word = |number: u128| U256::from(number).to_be_bytes::<32>();
    let head = [2, atto(value), read_only.into(), CBOR.into(), 6 * 32, id.into(), length.into()].map(word).concat();
    let mut data = [&head[..], params].concat();
    data.resize(data.len().next_multiple_of(32), 0);
    data
}
