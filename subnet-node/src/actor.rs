//! `subnet-node actor`: installs code on a network, makes actors of it, and talks to them.
//!
//! ```text
//! check    here                          is the module an actor's code?
//! install  check ─▶ init.InstallCode     its code CID
//! create   init.Exec                     the actor's id
//! call     a signed message              its exit code, what it returned, its gas
//! query    a question to one node        the same, for nothing
//! ```
//!
//! [`report`] is what is printed; methods and parameters are read by [`tributary_message::words`]. `tributary`, the command line for
//! people, has more: encrypted keys, contracts, tokens.

pub mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use cid::Cid;
use clap::{Args, Subcommand};
use fvm_ipld_encoding::{BytesSer, RawBytes};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::SecpSecretKey;
use tributary_fvm::{CodeInstaller, ExecutionParams, Executor};
use tributary_genesis::words::Balance;
use tributary_message::words::{Method, Params};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, ExecReturn};
use tributary_primitives::{parse_address, raw_cid};
use tributary_relayer::chain::ParentChain;
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::errand;
use tributary_relayer::fees::Fees;
use tributary_relayer::key::read_key;
use tributary_relayer::settings::Endpoint;

use report::Report;

/// Time a node has to answer: compiling a large module takes about a second.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Most FVM gas that a message may use: all of a default block's. What is not used is not paid.
const GAS_LIMIT_MAX: u64 = 30_000_000_000;
/// Bytes of a message beside the module it installs.
const ENVELOPE_BYTES: usize = 512;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum ActorCommand {
    /// Tell whether a module is an actor's code, and if not why. Asks no node
    #[command(after_help = "EXAMPLES:
  subnet-node actor check counter.wasm

Prints the code CID that it would have. Exit code 1 if it is none; `subnet-node actor --help` has all exit codes.")]
    Check {
        /// The module, as `cargo build --target wasm32-unknown-unknown` makes it
        file: PathBuf,
    },
    /// Install a module, and print its code CID
    #[command(after_help = "EXAMPLES:
  subnet-node actor install counter.wasm --key key.json --rpc http://127.0.0.1:8645

`subnet-node actor --help` has the exit codes.")]
    Install {
        /// The module
        file: PathBuf,
        /// Who signs and pays
        #[command(flatten)]
        sender: Sender,
    },
    /// Make an actor of installed code, and print its id
    #[command(after_help = "EXAMPLES:
  subnet-node actor create bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem \\
    --key key.json
  subnet-node actor create bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem \\
    --key key.json --params '[1]' --value 1.5TRB

`subnet-node actor --help` has the exit codes.")]
    Create {
        /// The code CID that `install` printed
        code: Cid,
        /// Parameters of its constructor [default: none]
        #[arg(long, value_name = "JSON|0xHEX", default_value = "", hide_default_value = true)]
        params: Params,
        /// What goes along
        #[command(flatten)]
        value: Value,
        /// Who signs and pays
        #[command(flatten)]
        sender: Sender,
    },
    /// Send a message to an actor, and wait for how it ends
    #[command(after_help = "EXAMPLES:
  subnet-node actor call f0135 Increment --key key.json --rpc http://127.0.0.1:8645
  subnet-node actor call f0135 Add --params 40 --key key.json --json
  subnet-node actor call f0135 0 --value 1.5TRB --key key.json

`subnet-node actor --help` has the exit codes.")]
    Call {
        /// The actor: f0…, f1…, f2…, f3…, f410… or 0x…
        #[arg(value_parser = parse_address)]
        to: Address,
        /// The method: its name (FRC-0042), such as Increment, or its number; 0 only moves value
        method: Method,
        /// Its parameters [default: none]
        #[arg(long, value_name = "JSON|0xHEX", default_value = "", hide_default_value = true)]
        params: Params,
        /// What goes along
        #[command(flatten)]
        value: Value,
        /// Who signs and pays
        #[command(flatten)]
        sender: Sender,
    },
    /// Ask what a message would do on the latest state. Costs nothing and needs no key
    #[command(after_help = "EXAMPLES:
  subnet-node actor query f0135 Get --rpc http://127.0.0.1:8645 --json
  subnet-node actor query f01 2 --params 0x82d82a4100

`subnet-node actor --help` has the exit codes.")]
    Query {
        /// The actor: f0…, f1…, f2…, f3…, f410… or 0x…
        #[arg(value_parser = parse_address)]
        to: Address,
        /// The method: its name (FRC-0042), such as Get, or its number
        method: Method,
        /// Its parameters [default: none]
        #[arg(long, value_name = "JSON|0xHEX", default_value = "", hide_default_value = true)]
        params: Params,
        /// In whose name to ask
        #[arg(long, value_parser = parse_address, default_value = "f00")]
        from: Address,
        /// Which node to ask
        #[command(flatten)]
        node: Node,
    },
}

/// Which node to ask.
#[derive(Args, Debug)]
pub struct Node {
    /// The node's JSON-RPC
    #[arg(long, value_name = "URL", env = "TRIBUTARY_RPC", default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// Print one JSON object instead of lines for people
    #[arg(long)]
    json: bool,
}

