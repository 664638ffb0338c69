//! `tributary status`: where a transaction is on its way.

use std::time::Duration;

use clap::Args;
use tributary_primitives::Hash32;

use super::progress::Looker;
use crate::node::NodeArgs;
use crate::report::{Report, note};
use crate::trouble::{Kind, Trouble};
use crate::way::Stage;

/// Which transaction.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// The transaction, of either kind
    #[arg(value_name = "HASH")]
    transaction: Hash32,
    /// Wait until it is there [default: look once]
    #[arg(long, value_name = "STAGE", value_enum)]
    until: Option<Stage>,
    /// How long to wait, with --until
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: u64,
    /// A node of the parent, which tells what its checkpoint actor accepted
    #[arg(long, value_name = "URL", env = "TRIBUTARY_PARENT_RPC")]
    parent_rpc: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

impl StatusArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`]; of [`Kind::Failed`] after it told about a transaction that failed in its block.
    pub async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let (hash, node) = (self.transaction, self.node.node()?);
        let status = node.status().await?;
        let looker = Looker::of(&node, &status, &self.node, self.parent_rpc.as_deref(), self.until).await?;
        let found = match self.until {
            None => looker.look(hash).await?,
            Some(stage) => {
                let patience = Duration::from_secs(self.wait);
                looker
                    .until(hash, stage, patience, |stage, _| {
                        note(is_json, &format!("{}: yes", stage.name()));
                        Ok(())
                    })
                    .await?
            }
        };
        if found.sight.stage().is_none() {
            let message = format!("no transaction {hash} is in a block or waits on this node; is it the right chain?");
            return Err(Trouble::new(Kind::NotFound, message).of(hash));
        }
        Report::new().with("transaction", hash.to_string()).and(found.report()).print(is_json)?;
        found.check(hash)
    }
}
