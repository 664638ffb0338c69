//! The rules of a genesis document. All broken ones are told at once, each with the path of its field.
//!
//! ```text
//! document
//!   ├─ size, syntax, known fields      GenesisRejected::{TooLarge, NotADocument}   (Genesis::from_json)
//!   ├─ name, ids, time                 ┐
//!   ├─ validators: keys, power, proofs ├ GenesisRejected::Violations
//!   ├─ accounts, code, cron            │
//!   ├─ parameters                      ┘
//!   ├─ first state tree                builds, or GenesisRejected::NoState
//!   ├─ seal, if there is one           GenesisRejected::Violations
//!   └─ SealedGenesis
//! ```

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use cid::Cid;
use fvm_shared::METHOD_CONSTRUCTOR;
use tributary_crypto::bls;
use tributary_fvm::CRON_ENTRIES_MAX;
use tributary_fvm::fees::block_gas;
use tributary_primitives::actors::FIRST_USER_ID;
use tributary_primitives::{VALIDATORS_MAX, VotingPower, raw_cid};

use crate::document::{DOCUMENT_BYTES_MAX, DOCUMENT_VERSION, Genesis, GenesisCode, GenesisValidator};
use crate::sealed::SealedGenesis;

/// Most accounts of a document. Bounds the first state tree, which every node builds in memory.
pub const ACCOUNTS_MAX: usize = 65_536;
/// Most pieces of code of a document.
pub const CODE_MAX: usize = 64;
/// Most bytes of one piece of code: the FVM's largest block.
pub const CODE_BYTES_MAX: usize = 1024 * 1024;
/// Most characters of a chain's name. Source: `tendermint::chain::id::MAX_LENGTH`.
pub const CHAIN_NAME_CHARACTERS_MAX: usize = 50;
/// Greatest chain id: what wallets can compute `2 * id + 36` of in a double. Source: MetaMask, EIP-155.
pub const CHAIN_ID_MAX: u64 = 4_503_599_627_370_476;
/// Most characters of a validator's name.
pub const VALIDATOR_NAME_CHARACTERS_MAX: usize = 64;
/// Most characters of the name of a piece of code.
pub const CODE_NAME_CHARACTERS_MAX: usize = 32;

/// `\0asm` and version 1.
const WASM_HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// Why a document starts no network. Its writer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisRejected {
    /// Refused before parsing.
    #[error("the document has {bytes} bytes; at most {DOCUMENT_BYTES_MAX} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not JSON, or not these fields.
    #[error("not a genesis document: {0}")]
    NotADocument(String),
    /// Rules that the document breaks, each with its field.
    #[error("the document breaks {}", Listed(.0))]
    Violations(Vec<Violation>),
    /// The first state tree cannot be built from it.
    #[error("the first state cannot be built: {0}")]
    NoState(String),
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct Violation {
    /// Where, as in `validators[2].power`.
    pub path: String,
    /// Which rule.
    pub rule: Rule,
}

struct Listed<'a>(&'a [Violation]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "rule" } else { "rules" };
        write!(f, "{} {plural}:", self.0.len())?;
        self.0.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}