/// Who signs and pays.
#[derive(Args, Debug)]
pub struct Sender {
    /// Key file of the sender, {"secp256k1": "0x…"}, readable by its owner alone; the sender is its f1 address
    #[arg(long, value_name = "FILE", env = "TRIBUTARY_KEY")]
    key: PathBuf,
    #[command(flatten)]
    node: Node,
}

/// What goes along.
#[derive(Args, Debug)]
pub struct Value {
    /// Tokens to send along, such as 1.5TRB, or attoTRB without a unit
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = Balance::from_typed)]
    value: Balance,
}

/// Does it. `false` when the message got into a block and failed there.
///
/// # Errors
/// What kept it from being done, in a sentence.
pub async fn run(command: ActorCommand) -> anyhow::Result<bool> {
    let report = match command {
        ActorCommand::Check { file } => Report::checked(&check(&file)?),
        ActorCommand::Install { file, sender } => {
            let wasm = check(&file)?;
            check_size(&wasm)?;
            let params = RawBytes::serialize(BytesSer(&wasm))?;
            let method = Method::named("InstallCode")?.number();
            let report = sender.send(Address::new_id(INIT_ID), method, params, Balance(0)).await?;
            report.with("code", raw_cid(&wasm).to_string())
        }
        ActorCommand::Create { code, params, value, sender } => {
            let params = RawBytes::serialize(ExecParams { code, params: RawBytes::new(params.into_bytes()) })?;
            let report = sender.send(Address::new_id(INIT_ID), EXEC, params, value.value).await?;
            match report.returned() {
                Some(ExecReturn { id, robust }) => {
                    report.with("actor", id.to_string()).with("address", robust.to_string())
                }
                None => report,
            }
        }
        ActorCommand::Call { to, method, params, value, sender } => {
            sender.send(to, method.number(), RawBytes::new(params.into_bytes()), value.value).await?
        }
        ActorCommand::Query { to, method, params, from, node } => {
            let message = message(from, to, method.number(), RawBytes::new(params.into_bytes()), Balance(0));
            let forecast = node.client()?.forecast(&message).await?;
            Report::of_query(forecast, node.json)
        }
    };
    report.print()?;
    Ok(report.is_success())
}

/// The module, if it is an actor's code.
fn check(file: &Path) -> anyhow::Result<Vec<u8>> {
    let wasm = fs::read(file).with_context(|| file.display().to_string())?;
    let params = ExecutionParams {
        fvm_gas_per_gas: 1,
        genesis_supply: TokenAmount::default(),
        code_installer: CodeInstaller::Nobody,
        cron_entry_gas: 0,
    };
    let checked = Executor::new(params, None)?.check_code(&wasm)?;
    checked.with_context(|| format!("{} is no actor's code", file.display()))?;
    Ok(wasm)
}

/// A module travels in one message.
fn check_size(wasm: &[u8]) -> anyhow::Result<()> {
    let most = tributary_message::TRANSACTION_BYTES_MAX.saturating_sub(ENVELOPE_BYTES);
    ensure!(
        wasm.len() <= most,
        "the module has {} bytes, and one message carries {most}: build it with opt-level = \"z\", lto = true and strip = true",
        wasm.len()
    );
    Ok(())
}

fn message(from: Address, to: Address, method: u64, params: RawBytes, value: Balance) -> Message {
    Message {
        version: 0,
        from,
        to,
        sequence: 0,
        value: TokenAmount::from_atto(value.0),
        method_num: method,
        params,
        gas_limit: GAS_LIMIT_MAX,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    }
}

impl Node {
    fn client(&self) -> anyhow::Result<NodeClient> {
        Ok(NodeClient::new(&Endpoint::parse(&self.rpc)?, REQUEST_TIMEOUT)?)
    }
}

impl Sender {
    async fn send(&self, to: Address, method: u64, params: RawBytes, value: Balance) -> anyhow::Result<Report> {
        if method == METHOD_SEND && !params.is_empty() {
            bail!("method 0 only moves value and takes no parameters");
        }
        let (node, key) = (self.node.client()?, read_key(&self.key)?);
        let message = self.priced(&node, &key, message(key.f1_address(), to, method, params, value)).await?;
        let status = ParentChain::status(&node).await?;
        let (hash, receipt) = errand::run(&node, status.chain_id, message, &key).await?;
        Ok(Report::of_message(hash, receipt, self.node.json))
    }

    async fn priced(&self, node: &NodeClient, key: &SecpSecretKey, message: Message) -> anyhow::Result<Message> {
        let status = ParentChain::status(node).await?;
        let account = node.account(&key.f1_address()).await?;
        let fees = Fees::quote(status.base_fee);
        Ok(Message {
            sequence: account.nonce,
            gas_fee_cap: TokenAmount::from_atto(fees.cap),
            gas_premium: TokenAmount::from_atto(fees.premium),
            ..message
        })
    }
}
