//! Examples of each command, and what a new user must know beside them. A test reads each example as a command line.

/// `keys`
pub const KEYS: &str = "\
EXAMPLES:
  tributary keys create alice
  tributary keys create carol --kind bls
  tributary keys import bob --from wallet.json
  tributary keys export alice --to alice.json
  tributary keys list

One key is two accounts: an Ethereum account (0x…, which is f410…) and a Filecoin account (f1…).
They hold tokens each for itself. A BLS key is one account (f3…), which sends FVM messages: it pays
anybody, calls contracts and actors and makes actors, but signs no Ethereum transaction.";
/// `keys create`
pub const KEYS_CREATE: &str = "\
EXAMPLES:
  tributary keys create alice
  tributary keys create alice --password-file alice.password --json
  tributary keys create carol --kind bls

Prints the addresses of its accounts. Whoever loses the file or its password loses the tokens:
`tributary keys export` makes a copy.";
/// `keys import`
pub const KEYS_IMPORT: &str = "\
EXAMPLES:
  tributary keys import bob --from wallet.json
  tributary keys import carol --from key.json --password-file carol.password
  tributary keys import dave --from -
  tributary keys import erin --from lotus.key
  tributary keys import frank --kind bls --from digits.txt

- reads standard input. The file must be readable by its owner alone: chmod 600 wallet.json.
What `lotus wallet export` prints says itself which kind of key it is; 64 hex digits do not, so
--kind does. Those of a BLS key are written as Filecoin's tools write them, the lowest byte first.";
/// `keys export`
pub const KEYS_EXPORT: &str = "\
EXAMPLES:
  tributary keys export alice --to alice.json
  tributary keys export alice --plain --to key.json
  tributary keys export carol --plain --to lotus.key
  tributary keys export alice --to -

