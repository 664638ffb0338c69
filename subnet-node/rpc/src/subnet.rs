//! The `subnet_` namespace: what Ethereum has no word for.
//!
//! | module | methods about |
//! |---|---|
//! | `status` | the network, its genesis, its validators |
//! | `checkpoint` | checkpoints and their certificates |
//! | `message` | FVM messages: bringing them, their receipts, calls and estimates |
//! | `overrides` | the JSON of what a call is to find otherwise |
//! | `progress` | where a message is on its way, what waits, and waiting for it |
//! | `trace` | what happened inside a message |
//! | `actor` | actors, their nonces and ids |
//! | `state` | what an actor keeps in its state |
//! | `proof` | parts of the state, proven |
//! | [`view`] | the JSON of every answer |
//! | `parameter` | the JSON of every parameter |
//!
//! In this namespace numbers are JSON numbers, amounts decimal strings of attoTRB, bytes `0x` and hex, addresses `f…` as in
//! Filecoin, CIDs base32. Objects in parameters are read strictly: a member that is not known is refused by name.

mod actor;
mod checkpoint;
mod message;
mod overrides;
mod parameter;
mod progress;
mod proof;
mod state;
mod status;
mod trace;
pub mod view;

pub use proof::PROOF_WITNESS_BYTES_MAX;

use crate::methods::Methods;

/// Puts every method of this namespace into the table.
pub fn register(methods: &mut Methods) {
    methods.read("subnet_status", status::status);
    methods.read("subnet_genesis", status::genesis);
    methods.read("subnet_validators", status::validators);

    methods.read("subnet_latestCertificate", checkpoint::latest_certificate);
    methods.read("subnet_certificate", checkpoint::certificate);
    methods.read("subnet_checkpoints", checkpoint::checkpoints);

    methods.submission("subnet_sendMessage", message::send);
    methods.read("subnet_getMessageReceipt", message::receipt);
    methods.wait("subnet_waitMessage", progress::wait, progress::lookup);
    methods.read("subnet_messageStatus", progress::status);
    methods.read("subnet_pendingMessages", progress::pending);
    methods.read("subnet_call", message::call);
    methods.read("subnet_estimateMessageGas", message::estimate_gas);

    methods.trace("subnet_traceMessage", trace::message);

    methods.read("subnet_getActor", actor::actor);
    methods.read("subnet_nonce", actor::nonce);
    methods.read("subnet_resolve", actor::resolve);
    methods.read("subnet_readState", state::read);
    methods.read("subnet_getProof", proof::proof);
}
