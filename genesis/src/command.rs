//! The command `genesis`: each subcommand reads a document, changes one thing and writes it back whole.
//!
//! | subcommand | does |
//! |---|---|
//! | `new` | writes a draft |
//! | `new-keys` | makes a validator's keys |
//! | `add-validator`, `add-account`, `add-code`, `add-cron`, `set` | add to a draft |
//! | `seal` | fixes the time, verifies, writes id and state root |
//! | `verify` | verifies and prints id and state root |
//! | `show` | prints a table, JSON, or the table of parameters |
//!
//! A sealed document is not changed: a network may run on it.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use tributary_primitives::{BlsPublicKey, BlsSignature, EthAddress, SubnetId, VotingPower};

use crate::document::{Genesis, GenesisAccount, GenesisCode, GenesisCronEntry, GenesisValidator};
use crate::file;
use crate::keys::{Keys, PublicKeys, public_path};
use crate::time::GenesisTime;
use crate::verify::{Rule, Violation};
use crate::words::{AccountAddress, ActorAddress, Balance, ConsensusPublicKey};

mod show;

/// Makes, seals, verifies and shows the genesis document of a Tributary network.
#[derive(Debug, Parser)]
#[command(name = "genesis", version, after_help = EXAMPLE)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Example, a root network of one validator:
  genesis new-keys alpha/keys.json
  genesis new genesis.json --chain-name river-1 --chain-id 31415
  genesis add-validator genesis.json --keys-public alpha/keys.public.json --power 100
  genesis add-account genesis.json 0x52908400098527886e0f7030069857d2e4169ee7 1000000TRB
  genesis seal genesis.json
  genesis show genesis.json";

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a draft with the checkpoint actor's code, without validators and accounts.
    #[command(after_help = "\
Examples:
  genesis new genesis.json --chain-name river-1 --chain-id 31415
  genesis new brook.json --chain-name brook-1 --chain-id 31416 --subnet /r31415/f0100 --set checkpoint_period=5")]
    New(New),
    /// Makes a validator's keys: FILE with the secrets and, beside it, FILE with .public.json for the genesis document.
    #[command(after_help = "\
Example:
  genesis new-keys alpha/keys.json     (also writes alpha/keys.public.json)")]
    NewKeys {
        /// Where the secrets go; nothing may be there.
        file: PathBuf,
    },
    /// Adds a validator. The order of validators is the order of bits in every certificate.
    #[command(after_help = "\
Examples:
  genesis add-validator genesis.json --keys-public alpha/keys.public.json --power 100 --name alpha
  genesis add-validator genesis.json --consensus-key 0x… --bls-key 0x… --bls-possession 0x… --power 100")]
    AddValidator(Box<AddValidator>),
    /// Adds an account with its balance. The order of accounts is the order of their actor ids.
    #[command(after_help = "\
Examples:
  genesis add-account genesis.json 0x52908400098527886e0f7030069857d2e4169ee7 1000000TRB
  genesis add-account genesis.json f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 1500000000000000000
  genesis add-account genesis.json \
    f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa 5TRB
An f3… must be the address of a BLS key: what lies at any other could never be sent.")]
    AddAccount {
        /// The document.
        file: PathBuf,
        /// 0x…, f410f…, f1… or f3….
        address: AccountAddress,
        /// attoTRB, or TRB with its unit: 1000, 1.5TRB.
        #[arg(value_parser = Balance::from_typed)]
        balance: Balance,
    },
    /// Adds WASM code that actors can be made of.
    #[command(after_help = "\
Examples:
  genesis add-code genesis.json --counter
  genesis add-code genesis.json --name my-actor my_actor.wasm")]
    AddCode(AddCode),
    /// Has every block call a method of an actor at its end, without value and parameters. Calls are made in the order in which they
    /// are added, and an actor that is not there yet is called once it is.
    #[command(after_help = "\
