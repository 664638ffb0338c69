//! The networks of a plan, each prepared once, then measured in turn.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tributary_genesis_code::{SCRIPT_ACTOR, TOKEN_ACTOR, counter_actor_cid};
use tributary_load::accounts::{Account, senders};
use tributary_load::agreement::{Agreement, PATIENCE, compare};
use tributary_load::check::{Checked, check, sample};
use tributary_load::client::Client;
use tributary_load::drive::{Progress, drive};
use tributary_load::figures::Figures;
use tributary_load::flight::Flight;
use tributary_load::report::{Ended, NetworkUsed, Report, Run};
use tributary_load::setup::{Actors, Ground, Network, prepare};
use tributary_load::sign;
use tributary_load::usage::own_cpu;
use tributary_load::words::{Hundredths, Load};
use tributary_primitives::raw_cid;

use super::args::{Plan, Running};
use super::network::{Measured, Started, purse};

/// Measures what `plan` says, on the network that was `started` for it or on one that runs, and on its peers.
///
/// # Errors
/// What kept it from being measured.
pub async fn measure(
    plan: &Plan,
    started: Option<&mut Started>,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<Report> {
    let senders = senders(plan.senders);
    let networks = networks(plan, started);
    let mut sides = Vec::with_capacity(networks.len());
    for (network, started) in networks {
        let name = network.name.clone();
        let tell = |what: &str| eprintln!("{name}: {what}");
        let ground = prepare(&network, plan.workload, &senders, stop, tell).await.with_context(|| name.clone())?;
        sides.push(Side { network, started, ground, senders: &senders, plan });
    }
    let mut runs = Vec::new();
    for round in 1..=plan.rounds {
        for side in &mut sides {
            let run = side.run(round, stop).await;
            runs.extend(run.with_context(|| side.network.name.clone())?);
        }
    }
    anyhow::ensure!(!runs.is_empty(), "a signal came first");
    Ok(Report::of(runs))
}

/// The first network, with its processes where they are ours, and its peers.
fn networks<'a>(plan: &Plan, started: Option<&'a mut Started>) -> Vec<(Network, Option<&'a mut Started>)> {
    let running = |Running { name, nodes, key }: &Running| {
        let purse = Account::of(key.clone());
        Network { name: name.clone(), nodes: nodes.clone(), purse, actors: None }
    };
    let first = match started {
        None => (running(&plan.running), None),
        Some(started) => {
            let (name, nodes, purse) = (plan.name.clone(), started.nodes(), Account::of(purse()));
            let (script, token) = (raw_cid(SCRIPT_ACTOR), raw_cid(TOKEN_ACTOR));
            let actors = Actors { counter: counter_actor_cid(), script, token };
            (Network { name, nodes, purse, actors: Some(actors) }, Some(started))
        }
    };
    std::iter::once(first).chain(plan.peers.iter().map(|peer| (running(peer), None))).collect()
}

/// One network, ready.
struct Side<'a> {
    network: Network,
    /// Its processes, where they are ours.
    started: Option<&'a mut Started>,
    ground: Ground,
    senders: &'a [Account],
    plan: &'a Plan,
}

/// What was used up to some time.
struct Spent {
    network: Option<Measured>,
    own_cpu: Duration,
}

