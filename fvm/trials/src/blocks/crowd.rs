//! Who sends the blocks, and what is there to collide in.

use std::sync::LazyLock;

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::INIT_ID;

use crate::calls::compile::{Names, exec};
use crate::calls::language::EvmOp;
use crate::world::{ACTOR_BALANCE, RICH, Who, World, create, ethereum, fvm, init_code, key, message};

/// How many.
const CROWD: u8 = 32;
/// Script actors beside the two that every world has.
const MORE_ACTORS: u64 = 6;
/// What each of the crowd has, in attoTRB, but those with names and [`POOR`].
const SHARE: u128 = RICH / 100;
/// These have no more than lets them send a transaction with all its gas, one of each kind: a few transfers, and they cannot.
const POOR: [u8; 2] = [5, 6];
/// What they have.
const LITTLE: u128 = 30_150_000_000;
/// Slots of the token that hold something.
const HOLDERS: u8 = 16;
/// What each of them holds.
const HOLDING: u8 = 200;

/// Moves as much as the second word says from the slot of the caller, by the last four bits of its address, to the slot that the first
/// word names; reverts when there is less.
const TOKEN: &[u8] = &[
    0x60, 0x20, 0x35, 0x33, 0x60, 0x0f, 0x16, // amount = calldata[32]; from = caller & 15
    0x80, 0x54, 0x82, 0x81, 0x10, 0x60, 0x1d, 0x57, // if sload(from) < amount revert
    0x82, 0x90, 0x03, 0x90, 0x55, // sstore(from, sload(from) - amount)
    0x5f, 0x35, 0x80, 0x54, 0x82, 0x01, 0x90, 0x55, 0x00, // sstore(to, sload(to) + amount)
    0x5b, 0x5f, 0x5f, 0xfd,
];

/// Reads the slot that the first word names; stores one more at the slot that the second names, unless the last three bits are set.
const MIXER: &[u8] = &[
    0x5f, 0x35, 0x54, 0x80, 0x60, 0x07, 0x16, 0x60, 0x07, 0x14, 0x60, 0x15, 0x57, // if sload(a) & 7 == 7 revert
    0x60, 0x01, 0x01, 0x60, 0x20, 0x35, 0x55, 0x00, // sstore(b, sload(a) + 1)
    0x5b, 0x5f, 0x5f, 0xfd,
];

/// `create2(0, call data, 0)`.
const FACTORY: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x36, 0x5f, 0x5f, 0xf5, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// One of the crowd.
pub(super) struct Party {
    pub(super) key: SecpSecretKey,
    pub(super) address: Address,
    /// Of its key, whether or not it sends from there.
    pub(super) eth_address: EthAddress,
    pub(super) is_ethereum: bool,
}

/// Those with names, then others, of either kind in turn.
pub(super) static PARTIES: LazyLock<Vec<Party>> = LazyLock::new(|| {
    let named = Who::ALL.into_iter().map(|who| (who.key(), who.is_ethereum()));
    let others = (5..CROWD).map(|number| (key(20 + number), number % 2 == 1));
    named.chain(others).map(|(key, is_ethereum)| Party::new(key, is_ethereum)).collect()
});

/// Where they send from.
pub(super) static ADDRESSES: LazyLock<Vec<Address>> =
    LazyLock::new(|| PARTIES.iter().map(|party| party.address).collect());

/// Where every trial starts: the crowd has its money, a token, a mixer and a factory follow the keeper and the forwarder.
pub(super) static START: LazyLock<World> = LazyLock::new(|| World::new().founded_by(&set_up(&World::new())));

impl Party {
    fn new(key: SecpSecretKey, is_ethereum: bool) -> Self {
        let eth_address = key.eth_address();
        let address = if is_ethereum { eth_address.to_address() } else { key.f1_address() };
        Self { key, address, eth_address, is_ethereum }
    }
}

fn set_up(world: &World) -> Vec<Transaction> {
    let (carol, alice) = (world.nonce(Who::Carol), world.nonce(Who::Alice));
    let sent = |to: Address, method, params, value: u128| Message {
        value: TokenAmount::from_atto(value),
        ..message(0, to, method, params)
    };
    let share = |number| if POOR.contains(&number) { LITTLE } else { SHARE };
    let others = ADDRESSES.iter().zip(0..CROWD).skip(Who::ALL.len());
    let messages = others
        .map(|(address, number)| sent(*address, 0, vec![], share(number)))
        .chain((0..MORE_ACTORS).map(|_| sent(Address::new_id(INIT_ID), 2, exec(), ACTOR_BALANCE)));
    let holders: Vec<_> = (0..HOLDERS).map(|slot| EvmOp::Store(slot, HOLDING)).collect();
    let token = Names::of(world).init_code_of(&holders, TOKEN);
    let contracts = [token, init_code(MIXER), init_code(FACTORY)];
    let messages = (carol..).zip(messages).map(|(sequence, sent)| fvm(Who::Carol, Message { sequence, ..sent }));
    let contracts = (alice..).zip(contracts).map(|(nonce, code)| ethereum(Who::Alice, create(nonce, code)));
    messages.chain(contracts).collect()
}
