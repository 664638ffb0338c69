//! Differences that are meant, each with its reason. The README has the same list in words.
//!
//! A wanted difference that does not happen is as wrong as one that is not wanted: the list says what is so.

use crate::outcome::{BURNING, Difference};

/// A difference that is meant.
pub struct Wanted {
    /// Whether this is it.
    pub is: fn(&Difference) -> bool,
    /// Why.
    pub reason: &'static str,
}

/// All of them.
pub const WANTED: &[Wanted] = &[
    Wanted {
        is: |found| {
            let senders = ["a sender that is an f3", "an f3 that calls an actor"];
            found.is_in("account", &senders) && found.is_of(&["gas"])
        },
        reason: "a message from an f3 pays for the verification of its signature with its inclusion: Filecoin's blocks carry one \
                 aggregate for all BLS messages, here each has its own",
    },
    Wanted {
        is: |found| found.field == "exit code" && found.theirs.contains("pre-validation failed: Out of gas"),
        reason: "a gas limit below the message's inclusion: both skip it, the reference with 7, ours with 2, as for all that \
                 a sender should have seen before",
    },
    Wanted {
        is: |found| {
            let names = ["transfer of more than all", "transfer to self of more than all"];
            let unknown = ["more than all to an unknown f410", "more than all to an unknown f1"];
            let fields = ["exit code", "gas", "actor 100", "root of the actors"];
            found.is_in("account", &[names, unknown].concat()) && found.is_of(&fields)
        },
        reason: "a sender must have the value as well as the gas: ours skips the message (2), the reference runs it, uses up \
                 its nonce and ends with 6. A block holds no message that cannot pay what it says",
    },
    Wanted {
        is: |found| {
            let accounts = [
                "transfer to an unknown f1",
                "nothing to an unknown f1",
                "transfer to an f3 that is no key",
                "transfers back and forth",
            ];
            let of_accounts = found.is_in("account", &accounts);
            (of_accounts || found.is_in("send", &["value to an unknown f1"])) && found.is_of(&["gas"])
        },
        reason: "a new account's constructor: a WASM actor in the reference, native here, part of what an account's storage costs",
    },
    Wanted {
        is: |found| {
            let native = ["method of a placeholder"];
            (found.is_in("account", &native) || found.is_in("send", &native)) && found.is_of(&["gas"])
        },
        reason: "a built-in actor's own instructions and memory: there are none to count in a native actor",
    },
    Wanted {
        is: |found| {
            let odd = ["transfer to an f410 of ten bytes", "transfer to an f410 that masks an id"];
            let masked = ["transfer to an f410 that masks nobody's id"];
            found.is_in("account", &[&odd[..], &masked[..]].concat())
        },
        reason: "an f410 address that is no Ethereum address, or one that masks an id: the reference makes a placeholder of it; \
                 here an actor has one Ethereum address, and nobody would ever own this one",
    },
    Wanted {
        is: |found| found.is_in("ipld", &["a state that is lost"]) && found.is_of(&["whether it runs"]),
        reason: "a block of state that this node lost: the reference makes a receipt of it (10, all gas), which other nodes do \
                 not agree with; ours stops",
    },
    Wanted {
        is: |found| found.is_in("actor", &["code of types that Filecoin alone has"]) && found.is_of(&["return", "gas"]),
        reason: "numbers of built-in actors that this network does not have; the reference's manifest must fill them",
    },
    Wanted {
        is: |found| found.is_in("network", &["block that is no longer known"]) && found.is_of(&["return", "gas"]),
        reason: "hashes of past blocks are state here (EIP-2935), and the standard world remembers one; the reference asks its node",
    },
    Wanted {
        is: |found| found.is_in("rand", &["of the past", "of before time"]) && found.is_of(&["return", "gas"]),
        reason: "of randomness only the current block's is kept; the reference asks its node",
    },
    Wanted {
        is: |found| {
            let future = ["of the future", "of the last number there is"];
            found.is_in("rand", &future) && found.is_of(&["exit code", "return", "gas"])
        },
        reason: "randomness of the future: the reference takes a negative look-back for a huge one and runs out of gas; ours \
                 answers IllegalArgument, as the sdk documents",
    },
    Wanted {
        is: |found| found.field == BURNING,
        reason: "out of gas in the middle of burning what a deleted actor had: a fatal error (10) in the reference, which ends \
                 the message and takes all its gas, even when the limit was a send's; here it is out of gas like any other (7)",
    },
    Wanted {
        is: |found| found.is_in("crypto", &["aggregate: lengths that overflow"]) && found.is_of(&["gas"]),
        reason: "lengths of messages that add up to more than 4 GiB: the reference's sum wraps, so it charges before it refuses",
    },
    Wanted {
        is: |found| {
            let places = ["result without a place", "send without a place for its result"];
            found.is_in("memory", &places) && found.is_of(&["gas"])
        },
        reason: "a result without a place: the reference returns without setting its count of what was charged, so the actor \
                 pays a second time for what it ran before",
    },
    Wanted {
        is: |found| {
            let deep =
                found.is_in("limit", &["recurse to 100,000"]) || found.is_in("module", &["calls itself for ever"]);
            deep && found.is_of(&["gas"])
        },
        reason: "the stack limiter counts every local, not groups of them, and lets four times as many be: both trap, at \
                 another depth",
    },
    Wanted {
        is: |found| {
            found.is_in("limit", &["grow in a callee", "five instances of 450 MiB"]) && found.is_of(&["return"])
        },
        reason: "the memory of all open calls of a message: 2 GiB in the reference, which runs one message at a time, 512 MiB here, \
                 where a block has a thread for each core",
    },
    Wanted {
        is: |found| {
            let exits = found.is_in("exit", &["data that is none", "0 with data that is none"]);
            (exits || found.is_in("module", &["exits with data that is none"])) && found.is_of(&["exit code", "gas"])
        },
        reason: "an exit with a handle that is none: a fatal error (10, all gas) in the reference, 11 here, as for a return of one",
    },
];

impl Difference {
    /// Whether its case is one of these of a group.
    fn is_in(&self, group: &str, names: &[&str]) -> bool {
        self.case.split_once('/').is_some_and(|(its_group, name)| its_group == group && names.contains(&name))
    }

    /// Whether its field is one of these.
    fn is_of(&self, fields: &[&str]) -> bool {
        fields.contains(&self.field.as_str())
    }
}

/// The entry that covers a difference, by its place in [`WANTED`].
#[must_use]
pub fn covering(difference: &Difference) -> Option<usize> {
    WANTED.iter().position(|wanted| (wanted.is)(difference))
}
