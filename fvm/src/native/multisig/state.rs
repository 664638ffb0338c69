//! The state of a multisig and its laws: who signs, how many must, and what is locked.
//!
//! ```text
//! locked
//!   ▲ initial ────┐
//!   │             │╲
//!   │             │  ╲        rounded up to an attoTRB
//!   │             │    ╲
//!   └─────────────┴──────┴──▶ epoch
//!              start    start + duration
//! ```
//!
//! Source: filecoin-project/builtin-actors, `actors/multisig/src/{lib,state}.rs`.

use std::collections::BTreeSet;

use cid::Cid;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::bigint::{BigInt, Integer};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;

use super::words::{Transaction, TransactionId};

/// Most signers of a wallet. More can be had by wallets that sign for a wallet.
pub(crate) const SIGNERS_MAX: usize = 256;

/// The state, as Filecoin's tools read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct State {
    /// Id addresses.
    pub(crate) signers: Vec<Address>,
    pub(crate) threshold: u64,
    pub(crate) next_id: TransactionId,
    /// What is locked at the start, in attoTRB.
    pub(crate) initial_balance: TokenAmount,
    pub(crate) start_epoch: ChainEpoch,
    pub(crate) unlock_duration: ChainEpoch,
    /// Root of the map of transactions that wait.
    pub(crate) pending: Cid,
}

/// The rule that was broken, as the exit code for it.
type Judged = Result<(), ExitCode>;

/// Whether as many signers make a wallet.
pub(super) fn check_signers(signers: usize) -> Judged {
    held((1..=SIGNERS_MAX).contains(&signers), ExitCode::USR_ILLEGAL_ARGUMENT)
}

impl State {
    /// A wallet in which nothing waits and nothing is locked. Signers must differ.
    pub(super) fn new(signers: &[ActorID], threshold: u64, pending: Cid) -> Result<Self, ExitCode> {
        check_signers(signers.len())?;
        let different: BTreeSet<_> = signers.iter().collect();
        held(different.len() == signers.len(), ExitCode::USR_ILLEGAL_ARGUMENT)?;
        let mut state = Self {
            signers: signers.iter().map(|id| Address::new_id(*id)).collect(),
            threshold: 0,
            next_id: TransactionId::default(),
            initial_balance: TokenAmount::default(),
            start_epoch: 0,
            unlock_duration: 0,
            pending,
        };
        state.set_threshold(threshold)?;
        Ok(state)
    }

    pub(super) fn is_signer(&self, id: ActorID) -> bool {
        self.signers.contains(&Address::new_id(id))
    }

    /// Whether enough signers approve.
    pub(super) fn is_approved(&self, transaction: &Transaction) -> bool {
        count(transaction.approved.len()) >= self.threshold
    }

    pub(super) fn add_signer(&mut self, id: ActorID, increase: bool) -> Judged {
        held(self.signers.len() < SIGNERS_MAX && !self.is_signer(id), ExitCode::USR_FORBIDDEN)?;
        self.signers.push(Address::new_id(id));
        self.threshold += u64::from(increase);
        Ok(())
    }

    pub(super) fn remove_signer(&mut self, id: ActorID, decrease: bool) -> Judged {
        held(self.is_signer(id) && self.signers.len() > 1, ExitCode::USR_FORBIDDEN)?;
        let threshold = self.threshold.saturating_sub(u64::from(decrease));
        let is_reachable = decrease || threshold < count(self.signers.len());
        held(is_reachable && threshold > 0, ExitCode::USR_ILLEGAL_ARGUMENT)?;
        self.threshold = threshold;
        self.forget(id);
        Ok(())
    }

    /// The new signer comes last.
    pub(super) fn swap_signer(&mut self, from: ActorID, to: ActorID) -> Judged {
        held(self.is_signer(from), ExitCode::USR_FORBIDDEN)?;
        held(!self.is_signer(to), ExitCode::USR_ILLEGAL_ARGUMENT)?;
        self.forget(from);
        self.signers.push(Address::new_id(to));
        Ok(())
    }

    fn forget(&mut self, id: ActorID) {
        self.signers.retain(|signer| *signer != Address::new_id(id));
    }

    pub(super) fn set_threshold(&mut self, threshold: u64) -> Judged {
        held((1..=count(self.signers.len())).contains(&threshold), ExitCode::USR_ILLEGAL_ARGUMENT)?;
        self.threshold = threshold;
        Ok(())
    }

    /// Locks once: a lock is never changed.
    pub(super) fn lock_balance(&mut self, start: ChainEpoch, duration: ChainEpoch, amount: TokenAmount) -> Judged {
        held(duration > 0 && !amount.is_negative(), ExitCode::USR_ILLEGAL_ARGUMENT)?;
        held(self.unlock_duration == 0, ExitCode::USR_FORBIDDEN)?;
        (self.start_epoch, self.unlock_duration, self.initial_balance) = (start, duration, amount);
        Ok(())
    }

    /// What is locked at `epoch`.
    pub(super) fn locked(&self, epoch: ChainEpoch) -> TokenAmount {
        // Where Filecoin's actor would abort for ever, since the difference does not fit, the lock has ended.
        let elapsed = epoch.saturating_sub(self.start_epoch);
        if elapsed >= self.unlock_duration {
            return TokenAmount::default();
        }
        if elapsed <= 0 {
            return self.initial_balance.clone();
        }
        let left = self.initial_balance.atto() * (self.unlock_duration - elapsed);
        TokenAmount::from_atto(left.div_ceil(&BigInt::from(self.unlock_duration)))
    }

    /// Whether a wallet that holds `balance` may spend `amount` at `epoch`. Nothing may always be spent.
    pub(super) fn check_spend(&self, balance: &TokenAmount, amount: &TokenAmount, epoch: ChainEpoch) -> Judged {
        held(!amount.is_negative(), ExitCode::USR_ILLEGAL_ARGUMENT)?;
        held(amount.is_zero() || balance - amount >= self.locked(epoch), ExitCode::USR_INSUFFICIENT_FUNDS)
    }
}

fn held(is_held: bool, otherwise: ExitCode) -> Judged {
    is_held.then_some(()).ok_or(otherwise)
}

fn count(signers: usize) -> u64 {
    u64::try_from(signers).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
