//! A root network that is started for a measurement: as a devnet's parent is, in a folder that is removed after.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tributary_crypto::SecpSecretKey;
use tributary_genesis::words::{AccountAddress, Balance};
use tributary_genesis::{ChainParameters, Genesis, GenesisAccount, GenesisCode, GenesisTime, GenesisValidator};
use tributary_genesis_code::{COUNTER_ACTOR, COUNTER_ACTOR_NAME, SCRIPT_ACTOR, TOKEN_ACTOR};
use tributary_load::accounts::{Account, senders};
use tributary_load::http::{Connection, Endpoint};
use tributary_load::stages::Counted;
use tributary_load::usage::{Process, Usage, disk_bytes};

use crate::devnet::genesis;
use crate::devnet::keys::{DEVELOPMENT_SECRETS, development_key};
use crate::devnet::layout::Layout;
use crate::devnet::node::Node;
use crate::devnet::plan::{Network, NodePorts, node_arguments, node_name, root};
use crate::devnet::ports::Kept;
use crate::devnet::process::{Fleet, GRACE, Group, Program};

/// What every sender has, and the purse a thousand times: a billion TRB, in attoTRB. Money must never be what ends a run.
const BALANCE: u128 = 1_000_000_000 * 1_000_000_000_000_000_000;
/// How often the purse has as much as a sender.
const PURSE: u128 = 1_000;
/// Time the network has to answer and make a block.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
/// From one question whether it is ready to the next.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Name in genesis of the actor that does what a script says.
const SCRIPT_ACTOR_NAME: &str = "script";
/// That of the token whose balances are entries.
const TOKEN_ACTOR_NAME: &str = "token";

/// What to start.
#[derive(Clone, Debug)]
pub struct Start {
    /// How many validators.
    pub validators: u16,
    /// `name=value` of the genesis document.
    pub parameters: Vec<String>,
    /// `key=value` of every node.
    pub settings: Vec<String>,
}

/// A network that runs. Dropping it kills what [`Self::stop`] has not stopped.
#[derive(Debug)]
pub struct Started {
    fleet: Fleet,
    ports: Vec<NodePorts>,
    layout: Layout,
    /// Last, so that it goes when nobody writes there any more.
    _directory: TempDir,
}

/// What the network has used so far.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Each validator.
    pub processes: Vec<Usage>,
    /// All of their directories.
    pub disk_bytes: u64,
    /// What they counted of their work.
    pub counted: Counted,
}

/// Who pays for the set-up on a network that was started here.
#[must_use]
pub fn purse() -> SecpSecretKey {
    development_key(DEVELOPMENT_SECRETS[0])
}

impl Started {
    /// Starts it, and waits until every validator has a block.
    ///
    /// # Errors
    /// What kept it from starting, with the ends of the logs that tell more.
    pub async fn start(start: &Start, senders: u32, stop: &watch::Receiver<bool>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("tributary-bench-").tempdir().context("a temporary folder")?;
        let layout = Layout::open(directory.path(), false)?;
        std::fs::create_dir_all(layout.logs()).with_context(|| layout.logs().display().to_string())?;
        let mut kept = Kept::default();
        let ports = (0..start.validators).map(|_| kept.for_node()).collect::<Result<Vec<_>, _>>()?;
        let validators = genesis::homes(&layout, Network::Parent, &ports, &[])?;
        genesis::install(&layout, Network::Parent, &ports, || draft(validators, start, senders))?;
        let fleet = Fleet::new(layout.logs());
        let mut started = Self { fleet, ports, layout, _directory: directory };
        kept.release();
        started.launch(start)?;
        started.wait(stop).await?;
        Ok(started)
    }

    /// Where its nodes answer.
    #[must_use]
    pub fn nodes(&self) -> Vec<Endpoint> {
        self.ports.iter().map(|ports| ports.rpc_url().parse().expect("an address and a port make a URL")).collect()
    }