/// A rule of the document, with what was found instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Written for other code.
    #[error("version {0} of the document; this program reads {DOCUMENT_VERSION}")]
    Version(u64),
    /// Not a name and a revision.
    #[error(
        "{0:?} must be a name of a-z, 0-9 and hyphens that starts with a letter, a hyphen, and a revision from 1, as in \
         river-1; at most {CHAIN_NAME_CHARACTERS_MAX} characters"
    )]
    ChainName(String),
    /// Zero, or more than wallets can count to.
    #[error("{0} must be 1 to {CHAIN_ID_MAX}")]
    ChainId(u64),
    /// A built-in actor, which installs nothing.
    #[error("{0} must be 0 (nobody), 1 (anyone), or the id of an actor, from {FIRST_USER_ID} on")]
    CodeInstaller(u64),
    /// A root is named by its own chain id.
    #[error("{subnet} is a root and must be named by its own chain id, /r{chain_id}")]
    RootChainId {
        /// The subnet id.
        subnet: String,
        /// The chain id.
        chain_id: u64,
    },
    /// A transaction signed for the root would be good here too.
    #[error("{0} is the root's chain id; a child needs its own, or transactions of one could be replayed on the other")]
    ChainIdOfRoot(u64),
    /// Not the network one level above.
    #[error("{found} where the subnet id says {expected}")]
    Parent {
        /// What the subnet id says.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// No time yet.
    #[error("missing; `genesis seal` fixes it")]
    TimeMissing,
    /// None, or too many.
    #[error("{found} entries; there must be {min} to {max}")]
    Count {
        /// How many there are.
        found: usize,
        /// Least.
        min: usize,
        /// Most.
        max: usize,
    },
    /// The same as an earlier one.
    #[error("the same as {first}")]
    Duplicate {
        /// Path of the first.
        first: String,
    },
    /// No point of the curve.
    #[error("no ed25519 public key")]
    NotAKey,
    /// A validator that can decide nothing.
    #[error("must be more than 0")]
    ZeroPower,
    /// More power than consensus can count.
    #[error("the power of all adds up to more than {max}", max = VotingPower::TOTAL_MAX)]
    PowerOverflow,
    /// No proof that the key's holder knows its secret.
    #[error("no proof of possession of this validator's bls_key")]
    BadPossession,
    /// Too long, or of characters that a terminal acts on.
    #[error("{0:?} must be 1 to {VALIDATOR_NAME_CHARACTERS_MAX} printable characters")]
    ValidatorName(String),
    /// An actor's id written as an Ethereum address.
    #[error("{0} stands for an actor id and is no account")]
    MaskedAddress(String),
    /// More tokens than the FVM can count.
    #[error("the balances of all add up to 2^128 attoTRB or more")]
    SupplyOverflow,
    /// Not a name for code.
    #[error("{0:?} must be 1 to {CODE_NAME_CHARACTERS_MAX} of a-z, 0-9 and hyphen")]
    CodeName(String),
    /// Not a WASM module.
    #[error("no WASM module of version 1")]
    NotWasm,
    /// Too large.
    #[error("{bytes} bytes; at most {CODE_BYTES_MAX} are allowed")]
    CodeSize {
        /// Its size.
        bytes: usize,
    },
    /// Bytes and name do not belong together.
    #[error("{found} where the code's hash is {expected}")]
    CodeCid {
        /// CID of the bytes.
        expected: Cid,
        /// CID in the document.
        found: Cid,
    },
    /// Without it this network could have no children.
    #[error("no code is called {name:?}; every network carries it", name = tributary_genesis_code::CHECKPOINT_ACTOR_NAME)]
    NoCheckpointActor,
    /// No method to call at a block's end.
    #[error("method {0} is called by nobody: 0 only sends value, and 1 is the constructor; from 2 on")]
    CronMethod(u64),
    /// The entries together could take longer than a block.
    #[error(
        "{entries} entries may use {gas} gas together, of cron_entry_gas each; at most block_gas_limit, which is {limit}"
    )]
    CronGas {
        /// How many there are.
        entries: usize,
        /// What they may use, in block gas.
        gas: u64,
        /// The block's own.
        limit: u64,
    },
    /// Below or above the table's bounds.
    #[error("{value} {unit} must be {min} to {max}")]
    OutOfBounds {
        /// What the document says.
        value: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
        /// What it counts.
        unit: &'static str,
    },
    /// Two numbers in the wrong order.
    #[error("{value} must be at most {partner}, which is {partner_value}")]
    AbovePartner {
        /// What the document says.
        value: u64,
        /// The other parameter.
        partner: &'static str,
        /// What the document says of it.
        partner_value: u64,
    },
    /// The document was changed after it was sealed, or sealed by other code.
    #[error("{found} where the document gives {expected}; was it changed after sealing?")]
    Seal {
        /// What the document gives.
        expected: Cid,
        /// What the seal says.
        found: Cid,
    },
}

