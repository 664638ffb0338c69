//! What each method of a multisig does to its state. Parameters are read before anything is asked, as on Filecoin.

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use tributary_primitives::actors::INIT_ID;
use tributary_wasm::{Access, SyscallError, prices};

use super::pending::Pending;
use super::sending::code_of;
use super::state::{State, check_signers};
use super::words::{
    AddSignerParams, ConstructorParams, LockBalanceParams, ProposeParams, RemoveSignerParams, SwapSignerParams,
    ThresholdParams, Transaction, TransactionId, TransactionParams,
};
use super::{Call, Decided, Refusal, forbid_unless};
use crate::error::StateFatal;
use crate::kernel::fatal;
use crate::money;
use crate::native::store::Metered;
use crate::state::{StateView, read_cbor, write_cbor};

/// FVM gas to hash a byte with blake2b. Source: as for the syscall `hash`.
const BLAKE2B_BYTE_GAS: u64 = 10;

/// Since when a transaction is on the list.
#[derive(Clone, Copy)]
enum Since {
    /// Not yet.
    Now,
    Earlier,
}

impl<V: StateView> Call<'_, V> {
    pub(super) fn construct(&mut self, params: ConstructorParams) -> Result<(), Refusal> {
        let ConstructorParams { signers, threshold, unlock_duration, start_epoch } = params;
        forbid_unless(self.send.from == INIT_ID)?;
        check_signers(signers.len()).map_err(Refusal::Exit)?;
        let ids: Vec<_> = signers.iter().map(|signer| self.actor_at(signer)).collect::<Result<_, _>>()?;
        let pending = self.with_store(|store| Pending::new(store).flush())?;
        let mut state = State::new(&ids, threshold, pending).map_err(Refusal::Exit)?;
        if unlock_duration != 0 {
            let locked = state.lock_balance(start_epoch, unlock_duration, self.send.value.clone());
            locked.map_err(Refusal::Exit)?;
        }
        self.save(&state)
    }

    pub(super) fn propose(&mut self, params: ProposeParams) -> Result<Decided, Refusal> {
        let ProposeParams { to, value, method, params } = params;
        if value.is_negative() {
            return Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT));
        }
        let mut state = self.signed()?;
        let id = state.next_id;
        state.next_id = id.next();
        let transaction = Transaction { to, value, method, params, approved: vec![self.caller()] };
        Ok(Decided::Proposed(id, self.settle(state, id, transaction, Since::Now)?))
    }

    pub(super) fn approve(&mut self, params: TransactionParams) -> Result<Decided, Refusal> {
        let state = self.signed()?;
        let mut transaction = self.waiting(&state, params.id)?;
        self.check_hash(&transaction, &params.hash, ExitCode::USR_ILLEGAL_ARGUMENT)?;
        // The threshold may have fallen since: then any signer has it sent, also one that approved before.
        if !state.is_approved(&transaction) {
            let caller = self.caller();
            forbid_unless(!transaction.approved.contains(&caller))?;
            transaction.approved.push(caller);
        }
        Ok(Decided::Approved(self.settle(state, params.id, transaction, Since::Earlier)?))
    }

    /// Writes the state with the transaction on the list or, if it is approved, off it; the latter is answered, to be sent.
    fn settle(
        &mut self,
        mut state: State,
        id: TransactionId,
        transaction: Transaction,
        since: Since,
    ) -> Result<Option<Transaction>, Refusal> {
        let is_approved = state.is_approved(&transaction);
        if is_approved {
            let balance = money::to_tokens(self.kernel.journal().balance(self.receiver).map_err(fatal)?);
            let epoch = self.kernel.course.env().height.epoch();
            state.check_spend(&balance, &transaction.value, epoch).map_err(Refusal::Exit)?;
        }
        match (is_approved, since) {
            (true, Since::Now) => {}
            (true, Since::Earlier) => self.edit(&mut state, |pending| pending.remove(id))?,
            (false, _) => self.edit(&mut state, |pending| pending.set(id, transaction.clone()))?,
        }
        self.save(&state)?;
        Ok(is_approved.then_some(transaction))
    }

    pub(super) fn cancel(&mut self, params: TransactionParams) -> Result<(), Refusal> {
        let mut state = self.signed()?;
        let transaction = self.waiting(&state, params.id)?;
        forbid_unless(transaction.approved.first() == Some(&self.caller()))?;
        self.check_hash(&transaction, &params.hash, ExitCode::USR_ILLEGAL_STATE)?;
        self.edit(&mut state, |pending| pending.remove(params.id))?;
        self.save(&state)
    }

    pub(super) fn add_signer(&mut self, params: AddSignerParams) -> Result<(), Refusal> {
        self.check_own_call()?;
        let signer = self.actor_at(&params.signer)?;
        let mut state = self.load()?;
        state.add_signer(signer, params.increase).map_err(Refusal::Exit)?;
        self.save(&state)
    }

    pub(super) fn remove_signer(&mut self, params: RemoveSignerParams) -> Result<(), Refusal> {
        self.check_own_call()?;
        let signer = self.id_at(&params.signer)?;
        let mut state = self.load()?;
        state.remove_signer(signer, params.decrease).map_err(Refusal::Exit)?;
        self.edit(&mut state, |pending| pending.purge(&Address::new_id(signer)))?;
        self.save(&state)
    }

    pub(super) fn swap_signer(&mut self, params: SwapSignerParams) -> Result<(), Refusal> {
        self.check_own_call()?;
        let (from, to) = (self.id_at(&params.from)?, self.actor_at(&params.to)?);
        let mut state = self.load()?;
        state.swap_signer(from, to).map_err(Refusal::Exit)?;
        self.edit(&mut state, |pending| pending.purge(&Address::new_id(from)))?;
        self.save(&state)
    }

    pub(super) fn change_threshold(&mut self, params: ThresholdParams) -> Result<(), Refusal> {
        self.check_own_call()?;
        let mut state = self.load()?;
        state.set_threshold(params.threshold).map_err(Refusal::Exit)?;
        self.save(&state)
    }

    pub(super) fn lock_balance(&mut self, params: LockBalanceParams) -> Result<(), Refusal> {
        self.check_own_call()?;
        let mut state = self.load()?;
        let locked = state.lock_balance(params.start_epoch, params.unlock_duration, params.amount);
        locked.map_err(Refusal::Exit)?;
        self.save(&state)
    }

    fn check_own_call(&self) -> Result<(), Refusal> {
        forbid_unless(self.send.from == self.receiver)
    }

    const fn caller(&self) -> Address {
        Address::new_id(self.send.from)
    }

    /// The state, for one of its signers.
    fn signed(&mut self) -> Result<State, Refusal> {
        let state = self.load()?;
        forbid_unless(state.is_signer(self.send.from))?;
        Ok(state)
    }

    fn waiting(&mut self, state: &State, id: TransactionId) -> Result<Transaction, Refusal> {
        let found = self.with_store(|store| Pending::load(store, &state.pending)?.get(id))?;
        found.ok_or(Refusal::Exit(ExitCode::USR_NOT_FOUND))
    }

    fn check_hash(&mut self, transaction: &Transaction, hash: &[u8], otherwise: ExitCode) -> Result<(), Refusal> {
        if hash.is_empty() {
            return Ok(());
        }
        let proposal = transaction.proposal();
        self.gas.charge(prices::hash(BLAKE2B_BYTE_GAS, proposal.len())).map_err(SyscallError::from)?;
        (Transaction::hash(&proposal) == hash).then_some(()).ok_or(Refusal::Exit(otherwise))
    }

    /// The id of a signer to be. A key that nobody has sent to before gets its account.
    fn actor_at(&mut self, address: &Address) -> Result<ActorID, Refusal> {
        let id = self.id_at(address)?;
        self.kernel.charge_access(id, Access::Read, self.gas)?;
        let actor = self.kernel.journal().actor(id).map_err(fatal)?;
        actor.map(|_| id).ok_or(Refusal::Exit(ExitCode::USR_NOT_FOUND))
    }

    fn id_at(&mut self, address: &Address) -> Result<ActorID, Refusal> {
        match self.kernel.id_or_new(address, self.send.read_only, self.gas) {
            Err(SyscallError::Rejected(rejected)) => Err(Refusal::Exit(code_of(&rejected))),
            found => Ok(found?),
        }
    }

    fn load(&mut self) -> Result<State, Refusal> {
        let head = self.kernel.journal().actor(self.receiver).map_err(fatal)?;
        let head =
            head.ok_or_else(|| fatal(StateFatal::Invariant(format!("actor {} runs and is gone", self.receiver))))?;
        self.with_store(|store| read_cbor(store, &head.state, "multisig state"))
    }

    fn save(&mut self, state: &State) -> Result<(), Refusal> {
        if self.send.read_only {
            return Err(Refusal::Exit(ExitCode::USR_READ_ONLY));
        }
        let root = self.with_store(|store| write_cbor(store, state))?;
        self.gas.charge(prices::ROOT_SET).map_err(SyscallError::from)?;
        self.kernel.charge_access(self.receiver, Access::Update, self.gas)?;
        self.kernel.set_state(self.receiver, root).map_err(fatal)?;
        Ok(())
    }

    /// Changes the list of what waits.
    fn edit(
        &mut self,
        state: &mut State,
        change: impl FnOnce(&mut Pending<&Metered<'_, V>>) -> Result<(), StateFatal>,
    ) -> Result<(), Refusal> {
        let root = state.pending;
        state.pending = self.with_store(|store| {
            let mut pending = Pending::load(store, &root)?;
            change(&mut pending)?;
            pending.flush()
        })?;
        Ok(())
    }

    fn with_store<T>(&mut self, act: impl FnOnce(&Metered<'_, V>) -> Result<T, StateFatal>) -> Result<T, Refusal> {
        let store = Metered::of(self.kernel.journal(), self.gas);
        act(&store).map_err(|broken| store.refusal(broken))
    }
}
