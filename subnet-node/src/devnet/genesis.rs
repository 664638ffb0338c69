//! Homes and genesis documents of both networks. What is there already stays as it is.

use std::fs;

use anyhow::Context as _;
use fvm_shared::address::Address;
use tributary_crypto::SecpSecretKey;
use tributary_genesis::words::{AccountAddress, Balance};
use tributary_genesis::{Genesis, GenesisAccount, GenesisCode, GenesisTime, GenesisValidator, Keys, SealedGenesis};
use tributary_genesis_code::{COUNTER_ACTOR, COUNTER_ACTOR_NAME};
use tributary_primitives::{SubnetId, VotingPower};

use super::keys::{LOAD_KEYS, development_keys, load_key};
use super::layout::{Layout, replace};
use super::plan::{Network, NodePorts, node_config, node_name};
use crate::init;

/// What every account of a devnet starts with: a million TRB, in attoTRB.
const BALANCE: u128 = 1_000_000 * 1_000_000_000_000_000_000;
/// Every validator's weight.
const POWER: VotingPower = VotingPower(1);

/// Makes the homes of one network that are not there yet, writes every node's settings, and answers who the validators are. Each follows
/// another of `parents`, so that none is asked by all; nobody if there are none.
///
/// # Errors
/// What the system says, with the path.
pub fn homes(
    layout: &Layout,
    network: Network,
    nodes: &[NodePorts],
    parents: &[NodePorts],
) -> anyhow::Result<Vec<GenesisValidator>> {
    let mut validators = Vec::with_capacity(nodes.len());
    for position in 0..nodes.len() {
        let keys = home(layout, network, position)?;
        let settings = layout.home(network, position).config();
        let parent = parents.iter().cycle().nth(position);
        replace(&settings, node_config(network, position, nodes, parent).as_bytes())?;
        validators.push(validator(&node_name(network, position), &keys));
    }
    Ok(validators)
}

/// The keys of one home, which is made when it has none: a home without keys was left half made.
fn home(layout: &Layout, network: Network, position: usize) -> anyhow::Result<Keys> {
    let home = layout.home(network, position);
    if home.keys().exists() {
        return Ok(Keys::read(&home.keys())?);
    }
    if home.path().exists() {
        fs::remove_dir_all(home.path()).with_context(|| home.path().display().to_string())?;
    }
    init::make(&home, &node_name(network, position), None)
}

/// A validator of these keys.
pub(crate) fn validator(name: &str, keys: &Keys) -> GenesisValidator {
    let public = keys.public();
    GenesisValidator {
        name: Some(name.to_owned()),
        consensus_key: public.consensus_key,
        bls_key: public.bls_key,
        bls_possession: public.bls_possession,
        power: POWER,
        reward_address: None,
    }
}

/// The genesis document of `network`, in every home: the one that is there, or else the one that `draft` makes.
///
/// # Errors
/// What is wrong with the document, or what the system says.
pub fn install(
    layout: &Layout,
    network: Network,
    nodes: &[NodePorts],
    draft: impl FnOnce() -> anyhow::Result<Genesis>,
) -> anyhow::Result<SealedGenesis> {
    let path = layout.genesis(network);
    let sealed = if path.exists() { Genesis::from_json(&fs::read(&path)?)? } else { draft()? }.verify()?;
    let json = sealed.genesis().to_json();
    for home in (0..nodes.len()).map(|position| layout.home(network, position)) {
        if !home.genesis().exists() {
            replace(&home.genesis(), json.as_bytes())?;
        }
    }
    // Last: when it is there, every home has it.
    if !path.exists() {
        replace(&path, json.as_bytes())?;
    }
    Ok(sealed)
}

/// The root: development accounts and the relayer hold tokens.
///
/// # Errors
/// Those of an address that is none.
pub fn parent(validators: Vec<GenesisValidator>, relayer: &SecpSecretKey) -> anyhow::Result<Genesis> {
    let mut accounts = accounts_of(&development_keys())?;
    accounts.push(account(relayer.f1_address())?);
    draft(Network::Parent, super::plan::root(), validators, accounts)
}

/// The subnet: development accounts and the load's senders hold tokens, and the counter's code is installed.
///
/// # Errors
/// Those of an address that is none.
pub fn child(subnet: SubnetId, validators: Vec<GenesisValidator>) -> anyhow::Result<Genesis> {
    let keys: Vec<_> = development_keys().into_iter().chain((0..LOAD_KEYS).map(load_key)).collect();
    let mut genesis = draft(Network::Child, subnet, validators, accounts_of(&keys)?)?;
    genesis.code.push(GenesisCode::new(COUNTER_ACTOR_NAME, COUNTER_ACTOR.to_vec()));
    Ok(genesis)
}

fn draft(
    network: Network,
    subnet: SubnetId,
    validators: Vec<GenesisValidator>,
    accounts: Vec<GenesisAccount>,
) -> anyhow::Result<Genesis> {
    Ok(Genesis {
        genesis_time: Some(GenesisTime::now()?),
        validators,
        accounts,
        parameters: network.parameters(),
        ..Genesis::draft(network.chain_name(), network.chain_id(), subnet)
    })
}

/// Each key's Ethereum account and its f1 account.
fn accounts_of(keys: &[SecpSecretKey]) -> anyhow::Result<Vec<GenesisAccount>> {
    let addresses = keys.iter().flat_map(|key| [key.eth_address().to_address(), key.f1_address()]);
    addresses.map(account).collect()
}

fn account(address: Address) -> anyhow::Result<GenesisAccount> {
    let address: AccountAddress = address.to_string().parse()?;
    Ok(GenesisAccount { address, balance: Balance(BALANCE) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devnet::layout::Layout;
    use crate::devnet::plan::root;

    fn ports() -> NodePorts {
        NodePorts { rpc: 1, service: 2, consensus: 3, gossip: 4 }
    }

    #[test]
    fn both_documents_break_no_rule() {
        let validators = |names: &str| vec![validator(names, &Keys::generate()), validator(names, &Keys::generate())];
        let parent = parent(validators("parent"), &SecpSecretKey::generate()).unwrap().verify().unwrap();
        let child = child(root().child(100).unwrap(), validators("child")).unwrap().verify().unwrap();
        assert_eq!(parent.genesis().accounts.len(), 21);
        assert_eq!(child.genesis().accounts.len(), 2 * (10 + usize::from(LOAD_KEYS)));
        assert_eq!(child.genesis().code.len(), 2);
    }

    #[test]
    fn a_second_run_finds_the_keys_and_the_genesis_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(directory.path(), false).unwrap();
        let nodes = [ports(), ports()];
        let relayer = SecpSecretKey::generate();
        let run = || {
            let validators = homes(&layout, Network::Parent, &nodes, &[]).unwrap();
            install(&layout, Network::Parent, &nodes, || parent(validators, &relayer)).unwrap()
        };
        let first = run();
        // As if the first run had been killed before it wrote all: a home without its document, another without its keys.
        fs::remove_file(layout.home(Network::Parent, 1).genesis()).unwrap();
        let second = run();
        assert_eq!(first, second);
        assert!(layout.home(Network::Parent, 1).genesis().exists());
    }
}
