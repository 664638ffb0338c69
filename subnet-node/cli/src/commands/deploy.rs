//! `tributary deploy`: a contract of EVM bytecode, or an actor of WASM code.
//!
//! ```text
//! evm    bytecode and arguments ─▶ a transaction to nobody          the contract's address
//! wasm   the module ─▶ init.InstallCode ─▶ init.Exec                its code CID, the actor's addresses
//! actor                code CID ─▶ init.Exec                        the actor's addresses
//! ```

use std::path::PathBuf;

use cid::Cid;
use clap::{Args, Subcommand};
use fvm_ipld_encoding::{BytesSer, RawBytes};
use fvm_shared::address::Address;
use serde_json::json;
use tributary_message::TRANSACTION_BYTES_MAX;
use tributary_message::words::{Method, Params};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, ExecReturn};
use tributary_primitives::raw_cid;

use super::sender::{Ready, Sender, told};
use crate::abi::encode_constructor;
use crate::amount::parse_trb;
use crate::artifact::{bytecode, read_file};
use crate::cli::examples;
use crate::hand_in::HandedIn;
use crate::report::{Report, note};
use crate::submit::{Account, Deed, Messenger};
use crate::trouble::{Kind, Trouble};
use crate::way::Stage;
use crate::wire::EthereumReceipt;

/// What every module starts with. Source: WebAssembly, "Binary format", "Modules".
const WASM_MAGIC: &[u8] = b"\0asm";
/// Bytes of a message beside the module it installs.
const ENVELOPE_BYTES: usize = 512;

/// What to make.
#[derive(Debug, Subcommand)]
pub enum DeployCommand {
    /// Make a contract, and print its address
    #[command(after_help = examples::DEPLOY_EVM)]
    Evm(EvmArgs),
    /// Install a WASM module, make an actor of it, and print both
    #[command(after_help = examples::DEPLOY_WASM)]
    Wasm(WasmArgs),
    /// Make an actor of code that is installed
    #[command(after_help = examples::DEPLOY_ACTOR)]
    Actor(ActorArgs),
}

/// A contract.
#[derive(Args, Debug)]
pub struct EvmArgs {
    /// Its bytecode: hex, or a compiler's JSON of one contract
    file: PathBuf,
    /// What its constructor takes, as in 'constructor(string,uint256)'
    #[arg(long, value_name = "SIGNATURE")]
    constructor: Option<String>,
    /// The constructor's arguments, one word each
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    along: Along,
}

/// A module.
#[derive(Args, Debug)]
pub struct WasmArgs {
    /// The module, as `cargo build --target wasm32-unknown-unknown` makes it
    file: PathBuf,
    /// Parameters of the actor's constructor [default: none]
    #[arg(long, value_name = "JSON|0xHEX", default_value = "", hide_default_value = true)]
    params: Params,
    /// Install it, and make no actor
    #[arg(long)]
    install_only: bool,
    #[command(flatten)]
    along: Along,
}

/// An actor.
#[derive(Args, Debug)]
pub struct ActorArgs {
    /// The CID of its code
    code: Cid,
    /// Parameters of its constructor [default: none]
    #[arg(long, value_name = "JSON|0xHEX", default_value = "", hide_default_value = true)]
    params: Params,
    #[command(flatten)]
    along: Along,
}

/// What goes along, and who signs.
#[derive(Args, Debug)]
struct Along {
    /// Tokens for what is made: 1.5TRB, or attoTRB without a unit
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = parse_trb)]
    value: u128,
    #[command(flatten)]
    sender: Sender,
}

impl DeployCommand {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
        match self {
            Self::Evm(args) => args.run(is_json, handed_in).await,
            Self::Wasm(args) => args.run(is_json, handed_in).await,
            Self::Actor(args) => {
                let (ready, by) = args.along.ready_by_message(is_json, handed_in).await?;
                exec(&ready, by, args.code, &args.params, args.along.value).await?.print(is_json)
            }
        }
    }
}

impl Along {
    /// The sender of an Ethereum transaction.
    async fn ready_by_transaction<'a>(&'a self, is_json: bool, handed_in: &'a HandedIn) -> Result<Ready<'a>, Trouble> {
        match self.sender.account_or(Account::Ethereum)? {
            Account::Ethereum => self.sender.ready(is_json, handed_in).await,
            Account::F410 | Account::F1 => {
                Err(Trouble::usage("contracts are made by Ethereum transactions: leave out --as"))
            }
            Account::F3 => Err(Trouble::usage(
                "contracts are made by Ethereum transactions, which no BLS key signs: sign by a secp256k1 key, as \
                 `tributary keys create NAME` makes it",
            )),
        }
    }