In clear a secp256k1 key is {\"secp256k1\": \"0x…\"}, a BLS key what `lotus wallet import` reads.
Without --plain no password is asked for, and the file opens by the same one.";
/// `keys list`
pub const KEYS_LIST: &str = "\
EXAMPLES:
  tributary keys list
  tributary keys list alice
  tributary keys list --json

A key whose file cannot be read, or is open to others, hides no other: it is told on standard error,
with --json as the problem of its name in the list, and the exit code is 9.";

/// `send`
pub const SEND: &str = "\
EXAMPLES:
  tributary send bob 5TRB --key alice
  tributary send 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 1.5TRB --key alice
  tributary send f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 10TRB --key alice --as f1
  tributary send f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 10TRB --key alice --as f410
  tributary send 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 2.5 --key alice \\
    --token 0x5fbdb2315678afecb367f032d93f642f64180aa3
  tributary send f0101 1TRB --key alice --until accepted --parent-rpc http://127.0.0.1:8545
  tributary send carol 5TRB --key alice --as f1
  tributary send alice 1TRB --key carol

An Ethereum transaction cannot send to an f1 or f3 address that nobody used before: its account
would have to be made, which a message does: from the key's f1 (--as f1) or Ethereum account
(--as f410). All that a BLS key sends is messages, from its f3. An actor (f2…) has no key and signs
nothing: send from a key's account, and call the actor.";

/// `call`
pub const CALL: &str = "\
EXAMPLES:
  tributary call 0x5fbdb2315678afecb367f032d93f642f64180aa3 'balanceOf(address)(uint256)' \\
    0x70997970c51812dc3a010c7d01b50e0d17dc79c8
  tributary call 0x5fbdb2315678afecb367f032d93f642f64180aa3 'name()(string)' --block 12
  tributary call f0135 Get
  tributary call f0122 3351908393
  tributary call f01 2 --params 0x82d82a4100

What comes back is read as the signature says; without that it is shown as bytes. Nothing is
signed, and nothing changes.";

/// `invoke`
pub const INVOKE: &str = "\
EXAMPLES:
  tributary invoke 0x5fbdb2315678afecb367f032d93f642f64180aa3 'bring(uint256)' 7 --key alice
  tributary invoke 0x5fbdb2315678afecb367f032d93f642f64180aa3 'pay()' --value 1TRB --key alice
  tributary invoke f0135 Increment --key alice
  tributary invoke f0135 Add --params 40 --key alice
  tributary invoke f0135 Increment --key alice --as f410

A contract's function is called by an Ethereum transaction of the key's Ethereum account, unless
--as says otherwise; an actor's method by a message of its f1, or with --as f410 of its Ethereum
account. A BLS key calls either by a message of its f3.";

/// `deploy`
pub const DEPLOY: &str = "\
EXAMPLES:
  tributary deploy evm Tally.json --key alice
  tributary deploy wasm adder.wasm --key alice
  tributary deploy actor bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem --key alice";
/// `deploy evm`
pub const DEPLOY_EVM: &str = "\
EXAMPLES:
  tributary deploy evm Tally.json --key alice
  tributary deploy evm Vault.bin --value 1.5TRB --key alice
  tributary deploy evm Token.bin --constructor 'constructor(string,uint256)' Rapids 7 --key alice

Takes hex, and the JSON of Hardhat, Foundry and solc. An Ethereum transaction of the key's Ethereum
account makes the contract.";
/// `deploy wasm`
pub const DEPLOY_WASM: &str = "\
EXAMPLES:
  tributary deploy wasm adder.wasm --key alice
  tributary deploy wasm adder.wasm --params '[1]' --key alice --as f410
  tributary deploy wasm adder.wasm --install-only --key alice

Two messages, the second once the first is in a block: of the key's f1 account, or with --as f410
of its Ethereum account, which must hold tokens. With --nonce N the second has N + 1. A chain may
let nobody install code, or one actor alone: its parameter code_installer says. Of a BLS key both
messages are of its f3.";
/// `deploy actor`
pub const DEPLOY_ACTOR: &str = "\
EXAMPLES:
  tributary deploy actor bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem --key alice
  tributary deploy actor bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem \\
    --params '[1]' --value 1TRB --key alice

One message of the key's f1 account, or with --as f410 of its Ethereum account; of a BLS key of its
f3.";

/// `balance`
pub const BALANCE: &str = "\
EXAMPLES:
  tributary balance alice
  tributary balance 0x70997970c51812dc3a010c7d01b50e0d17dc79c8
  tributary balance alice --token 0x5fbdb2315678afecb367f032d93f642f64180aa3";

/// `status`
pub const STATUS: &str = "\
EXAMPLES:
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --parent-rpc http://127.0.0.1:8545
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --until checkpoint --wait 30

STAGES:
  submitted   it was handed to a node
  admitted    it waits in this node's pool; missing_nonce is the one of its sender's before it
  block       it is in a block, which is final on this chain
  checkpoint  a checkpoint that carries it is signed by over two thirds of the validators' power
  accepted    the parent took such a checkpoint; --parent-rpc says whom to ask";

/// `watch`
pub const WATCH: &str = "\
EXAMPLES:
  tributary watch blocks
  tributary watch logs --address 0x5fbdb2315678afecb367f032d93f642f64180aa3
  tributary watch transaction 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3

A WebSocket of the node rings at every block; where there is none (--no-websocket, https), the
chain is looked at every --poll-ms. What came is always asked for in order, so a connection that
breaks loses nothing. Ctrl-C ends it.";
/// `watch blocks`
pub const WATCH_BLOCKS: &str = "\
EXAMPLES:
  tributary watch blocks
  tributary watch blocks --from 1 --count 10 --json";
/// `watch logs`
pub const WATCH_LOGS: &str = "\
EXAMPLES:
  tributary watch logs --address 0x5fbdb2315678afecb367f032d93f642f64180aa3
  tributary watch logs --from 1 --count 5 \\
    --event 'Transfer(address indexed from, address indexed to, uint256 value)'
  tributary watch logs --json \\
    --topic 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef

Where blocks hold more logs than a node tells at once, fewer blocks are asked for. One block alone
that holds more is refused (exit code 4): name contracts by --address, or one event.";
/// `watch transaction`
pub const WATCH_TRANSACTION: &str = "\
EXAMPLES:
  tributary watch transaction 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3
  tributary watch transaction 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --until accepted --wait 300 --parent-rpc http://127.0.0.1:8545

Tells each stage once; `tributary status --help` says what they mean. Ends there, or after --wait.";

/// `completions`
pub const COMPLETIONS: &str = "\
EXAMPLES:
  tributary completions bash > ~/.local/share/bash-completion/completions/tributary
  tributary completions zsh > ~/.zfunc/_tributary
  tributary completions fish > ~/.config/fish/completions/tributary.fish";
