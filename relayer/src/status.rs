//! `relayer status`: looks once and says how far the parent is behind each child.

use std::io::Write as _;

use anyhow::bail;
use serde::Serialize;
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::choice::{Choice, choose};
use tributary_relayer::clock::SystemClock;
use tributary_relayer::key::read_key;
use tributary_relayer::look::{Sight, look};

use crate::cli::{StatusCommand, choices};

/// What is told of one child. Field order is the order of lines.
#[derive(Debug, Serialize)]
struct ChildStatus {
    child: String,
    subnet: String,
    child_height: u64,
    certified_height: u64,
    accepted_height: u64,
    lag_blocks: u64,
    lag_seconds: u64,
    next: String,
    parent: String,
    parent_height: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<String>,
}

/// Prints the status of every child. Fails when a chain does not answer, after telling of the others.
#[tokio::main(flavor = "current_thread")]
pub async fn status(command: StatusCommand) -> anyhow::Result<()> {
    let settings = choices(command.choices, command.config.as_deref())?.check()?;
    let parent = NodeClient::new(&settings.parent, settings.request_timeout)?;
    let sender = settings.key.as_deref().map(read_key).transpose()?.map(|key| key.f1_address());
    let (mut statuses, mut silent) = (Vec::new(), 0_usize);
    for endpoint in &settings.children {
        let child = NodeClient::new(endpoint, settings.request_timeout)?;
        match look(&parent, &child, sender.as_ref(), &SystemClock::start()).await {
            Ok(sight) => {
                let mut status = ChildStatus::from((endpoint.name(), &sight));
                status.sender = sender.map(|sender| sender.to_string());
                status.balance = sender.map(|_| sight.parent.balance.to_string());
                statuses.push(status);
            }
            Err(blind) => {
                tracing::error!(child = endpoint.name(), "{blind}");
                silent += 1;
            }
        }
    }
    print(&statuses, command.json)?;
    if silent > 0 {
        bail!("{silent} of {} children could not be looked at", settings.children.len());
    }
    Ok(())
}

impl From<(&str, &Sight)> for ChildStatus {
    fn from((name, sight): (&str, &Sight)) -> Self {
        Self {
            child: name.to_owned(),
            subnet: sight.child.subnet.to_string(),
            child_height: sight.child.height.0,
            certified_height: sight.child.certified_height().0,
            accepted_height: sight.parent.accepted_height().0,
            lag_blocks: sight.lag().blocks,
            lag_seconds: sight.lag().seconds,
            next: next(sight),
            parent: sight.parent.subnet.to_string(),
            parent_height: sight.parent.height.0,
            sender: None,
            balance: None,
        }
    }
}

/// What could be carried now, in words.
fn next(sight: &Sight) -> String {
    if sight.child.subnet.parent().as_ref() != Some(&sight.parent.subnet) {
        return format!("nothing: {} is no child of {}", sight.child.subnet, sight.parent.subnet);
    }
    let Some(registration) = &sight.parent.registration else {
        return "nothing: the child is not registered with the parent".to_owned();
    };
    match choose(registration, sight.parent.latest.as_ref(), &sight.child.certificates) {
        Choice::Nothing => "nothing: the parent has all".to_owned(),
        Choice::Carry(certificate) => format!("checkpoint {}", certificate.checkpoint.height),
        Choice::Refused(why) => format!("nothing: the parent would refuse what there is: {why}"),
    }
}

fn print(statuses: &[ChildStatus], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, statuses)?;
        writeln!(out)?;
        return Ok(());
    }
    for status in statuses {
        let fields = serde_json::to_value(status)?;
        for (name, value) in fields.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "{name:>17}: {value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