    /// The sender of messages, and which of its accounts sends them.
    async fn ready_by_message<'a>(
        &'a self,
        is_json: bool,
        handed_in: &'a HandedIn,
    ) -> Result<(Ready<'a>, Messenger), Trouble> {
        let by = self.sender.account_or(Account::F1)?.messenger().ok_or_else(|| {
            Trouble::usage("code is installed, and actors are made, by messages: leave out --as, or say --as f410")
        })?;
        Ok((self.sender.ready(is_json, handed_in).await?, by))
    }
}

impl EvmArgs {
    async fn run(&self, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
        let mut input = bytecode(&self.file)?;
        match (&self.constructor, self.arguments.is_empty()) {
            (Some(constructor), _) => input.extend(encode_constructor(constructor, &self.arguments)?),
            (None, true) => {}
            (None, false) => {
                return Err(Trouble::usage(
                    "the arguments need their types: --constructor 'constructor(string,uint256)'",
                ));
            }
        }
        let ready = self.along.ready_by_transaction(is_json, handed_in).await?;
        let deed = Deed::Ethereum { to: None, value: self.along.value, input };
        let (submitted, found) = ready.deliver(&deed).await?;
        let receipt: Option<EthereumReceipt> =
            ready.node.ask("eth_getTransactionReceipt", &[json!(submitted.hash)]).await?;
        let contract = receipt.and_then(|receipt| receipt.contract_address);
        let names = Report::new()
            .with("contract", json!(contract))
            .with("f4", json!(contract.map(|contract| contract.to_address().to_string())));
        names.and(told(&submitted)).and(found.report()).print(is_json)
    }
}

impl WasmArgs {
    async fn run(&self, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
        let wasm = read_file(&self.file)?;
        let most = TRANSACTION_BYTES_MAX.saturating_sub(ENVELOPE_BYTES);
        if !wasm.starts_with(WASM_MAGIC) {
            return Err(Trouble::local(format!("{} is no WebAssembly module", self.file.display())));
        }
        if wasm.len() > most {
            let len = wasm.len();
            let how = "build it with opt-level = \"z\", lto = true and strip = true";
            return Err(Trouble::local(format!("the module has {len} bytes, and one message carries {most}: {how}")));
        }
        let (ready, by) = self.along.ready_by_message(is_json, handed_in).await?;
        let code = raw_cid(&wasm);
        let params = fvm_ipld_encoding::to_vec(&BytesSer(&wasm)).expect("a byte string has a CBOR form");
        let method = Method::named("InstallCode").expect("a name").number();
        let install = Deed::Fvm { by, to: Address::new_id(INIT_ID), value: 0, method, params };
        if self.install_only {
            let report = ready.deliver_and_tell(&install).await.map_err(forbidden)?;
            return Report::new().with("code", code.to_string()).and(report).print(is_json);
        }
        let (installed, _) = ready.deliver_until(&install, Stage::Block).await.map_err(forbidden)?;
        note(is_json, &format!("installed {code} by {}", installed.hash));
        let made = exec(&ready.for_the_next(), by, code, &self.params, self.along.value).await;
        made.map_err(|trouble| installed_already(trouble, &code))?.print(is_json)
    }
}

/// Makes an actor of installed code.
async fn exec(ready: &Ready<'_>, by: Messenger, code: Cid, params: &Params, value: u128) -> Result<Report, Trouble> {
    let exec = ExecParams { code, params: RawBytes::new(params.clone().into_bytes()) };
    let params = fvm_ipld_encoding::to_vec(&exec).expect("a CID and bytes have a CBOR form");
    let deed = Deed::Fvm { by, to: Address::new_id(INIT_ID), value, method: EXEC, params };
    let (submitted, found) = ready.deliver(&deed).await?;
    let made =
        found.receipt.as_ref().and_then(|receipt| fvm_ipld_encoding::from_slice::<ExecReturn>(&receipt.returned).ok());
    let names = Report::new()
        .with("code", code.to_string())
        .with("actor", made.as_ref().map(|made| made.id.to_string()))
        .with("f2", made.as_ref().map(|made| made.robust.to_string()));
    Ok(names.and(told(&submitted)).and(found.report()))
}

/// Whoever gets no actor need not install its code again.
fn installed_already(trouble: Trouble, code: &Cid) -> Trouble {
    let message =
        format!("{}; code {code} is installed already, as `tributary deploy actor` takes it", trouble.message);
    Trouble { message, ..trouble }
}

/// A chain's own rule is told by its name.
fn forbidden(trouble: Trouble) -> Trouble {
    match trouble.kind == Kind::Failed && trouble.message.contains("forbidden") {
        true => Trouble {
            message: format!(
                "{}: this chain does not let this account install code (chain parameter code_installer)",
                trouble.message
            ),
            ..trouble
        },
        false => trouble,
    }
}
