//! What Malachite is generic over: our words in its traits.
//!
//! Each type wraps one of `tributary-chain`'s, since neither trait nor type is ours alone. The encodings here are on the wire
//! and in the write-ahead log: changing one means raising the protocol version, and changing it in the middle of a height is
//! never safe.

use std::fmt;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use malachite_core_types::{
    self as core, Context, LinearTimeouts, NilOrVal, Round, SignedExtension, SigningScheme, VoteType,
};
use tributary_chain::sign_bytes::VoteKind;
use tributary_chain::{BlockRef, ConsensusKey, ConsensusPublicKey, ConsensusSignature, ValidatorAddress, ValidatorSet};
use tributary_primitives::Height;

use crate::application::{HeightParams, Timeouts};

/// The engine's type parameter.
#[derive(Clone, Debug)]
pub(crate) struct Chain;

impl Context for Chain {
    type Address = Address;
    type Height = EngineHeight;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, members: &'a Members, height: EngineHeight, round: Round) -> &'a Member {
        let address = members.set.proposer(height.0, round.as_u32().unwrap_or(0));
        members.get(&Address(address)).expect("the proposer is of the set")
    }

    fn new_proposal(
        &self,
        height: EngineHeight,
        round: Round,
        value: Value,
        pol_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, address }
    }

    fn new_prevote(&self, height: EngineHeight, round: Round, value: NilOrVal<Value>, address: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, address }
    }

    fn new_precommit(&self, height: EngineHeight, round: Round, value: NilOrVal<Value>, address: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, address }
    }
}

/// [`ValidatorAddress`].
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub(crate) struct Address(pub(crate) ValidatorAddress);

impl core::Address for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// [`Height`].
#[derive(Copy, Clone, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EngineHeight(pub(crate) Height);

impl core::Height for EngineHeight {
    const ZERO: Self = Self(Height::GENESIS);
    const INITIAL: Self = Self(Height::FIRST);

    fn increment_by(&self, n: u64) -> Self {
        Self(Height(self.0.0.saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(Height).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

impl fmt::Display for EngineHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl BorshSerialize for EngineHeight {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.0.0.serialize(writer)
    }
}

impl BorshDeserialize for EngineHeight {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        u64::deserialize_reader(reader).map(Height).map(Self)
    }
}

/// What is decided: a reference, never the block. So votes and the write-ahead log stay small.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub(crate) struct Value(pub(crate) BlockRef);

impl core::Value for Value {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A validator with its address at hand.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    address: Address,
    public_key: ConsensusPublicKey,
    power: core::VotingPower,
}

impl core::Validator<Chain> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &ConsensusPublicKey {
        &self.public_key
    }

    fn voting_power(&self) -> core::VotingPower {
        self.power
    }
}

/// A validator set, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    set: ValidatorSet,
    members: Arc<[Member]>,
}

impl Members {
    pub(crate) fn new(set: &ValidatorSet) -> Self {
        let member = |(address, validator): &(ValidatorAddress, tributary_chain::Validator)| Member {
            address: Address(*address),
            public_key: validator.public_key,
            power: validator.power.0,
        };
        Self { set: set.clone(), members: set.with_addresses().map(member).collect() }
    }

    fn get(&self, address: &Address) -> Option<&Member> {
        self.set.position(&address.0).map(|position| &self.members[position])
    }
}

impl core::ValidatorSet<Chain> for Members {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> core::VotingPower {
        self.set.total_power().0
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        self.get(address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }
}

/// A vote. Replaying the write-ahead log compares votes: nothing random or timed may stand in one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: EngineHeight,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<Value>,
    pub(crate) address: Address,
}

impl Vote {
    pub(crate) const fn vote_kind(&self) -> VoteKind {
        match self.kind {
            VoteType::Prevote => VoteKind::Prevote,
            VoteType::Precommit => VoteKind::Precommit,
        }
    }

    pub(crate) const fn block(&self) -> Option<&BlockRef> {
        match &self.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(value) => Some(&value.0),
        }
    }
}

/// Vote extensions are not used: the policy is `Disabled` at every height.
impl core::Vote<Chain> for Vote {
    fn height(&self) -> EngineHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Value> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Value> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&SignedExtension<Chain>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Chain>> {
        None
    }

    fn extend(self, _extension: SignedExtension<Chain>) -> Self {
        self
    }
}

/// A signed proposal names the block; its bytes travel as [`Part`]s.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Proposal {
    pub(crate) height: EngineHeight,
    pub(crate) round: Round,
    pub(crate) value: Value,
    pub(crate) pol_round: Round,
    pub(crate) address: Address,
}

impl core::Proposal<Chain> for Proposal {
    fn height(&self) -> EngineHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// What a stream starts with: which block it carries, and the validator that vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Init {
    pub(crate) height: EngineHeight,
    pub(crate) round: u32,
    pub(crate) valid_round: Option<u32>,
    /// Who proposed the block first.
    pub(crate) proposer: Address,
    pub(crate) block: BlockRef,
    /// Who sends it: the proposer, or one that proposes it again.
    pub(crate) streamer: Address,
    /// Of `streamer`, over [`tributary_chain::sign_bytes::proposal_stream`].
    pub(crate) signature: ConsensusSignature,
}

/// A piece of a proposal. The end is the stream's own mark.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Part {
    /// First.
    Init(Init),
    /// At most [`tributary_chain::PART_BYTES`] of the encoded block.
    Data(Vec<u8>),
}

impl core::ProposalPart<Chain> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init(_))
    }

    /// The end is [`malachite_app_channel::app::streaming::StreamContent::Fin`], which is no part.
    fn is_last(&self) -> bool {
        false
    }
}

/// Signatures as `tributary-chain` has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ed25519;

impl SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = ConsensusSignature;
    type PublicKey = ConsensusPublicKey;
    type PrivateKey = ConsensusKey;

    fn decode_signature(bytes: &[u8]) -> Result<ConsensusSignature, &'static str> {
        ConsensusSignature::from_bytes(bytes).ok_or("a signature is 64 bytes")
    }

    fn encode_signature(signature: &ConsensusSignature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<ConsensusPublicKey, &'static str> {
        ConsensusPublicKey::from_bytes(bytes).map_err(|_| "not an ed25519 public key")
    }

    fn encode_public_key(key: &ConsensusPublicKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

/// The engine's parameters of a height. No target time: heights are held by [`crate::pace`] instead, which can end the wait early.
pub(crate) fn engine_params(params: &HeightParams) -> core::HeightParams<Chain> {
    core::HeightParams::new(Members::new(&params.validators), engine_timeouts(&params.timeouts), None)
}

const fn engine_timeouts(timeouts: &Timeouts) -> LinearTimeouts {
    LinearTimeouts {
        propose: timeouts.propose,
        propose_delta: timeouts.propose_delta,
        prevote: timeouts.prevote,
        prevote_delta: timeouts.prevote_delta,
        precommit: timeouts.precommit,
        precommit_delta: timeouts.precommit_delta,
        rebroadcast: timeouts.rebroadcast,
        max_timeout: timeouts.longest,
    }
}

/// Rounds that exist are numbers here; only the engine knows one before the first.
pub(crate) fn optional_round(round: Option<u32>) -> Round {
    round.map_or(Round::Nil, Round::new)
}