impl Side<'_> {
    /// Signs a load, sends it, and looks at what came of it; none where a signal came before it was sent.
    async fn run(&mut self, round: u32, stop: &watch::Receiver<bool>) -> anyhow::Result<Option<Run>> {
        if *stop.borrow() {
            return Ok(None);
        }
        let load = Arc::new(self.sign().await?);
        if *stop.borrow() {
            return Ok(None);
        }
        let name = self.network.name.clone();
        let tell = |progress| eprintln!("{name} {round}: {}", told(progress));
        let before = self.spent().await?;
        let flight = drive(&self.network.nodes, Arc::clone(&load), self.plan.rules(), stop.clone(), tell).await?;
        let after = self.spent().await?;
        let checked = self.check(&load, &flight).await?;
        let agreement = compare(&self.network.nodes, PATIENCE).await?;
        if let Some(why) = agreement.as_ref().and_then(Agreement::disagreement) {
            eprintln!("{name} {round}: the nodes do not agree: {why}");
        }
        let run = Run { agreement, ..self.sum_up(round, &flight, checked, before, after) };
        if self.plan.is_cut_short(&run.figures) && run.ended == Ended::Landed {
            eprintln!(
                "{name} {round}: all that was signed is in blocks before --duration is over; --rate-max signs more"
            );
        }
        if run.figures.blocks.too_dear > 0 {
            eprintln!(
                "{name} {round}: the base fee rose above what the transactions may pay, so the gas limit bounds the rate and not the \
                 network: a full chain asks an eighth more in every block; --parameter block_gas_limit=200000000 gives it room"
            );
        }
        Ok(Some(run))
    }

    async fn sign(&self) -> anyhow::Result<Load> {
        let (tasks, nonces) = self.ground.tasks(&self.network, self.senders).await?;
        let (pairs, count) = (self.plan.workload.pairs(), self.plan.transactions);
        eprintln!("{}: signing {count} transactions", self.network.name);
        Ok(tokio::task::block_in_place(|| sign::load(&tasks, pairs, self.senders, nonces, count))?)
    }

    async fn check(&self, load: &Load, flight: &Flight) -> anyhow::Result<Checked> {
        let transactions = flight.records().iter().zip(&load.transactions);
        let confirmed = transactions.filter(|(record, _)| record.confirmed_us.is_some());
        let confirmed: Vec<_> = confirmed.map(|(_, signed)| signed).collect();
        let mut client = Client::of(self.network.nodes[0].clone());
        Ok(check(&mut client, &sample(&confirmed, self.plan.receipts, self.ground.cycle())).await?)
    }

    async fn spent(&mut self) -> anyhow::Result<Spent> {
        let network = match &mut self.started {
            Some(started) => Some(started.measure().await?),
            None => None,
        };
        Ok(Spent { network, own_cpu: own_cpu() })
    }

    fn sum_up(&self, round: u32, flight: &Flight, checked: Checked, before: Spent, after: Spent) -> Run {
        let plan = self.plan;
        let client_cpu = after.own_cpu.saturating_sub(before.own_cpu);
        let network = before.network.zip(after.network);
        let run = Run {
            network: self.network.name.clone(),
            round,
            client_version: self.ground.client_version.clone(),
            chain_id: self.ground.chain_id,
            nodes: self.network.nodes.len(),
            validators: self.started.as_ref().map(|started| started.validators()),
            workload: plan.workload,
            pace: plan.pace,
            confirm: plan.confirm,
            batch: plan.batch,
            connections: plan.connections,
            senders: plan.senders,
            cores: available_parallelism().map_or(1, usize::from),
            ended: ended(flight),
            figures: Figures::of(flight),
            checked,
            client_cpu_ms: u64::try_from(client_cpu.as_millis()).unwrap_or(u64::MAX),
            network_used: network.map(|(before, after)| used(&before, after, flight.confirmed())),
            ..Run::default()
        };
        run.with_trouble(flight.trouble())
    }
}

const fn ended(flight: &Flight) -> Ended {
    match (flight.is_stopped(), flight.is_landed()) {
        (true, _) => Ended::Stopped,
        (false, true) => Ended::Landed,
        (false, false) => Ended::Stalled,
    }
}

fn used(before: &Measured, after: Measured, confirmed: u64) -> NetworkUsed {
    let disk_bytes = after.disk_bytes.saturating_sub(before.disk_bytes);
    let stages = after.counted.since(&before.counted);
    let processes = after.processes.into_iter().zip(&before.processes);
    let processes: Vec<_> = processes.map(|(after, before)| after.since(before)).collect();
    let cpu_ms: u64 = processes.iter().map(|usage| usage.cpu_ms).sum();
    NetworkUsed {
        cpu_us_per_transaction: Hundredths::ratio(cpu_ms.saturating_mul(1_000), confirmed),
        disk_bytes_per_transaction: Hundredths::ratio(disk_bytes, confirmed),
        stages,
        processes,
    }
}

fn told(progress: Progress) -> String {
    let Progress { elapsed, confirmed, confirmed_lately, on_their_way, retried, refused } = progress;
    let tps = Hundredths::per_second(confirmed, u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
    let trouble = match (retried, refused) {
        (0, 0) => String::new(),
        (retried, refused) => format!("; {retried} sent again, {refused} refused"),
    };
    let seconds = elapsed.as_secs();
    format!(
        "{seconds} s: {confirmed} confirmed, {tps} a second ({confirmed_lately} in the last), {on_their_way} in flight{trouble}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_on_how_it_goes_names_trouble_only_where_there_is_some() {
        let quiet = Progress {
            elapsed: Duration::from_secs(2),
            confirmed: 30,
            confirmed_lately: 20,
            on_their_way: 5,
            retried: 0,
            refused: 0,
        };
        assert_eq!(told(quiet), "2 s: 30 confirmed, 15.00 a second (20 in the last), 5 in flight");
        assert!(told(Progress { retried: 1, ..quiet }).ends_with("; 1 sent again, 0 refused"));
    }
}
