//! What a running actor may ask of the world: the one interface between this crate and the executor.
//!
//! ```text
//! executor ── invoke(code, host, gas, invocation) ──▶ actor runs ──▶ (host, outcome)
//!    ▲                                                    │ send
//!    └──────────────── host.send(send, gas) ◀─────────────┘  (runs the callee, perhaps by `invoke`)
//! ```
//!
//! A host is *moved* into an invocation and comes back out of it, also across a nested send: while a
//! callee runs, nobody else holds the host, and the compiler checks it. So a host is best a `Box` of
//! the message's journal; moving it costs a pointer.
//!
//! Who does what:
//!
//! | here (syscalls) | in the host |
//! |---|---|
//! | argument checks, read-only rule, block handles, reachability | state, journal, transactions, events kept or dropped |
//! | gas of each syscall, first-access charges, gas limit of a send | gas of what `send` and `create_actor` do (prices are in [`crate::prices`]) |
//! | call depth and memory of the call stack | resolving and creating the receiver, moving value, native actors |
//!
//! Every method must be deterministic: same state, same answer, on every node.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::event::ActorEvent;
use fvm_shared::randomness::RANDOMNESS_LENGTH;
use fvm_shared::{ActorID, MethodNum};
use tributary_primitives::EntryKey;

use crate::block::Block;
use crate::error::{HostFatal, SyscallError};
use crate::gas::{Gas, GasTracker};
use crate::stack::CallStack;

/// The world of one message, as its running actors may see and change it.
///
/// Methods that read an actor answer `None` when it does not exist (never created, or deleted earlier
/// in this message). They never charge gas: the syscall has charged by [`Host::first_access`] before.
///
/// A [`HostFatal`] says that the node is broken (its disk, its own invariant); it ends the whole message
/// and reaches the executor as [`crate::Halt::Fatal`]. It is never turned into a receipt here.
pub trait Host: Sized + 'static {
    /// The network as the message's block sees it.
    fn network(&self) -> &NetworkContext;

    /// The message at the bottom of the call stack.
    fn message(&self) -> &MessageContext;

    /// Token supply in circulation, in attoTRB.
    fn circulating_supply(&mut self) -> Result<TokenAmount, HostFatal>;

    /// CID of the block at `epoch`, which lies before the current one. `None`: no longer known.
    fn tipset_cid(&mut self, epoch: ChainEpoch) -> Result<Option<Cid>, HostFatal>;

    /// 32 bytes of randomness drawn at `epoch`, not later than the current one. `None`: none for it.
    fn randomness(
        &mut self,
        source: RandomnessSource,
        epoch: ChainEpoch,
    ) -> Result<Option<[u8; RANDOMNESS_LENGTH]>, HostFatal>;

    /// Records that this message accesses `actor` and answers what of it is a first time, so that
    /// each actor is paid for once a message. Accesses made in a call that reverts are forgotten.
    ///
    /// Preloaded for free, as in FIP-0055 and the reference's call manager: actors 0–7, 10, 99 and the
    /// message's origin (read and updated) and its receiver (read).
    fn first_access(&mut self, actor: ActorID, access: Access) -> FirstAccess;

    /// The id behind an address; for an id address the id itself, whether or not the actor exists.
    fn resolve_address(&mut self, address: &Address) -> Result<Option<ActorID>, HostFatal>;

    /// The actor's f4 address: outer `None` for no such actor, inner `None` for no such address.
    fn delegated_address(&mut self, actor: ActorID) -> Result<Option<Option<Address>>, HostFatal>;

    /// The CID of the actor's code. Also asked to learn whether an actor exists.
    fn code_cid(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal>;

    /// The actor's balance, in attoTRB, at most `u128::MAX`.
    fn balance(&mut self, actor: ActorID) -> Result<Option<TokenAmount>, HostFatal>;

    /// The root of the actor's state.
    fn state_root(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal>;

    /// Replaces the root of the state of `actor`, which exists.
    fn set_state_root(&mut self, actor: ActorID, root: Cid) -> Result<(), HostFatal>;

    /// The value under a key of the entries of `actor`; at most
    /// [`ENTRY_VALUE_BYTES_MAX`](tributary_primitives::entry::ENTRY_VALUE_BYTES_MAX) bytes.
    fn entry(&mut self, actor: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, HostFatal>;

    /// Sets an entry of `actor`, which exists, or deletes it. The value has at most as many bytes.
    fn set_entry(&mut self, actor: ActorID, key: EntryKey, value: Option<Arc<[u8]>>) -> Result<(), HostFatal>;

    /// Burns what balance is left to `actor` and deletes it. Nothing happens when it does not exist.
    fn self_destruct(&mut self, actor: ActorID) -> Result<(), HostFatal>;

    /// Position in the manifest of built-in actors, from 1. `None`: not the code of a built-in actor.
    fn builtin_type(&self, code: &Cid) -> Option<u32>;

    /// The code CID at a position of the manifest, the inverse of [`Host::builtin_type`].
    fn builtin_code(&self, actor_type: u32) -> Option<Cid>;

    /// The f2 address of the next actor created in this message. It changes with every creation.
    fn next_actor_address(&mut self) -> Address;

    /// Creates an actor, or turns a placeholder into one. Asked by the init actor only, never read-only.
    ///
    /// Charges [`crate::prices::ACTOR_CREATE`] for a new actor, then [`Host::first_access`] for update.
    ///
    /// Rejects with `Forbidden`: placeholder code, an existing actor that is not a placeholder, a
    /// placeholder with another f4 address.
    fn create_actor(&mut self, actor: NewActor, gas: &mut GasTracker) -> Result<(), SyscallError>;

    /// A block of state by CID, with this message's own puts. `None` for a reachable block is the
    /// node's fault, and the syscall makes it a [`HostFatal`].
    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, HostFatal>;

    /// Keeps a block of state to the end of the message, also when the call that puts it is undone: what that call answers may link
    /// to it. `cid` is the blake2b-256 of `data` with its codec.
    fn put_block(&mut self, cid: Cid, data: Arc<[u8]>) -> Result<(), HostFatal>;

    /// Appends an event, which takes so many bytes. Events of a call that reverts are dropped with it.
    fn emit(&mut self, emitter: ActorID, event: ActorEvent, bytes: u64);

    /// Bytes of the events that the message has emitted so far, of all its actors, and that were not dropped.
    fn event_bytes(&mut self) -> u64;

    /// Runs a call: resolves the receiver (or creates the account or placeholder), moves the value,
    /// and, when the method is not 0, runs the receiver's code, natively or by [`crate::invoke`].
    ///
    /// All of it is one transaction: state, events and first accesses, but not blocks, are undone unless the
    /// exit code is zero. The gas limit of the send is already pushed on `gas`. Charge value transfer
    /// ([`crate::prices::VALUE_TRANSFER`]) and creation; [`crate::invoke`] charges the invocation itself.
    ///
    /// Errors: rejected when the *caller* did something wrong (`NotFound`, `InsufficientFunds`, `ReadOnly`,
    /// `IllegalArgument`); what goes wrong in the callee is an exit code. Out of gas is passed
    /// on as it is: the syscall knows which limit was hit.
    fn send(self, send: Send, gas: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>);
}

/// The network as the message's block sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkContext {
    /// Height of the block in execution.
    pub epoch: ChainEpoch,
    /// Its time, in seconds since the Unix epoch.
    pub timestamp: u64,
    /// Its base fee, in attoTRB per unit of FVM gas, at most `u128::MAX`.
    pub base_fee: TokenAmount,
    /// Chain id, as in EIP-155.
    pub chain_id: u64,
    /// Network version, which names the rules in force; prices here are those of versions 21 to 29.
    pub network_version: u32,
}

/// The message at the bottom of the call stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContext {
    /// Who signed it.
    pub origin: ActorID,
    /// Its nonce.
    pub nonce: u64,
    /// The premium it pays above the base fee, in attoTRB per unit of FVM gas, at most `u128::MAX`.
    pub gas_premium: TokenAmount,
}

