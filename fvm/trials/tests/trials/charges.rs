//! What a message's gas tracker took, charge after charge, as it tells at level `trace`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Where charges are told.
const TARGET: &str = "tributary_wasm::gas";

/// Milligas in a unit of gas.
pub const MILLIGAS: u64 = 1_000;

/// Milligas used after each charge, by the message's limit in milligas; of limits that somebody asks for.
static HEARD: Mutex<BTreeMap<u64, Vec<u64>>> = Mutex::new(BTreeMap::new());

fn heard() -> MutexGuard<'static, BTreeMap<u64, Vec<u64>>> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a message with this gas limit has used after each of its charges, in whole gas, rounded up. Nothing else that runs meanwhile may
/// have the same limit: tests run beside each other.
pub fn of(gas_limit: u64, run: impl FnOnce()) -> Vec<u64> {
    sums(gas_limit, run).into_iter().map(|milligas| milligas.div_ceil(MILLIGAS)).collect()
}

/// Each charge of a message with this gas limit, in milligas, without those of nothing. The limit is its own, as for [`of`].
pub fn each(gas_limit: u64, run: impl FnOnce()) -> Vec<u64> {
    let mut before = 0;
    let charge = |after: u64| after - std::mem::replace(&mut before, after);
    sums(gas_limit, run).into_iter().map(charge).filter(|charge| *charge > 0).collect()
}

fn sums(gas_limit: u64, run: impl FnOnce()) -> Vec<u64> {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
    heard().insert(gas_limit * MILLIGAS, Vec::new());
    run();
    heard().remove(&(gas_limit * MILLIGAS)).unwrap()
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.is_event() && of.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let mut charge = Charge::default();
        event.record(&mut charge);
        if let Some(charges) = heard().get_mut(&charge.limit) {
            charges.push(charge.used);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Charge {
    limit: u64,
    used: u64,
}

impl Visit for Charge {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "limit" => self.limit = value,
            "used" => self.used = value,
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
