//! Ethereum transactions through both: as messages through Filecoin's EVM actor, out of a bundle, and through ours.
//!
//! Compared are exit codes, return data, events, and the whole state: every actor and the root of their tree, built-in actors' code CIDs of
//! the reference's taken for ours. Not gas, since the reference's EVM pays for its instructions, and not what a deployment returns, since
//! the state has the contract. One difference is wanted: the reference gives each contract an f2 address beside its f410 address, ours does
//! not, so these are taken out of the reference's address map, and must have been there.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cid::Cid;
use fvm_ipld_encoding::CborStore;
use fvm_ipld_hamt::Hamt;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Protocol};
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use multihash_codetable::Code;
use tributary_fvm::{GenesisAccount, GenesisState};
use tributary_message::Transaction;
use tributary_primitives::actors::{BuiltinActor, INIT_ID};

use crate::bundle::Bundle;
use crate::ethereum;
use crate::ours::Ours;
use crate::outcome::{After, Difference, Outcome, Seen, compare};
use crate::reference::Reference;
use crate::rows::ethereum::EthereumCase;
use crate::store::Store;
use crate::world::{
    BALANCE, BIT_WIDTH, HISTORY, SharedWorld, Who, World, dave_address, erin_address, key_of, read_actors, recode,
};

/// Both executors on one genesis: [`Who::Alice`] and [`Who::Bob`] as f410 accounts.
pub struct Contracts {
    bundle: Bundle,
    theirs: (SharedWorld, Reference),
    ours: Ours,
}

impl Contracts {
    /// On the genesis.
    ///
    /// # Errors
    /// When an executor cannot run here.
    pub fn new(bundle: Bundle) -> Result<Self> {
        // Four accounts, as in the standard world, so that the history contract has its id.
        let f410 = |who: Who| who.key().eth_address().to_address();
        let standard = [f410(Who::Alice), f410(Who::Bob), dave_address(), erin_address()];
        let account = |address| GenesisAccount { address, balance: TokenAmount::from_atto(BALANCE) };
        let accounts = standard.into_iter().map(account).collect();
        let genesis = GenesisState { chain_name: "oracle".to_owned(), accounts, ..GenesisState::default() };
        let theirs = Arc::new(World::of_filecoin(&bundle, &genesis)?);
        let reference = Reference::new(Arc::clone(&theirs))?;
        Ok(Self { bundle, theirs: (theirs, reference), ours: Ours::new(Arc::new(World::of(&genesis)?))? })
    }

    /// Runs a case on both; every field in which they differ and that is not wanted.
    ///
    /// # Errors
    /// When an executor refuses to go on, a transaction ended otherwise than the case says, or what is wanted did not happen.
    pub fn differences(&self, case: &EthereumCase) -> Result<Vec<Difference>> {
        let transactions: Vec<_> = case.transactions.iter().map(|(transaction, _)| transaction.clone()).collect();
        let theirs = self.theirs(&transactions)?;
        let ours = without_deployments(self.ours.run_block(&transactions)?, &transactions);
        if let Outcome::Ran { messages, .. } = &theirs {
            for (at, (seen, (_, ends))) in messages.iter().zip(&case.transactions).enumerate() {
                ensure!(seen.exit_code == *ends, "{}, message {at}: not {ends} but {seen:?}", case.name);
            }
        }
        let found = compare(case.name, &theirs, &ours);
        let Some((actor, reason)) = case.wanted else { return Ok(found) };
        let wanted = [format!("actor {actor}"), "root of the actors".to_owned()];
        let (wanted, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| wanted.contains(&found.field));
        ensure!(!wanted.is_empty(), "{}: a wanted difference did not happen: {reason}", case.name);
        Ok(found)
    }

    fn theirs(&self, transactions: &[Transaction]) -> Result<Outcome> {
        let (world, reference) = &self.theirs;
        let store = Store::over(&world.theirs);
        let messages = transactions.iter().map(ethereum::message).collect::<Result<_>>()?;
        let (applied, open) = reference.run_on(&store, &world.root, messages)?;
        let seen = transactions.iter().zip(applied).map(|(transaction, applied)| {
            let seen = ethereum::seen(transaction, applied)?;
            Ok(Seen { gas_used: 0, ..seen })
        });
        let messages = seen.collect::<Result<_>>()?;
        let mut actors = read_actors(&store, &open.flush()?)?;
        recode(&mut actors, |code| self.bundle.ours_for(code))?;
        let (contracts, named) = (contracts(&actors)?, take_f2_addresses(&store, &mut actors)?);
        ensure!(contracts == named, "{named} of the reference's {contracts} contracts have an f2 address");
        Ok(without_deployments(Outcome::Ran { messages, after: After::read(&store, actors)? }, transactions))
    }
}

/// What a deployment returns is each side's own.
fn without_deployments(mut outcome: Outcome, transactions: &[Transaction]) -> Outcome {
    if let Outcome::Ran { messages, .. } = &mut outcome {
        for (seen, transaction) in messages.iter_mut().zip(transactions) {
            if deploys(transaction) {
                seen.return_data.clear();
            }
        }
    }
    outcome
}

fn deploys(transaction: &Transaction) -> bool {
    matches!(transaction, Transaction::Ethereum(made) if made.to().is_none())
}

/// How many there are, the history contract aside.
fn contracts(actors: &Hamt<Store, ActorState>) -> Result<usize> {
    let mut found = 0;
    actors.for_each(|key, actor| {
        found += usize::from(actor.code == BuiltinActor::Evm.code() && *key != key_of(HISTORY));
        Ok(())
    })?;
    Ok(found)
}

/// Takes every f2 address out of the init actor's map; answers how many there were.
fn take_f2_addresses(store: &Store, actors: &mut Hamt<Store, ActorState>) -> Result<usize> {
    let init = actors.get(&key_of(INIT_ID))?.context("there is an init actor")?.clone();
    let (map, next_id, name): (Cid, ActorID, String) =
        store.get_cbor(&init.state)?.context("the init actor's state")?;
    let mut map: Hamt<Store, ActorID> = Hamt::load_with_bit_width(&map, store.clone(), BIT_WIDTH)?;
    let mut f2 = Vec::new();
    map.for_each(|key, _| {
        f2.extend((Address::from_bytes(&key.0)?.protocol() == Protocol::Actor).then(|| key.clone()));
        Ok(())
    })?;
    for key in &f2 {
        map.delete(key)?;
    }
    let state = store.put_cbor(&(map.flush()?, next_id, name), Code::Blake2b256)?;
    actors.set(key_of(INIT_ID), ActorState { state, ..init })?;
    Ok(f2.len())
}