    /// How many validate.
    #[must_use]
    pub fn validators(&self) -> u16 {
        u16::try_from(self.ports.len()).unwrap_or(u16::MAX)
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When a process has ended or does not tell its metrics, or the system does not say how large its files are.
    pub async fn measure(&mut self) -> anyhow::Result<Measured> {
        self.fleet.check()?;
        let processes = self.fleet.processes().map(|(name, pid)| Process { name: name.to_owned(), pid });
        let directory = self.layout.network(Network::Parent);
        Ok(Measured {
            processes: processes.map(|process| Usage::of(&process)).collect(),
            disk_bytes: disk_bytes(&directory).with_context(|| directory.display().to_string())?,
            counted: self.counted().await?,
        })
    }

    async fn counted(&self) -> anyhow::Result<Counted> {
        let mut counted = Counted::default();
        for ports in &self.ports {
            let metrics: Endpoint = format!("{}/metrics", ports.service_url()).parse()?;
            let text = Connection::to(metrics).get().await?;
            counted = counted.with(&String::from_utf8_lossy(&text));
        }
        Ok(counted)
    }

    /// Stops it and removes what it wrote.
    pub async fn stop(mut self) {
        for name in self.fleet.stop(GRACE).await {
            eprintln!("{name} did not stop when asked to, and was killed");
        }
    }

    fn launch(&mut self, start: &Start) -> anyhow::Result<()> {
        let binary = std::env::current_exe().context("the path of this program")?;
        for position in 0..self.ports.len() {
            let mut arguments = node_arguments(self.layout.home(Network::Parent, position).path());
            arguments.extend(start.settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]));
            let name = node_name(Network::Parent, position);
            self.fleet.start(Program { name, group: Group::Parent, binary: binary.clone(), arguments })?;
        }
        Ok(())
    }

    async fn wait(&mut self, stop: &watch::Receiver<bool>) -> anyhow::Result<()> {
        let until = Instant::now() + READY_TIMEOUT;
        for node in self.ports.iter().map(Node::at) {
            while !node.status().await.is_ok_and(|status| status.height.0 > 0) {
                self.fleet.check()?;
                if *stop.borrow() {
                    bail!("the network was still starting");
                }
                if Instant::now() > until {
                    let tail = self.fleet.tails(&[&node_name(Network::Parent, 0)]);
                    bail!("{} makes no blocks after {} s\n{tail}", node.url(), READY_TIMEOUT.as_secs());
                }
                sleep(ASK_EVERY).await;
            }
        }
        Ok(())
    }
}

/// The senders and the purse hold tokens, as `0x…` and as `f1…`, and the code of the actors that workloads call is installed.
fn draft(validators: Vec<GenesisValidator>, start: &Start, count: u32) -> anyhow::Result<Genesis> {
    let purse = (Account::of(purse()), BALANCE.saturating_mul(PURSE));
    let rich = std::iter::once(purse).chain(senders(count).into_iter().map(|sender| (sender, BALANCE)));
    let mut accounts = Vec::new();
    for (account, balance) in rich {
        for address in [account.eth.to_address(), account.f1] {
            let address: AccountAddress = address.to_string().parse()?;
            accounts.push(GenesisAccount { address, balance: Balance(balance) });
        }
    }
    let mut genesis = Genesis::draft(Network::Parent.chain_name(), Network::Parent.chain_id(), root());
    genesis.genesis_time = Some(GenesisTime::now()?);
    genesis.code.push(GenesisCode::new(COUNTER_ACTOR_NAME, COUNTER_ACTOR.to_vec()));
    genesis.code.push(GenesisCode::new(SCRIPT_ACTOR_NAME, SCRIPT_ACTOR.to_vec()));
    genesis.code.push(GenesisCode::new(TOKEN_ACTOR_NAME, TOKEN_ACTOR.to_vec()));
    Ok(Genesis { validators, accounts, parameters: parameters(&start.parameters)?, ..genesis })
}

/// A devnet's, but for what was asked for.
fn parameters(changes: &[String]) -> anyhow::Result<ChainParameters> {
    let mut parameters = Network::Parent.parameters();
    for change in changes {
        let read = || {
            let (name, value) = change.split_once('=')?;
            Some((name, value.replace('_', "").parse().ok()?))
        };
        let (name, value) =
            read().with_context(|| format!("--parameter {change:?} must be NAME=VALUE, a whole number"))?;
        parameters.set(name, value).with_context(|| format!("--parameter {change}"))?;
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_a_devnets_but_for_those_asked_for() {
        let of = |changes: &[&str]| parameters(&changes.iter().map(|change| (*change).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]).unwrap(), Network::Parent.parameters());
        let changed = of(&["block_gas_limit=100_000_000", "heartbeat_ms=5000"]).unwrap();
        assert_eq!((changed.block_gas_limit, changed.heartbeat_ms), (100_000_000, 5_000));
        for (wrong, why) in [("block_gas_limit", "NAME=VALUE"), ("a=b", "NAME=VALUE"), ("gas=1", "no parameter")] {
            let told = format!("{:#}", of(&[wrong]).unwrap_err());
            assert!(told.contains(why), "{told}");
        }
    }
}
