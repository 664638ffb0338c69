//! `relayer register`: one transaction that makes a child's actor on the parent, and its outcome.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tributary_crypto::SecpSecretKey;
use tributary_primitives::SubnetId;
use tributary_primitives::init::made_actor;
use tributary_relayer::chain::ParentChain;
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::errand;
use tributary_relayer::fees::Fees;
use tributary_relayer::key::read_key;
use tributary_relayer::registration::ChildDocument;
use tributary_relayer::settings::Endpoint;

use crate::cli::RegisterCommand;

/// FVM gas to reserve: a proof of possession for each of 256 validators. What is not used is not paid.
const GAS_LIMIT: u64 = 10_000_000_000;
/// Time a node has to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Registers the child and prints its name. Fails when the document guessed another name.
#[tokio::main(flavor = "current_thread")]
pub async fn register(command: RegisterCommand) -> anyhow::Result<()> {
    let json = std::fs::read(&command.genesis).with_context(|| command.genesis.display().to_string())?;
    let document = ChildDocument::from_json(&json)?;
    let key = read_key(&command.key)?;
    let parent = NodeClient::new(&Endpoint::parse(&command.parent)?, REQUEST_TIMEOUT)?;
    let subnet = match registered(&parent, &document).await? {
        Some(subnet) => subnet,
        None => make_actor(&parent, &document, &key).await?,
    };
    writeln!(std::io::stdout().lock(), "{subnet}")?;
    ensure!(
        subnet == document.subnet,
        "the child is {subnet}, but its document says {}: set \"subnet\" to {subnet} before you seal it",
        document.subnet
    );
    Ok(())
}

/// The child's name, if this very document was registered before.
async fn registered(parent: &NodeClient, document: &ChildDocument) -> anyhow::Result<Option<SubnetId>> {
    let Some(actor) = document.subnet.actor() else { return Ok(None) };
    let found = parent.registration(actor).await?;
    Ok(found.filter(|found| document.is_registered_by(found)).map(|found| found.subnet))
}

async fn make_actor(parent: &NodeClient, document: &ChildDocument, key: &SecpSecretKey) -> anyhow::Result<SubnetId> {
    let status = ParentChain::status(parent).await?;
    let account = parent.account(&key.f1_address()).await?;
    let fees = Fees::quote(status.base_fee);
    let message = document.message(&status.subnet, key.f1_address(), account.nonce, GAS_LIMIT, fees)?;
    let (_, receipt) = errand::run(parent, status.chain_id, message, key).await?;
    ensure!(receipt.exit_code.is_success(), "the parent refused: exit code {}", receipt.exit_code);
    let actor = made_actor(&receipt.returned).context("the init actor's answer names no actor")?;
    Ok(status.subnet.child(actor)?)
}