impl Genesis {
    /// Asks every rule, builds the first state tree and, if the document is sealed, compares.
    ///
    /// Cost: a signature check for each validator (0.85 ms) and a state tree of all accounts and code, in memory.
    ///
    /// # Errors
    /// [`GenesisRejected::Violations`] with every broken rule, or [`GenesisRejected::NoState`].
    pub fn verify(&self) -> Result<SealedGenesis, GenesisRejected> {
        let violations = self.violations();
        let (Some(time), true) = (self.genesis_time, violations.is_empty()) else {
            return Err(GenesisRejected::Violations(violations));
        };
        let sealed = SealedGenesis::new(self.clone(), time)?;
        let Some(seal) = self.seal else { return Ok(sealed) };
        let entries = [
            ("seal.genesis_id", sealed.genesis_id(), seal.genesis_id),
            ("seal.state_root", sealed.state_root(), seal.state_root),
        ];
        let broken = entries.into_iter().filter(|(_, expected, found)| expected != found);
        let broken: Vec<_> = broken
            .map(|(path, expected, found)| Violation { path: path.to_owned(), rule: Rule::Seal { expected, found } })
            .collect();
        if broken.is_empty() { Ok(sealed) } else { Err(GenesisRejected::Violations(broken)) }
    }

    /// Every broken rule but those about the seal, in the document's order.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Found::default();
        self.identity(&mut found);
        self.validator_set(&mut found);
        self.account_list(&mut found);
        self.code_list(&mut found);
        self.cron_list(&mut found);
        found.0.extend(self.parameters.violations().into_iter().map(|(path, rule)| Violation { path, rule }));
        found.0
    }

    fn identity(&self, found: &mut Found) {
        found.when(self.version != DOCUMENT_VERSION, "version", || Rule::Version(self.version));
        found.when(!is_chain_name(&self.chain_name), "chain_name", || Rule::ChainName(self.chain_name.clone()));
        found.when(!(1..=CHAIN_ID_MAX).contains(&self.chain_id), "chain_id", || Rule::ChainId(self.chain_id));
        let (is_root, root) = (self.subnet.depth() == 0, self.subnet.root_chain_id());
        found.when(is_root && root != self.chain_id, "subnet", || Rule::RootChainId {
            subnet: self.subnet.to_string(),
            chain_id: self.chain_id,
        });
        found.when(!is_root && root == self.chain_id, "chain_id", || Rule::ChainIdOfRoot(root));
        let shown = |id: Option<String>| id.unwrap_or_else(|| "no parent".to_owned());
        found.when(self.parent != self.subnet.parent(), "parent", || Rule::Parent {
            expected: shown(self.subnet.parent().map(|id| id.to_string())),
            found: shown(self.parent.as_ref().map(ToString::to_string)),
        });
        found.when(self.genesis_time.is_none(), "genesis_time", || Rule::TimeMissing);
    }

    fn validator_set(&self, found: &mut Found) {
        let set = &self.validators;
        if !(1..=VALIDATORS_MAX).contains(&set.len()) {
            return found.add("validators", Rule::Count { found: set.len(), min: 1, max: VALIDATORS_MAX });
        }
        for (position, validator) in set.iter().enumerate() {
            validator.rules(&format!("validators[{position}]"), found);
        }
        found.duplicates("validators", "consensus_key", set.iter().map(|validator| validator.consensus_key));
        found.duplicates("validators", "bls_key", set.iter().map(|validator| validator.bls_key));
        let total = VotingPower::checked_total(set.iter().map(|validator| validator.power));
        found.when(total.is_none(), "validators", || Rule::PowerOverflow);
    }

    fn account_list(&self, found: &mut Found) {
        let accounts = &self.accounts;
        if accounts.len() > ACCOUNTS_MAX {
            return found.add("accounts", Rule::Count { found: accounts.len(), min: 0, max: ACCOUNTS_MAX });
        }
        found.duplicates("accounts", "address", accounts.iter().map(|account| account.address));
        let supply = accounts.iter().try_fold(0_u128, |sum, account| sum.checked_add(account.balance.0));
        found.when(supply.is_none(), "accounts", || Rule::SupplyOverflow);
    }

    fn code_list(&self, found: &mut Found) {
        if self.code.len() > CODE_MAX {
            return found.add("code", Rule::Count { found: self.code.len(), min: 1, max: CODE_MAX });
        }
        for (position, code) in self.code.iter().enumerate() {
            code.rules(&format!("code[{position}]"), found);
        }
        found.duplicates("code", "name", self.code.iter().map(|code| code.name.as_str()));
        found.duplicates("code", "cid", self.code.iter().map(|code| code.cid));
        let carries = self.code.iter().any(|code| code.name == tributary_genesis_code::CHECKPOINT_ACTOR_NAME);
        found.when(!carries, "code", || Rule::NoCheckpointActor);
    }

    fn cron_list(&self, found: &mut Found) {
        let entries = self.cron.len();
        if entries > CRON_ENTRIES_MAX {
            return found.add("cron", Rule::Count { found: entries, min: 0, max: CRON_ENTRIES_MAX });
        }
        for (position, entry) in self.cron.iter().enumerate() {
            let is_called = entry.method > METHOD_CONSTRUCTOR;
            found.when(!is_called, &format!("cron[{position}].method"), || Rule::CronMethod(entry.method));
        }
        found.duplicates("cron", "", self.cron.iter());
        let limit = self.parameters.block_gas_limit;
        let each = block_gas(self.parameters.cron_entry_gas, self.parameters.fvm_gas_per_gas);
        let gas = each.saturating_mul(u64::try_from(entries).unwrap_or(u64::MAX));
        found.when(gas > limit, "cron", || Rule::CronGas { entries, gas, limit });
    }
}

