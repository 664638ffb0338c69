//! What a test asks the script actor to do: words shared by both.
//!
//! A message's parameters are a [`Script`]. The actor does one [`Op`] after the other and writes a log of what it saw: for each
//! op its error number, then its result, if any, length first. The log is what the call returns, so whatever an executor shows
//! an actor is part of the receipt: a test reads it there, and the oracle compares it.
//!
//! Arguments go to the syscalls as they are given: addresses and CIDs are bytes, lengths and handles are numbers, so a script can
//! ask for what no sdk would.

use fvm_ipld_encoding::strict_bytes;
use serde::{Deserialize, Serialize};

/// Bytes, as a CBOR byte string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "strict_bytes")] pub Vec<u8>);

impl<T: AsRef<[u8]>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

/// A CID for a syscall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CidArg {
    /// These bytes, whether or not they are a CID.
    Given(Bytes),
    /// The CID that this invocation got most recently, from `Root`, `Link` or `CodeCid`.
    Latest,
    /// Memory at this address.
    At(u32),
}

/// Where a syscall writes what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BadPlace {
    /// `ipld.block_stat` of block 1.
    Stat,
    /// `gas.available`.
    Gas,
    /// `self.root`, its CID to a good buffer.
    Root,
    /// `vm.message_context`.
    Context,
    /// `send.send` of nothing to actor 99.
    Send,
}

/// Parameters of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Params {
    /// A handle, 0 for none.
    Block(u32),
    /// A CBOR block of this script, made first.
    Script(Script),
}

/// An entry of an event, without its key and value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHeader {
    /// Flags.
    pub flags: u64,
    /// Codec of the value.
    pub codec: u64,
    /// Bytes of the key.
    pub key_len: u32,
    /// Bytes of the value.
    pub value_len: u32,
}

/// A send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOp {
    /// Address bytes.
    pub to: Bytes,
    /// Method number.
    pub method: u64,
    /// Parameters.
    pub params: Params,
    /// Value: high and low 64 bits.
    pub value: (u64, u64),
    /// `u64::MAX` for none.
    pub gas_limit: u64,
    /// Bit 0: read-only.
    pub flags: u64,
    /// Whether the returned block is read into the log.
    pub read: bool,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named after the syscalls, fields after their arguments")]
pub enum Op {
    Open(CidArg),
    Create {
        codec: u64,
        data: Bytes,
    },
    /// A block of this many zeros (as raw) or of a CBOR byte string of them.
    CreateLarge {
        codec: u64,
        len: u32,
    },
    /// `ipld.block_create` from memory at this address.
    CreateAt {
        codec: u64,
        at: u32,
        len: u32,
    },
    Read {
        block: u32,
        offset: u32,
        len: u32,
    },
    Stat(u32),
    Link {
        block: u32,
        hash: u64,
        hash_len: u32,
        out_len: u32,
    },

    Root {
        out_len: u32,
    },
    SetRoot(CidArg),
    CurrentBalance,
    SelfDestruct(bool),

    Resolve(Bytes),
    DelegatedAddress {
        actor: u64,
        out_len: u32,
    },
    CodeCid {
        actor: u64,
        out_len: u32,
    },
    BuiltinType(CidArg),
    CodeForType {
        actor_type: i32,
        out_len: u32,
    },
    NextAddress {
        out_len: u32,
    },
    CreateActor {
        id: u64,
        code: CidArg,
        address: Bytes,
    },
    BalanceOf(u64),

    VerifySignature {
        kind: u32,
        signature: Bytes,
        signer: Bytes,
        message: Bytes,
    },
    VerifyAggregate {
        signers: u32,
        signature: Bytes,
        keys: Bytes,
        messages: Bytes,
        lens: Vec<u32>,
    },
    Recover {
        hash: Bytes,
        signature: Bytes,
    },
    Hash {
        code: u64,
        data: Bytes,
        out_len: u32,
    },
    /// `crypto.hash` of memory at this address.
    HashAt {
        code: u64,
        at: u32,
        len: u32,
    },

    DebugEnabled,
    Log(Bytes),
    StoreArtifact {
        name: Bytes,
        data: Bytes,
    },

    Emit {
        headers: Vec<EventHeader>,
        keys: Bytes,
        values: Bytes,
    },

    Charge {
        name: Bytes,
        amount: u64,
    },
    Available,

    NetworkContext,
    TipsetCid {
        epoch: i64,
        out_len: u32,
    },
    CirculatingSupply,

    ChainRandomness(i64),
    BeaconRandomness(i64),

    Send(SendOp),
    MessageContext,
    Exit {
        code: u32,
        block: u32,
        message: Bytes,
    },
    /// Aborts with the log so far as data.
    ExitWithLog(u32),
    /// Ends the call and returns this handle instead of the log.
    Return(u32),

    /// A syscall whose result has no place in memory.
    BadPlace(BadPlace),
    /// Counts to this.
    Spin(u64),
    /// Calls itself to this depth.
    Recurse(u32),
    /// Asks for this many pages of memory.
    Grow(u32),
    /// Writes this many bytes of memory and reads them back.
    Fill(u32),
    /// A quotient, a root and a conversion of the floats with these bits.
    Float(u64, u64),
    Unreachable,
    Divide(i32, i32),
    /// Reads memory at this address.
    Load(u32),
    /// Panics, which the sdk turns into exit code 24.
    Panic,
    /// Calls the actor that made the call with the same parameters, until an exit code other than 0 comes back.
    CallBack,
    /// `Create` of `[n]`, `Link`, `SetRoot`: what an actor does to write its state.
    Write(u64),
    /// `Root`, `Open`, `Read`: what an actor does to read its state.
    ReadState,

    /// `tributary.entry_get` into a buffer of this many bytes: its length, then the bytes. Here and below: of the script actor with
    /// entries; the other one does nothing.
    EntryGet {
        key: Bytes,
        out_len: u32,
    },
    /// `tributary.entry_set`.
    EntrySet {
        key: Bytes,
        value: Bytes,
    },
    /// `tributary.entry_delete`.
    EntryDelete(Bytes),
}

/// What to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script(pub Vec<Op>);
