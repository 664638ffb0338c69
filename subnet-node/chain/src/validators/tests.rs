use super::*;
use crate::keys::ConsensusKey;

fn validator(seed: u8, power: u64) -> Validator {
    Validator { public_key: ConsensusKey::from_seed([seed; 32]).public_key(), power: VotingPower(power) }
}

#[test]
fn a_set_has_tendermints_order_and_hash_whatever_order_it_came_in() {
    let forward = ValidatorSet::new((1..=5).map(|seed| validator(seed, u64::from(seed % 3) + 1))).unwrap();
    let backward = ValidatorSet::new((1..=5).rev().map(|seed| validator(seed, u64::from(seed % 3) + 1))).unwrap();
    assert_eq!(forward, backward);
    let tendermint = forward.to_tendermint(None);
    assert_eq!(tendermint::Hash::Sha256(forward.hash().0), tendermint.hash());
    let theirs: Vec<ValidatorAddress> = tendermint.validators().iter().map(|info| info.address.into()).collect();
    let ours: Vec<_> = forward.iter().map(Validator::address).collect();
    assert_eq!(ours, theirs, "our order survives Tendermint's sort");
    assert_eq!(tendermint.total_voting_power().value(), forward.total_power().0);
}

#[test]
fn the_hash_is_over_the_protobuf_of_key_and_power() {
    let key = |hex: &str| ConsensusPublicKey::from_bytes(&hex::decode(hex).unwrap()).unwrap();
    let set = ValidatorSet::new([Validator {
        public_key: key("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        power: VotingPower(10),
    }])
    .unwrap();
    // SimpleValidator{pub_key{ed25519}, voting_power: 10} as one leaf, written out byte by byte.
    let mut leaf = vec![0x0a, 0x22, 0x0a, 0x20];
    leaf.extend(hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap());
    leaf.extend([0x10, 10]);
    assert_eq!(set.hash(), crate::merkle::root(&[leaf]));
}

#[test]
fn each_bad_list_is_refused_for_its_own_reason() {
    let twice = validator(1, 1).address();
    for (list, refusal) in [
        (vec![], ValidatorSetRejected::Empty),
        (vec![validator(1, 1), validator(2, 1), validator(1, 7)], ValidatorSetRejected::Twice(twice)),
        (vec![validator(2, 1), validator(1, 0)], ValidatorSetRejected::Powerless(twice)),
        (vec![validator(1, VotingPower::TOTAL_MAX.0), validator(2, 1)], ValidatorSetRejected::TooPowerful),
        (vec![validator(1, 1); 257], ValidatorSetRejected::TooMany(257)),
    ] {
        assert_eq!(ValidatorSet::new(list), Err(refusal));
    }
}

#[test]
fn the_heaviest_set_that_is_allowed_fits_tendermints_bounds() {
    let set = ValidatorSet::new([validator(1, VotingPower::TOTAL_MAX.0)]).unwrap();
    assert_eq!(set.to_tendermint(None).total_voting_power().value(), VotingPower::TOTAL_MAX.0);
}

#[test]
fn the_proposer_moves_one_place_with_each_height_and_each_round() {
    let set = ValidatorSet::new((1..=3).map(|seed| validator(seed, 1))).unwrap();
    let order: Vec<_> = set.iter().map(Validator::address).collect();
    for (height, round, position) in
        [(0, 0, 0), (1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 0, 0), (1, 1, 1), (4, 4, 1), (u64::MAX, u32::MAX, 2)]
    {
        assert_eq!(set.proposer(Height(height), round), order[position], "height {height}, round {round}");
    }
}

#[test]
fn a_set_reads_back_from_its_bytes_and_a_bad_one_does_not() {
    let set = ValidatorSet::new((1..=4).map(|seed| validator(seed, 9))).unwrap();
    let bytes = borsh::to_vec(&set).unwrap();
    assert_eq!(borsh::from_slice::<ValidatorSet>(&bytes).unwrap(), set);
    assert!(borsh::from_slice::<ValidatorSet>(&u32::MAX.to_le_bytes()).is_err());
    assert!(borsh::from_slice::<ValidatorSet>(&0_u32.to_le_bytes()).is_err());
}
