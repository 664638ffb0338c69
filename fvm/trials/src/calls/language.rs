//! What a trial's messages can do. Bytes become values of these types by `arbitrary`; small numbers stand for what there is.

use arbitrary::Arbitrary;

use crate::world::Who;

/// One message.
#[derive(Arbitrary, Clone, Debug)]
pub struct Message {
    /// Who sends.
    pub from: Who,
    /// What.
    pub act: Act,
    /// How much gas it may use.
    pub gas: Limit,
    /// Value, in attoTRB.
    pub value: Value,
    /// Whether its nonce is wrong, by how much.
    pub nonce: Nonce,
}

/// Mostly right.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Nonce {
    Right,
    AlsoRight,
    StillRight,
    Past,
    Future(u8),
}

/// Mostly little.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Value {
    Nothing,
    Little(u8),
    Much(u32),
    MoreThanThereIs,
}

/// A gas limit.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Limit {
    /// Enough.
    Plenty,
    /// So many parts of 65,536 of enough.
    Part(u16),
    /// So many parts of 65,536 of a fiftieth of that: where most messages run out.
    SmallPart(u16),
}

/// What a message does. Which kind of transaction it is, its sender decides.
#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    /// Nothing but to move value.
    Pay(Target),
    /// Calls, with data as a keeper takes it.
    Call(Target, Data),
    /// Calls a script actor; an Ethereum account, with the script as call data.
    Script(u8, Vec<ActorOp>),
    /// Makes a contract by running a program, whose code another program will be.
    Create(Vec<EvmOp>, Vec<EvmOp>),
    /// Makes a script actor.
    Exec,
    /// Installs a module of a few bytes.
    Install(u8),
    /// Any method of anybody, with any parameters.
    Method(Target, u8, Vec<u8>),
}

/// Somebody.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Target {
    Account(Who),
    Actor(u8),
    Contract(u8),
    /// An Ethereum address that may have no actor yet.
    NewEthereum(u8),
    /// An f1 address that may have no account yet.
    NewKey(u8),
    /// An actor by its id, or nobody.
    Id(u8),
    /// A precompile, Ethereum's or the FVM's.
    Precompile(u8),
}

/// Call data.
#[derive(Arbitrary, Clone, Debug)]
pub enum Data {
    /// None.
    Nothing,
    /// What a keeper stores, and whether it reverts.
    Keep(u8, u8, bool),
    /// What a forwarder hands on to whom.
    Forward(Target, Box<Data>),
    /// A script.
    Script(Vec<ActorOp>),
    /// Anything.
    Bytes(Vec<u8>),
}

/// What an actor does.
#[derive(Arbitrary, Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ActorOp {
    /// Its root; from 192 on an entry, so that older seeds mean what they meant.
    Write(u8),
    Read,
    Emit(u8, u8),
    Pay(Target, Value),
    Run {
        actor: u8,
        ops: Vec<ActorOp>,
        value: Value,
        limit: Option<u32>,
        read_only: bool,
    },
    Contract {
        to: Target,
        data: Data,
        value: Value,
    },
    Method(Target, u8, Vec<u8>),
    Exec,
    Exit(u8),
    Trap,
    Spin(u16),
    Recurse(u16),
    Grow(u8),
    SelfDestruct(bool),
    Balance(Target),
    Charge(u32),
    SetRootOfOld,
}

/// What a contract does.
#[derive(Arbitrary, Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum EvmOp {
    Store(u8, u8),
    Load(u8),
    StoreForNow(u8, u8),
    Log(u8),
    /// Calls by call, callcode, delegatecall or staticcall, with all gas or so much of it; what came of it is kept in a slot.
    Call {
        kind: u8,
        to: Target,
        value: Value,
        data: Data,
        gas: Option<u16>,
    },
    /// Makes a contract by create or create2, whose init code a program is.
    Create {
        two: Option<u8>,
        value: Value,
        program: Vec<EvmOp>,
    },
    /// Calls an actor's method by the precompile.
    Actor {
        to: u8,
        ops: Vec<ActorOp>,
        value: Value,
        read_only: bool,
    },
    SelfDestruct(Target),
    Balance(Target),
    /// Reverts if the last call failed.
    RevertIfFailed,
    Revert,
    Invalid,
    Stop,
}