Examples:
  genesis add-cron genesis.json 0x52908400098527886e0f7030069857d2e4169ee7 3844450837     (a contract, with empty call data)
  genesis add-cron genesis.json f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i 2")]
    AddCron {
        /// The document.
        file: PathBuf,
        /// 0x…, f410f…, f2… or f0….
        receiver: ActorAddress,
        /// The method's number.
        method: u64,
    },
    /// Sets chain parameters.
    #[command(after_help = "\
Example:
  genesis set genesis.json checkpoint_period=5 heartbeat_ms=2000
All parameters with their units, bounds and reasons: genesis show --parameters")]
    Set {
        /// The document.
        file: PathBuf,
        /// NAME=VALUE, one or more.
        #[arg(required = true, value_parser = parse_setting)]
        settings: Vec<(String, u64)>,
    },
    /// Fixes the time if there is none, asks every rule, and writes the document with its id and first state root.
    #[command(after_help = "\
Examples:
  genesis seal genesis.json
  genesis seal draft.json --output genesis.json --time 2026-11-20T12:00:00Z")]
    Seal {
        /// The draft.
        file: PathBuf,
        /// Where the sealed document goes; without it, in the draft's place.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The genesis time, if the draft has none; without it, now.
        #[arg(long)]
        time: Option<GenesisTime>,
    },
    /// Asks every rule of a document, builds its first state and prints its id and state root.
    #[command(after_help = "\
Example:
  genesis verify genesis.json")]
    Verify {
        /// The document.
        file: PathBuf,
    },
    /// Prints a document, or the table of chain parameters.
    #[command(after_help = "\
Examples:
  genesis show genesis.json
  genesis show genesis.json --json
  genesis show --parameters")]
    Show {
        /// The document.
        #[arg(required_unless_present = "parameters")]
        file: Option<PathBuf>,
        /// As JSON, code left out.
        #[arg(long, conflicts_with = "parameters")]
        json: bool,
        /// The chain parameters with unit, bounds, default and reason.
        #[arg(long)]
        parameters: bool,
    },
}

