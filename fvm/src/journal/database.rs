//! revm's view of our state: accounts by Ethereum address.
//!
//! | actor | nonce | code as the EVM sees it |
//! |---|---|---|
//! | contract | in its head | its bytecode |
//! | Ethereum account | the actor's | none, or its delegation (EIP-7702) |
//! | placeholder, account | the actor's | none |
//! | any other | the actor's | `0xfe`, as in FEVM: something is there, but not for the EVM to run |
//! | an actor under an address that is not its one Ethereum address | | does not exist |
//!
//! The last row matters: an actor known by two addresses would have two balances.

use fvm_shared::ActorID;
use revm::bytecode::Bytecode;
use revm::database_interface::Database as EvmDatabase;
use revm::primitives::{Address as EvmAddress, B256, Bytes, KECCAK_EMPTY, U256, b256};
use revm::state::{AccountId, AccountInfo};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, Height};

use crate::error::StateFatal;
use crate::state::StateView;
use crate::state::actor::Actor;
use crate::state::view::eth_address;

/// keccak-256 of `0xfe`.
///
/// Source: filecoin-project/builtin-actors, `BytecodeHash::NATIVE_ACTOR`.
pub(crate) const NATIVE_CODE_HASH: B256 = b256!("bcc90f2d6dada5b18e155c17a1c0a55920aae94f39857d39d0d8ed07ae8f228b");

/// What the EVM sees in place of code that it cannot run.
pub(crate) fn native_code() -> Bytecode {
    Bytecode::new_legacy(Bytes::from_static(&[0xfe]))
}

/// Whether an actor, built in or of installed code, has code that the EVM cannot run.
pub(crate) const fn is_native(builtin: Option<BuiltinActor>) -> bool {
    !matches!(
        builtin,
        Some(BuiltinActor::Account | BuiltinActor::Placeholder | BuiltinActor::EthAccount | BuiltinActor::Evm)
    )
}

/// The view, and what revm needs remembered of it.
pub struct Database<V> {
    /// None in a journal whose content was taken out: see [`super::Journal::take_out`].
    view: Option<V>,
    pub(super) now: Height,
    /// Actors of the accounts that the EVM has loaded, as the transaction found them. An account says by its place here which is its.
    loaded: Vec<(ActorID, Actor)>,
    /// An address that was asked for, and its id: who sends is asked for twice.
    named: Option<(EthAddress, ActorID)>,
}

impl<V: StateView> Database<V> {
    /// A place that holds no view.
    pub(super) fn vacant() -> Self {
        Self { view: None, now: Height::GENESIS, loaded: Vec::new(), named: None }
    }

    /// Remembers nothing of another view.
    pub(super) fn begin(&mut self, view: V, now: Height) {
        self.view = Some(view);
        self.now = now;
    }

    /// Gives the view back, and forgets what it remembers of it.
    pub(super) fn end(&mut self) -> V {
        self.loaded.clear();
        self.named = None;
        self.view.take().expect("nobody ends a journal while its content is elsewhere")
    }

    pub(super) const fn view(&mut self) -> &mut V {
        self.view.as_mut().expect("nobody asks a journal while its content is elsewhere")
    }

    /// The actor whose one Ethereum address this is.
    pub(super) fn actor_at(&mut self, address: EvmAddress) -> Result<Option<(ActorID, Actor)>, StateFatal> {
        let address = EthAddress(address.0.0);
        let named = self.named.filter(|(named, _)| *named == address).map(|(_, id)| id);
        let id = match named {
            Some(id) => Some(id),
            None => self.view().resolve_ethereum(address)?,
        };
        let Some(id) = id else { return Ok(None) };
        let Some(actor) = self.view().actor(id)? else { return Ok(None) };
        Ok((eth_address(id, actor.head.delegated.as_ref()) == address).then_some((id, actor)))
    }

    /// The state before the transaction has this id behind an address.
    pub(super) const fn note(&mut self, address: EthAddress, id: ActorID) {
        self.named = Some((address, id));
    }

    /// The actor behind an account that the EVM has loaded, if it is the actor's one Ethereum address.
    pub(super) fn loaded(&self, account: &AccountInfo) -> Option<&(ActorID, Actor)> {
        self.loaded.get(account.account_id?.get())
    }

    /// Remembers the actor of an account; only a hint is lost when there are too many.
    fn load(&mut self, id: ActorID, actor: Actor) -> Option<AccountId> {
        let place = AccountId::new(self.loaded.len());
        self.loaded.push((id, actor));
        place
    }

    /// What the EVM sees of an actor, its code only if it is the EVM's to run.
    fn account(&mut self, id: ActorID, actor: &Actor) -> Result<AccountInfo, StateFatal> {
        let builtin = actor.head.code.builtin();
        let (balance, nonce) = (actor.balance, actor.nonce);
        let bare = |code_hash| AccountInfo { balance, nonce, code_hash, account_id: None, code: None };
        if is_native(builtin) {
            return Ok(bare(NATIVE_CODE_HASH));
        }
        if !matches!(builtin, Some(BuiltinActor::Evm | BuiltinActor::EthAccount)) {
            return Ok(bare(KECCAK_EMPTY));
        }
        let Some(head) = self.view().contract(id)? else { return Ok(bare(KECCAK_EMPTY)) };
        let nonce = if builtin == Some(BuiltinActor::Evm) { head.nonce } else { nonce };
        let code = Some(self.view().code(id, &head)?);
        Ok(AccountInfo { nonce, code, ..bare(B256::new(head.code_hash)) })
    }
}

impl<V: StateView> EvmDatabase for Database<V> {
    type Error = StateFatal;

    fn basic(&mut self, address: EvmAddress) -> Result<Option<AccountInfo>, StateFatal> {
        let Some((id, actor)) = self.actor_at(address)? else { return Ok(None) };
        let info = self.account(id, &actor)?;
        Ok(Some(AccountInfo { account_id: self.load(id, actor), ..info }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateFatal> {
        match code_hash {
            NATIVE_CODE_HASH => Ok(native_code()),
            _ => Err(StateFatal::Invariant(format!("the code with hash {code_hash} did not come with its account"))),
        }
    }

    /// Of an account without an actor, or of one whose place was not remembered.
    fn storage(&mut self, address: EvmAddress, slot: U256) -> Result<U256, StateFatal> {
        match self.actor_at(address)? {
            Some((id, _)) => self.view().slot(id, slot),
            None => Ok(U256::ZERO),
        }
    }

    fn storage_by_account_id(
        &mut self,
        address: EvmAddress,
        account: AccountId,
        slot: U256,
    ) -> Result<U256, StateFatal> {
        match self.loaded.get(account.get()).map(|(id, _)| *id) {
            Some(id) => self.view().slot(id, slot),
            None => self.storage(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateFatal> {
        let now = self.now;
        let hash = self.view().block_hash(Height(number), now)?;
        Ok(hash.map_or(B256::ZERO, |hash| B256::new(hash.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_native_code_is_keccak_of_0xfe() {
        assert_eq!(native_code().hash_slow(), NATIVE_CODE_HASH);
    }
}
