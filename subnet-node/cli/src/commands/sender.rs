//! Who signs, how long it waits, and what is told then.

use std::time::Duration;

use clap::Args;

use super::keys::{KeyringArgs, open};
use super::progress::{Found, Looker};
use crate::hand_in::HandedIn;
use crate::keys::KeyName;
use crate::keys::key::Key;
use crate::keys::password::PasswordArgs;
use crate::node::{Node, NodeArgs};
use crate::report::{Report, note};
use crate::submit::{Account, Deed, Submitted, Terms, submit};
use crate::trouble::Trouble;
use crate::way::Stage;
use crate::wire::Status;

/// How far a transaction is waited for.
#[derive(Args, Clone, Debug)]
pub struct Patience {
    /// How far to wait for it
    #[arg(long, value_name = "STAGE", value_enum, default_value = "block", help_heading = "Waiting")]
    pub until: Stage,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 120, help_heading = "Waiting")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub wait: u64,
    /// A node of the parent, which tells what its checkpoint actor accepted
    #[arg(long, value_name = "URL", env = "TRIBUTARY_PARENT_RPC", help_heading = "Waiting")]
    pub parent_rpc: Option<String>,
}

/// Who signs and pays.
#[derive(Args, Clone, Debug)]
pub struct Sender {
    /// The key that signs
    #[arg(long, value_name = "NAME", env = "TRIBUTARY_KEY_NAME")]
    pub key: KeyName,
    /// Which of its accounts pays, and by what [default: ethereum; f1 to call actors and to make them; f3 of a BLS key]
    #[arg(long = "as", value_name = "ACCOUNT", value_enum)]
    account: Option<Account>,
    /// Where keys are kept
    #[command(flatten)]
    pub keyring: KeyringArgs,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    terms: Terms,
}

/// A sender whose node answers and whose key is open.
#[derive(Debug)]
pub struct Ready<'a> {
    sender: &'a Sender,
    /// The node.
    pub node: Node,
    /// What it said of its chain.
    pub status: Status,
    key: Key,
    terms: Terms,
    is_json: bool,
    handed_in: &'a HandedIn,
}

impl Sender {
    /// Which account pays: the one that was named, or `usual`; of a BLS key its only one.
    ///
    /// # Errors
    /// [`Trouble`] for a key that is not there, and for an account that it does not have.
    pub fn account_or(&self, usual: Account) -> Result<Account, Trouble> {
        let kind = self.keyring.keyring()?.sealed(&self.key)?.kind();
        Account::of(kind, self.account, usual)
    }

    /// Asks the node who it is, and then for the password: nobody types one for nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn ready<'a>(&'a self, is_json: bool, handed_in: &'a HandedIn) -> Result<Ready<'a>, Trouble> {
        let keyring = self.keyring.keyring()?;
        keyring.sealed(&self.key)?;
        let node = self.node.node()?;
        let status = node.status().await?;
        let key = open(keyring, &self.key, &self.password).await?;
        let terms = self.terms.clone();
        Ok(Ready { sender: self, node, status, key, terms, is_json, handed_in })
    }
}

impl Ready<'_> {
    /// The same for one transaction more: a nonce that was named is used up.
    #[must_use]
    pub fn for_the_next(mut self) -> Self {
        self.terms.nonce = self.terms.nonce.map(|nonce| nonce.saturating_add(1));
        self
    }

    /// Signs, hands in, and waits as far as the sender wants.
    ///
    /// # Errors
    /// [`Trouble`]; once it is handed in, with its name.
    pub async fn deliver(&self, deed: &Deed) -> Result<(Submitted, Found), Trouble> {
        self.deliver_until(deed, self.sender.patience.until).await
    }

    /// The same, to a stage that the command needs.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub async fn deliver_until(&self, deed: &Deed, until: Stage) -> Result<(Submitted, Found), Trouble> {
        let Sender { node: args, patience, .. } = self.sender;
        let parent_rpc = patience.parent_rpc.as_deref().filter(|_| until == Stage::Accepted);
        let looker = Looker::of(&self.node, &self.status, args, parent_rpc, Some(until)).await?;
        let submitted = submit(&self.node, &self.status, &self.key, deed, &self.terms, self.handed_in).await?;
        let hash = submitted.hash;
        note(self.is_json, &format!("sent {hash}; waiting for: {}", until.name()));
        if until <= Stage::Admitted {
            return Ok((submitted, Found::admitted()));
        }
        let found = looker.until(hash, until, Duration::from_secs(patience.wait), |_, _| Ok(())).await?;
        found.check(hash)?;
        Ok((submitted, found))
    }

    /// Delivers, and tells what came of it.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub async fn deliver_and_tell(&self, deed: &Deed) -> Result<Report, Trouble> {
        let (submitted, found) = self.deliver(deed).await?;
        Ok(told(&submitted).and(found.report()))
    }
}

/// What is told of a transaction that was taken.
#[must_use]
pub fn told(submitted: &Submitted) -> Report {
    Report::new()
        .with("transaction", submitted.hash.to_string())
        .with("from", submitted.from.clone())
        .with("nonce", submitted.nonce)
}
