//! How a subnet is registered with its parent: who its validators are, and the law of what may be registered.
//!
//! ```text
//! candidates, period
//!   ├─ period within bounds?           no ─▶ PeriodOutOfBounds
//!   ├─ parent not at the last level?   no ─▶ TooDeep
//!   ├─ 1 to 256 candidates?            no ─▶ ValidatorCount
//!   ├─ each with power?                no ─▶ ZeroPower
//!   ├─ each with a key of its own?     no ─▶ DuplicateKey
//!   ├─ total power within bounds?      no ─▶ PowerOverflow
//!   ├─ each holds its key's secret?    no ─▶ BadPossession
//!   └─ registered, configuration 1
//! ```
//!
//! Cheap questions first; only the last verifies signatures, one for each candidate.

use std::collections::BTreeMap;
use std::fmt;

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::ActorID;
use fvm_shared::error::ExitCode;
use serde::{Deserialize, Serialize};
use tributary_primitives::{BlsPublicKey, BlsSignature, SubnetId, VALIDATORS_MAX, VotingPower};

use crate::exit_code;

/// Most blocks between two checkpoints: a day of blocks of a second each, so that a parent never waits longer.
pub const CHECKPOINT_PERIOD_MAX: u64 = 86_400;

/// Which validator set of a subnet: 1 is the set it was registered with, and each change counts one up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigurationNumber(pub u64);

impl ConfigurationNumber {
    /// The set that a subnet starts with.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for ConfigurationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody who asks to be a validator.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Candidate {
    /// Signs checkpoints.
    pub key: BlsPublicKey,
    /// Signature by `key` over [`BlsPublicKey::possession_message`].
    pub possession: BlsSignature,
    /// Weight of its signature.
    pub power: VotingPower,
}

/// A validator whose possession of its key was proven.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Validator {
    /// Signs checkpoints.
    pub key: BlsPublicKey,
    /// Weight of its signature.
    pub power: VotingPower,
}

/// What a parent knows of a child before its first checkpoint.
///
/// A validator's position in the list is its bit in every certificate's bitmap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Registration {
    /// The child.
    pub subnet: SubnetId,
    /// Blocks from one checkpoint to the next; 1 to [`CHECKPOINT_PERIOD_MAX`].
    pub checkpoint_period: u64,
    /// Which validator set `validators` is.
    pub configuration: ConfigurationNumber,
    /// The set, 1 to [`VALIDATORS_MAX`].
    pub validators: Vec<Validator>,
}

impl Registration {
    /// The power of all validators together. At most [`VotingPower::TOTAL_MAX`].
    #[must_use]
    pub fn total_power(&self) -> VotingPower {
        self.validators.iter().map(|validator| validator.power).sum()
    }
}

/// Why a subnet cannot be registered. The one who asked is at fault, and nothing was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRejected {
    /// A period of no blocks, or of too many.
    #[error("a checkpoint period of {0} blocks; it must be 1 to {CHECKPOINT_PERIOD_MAX}")]
    PeriodOutOfBounds(u64),
    /// The parent is as many levels down as a network may be.
    #[error("{parent} is {max} levels below its root and cannot have a child", max = SubnetId::DEPTH_MAX)]
    TooDeep {
        /// The network that was asked to be a parent.
        parent: SubnetId,
    },
    /// Nobody, or more than a certificate can carry.
    #[error("{0} validators; there must be 1 to {VALIDATORS_MAX}")]
    ValidatorCount(usize),
    /// A validator that can decide nothing.
    #[error("validator {position} has no power")]
    ZeroPower {
        /// Position in the list, from 0.
        position: usize,
    },
    /// One key twice: its holder would count twice.
    #[error("validators {first} and {second} have the same key")]
    DuplicateKey {
        /// Position of the key's first use.
        first: usize,
        /// Position of its second use.
        second: usize,
    },
    /// The powers' sum is past what consensus can count.
    #[error("the validators' power adds up to more than {max}", max = VotingPower::TOTAL_MAX)]
    PowerOverflow,
    /// No proof that somebody holds the key's secret.
    #[error("validator {position}: the proof of possession is not a signature by its key over its key")]
    BadPossession {
        /// Position in the list, from 0.
        position: usize,
    },
}

impl RegistrationRejected {
    /// The number that the receipt of a refused registration shows.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::PeriodOutOfBounds(_) => exit_code::PERIOD_OUT_OF_BOUNDS,
            Self::TooDeep { .. } => exit_code::TOO_DEEP,
            Self::ValidatorCount(_) => exit_code::VALIDATOR_COUNT,
            Self::ZeroPower { .. } => exit_code::ZERO_POWER,
            Self::DuplicateKey { .. } => exit_code::DUPLICATE_KEY,
            Self::PowerOverflow => exit_code::POWER_OVERFLOW,
            Self::BadPossession { .. } => exit_code::BAD_POSSESSION,
        }
    }
}

/// Registers, with `actor` of network `parent`, a child with these validators.
///
/// `verify` answers whether a signature by one key over a message holds. Cost: one such question for each candidate.
///
/// # Errors
/// [`RegistrationRejected`], one for each rule in the order of the table above.
pub fn register(
    parent: &SubnetId,
    actor: ActorID,
    checkpoint_period: u64,
    candidates: &[Candidate],
    verify: impl Fn(&BlsPublicKey, &[u8], &BlsSignature) -> bool,
) -> Result<Registration, RegistrationRejected> {
    if !(1..=CHECKPOINT_PERIOD_MAX).contains(&checkpoint_period) {
        return Err(RegistrationRejected::PeriodOutOfBounds(checkpoint_period));
    }
    let subnet = parent.child(actor).map_err(|_| RegistrationRejected::TooDeep { parent: parent.clone() })?;
    judge_candidates(candidates, verify)?;
    let validators = candidates.iter().map(|&Candidate { key, power, .. }| Validator { key, power }).collect();
    Ok(Registration { subnet, checkpoint_period, configuration: ConfigurationNumber::FIRST, validators })
}