impl GenesisValidator {
    fn rules(&self, path: &str, found: &mut Found) {
        if let Some(name) = &self.name {
            let is_short = (1..=VALIDATOR_NAME_CHARACTERS_MAX).contains(&name.chars().count());
            found.when(!is_short || name.chars().any(char::is_control), &format!("{path}.name"), || {
                Rule::ValidatorName(name.chars().take(VALIDATOR_NAME_CHARACTERS_MAX).collect())
            });
        }
        found.when(!self.consensus_key.is_a_key(), &format!("{path}.consensus_key"), || Rule::NotAKey);
        found.when(self.power == VotingPower(0), &format!("{path}.power"), || Rule::ZeroPower);
        let holds = bls::possesses(&self.bls_key, &self.bls_possession);
        found.when(!holds, &format!("{path}.bls_possession"), || Rule::BadPossession);
        if let Some(address) = self.reward_address.filter(|address| address.as_actor_id().is_some()) {
            found.add(&format!("{path}.reward_address"), Rule::MaskedAddress(address.to_string()));
        }
    }
}

impl GenesisCode {
    fn rules(&self, path: &str, found: &mut Found) {
        let is_name = (1..=CODE_NAME_CHARACTERS_MAX).contains(&self.name.len()) && self.name.bytes().all(is_name_byte);
        found.when(!is_name, &format!("{path}.name"), || Rule::CodeName(self.name.chars().take(80).collect()));
        found.when(!self.wasm.starts_with(WASM_HEADER), &format!("{path}.wasm"), || Rule::NotWasm);
        let bytes = self.wasm.len();
        found.when(bytes > CODE_BYTES_MAX, &format!("{path}.wasm"), || Rule::CodeSize { bytes });
        let expected = raw_cid(&self.wasm);
        found.when(expected != self.cid, &format!("{path}.cid"), || Rule::CodeCid { expected, found: self.cid });
    }
}

const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

fn is_chain_name(name: &str) -> bool {
    let Some((word, revision)) = name.rsplit_once('-') else { return false };
    let is_revision = revision.parse::<u64>().is_ok_and(|number| number > 0 && number.to_string() == revision);
    let starts = word.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    starts && word.bytes().all(is_name_byte) && is_revision && name.len() <= CHAIN_NAME_CHARACTERS_MAX
}

/// The broken rules found so far.
#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, path: &str, rule: Rule) {
        self.0.push(Violation { path: path.to_owned(), rule });
    }

    fn when(&mut self, is_broken: bool, path: &str, rule: impl FnOnce() -> Rule) {
        if is_broken {
            self.add(path, rule());
        }
    }

    /// Every entry of `list` whose `field` is that of an earlier one; no field is all of the entry.
    fn duplicates<T: Eq + Hash>(&mut self, list: &str, field: &str, values: impl Iterator<Item = T>) {
        let path = |position| match field {
            "" => format!("{list}[{position}]"),
            field => format!("{list}[{position}].{field}"),
        };
        let mut seen = HashMap::new();
        for (position, value) in values.enumerate() {
            let first = *seen.entry(value).or_insert(position);
            self.when(first != position, &path(position), || Rule::Duplicate { first: path(first) });
        }
    }
}

#[cfg(test)]
mod tests;
