//! Well-known actors, and the code of those that are part of the node.
//!
//! Built-in actors run natively: their code CID is an identity CID over their name, which no one can install.
//! Numbers are Filecoin's, so that actors compiled against its runtime read them right.
//! Source: filecoin-project/builtin-actors, `runtime/src/builtin`, manifest order.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cid::Cid;
use cid::multihash::Multihash;
use fvm_shared::ActorID;

use crate::hash::RAW;

/// Origin of what the chain itself does; holds the manifest.
pub const SYSTEM_ID: ActorID = 0;
/// Gives actors their ids and makes new ones.
pub const INIT_ID: ActorID = 1;
/// Holds what is sent to whoever proposes the block.
pub const REWARD_ID: ActorID = 2;
/// Calls, at the end of every block, whom genesis lists.
pub const CRON_ID: ActorID = 3;
/// The Ethereum address manager: namespace of f410 addresses.
pub const EAM_ID: ActorID = 10;
/// Holds the entries of all actors; there as long as there is one, and seen by no transaction.
pub const ENTRIES_ID: ActorID = 98;
/// Where burnt tokens go: the base fee of every transaction.
pub const BURNT_FUNDS_ID: ActorID = 99;
/// First id given to an actor that genesis or a user makes.
pub const FIRST_USER_ID: ActorID = 100;

/// Multihash code of the identity hash.
const IDENTITY: u64 = 0;
/// What the digest of a built-in actor's code starts with, before its name.
const CODE_PREFIX: &[u8] = b"tributary/actor/";
/// What follows the name: the version of the actor's methods and state.
const CODE_SUFFIX: &[u8] = b"/1";

/// The built-in actors, with their number in the manifest and their name.
///
/// All but [`Self::Entries`] are Filecoin's, and in its manifest.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltinActor {
    /// Holds the manifest of built-in code.
    System,
    /// Address map and actor creation.
    Init,
    /// Calls at the end of a block.
    Cron,
    /// A key's account (f1, f3).
    Account,
    /// A wallet of several signers.
    Multisig,
    /// What is sent to whoever proposes the block.
    Reward,
    /// An f4 address that received funds before its actor came to be.
    Placeholder,
    /// An EVM contract.
    Evm,
    /// The Ethereum address manager.
    EthereumAddressManager,
    /// An Ethereum account (f410).
    EthAccount,
    /// The entries of all actors. Ours: Filecoin has none.
    Entries,
}

impl BuiltinActor {
    /// Those of the manifest, in its order.
    pub const MANIFEST: [Self; 10] = [
        Self::System,
        Self::Init,
        Self::Cron,
        Self::Account,
        Self::Multisig,
        Self::Reward,
        Self::Placeholder,
        Self::Evm,
        Self::EthereumAddressManager,
        Self::EthAccount,
    ];

    /// Position in Filecoin's manifest, from 1: what `get_builtin_actor_type` answers. 0 for the one that is not in it.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::System => 1,
            Self::Init => 2,
            Self::Cron => 3,
            Self::Account => 4,
            Self::Multisig => 9,
            Self::Reward => 10,
            Self::Placeholder => 13,
            Self::Evm => 14,
            Self::EthereumAddressManager => 15,
            Self::EthAccount => 16,
            Self::Entries => 0,
        }
    }

    /// Name, in Filecoin's manifest if it is there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Init => "init",
            Self::Cron => "cron",
            Self::Account => "account",
            Self::Multisig => "multisig",
            Self::Reward => "reward",
            Self::Placeholder => "placeholder",
            Self::Evm => "evm",
            Self::EthereumAddressManager => "eam",
            Self::EthAccount => "ethaccount",
            Self::Entries => "entries",
        }
    }

    /// The actor with this number in the manifest.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::MANIFEST.into_iter().find(|actor| actor.number() == number)
    }

    fn all() -> impl Iterator<Item = Self> {
        Self::MANIFEST.into_iter().chain([Self::Entries])
    }

    /// The code CID: raw codec, identity hash, `tributary/actor/<name>/1`. Cost: a copy.
    #[must_use]
    pub fn code(self) -> Cid {
        static CODES: LazyLock<BTreeMap<BuiltinActor, Cid>> =
            LazyLock::new(|| BuiltinActor::all().map(|actor| (actor, actor.make_code())).collect());
        CODES.get(&self).copied().unwrap_or_else(|| self.make_code())
    }

    fn make_code(self) -> Cid {
        let name = [CODE_PREFIX, self.name().as_bytes(), CODE_SUFFIX].concat();
        let identity = Multihash::wrap(IDENTITY, &name).expect("names are shorter than a multihash's 64 bytes");
        Cid::new_v1(RAW, identity)
    }

    /// Which built-in actor runs this code; `None` for installed code. Cost: some ten nanoseconds, nothing is allocated.
    #[must_use]
    pub fn from_code(code: &Cid) -> Option<Self> {
        if code.codec() != RAW || code.hash().code() != IDENTITY {
            return None;
        }
        let name = code.hash().digest().strip_prefix(CODE_PREFIX)?.strip_suffix(CODE_SUFFIX)?;
        Self::all().find(|actor| actor.name().as_bytes() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_number_name_one_actor_each() {
        for actor in BuiltinActor::MANIFEST {
            assert_eq!(BuiltinActor::from_code(&actor.code()), Some(actor));
            assert_eq!(BuiltinActor::from_number(actor.number()), Some(actor));
        }
        let entries = BuiltinActor::Entries;
        assert_eq!(BuiltinActor::from_code(&entries.code()), Some(entries));
        assert_eq!(BuiltinActor::from_number(entries.number()), None, "it is in no manifest");
        assert_eq!(BuiltinActor::from_code(&crate::raw_cid(b"tributary/actor/evm/1")), None);
        assert_eq!(BuiltinActor::from_number(5), None);
    }
}