/// The questions about the validators alone; genesis asks them too.
///
/// # Errors
/// [`RegistrationRejected`], one for each rule.
pub fn judge_candidates(
    candidates: &[Candidate],
    verify: impl Fn(&BlsPublicKey, &[u8], &BlsSignature) -> bool,
) -> Result<(), RegistrationRejected> {
    if !(1..=VALIDATORS_MAX).contains(&candidates.len()) {
        return Err(RegistrationRejected::ValidatorCount(candidates.len()));
    }
    if let Some(position) = candidates.iter().position(|candidate| candidate.power == VotingPower(0)) {
        return Err(RegistrationRejected::ZeroPower { position });
    }
    every_key_is_its_own(candidates)?;
    VotingPower::checked_total(candidates.iter().map(|candidate| candidate.power))
        .ok_or(RegistrationRejected::PowerOverflow)?;
    let holds_its_secret =
        |candidate: &Candidate| verify(&candidate.key, &candidate.key.possession_message(), &candidate.possession);
    match candidates.iter().position(|candidate| !holds_its_secret(candidate)) {
        Some(position) => Err(RegistrationRejected::BadPossession { position }),
        None => Ok(()),
    }
}

fn every_key_is_its_own(candidates: &[Candidate]) -> Result<(), RegistrationRejected> {
    let mut seen = BTreeMap::new();
    for (second, candidate) in candidates.iter().enumerate() {
        if let Some(first) = seen.insert(candidate.key, second) {
            return Err(RegistrationRejected::DuplicateKey { first, second });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In these tests a candidate holds its key's secret if the signature repeats the key's first byte.
    fn verify(key: &BlsPublicKey, message: &[u8], signature: &BlsSignature) -> bool {
        assert_eq!(message, key.possession_message());
        signature.0 == [key.0[0]; 96]
    }

    fn candidate(number: u8) -> Candidate {
        Candidate { key: BlsPublicKey([number; 48]), possession: BlsSignature([number; 96]), power: VotingPower(10) }
    }

    /// A registration as its sender asks for it.
    #[derive(Clone)]
    struct Asked {
        parent: SubnetId,
        period: u64,
        candidates: Vec<Candidate>,
    }

    impl Asked {
        fn good() -> Self {
            Self { parent: SubnetId::root(7), period: 10, candidates: (1..=4).map(candidate).collect() }
        }

        fn register(&self) -> Result<Registration, RegistrationRejected> {
            register(&self.parent, 100, self.period, &self.candidates, verify)
        }
    }

    fn deepest() -> SubnetId {
        (0..SubnetId::DEPTH_MAX).fold(SubnetId::root(7), |id, _| id.child(100).unwrap())
    }

    fn crowd(size: usize) -> Vec<Candidate> {
        let numbered = |number: usize| {
            let mut candidate = candidate(1);
            candidate.key.0[40..].copy_from_slice(&number.to_be_bytes());
            candidate
        };
        (0..size).map(numbered).collect()
    }

    #[test]
    fn a_good_registration_names_the_child_by_its_actor() {
        let registration = Asked::good().register().unwrap();
        assert_eq!(registration.subnet.to_string(), "/r7/f0100");
        assert_eq!(registration.configuration, ConfigurationNumber::FIRST);
        assert_eq!((registration.validators.len(), registration.total_power()), (4, VotingPower(40)));
        let largest = Asked { candidates: crowd(VALIDATORS_MAX), ..Asked::good() };
        assert!(largest.register().is_ok());
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        type Fault = fn(&mut Asked);
        let rows: [(Fault, RegistrationRejected); 9] = [
            (|asked| asked.period = 0, RegistrationRejected::PeriodOutOfBounds(0)),
            (|asked| asked.period = 86_401, RegistrationRejected::PeriodOutOfBounds(86_401)),
            (|asked| asked.parent = deepest(), RegistrationRejected::TooDeep { parent: deepest() }),
            (|asked| asked.candidates.clear(), RegistrationRejected::ValidatorCount(0)),
            (|asked| asked.candidates = crowd(257), RegistrationRejected::ValidatorCount(257)),
            (|asked| asked.candidates[2].power = VotingPower(0), RegistrationRejected::ZeroPower { position: 2 }),
            (
                |asked| asked.candidates[3].key = asked.candidates[1].key,
                RegistrationRejected::DuplicateKey { first: 1, second: 3 },
            ),
            (|asked| asked.candidates[0].power = VotingPower::TOTAL_MAX, RegistrationRejected::PowerOverflow),
            (
                |asked| asked.candidates[3].possession = BlsSignature([9; 96]),
                RegistrationRejected::BadPossession { position: 3 },
            ),
        ];
        for (fault, refusal) in rows {
            let mut asked = Asked::good();
            fault(&mut asked);
            assert_eq!(asked.register(), Err(refusal));
        }
    }

    #[test]
    fn the_bytes_of_a_registration_are_pinned() {
        let registration = Asked { candidates: vec![candidate(1)], ..Asked::good() }.register().unwrap();
        let cbor = fvm_ipld_encoding::to_vec(&registration).unwrap();
        let key = "01".repeat(48);
        assert_eq!(hex::encode(&cbor), format!("8482078118640a0181825830{key}0a"));
        assert_eq!(fvm_ipld_encoding::from_slice::<Registration>(&cbor).unwrap(), registration);
    }
}
