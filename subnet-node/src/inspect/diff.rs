//! What differs between two blocks of a home: which actors, in what, and in which storage slots.

use std::path::PathBuf;

use fvm_shared::address::Address;
use serde_json::{Value, json};
use tributary_primitives::Height;
use tributary_witness::{ActorChange, SlotChange, SlotChanges, changes, slot_changes};

use super::At;
use super::imported;
use super::page::Page;
use super::past::Past;

/// Storage slots that are listed unless more are asked for.
pub const SLOTS_MAX: usize = 256;

/// An actor that differs, and its slots.
struct Change {
    actor: ActorChange,
    slots: SlotChanges,
}

/// Compares the states after `from` and `to`; lists at most `slots_max` slots, all actors together.
///
/// # Errors
/// What is wrong with the home, or a block that it does not have.
pub fn diff(home: PathBuf, [from, to]: [Height; 2], slots_max: usize, json: bool) -> anyhow::Result<String> {
    imported::refuse(&home)?;
    let past = Past::open(&At { home, height: Some(to.0) })?;
    let before = past.at(from)?;
    let store = past.trees_with(&[(from, before.state_root)])?;
    let mut left = slots_max;
    let mut found = Vec::new();
    for actor in changes(&store, &before.state_root, past.root())? {
        let slots = slot_changes(&store, &actor, left)?;
        left -= slots.slots.len();
        found.push(Change { actor, slots });
    }
    if json {
        let changes: Vec<_> = found.iter().map(Change::json).collect();
        return Ok(json!({ "from": from.0, "to": to.0, "changes": changes }).to_string());
    }
    let title = format!("{} actors differ between blocks {from} and {to}", found.len());
    Ok(std::iter::once(title).chain(found.iter().flat_map(Change::lines)).collect::<Vec<_>>().join("\n"))
}

impl Change {
    fn page(&self) -> Page {
        let how = match (&self.actor.before, &self.actor.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let page = Page::default().with("id", Address::new_id(self.actor.id).to_string()).with("change", how);
        page.with("fields", self.actor.fields())
    }

    fn json(&self) -> Value {
        let slots: Vec<_> = self.slots.slots.iter().map(|slot| show_slot(slot).json()).collect();
        self.page().with("slots", slots).with("slots_cut", self.slots.is_cut).json()
    }

    fn lines(&self) -> Vec<String> {
        let slots = self.slots.slots.iter().map(|slot| format!("  {}", show_slot(slot).line()));
        let cut = self.slots.is_cut.then(|| "  more slots differ; --slots-max N lists more".to_owned());
        std::iter::once(self.page().line()).chain(slots).chain(cut).collect()
    }
}

fn show_slot(change: &SlotChange) -> Page {
    let SlotChange { slot, before, after } = change;
    Page::default().with("slot", slot.to_string()).with("before", before.to_string()).with("after", after.to_string())
}

#[cfg(test)]
mod tests {
    use fvm_shared::state::ActorState;
    use tributary_primitives::Hash32;
    use tributary_primitives::actors::BuiltinActor;

    use super::*;

    #[test]
    fn slots_stand_below_their_actor_and_a_cut_is_told() {
        let contract = ActorState::new_empty(BuiltinActor::Evm.code(), None);
        let actor = ActorChange { id: 100, before: None, after: Some(contract) };
        let slot = SlotChange { slot: Hash32([1; 32]), before: Hash32([0; 32]), after: Hash32([2; 32]) };
        let [one, zero, two] = [1, 0, 2].map(|byte| Hash32([byte; 32]).to_string());
        let change = Change { actor, slots: SlotChanges { slots: vec![slot], is_cut: true } };
        assert_eq!(
            change.lines()[1..],
            [format!("  {one}  {zero}  {two}"), "  more slots differ; --slots-max N lists more".to_owned()]
        );
        assert_eq!(
            change.json(),
            json!({
                "id": "f0100", "change": "added", "fields": [], "slots_cut": true,
                "slots": [{ "slot": one, "before": zero, "after": two }],
            })
        );
    }
}
