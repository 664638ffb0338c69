//! Who votes at a height, in Tendermint's order, and who proposes.

use std::cmp::Reverse;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use tendermint::validator;
use tributary_primitives::{Hash32, Height, VALIDATORS_MAX, VotingPower};

use crate::keys::{ConsensusPublicKey, ValidatorAddress};

/// One voter.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// What it signs with.
    pub public_key: ConsensusPublicKey,
    /// How much its vote weighs; at least 1.
    pub power: VotingPower,
}

impl Validator {
    /// What names it in headers and votes. Cost: one hash.
    #[must_use]
    pub fn address(&self) -> ValidatorAddress {
        self.public_key.address()
    }

    fn to_tendermint(self) -> validator::Info {
        let power = self.power.0.try_into().expect("a set's total, so each part of it, is less than i64::MAX");
        validator::Info::new(self.public_key.to_tendermint(), power)
    }
}

/// The voters of one height: power descending, then address ascending, as Tendermint orders and hashes them.
///
/// Not empty, at most [`VALIDATORS_MAX`], each once, each with power, in total at most [`VotingPower::TOTAL_MAX`].
/// A clone shares its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet(Arc<Members>);

#[derive(Debug, PartialEq, Eq)]
struct Members {
    validators: Vec<(ValidatorAddress, Validator)>,
    total_power: VotingPower,
    hash: Hash32,
}

/// Why a list of validators is no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetRejected {
    /// Nobody could decide anything.
    #[error("a validator set needs at least one validator")]
    Empty,
    /// More than certificates and commits have room for.
    #[error("{0} validators; at most {VALIDATORS_MAX} are allowed")]
    TooMany(usize),
    /// The same key twice.
    #[error("validator {0} is listed twice")]
    Twice(ValidatorAddress),
    /// A voter whose vote weighs nothing.
    #[error("validator {0} has no voting power")]
    Powerless(ValidatorAddress),
    /// More power than sums are safe with.
    #[error("total voting power is more than {}", VotingPower::TOTAL_MAX)]
    TooPowerful,
}

impl ValidatorSet {
    /// Puts validators in order and checks them. Cost: two hashes a validator, once.
    ///
    /// # Errors
    /// [`ValidatorSetRejected`], one variant for each rule.
    pub fn new(validators: impl IntoIterator<Item = Validator>) -> Result<Self, ValidatorSetRejected> {
        // One more than allowed is enough to know, whatever the iterator holds.
        let mut validators: Vec<_> =
            validators.into_iter().take(VALIDATORS_MAX + 1).map(|validator| (validator.address(), validator)).collect();
        if validators.is_empty() {
            return Err(ValidatorSetRejected::Empty);
        }
        if validators.len() > VALIDATORS_MAX {
            return Err(ValidatorSetRejected::TooMany(validators.len()));
        }
        if let Some((address, _)) = validators.iter().find(|(_, validator)| validator.power.0 == 0) {
            return Err(ValidatorSetRejected::Powerless(*address));
        }
        let total_power = VotingPower::checked_total(validators.iter().map(|(_, validator)| validator.power))
            .ok_or(ValidatorSetRejected::TooPowerful)?;
        validators.sort_by_key(|(address, _)| *address);
        if let Some([(address, _), _]) = validators.array_windows().find(|[a, b]| a.0 == b.0) {
            return Err(ValidatorSetRejected::Twice(*address));
        }
        validators.sort_by_key(|(address, validator)| (Reverse(validator.power), *address));
        let hash = hash_of(&validators);
        Ok(Self(Arc::new(Members { validators, total_power, hash })))
    }

    /// The validators, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Validator> {
        self.0.validators.iter().map(|(_, validator)| validator)
    }

    /// The validators with their addresses, in order, without hashing keys again.
    pub fn with_addresses(&self) -> impl ExactSizeIterator<Item = &(ValidatorAddress, Validator)> {
        self.0.validators.iter()
    }

    /// How many there are; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.validators.len()
    }

    /// The validator with this address.
    #[must_use]
    pub fn get(&self, address: &ValidatorAddress) -> Option<&Validator> {
        self.position(address).map(|position| &self.0.validators[position].1)
    }

    /// Where the validator with this address stands in the order.
    #[must_use]
    pub fn position(&self, address: &ValidatorAddress) -> Option<usize> {
        self.0.validators.iter().position(|(other, _)| other == address)
    }

    /// The sum of all powers.
    #[must_use]
    pub fn total_power(&self) -> VotingPower {
        self.0.total_power
    }

    /// `validators_hash` of a header: simple-Merkle root of the `SimpleValidator` encodings. Kept, not computed.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        self.0.hash
    }

    /// Who proposes: position `(height - 1 + round) mod n`. The one place that says so.
    ///
    /// Every validator gets its turn whatever its power, so a light client needs no priorities to follow and a set of equals
    /// rotates evenly. Height 0 has no block; it counts as 1.
    #[must_use]
    pub fn proposer(&self, height: Height, round: u32) -> ValidatorAddress {
        let turn = u128::from(height.0.saturating_sub(1)) + u128::from(round);
        let count = u128::try_from(self.len()).expect("at most 256");
        let position = usize::try_from(turn % count).expect("less than the number of validators");
        self.0.validators[position].0
    }

    /// Tendermint's own type; `proposer`, when given and in the set, is named in it, as IBC clients want.
    #[must_use]
    pub fn to_tendermint(&self, proposer: Option<ValidatorAddress>) -> validator::Set {
        let proposer = proposer.and_then(|address| self.get(&address)).map(|validator| validator.to_tendermint());
        validator::Set::new(self.iter().map(|validator| validator.to_tendermint()).collect(), proposer)
    }
}

fn hash_of(validators: &[(ValidatorAddress, Validator)]) -> Hash32 {
    let leaves: Vec<_> = validators.iter().map(|(_, validator)| validator.to_tendermint().hash_bytes()).collect();
    crate::merkle::root(&leaves)
}

/// A list of key and power, in order.
impl BorshSerialize for ValidatorSet {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        let list: Vec<_> = self.iter().map(|validator| (*validator.public_key.as_bytes(), validator.power.0)).collect();
        list.serialize(writer)
    }
}

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let invalid = |e: &dyn std::fmt::Display| std::io::Error::new(std::io::ErrorKind::InvalidData, e.to_string());
        let count = u32::deserialize_reader(reader)?;
        let count = usize::try_from(count).ok().filter(|count| *count <= VALIDATORS_MAX);
        let count = count.ok_or_else(|| invalid(&"more validators than a set may have"))?;
        let mut validators = Vec::with_capacity(count);
        for _ in 0..count {
            let (key, power) = <([u8; 32], u64)>::deserialize_reader(reader)?;
            let public_key = ConsensusPublicKey::from_bytes(&key).map_err(|e| invalid(&e))?;
            validators.push(Validator { public_key, power: VotingPower(power) });
        }
        Self::new(validators).map_err(|e| invalid(&e))
    }
}

#[cfg(test)]
mod tests;