#[derive(Debug, Args)]
struct New {
    /// Where the draft goes; nothing may be there.
    file: PathBuf,
    /// A name, a hyphen and a revision, as in river-1.
    #[arg(long)]
    chain_name: String,
    /// Ethereum's chain id (EIP-155); no other network a wallet knows may have it.
    #[arg(long)]
    chain_id: u64,
    /// Where the network stands, as in /r31415/f0100; without it, a root.
    #[arg(long)]
    subnet: Option<SubnetId>,
    /// The genesis time; without it, when the document is sealed.
    #[arg(long)]
    time: Option<GenesisTime>,
    /// A chain parameter, NAME=VALUE; may be repeated.
    #[arg(long, value_parser = parse_setting)]
    set: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
struct AddValidator {
    /// The document.
    file: PathBuf,
    /// A file of `genesis new-keys` or `subnet-node init` that ends in .public.json.
    #[arg(long, required_unless_present = "consensus_key", conflicts_with_all = ["consensus_key", "bls_key", "bls_possession"])]
    keys_public: Option<PathBuf>,
    /// ed25519 public key, 0x and 64 hex digits.
    #[arg(long, requires_all = ["bls_key", "bls_possession"])]
    consensus_key: Option<ConsensusPublicKey>,
    /// BLS public key, 0x and 96 hex digits.
    #[arg(long, requires = "consensus_key")]
    bls_key: Option<BlsPublicKey>,
    /// Proof of possession of the BLS key, 0x and 192 hex digits.
    #[arg(long, requires = "consensus_key")]
    bls_possession: Option<BlsSignature>,
    /// Weight of its votes.
    #[arg(long)]
    power: u64,
    /// For people.
    #[arg(long)]
    name: Option<String>,
    /// Where the tips of its blocks go: 0x….
    #[arg(long)]
    reward_address: Option<EthAddress>,
}

#[derive(Debug, Args)]
struct AddCode {
    /// The document.
    file: PathBuf,
    /// The module.
    #[arg(required_unless_present = "counter", requires = "name")]
    wasm: Option<PathBuf>,
    /// For people: a-z, 0-9 and hyphen.
    #[arg(long)]
    name: Option<String>,
    /// The counter, a small actor to try things with, which this program carries.
    #[arg(long, conflicts_with_all = ["wasm", "name"])]
    counter: bool,
}

fn parse_setting(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    let value = value.replace('_', "").parse().map_err(|_| format!("{value:?} is no whole number"))?;
    Ok((name.to_owned(), value))
}

impl Arguments {
    /// Does what was asked and tells `output` what was done.
    ///
    /// # Errors
    /// A chain of causes for people: what was asked, and why it cannot be. The document is then as it was.
    pub fn run(self, output: &mut impl Write) -> anyhow::Result<()> {
        match self.command {
            Command::New(new) => new.run(output),
            Command::NewKeys { file } => new_keys(&file, output),
            Command::AddValidator(add) => add.run(output),
            Command::AddAccount { file, address, balance } => {
                edit(&file, |genesis| {
                    genesis.accounts.push(GenesisAccount { address, balance });
                    Ok(())
                })?;
                Ok(writeln!(output, "{}: account {address} holds {balance} attoTRB", file.display())?)
            }
            Command::AddCode(add) => add.run(output),
            Command::AddCron { file, receiver, method } => {
                edit(&file, |genesis| {
                    genesis.cron.push(GenesisCronEntry { receiver, method });
                    Ok(())
                })?;
                Ok(writeln!(output, "{}: every block calls method {method} of {receiver}", file.display())?)
            }
            Command::Set { file, settings } => {
                edit(&file, |genesis| set(genesis, &settings))?;
                Ok(writeln!(output, "{}: {} parameters set", file.display(), settings.len())?)
            }
            Command::Seal { file, output: to, time } => seal(&file, to.as_deref(), time, output),
            Command::Verify { file } => verify(&file, output),
            Command::Show { parameters: true, .. } => show::parameters(output),
            Command::Show { file, json, .. } => show::document(&file.context("name a document")?, json, output),
        }
    }
}

impl New {
    fn run(self, output: &mut impl Write) -> anyhow::Result<()> {
        let subnet = self.subnet.unwrap_or_else(|| SubnetId::root(self.chain_id));
        let mut genesis = Genesis::draft(&self.chain_name, self.chain_id, subnet);
        genesis.genesis_time = self.time;
        set(&mut genesis, &self.set)?;
        // Validators and the time may come later; what is wrong now would stay wrong.
        let is_wrong =
            |violation: &Violation| !matches!(violation.rule, Rule::TimeMissing | Rule::Count { found: 0, .. });
        if let Some(violation) = genesis.violations().into_iter().find(is_wrong) {
            bail!("this breaks a rule: {violation}");
        }
        file::write_new(&self.file, &genesis)?;
        Ok(writeln!(output, "{}: a draft of {}; add validators and accounts", self.file.display(), genesis.subnet)?)
    }
}

fn new_keys(path: &Path, output: &mut impl Write) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let keys = Keys::generate();
    let public = public_path(path);
    keys.write_new(path)?;
    keys.public().write_new(&public)?;
    Ok(writeln!(
        output,
        "{}: secrets, for this validator alone\n{}: for the genesis document",
        path.display(),
        public.display()
    )?)
}

impl AddValidator {
    fn run(self, output: &mut impl Write) -> anyhow::Result<()> {
        let (consensus_key, bls_key, bls_possession) = self.keys()?;
        let validator = GenesisValidator {
            name: self.name,
            consensus_key,
            bls_key,
            bls_possession,
            power: VotingPower(self.power),
            reward_address: self.reward_address,
        };
        edit(&self.file, |genesis| {
            genesis.validators.push(validator);
            Ok(())
        })?;
        Ok(writeln!(output, "{}: validator {consensus_key} with power {}", self.file.display(), self.power)?)
    }

