//! Whose word is taken: a subnet, and its validators.
//!
//! | from | possession of the keys |
//! |---|---|
//! | a genesis document | proven in it, and verified here |
//! | the answer of `subnet_validators`, and the subnet's name | vouched for by whoever gives the set: ask a node of your own |
//! | a [`Registration`], as the parent's actor returns it | proven to that actor |
//!
//! Without possession one validator could register a key made from the others' keys, and sign for all of them.

use serde::Deserialize;
use tributary_checkpoint::registration::judge_candidates;
use tributary_checkpoint::{Candidate, ConfigurationNumber, Registration, RegistrationRejected, Validator};
use tributary_primitives::{BlsPublicKey, BlsSignature, SubnetId, VotingPower};

use crate::json::unwrapped;

/// A subnet and the validators whose quorum speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted(Registration);

/// Why a text names no validators to trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedRejected {
    /// No JSON, or of another shape.
    #[error("not {expected}: {why}")]
    Malformed {
        /// What it should be.
        expected: &'static str,
        /// What the parser says.
        why: String,
    },
    /// The answer of a node that has none.
    #[error("the node refused: {0}")]
    Refused(String),
    /// Validators that no subnet could have.
    #[error(transparent)]
    Validators(#[from] RegistrationRejected),
}

/// What a genesis document says of its validators; the rest of it is passed over.
#[derive(Deserialize)]
struct DocumentJson {
    subnet: SubnetId,
    validators: Vec<FounderJson>,
}

#[derive(Deserialize)]
struct FounderJson {
    bls_key: BlsPublicKey,
    bls_possession: BlsSignature,
    power: VotingPower,
}

/// Answer of `subnet_validators`, as far as it is about checkpoints.
#[derive(Deserialize)]
struct SetJson {
    configuration: ConfigurationNumber,
    validators: Vec<MemberJson>,
}

#[derive(Deserialize)]
struct MemberJson {
    checkpoint_key: BlsPublicKey,
    power: VotingPower,
}

impl Trusted {
    /// The first validators of the subnet with this genesis document, whose possession `verify` finds proven.
    ///
    /// Cost: a signature check for each.
    ///
    /// # Errors
    /// [`TrustedRejected`].
    pub fn of_genesis(
        document: &[u8],
        verify: impl Fn(&BlsPublicKey, &[u8], &BlsSignature) -> bool,
    ) -> Result<Self, TrustedRejected> {
        let malformed = |why: serde_json::Error| TrustedRejected::Malformed {
            expected: "a genesis document",
            why: why.to_string(),
        };
        let DocumentJson { subnet, validators } = serde_json::from_slice(document).map_err(malformed)?;
        let candidate =
            |one: FounderJson| Candidate { key: one.bls_key, possession: one.bls_possession, power: one.power };
        let candidates: Vec<_> = validators.into_iter().map(candidate).collect();
        judge_candidates(&candidates, verify)?;
        Ok(Self::these(subnet, ConfigurationNumber::FIRST, &candidates))
    }

    /// The validators of `subnet` that an answer of `subnet_validators` names, alone or within the whole answer of a JSON-RPC call.
    ///
    /// # Errors
    /// [`TrustedRejected`].
    pub fn of_validators(set: &[u8], subnet: SubnetId) -> Result<Self, TrustedRejected> {
        let malformed = |why: serde_json::Error| TrustedRejected::Malformed {
            expected: "an answer of subnet_validators",
            why: why.to_string(),
        };
        let json = unwrapped(serde_json::from_slice(set).map_err(malformed)?).map_err(TrustedRejected::Refused)?;
        let SetJson { configuration, validators } = SetJson::deserialize(json).map_err(malformed)?;
        let candidate = |one: MemberJson| Candidate {
            key: one.checkpoint_key,
            possession: BlsSignature([0; 96]),
            power: one.power,
        };
        let candidates: Vec<_> = validators.into_iter().map(candidate).collect();
        judge_candidates(&candidates, |_, _, _| true)?;
        Ok(Self::these(subnet, configuration, &candidates))
    }

    /// Those that the parent registered.
    #[must_use]
    pub const fn registered(registration: Registration) -> Self {
        Self(registration)
    }

    fn these(subnet: SubnetId, configuration: ConfigurationNumber, candidates: &[Candidate]) -> Self {
        let validators = candidates.iter().map(|one| Validator { key: one.key, power: one.power }).collect();
        // No proof asks for the period: a quorum signs where one ends.
        Self(Registration { subnet, checkpoint_period: 1, configuration, validators })
    }

    /// As the parent would register them, but for the period.
    pub(crate) const fn registration(&self) -> &Registration {
        &self.0
    }

    /// The subnet.
    #[must_use]
    pub const fn subnet(&self) -> &SubnetId {
        &self.0.subnet
    }
}

#[cfg(test)]
mod tests {
    use tributary_crypto::bls;

    use super::*;
    use crate::testing::Case;

    #[test]
    fn a_document_and_a_set_name_the_same_validators() {
        let case = Case::good();
        let of_genesis = Trusted::of_genesis(&case.document(), bls::verify).unwrap();
        assert_eq!(Trusted::of_validators(&case.set(), case.subnet()).unwrap(), of_genesis);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, String::from_utf8(case.set()).unwrap());
        assert_eq!(Trusted::of_validators(answer.as_bytes(), case.subnet()).unwrap(), of_genesis);
        assert_eq!(of_genesis.subnet(), &case.subnet());
    }

    #[test]
    fn what_names_no_validators_is_refused_for_its_own_reason() {
        let document = String::from_utf8(Case::good().document()).unwrap();
        let first: serde_json::Value = serde_json::from_str(&document).unwrap();
        let possession = |at: usize| first["validators"][at]["bls_possession"].as_str().unwrap().to_owned();
        let swapped = document.replace(&possession(0), &possession(1));
        for (text, reason) in [
            ("", "not a genesis document"),
            (r#"{"subnet":"/r7/f0100"}"#, "missing field `validators`"),
            (r#"{"subnet":"/r7/f0100","validators":[]}"#, "0 validators"),
            (&swapped, "validator 0: the proof of possession"),
        ] {
            let refusal = Trusted::of_genesis(text.as_bytes(), bls::verify).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{reason}: {refusal}");
        }
        for (text, reason) in [
            ("[]", "not an answer of subnet_validators"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"stopping"}}"#, "the node refused: stopping"),
            (r#"{"configuration":1,"validators":[]}"#, "0 validators"),
        ] {
            let refusal = Trusted::of_validators(text.as_bytes(), Case::good().subnet()).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{reason}: {refusal}");
        }
    }
}
