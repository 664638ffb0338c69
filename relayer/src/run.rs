//! `relayer run`: settings, key, desk, one carrier for each child, service, run until a signal.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tributary_relayer::carrier::Carrier;
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::clock::SystemClock;
use tributary_relayer::desk::Desk;
use tributary_relayer::key::read_key;
use tributary_relayer::service::Told;
use tributary_relayer::settings::{Settings, SettingsRejected};
use tributary_relayer::telemetry::Metrics;
use tributary_service::http;
use tributary_service::stop::StopSignal;

use crate::cli::{RunCommand, choices};

type ChildCarrier = Carrier<NodeClient, NodeClient, SystemClock>;

/// Silence of a chain beyond which `/health` complains, on top of patience: two looks.
const HEALTH_MARGIN: Duration = Duration::from_secs(30);

/// Runs until a signal, or with `--once` until everything is carried.
#[tokio::main]
pub async fn run(command: RunCommand) -> anyhow::Result<()> {
    let settings = choices(command.choices, command.config.as_deref())?.check()?;
    let key = read_key(settings.key.as_deref().ok_or(SettingsRejected::Missing("key"))?)?;
    let stopped = stop_on(StopSignal::listen()?.or_when_stdin_closes(command.stop_on_stdin_close)?);
    let metrics = Metrics::new();
    let parent = NodeClient::new(&settings.parent, settings.request_timeout)?;
    let desk = Arc::new(Desk::new(parent, key, settings.limits.gas_limit));
    let carriers = carriers(&settings, &desk, &metrics)?;
    serve(&settings, &metrics, stopped.clone()).await?;
    tracing::info!(parent = settings.parent.name(), children = carriers.len(), sender = %desk.sender(), "relayer runs");
    carry(carriers, command.once, &stopped).await
}

fn carriers(
    settings: &Settings,
    desk: &Arc<Desk<NodeClient>>,
    metrics: &Metrics,
) -> Result<Vec<ChildCarrier>, SettingsRejected> {
    let clock = SystemClock::start();
    let carrier = |endpoint| {
        let child = NodeClient::new(endpoint, settings.request_timeout)?;
        let metrics = metrics.of_child(endpoint.name());
        Ok(Carrier::new(Arc::clone(desk), child, clock, settings.limits.clone(), metrics))
    };
    settings.children.iter().map(carrier).collect()
}

/// Turns true at the first wish to stop.
fn stop_on(mut wish: StopSignal) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let signal = wish.wait().await;
        tracing::info!(signal, "relayer stops; what is on its way needs no further help");
        stop.send_replace(true);
        // The channel stays open for those who look later.
        stop.closed().await;
    });
    stopped
}

async fn serve(settings: &Settings, metrics: &Metrics, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
    let Some(address) = settings.listen else { return Ok(()) };
    let listener = http::bind(address, "metrics and health (--listen)").await?;
    let told = Told {
        metrics: metrics.clone(),
        children: settings.children.iter().map(|child| metrics.of_child(child.name())).collect(),
        clock: SystemClock::start(),
        stale_after: settings.limits.patience + HEALTH_MARGIN,
    };
    tracing::info!(address = %listener.local_addr()?, "metrics and health are served");
    tokio::spawn(http::serve(listener, Arc::new(told), async move {
        // A sender that is gone can only mean that the process ends.
        let _ended = stopped.wait_for(|stop| *stop).await;
    }));
    Ok(())
}

/// Runs every carrier in a task of its own. One that halts leaves the others at work; the last to end ends this.
async fn carry(carriers: Vec<ChildCarrier>, once: bool, stopped: &watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for carrier in carriers {
        let stopped = stopped.clone();
        tasks.spawn(async move {
            if once {
                carrier.run_once(stopped).await.map_err(anyhow::Error::from)
            } else {
                carrier.run(stopped).await.map_err(anyhow::Error::from)
            }
        });
    }
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let outcome = ended.unwrap_or_else(|why| Err(anyhow!("a carrier ended: {why}")));
        first = first.and(outcome);
    }
    first
}