    fn keys(&self) -> anyhow::Result<(ConsensusPublicKey, BlsPublicKey, BlsSignature)> {
        if let Some(path) = &self.keys_public {
            let keys = PublicKeys::read(path)?;
            return Ok((keys.consensus_key, keys.bls_key, keys.bls_possession));
        }
        let given = self.consensus_key.zip(self.bls_key).zip(self.bls_possession);
        let ((consensus, bls), possession) = given.context("name --keys-public, or all three keys")?;
        Ok((consensus, bls, possession))
    }
}

impl AddCode {
    fn run(self, output: &mut impl Write) -> anyhow::Result<()> {
        let code = match (&self.wasm, &self.name) {
            (Some(path), Some(name)) => {
                let wasm = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                GenesisCode::new(name, wasm)
            }
            _ => GenesisCode::new(
                tributary_genesis_code::COUNTER_ACTOR_NAME,
                tributary_genesis_code::COUNTER_ACTOR.to_vec(),
            ),
        };
        let (name, cid) = (code.name.clone(), code.cid);
        edit(&self.file, |genesis| {
            genesis.code.push(code);
            Ok(())
        })?;
        Ok(writeln!(output, "{}: code {name} is {cid}", self.file.display())?)
    }
}

fn set(genesis: &mut Genesis, settings: &[(String, u64)]) -> anyhow::Result<()> {
    Ok(settings.iter().try_for_each(|(name, value)| genesis.parameters.set(name, *value))?)
}

/// Changes the draft at `path`. What a draft still lacks is no fault; what is wrong in it is, and it then stays as it was.
fn edit(path: &Path, change: impl FnOnce(&mut Genesis) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut genesis = file::read(path)?;
    if genesis.seal.is_some() {
        bail!(
            "{} is sealed, and a network may run on it; start a new draft, or remove \"seal\" by hand",
            path.display()
        );
    }
    let before = genesis.violations();
    change(&mut genesis)?;
    if let Some(violation) = genesis.violations().into_iter().find(|violation| !before.contains(violation)) {
        bail!("{}: this would break a rule: {violation}", path.display());
    }
    Ok(file::replace(path, &genesis)?)
}

fn seal(path: &Path, to: Option<&Path>, time: Option<GenesisTime>, output: &mut impl Write) -> anyhow::Result<()> {
    let mut genesis = file::read(path)?;
    if genesis.seal.is_some() {
        bail!("{} is sealed; `genesis verify` checks it", path.display());
    }
    match (genesis.genesis_time, time) {
        (Some(fixed), Some(_)) => bail!("{} has its time, {fixed}; leave out --time", path.display()),
        (Some(_), None) => {}
        (None, Some(time)) => genesis.genesis_time = Some(time),
        (None, None) => genesis.genesis_time = Some(GenesisTime::now()?),
    }
    let sealed = genesis.verify().with_context(|| format!("cannot seal {}", path.display()))?;
    match to {
        Some(to) => file::write_new(to, sealed.genesis())?,
        None => file::replace(path, sealed.genesis())?,
    }
    Ok(writeln!(output, "genesis id  {}\nstate root  {}", sealed.genesis_id(), sealed.state_root())?)
}

fn verify(path: &Path, output: &mut impl Write) -> anyhow::Result<()> {
    let genesis = file::read(path)?;
    let sealed = genesis.verify().with_context(|| path.display().to_string())?;
    let state = if genesis.seal.is_some() { "sealed, and every rule holds" } else { "a draft, and every rule holds" };
    Ok(writeln!(output, "{state}\ngenesis id  {}\nstate root  {}", sealed.genesis_id(), sealed.state_root())?)
}