/// Where randomness comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomnessSource {
    /// The chain's own.
    Chain,
    /// The beacon's.
    Beacon,
}

/// How a message touches an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Looks it up.
    Read,
    /// Looks it up and writes it back.
    Update,
}

/// What of an access a message does for the first time, and so pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstAccess {
    /// The actor had not been looked up.
    pub lookup: bool,
    /// The access is an update and the actor had not been updated.
    pub update: bool,
}

/// An actor that the init actor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActor {
    /// The id it gets.
    pub id: ActorID,
    /// Its code.
    pub code: Cid,
    /// Its f4 address, if any.
    pub delegated_address: Option<Address>,
}

/// One actor's call of another.
#[derive(Clone, Debug)]
pub struct Send {
    /// The calling actor.
    pub from: ActorID,
    /// The receiver's address, of any class.
    pub to: Address,
    /// Method number; 0 moves value and runs no code.
    pub method: MethodNum,
    /// Parameters, if any.
    pub params: Option<Block>,
    /// Value to move, in attoTRB; zero when `read_only`.
    pub value: TokenAmount,
    /// Whether the callee, and all that it calls, may change nothing.
    pub read_only: bool,
    /// The limit asked for by the caller, already pushed on the tracker; for traces. `None`: all there is.
    pub gas_limit: Option<Gas>,
    /// The callee's place on the call stack: hand it to [`crate::Invocation::stack`] unchanged.
    pub stack: CallStack,
}

/// How a call ended, as its caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOutcome {
    /// Zero, or why the callee's changes were undone.
    pub exit_code: ExitCode,
    /// What it returned; an actor that aborts may return data too.
    pub return_block: Option<Block>,
}
