//! What differs between two states: which actors, in what, and in which storage slots and entries.

use std::collections::BTreeMap;

use clap::Args;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use serde_json::{Value, json};
use tributary_witness::{
    ActorChange, EntryChange, EntryChanges, SlotChange, SlotChanges, changes, entries_changed, entry_changes,
    slot_changes,
};

use super::page::Page;
use super::sides::{Side, Sides};

/// Storage slots, and entries, that are listed unless more are asked for.
const LISTED_MAX: usize = 256;

/// How much to list.
#[derive(Copy, Clone, Debug, Args)]
pub struct Bounds {
    /// Most slots to list, all contracts together.
    #[arg(long, value_name = "N", default_value_t = LISTED_MAX)]
    slots_max: usize,
    /// Most entries to list, all actors together.
    #[arg(long, value_name = "N", default_value_t = LISTED_MAX)]
    entries_max: usize,
}

/// What differs of an actor: itself, its slots, its entries.
#[derive(Default)]
struct Change {
    /// None for one that differs in entries alone: they lie in the state of f098.
    actor: Option<ActorChange>,
    slots: SlotChanges,
    entries: EntryChanges,
}

/// Compares two states; lists no more than `bounds` allow.
///
/// # Errors
/// What is wrong with a directory, or a state that it does not have.
pub fn diff(sides: &Sides, [from, to]: [Side; 2], bounds: Bounds, json: bool) -> anyhow::Result<String> {
    let ([before, after], store) = sides.open([&from, &to])?;
    let changed = changes(&store, &before, &after)?;
    let mut found = BTreeMap::<ActorID, Change>::new();
    let mut left = bounds.entries_max;
    for actor in entries_changed(&store, &changed)? {
        let entries = entry_changes(&store, &actor, left)?;
        left -= entries.entries.len();
        found.entry(actor.id).or_default().entries = entries;
    }
    let mut left = bounds.slots_max;
    for actor in changed {
        let slots = slot_changes(&store, &actor, left)?;
        left -= slots.slots.len();
        let change = found.entry(actor.id).or_default();
        (change.slots, change.actor) = (slots, Some(actor));
    }
    if json {
        let changes: Vec<_> = found.iter().map(|(id, change)| change.json(*id)).collect();
        return Ok(json!({ "from": from.json(), "to": to.json(), "changes": changes }).to_string());
    }
    let title = format!("{} actors differ between {from} and {to}", found.len());
    let lines = found.iter().flat_map(|(id, change)| change.lines(*id));
    Ok(std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n"))
}

impl Change {
    fn page(&self, id: ActorID) -> Page {
        let sides = self.actor.as_ref().map(|actor| (actor.before.is_some(), actor.after.is_some()));
        let how = match sides {
            Some((false, _)) => "added",
            Some((_, false)) => "removed",
            _ => "changed",
        };
        let mut fields = self.actor.as_ref().map(ActorChange::fields).unwrap_or_default();
        if how == "changed" && self.entries != EntryChanges::default() {
            fields.push("entries");
        }
        Page::default().with("id", Address::new_id(id).to_string()).with("change", how).with("fields", fields)
    }

    fn json(&self, id: ActorID) -> Value {
        let slots: Vec<_> = self.slots.slots.iter().map(|slot| show_slot(slot).json()).collect();
        let entries: Vec<_> = self.entries.entries.iter().map(|entry| show_entry(entry).json()).collect();
        let page = self.page(id).with("slots", slots).with("slots_cut", self.slots.is_cut);
        page.with("entries", entries).with("entries_cut", self.entries.is_cut).json()
    }

    fn lines(&self, id: ActorID) -> Vec<String> {
        let slots = self.slots.slots.iter().map(|slot| format!("  {}", show_slot(slot).line()));
        let entries = self.entries.entries.iter().map(|entry| format!("  {}", show_entry(entry).line()));
        let more_slots = self.slots.is_cut.then(|| "  more slots differ; --slots-max N lists more".to_owned());
        let more_entries = self.entries.is_cut.then(|| "  more entries differ; --entries-max N lists more".to_owned());
        let below = slots.chain(more_slots).chain(entries).chain(more_entries);
        std::iter::once(self.page(id).line()).chain(below).collect()
    }
}

fn show_slot(change: &SlotChange) -> Page {
    let SlotChange { slot, before, after } = change;
    Page::default().with("slot", slot.to_string()).with("before", before.to_string()).with("after", after.to_string())
}

fn show_entry(change: &EntryChange) -> Page {
    let EntryChange { key, before, after } = change;
    let value = |side: &Option<Vec<u8>>| side.as_ref().map(|value| format!("0x{}", hex::encode(value)));
    Page::default().with("key", key.to_string()).with("before", value(before)).with("after", value(after))
}

#[cfg(test)]
mod tests {
    use fvm_shared::state::ActorState;
    use tributary_primitives::actors::BuiltinActor;
    use tributary_primitives::{EntryKey, Hash32};

    use super::*;

    #[test]
    fn slots_stand_below_their_actor_and_a_cut_is_told() {
        let contract = ActorState::new_empty(BuiltinActor::Evm.code(), None);
        let actor = ActorChange { id: 100, before: None, after: Some(contract) };
        let slot = SlotChange { slot: Hash32([1; 32]), before: Hash32([0; 32]), after: Hash32([2; 32]) };
        let [one, zero, two] = [1, 0, 2].map(|byte| Hash32([byte; 32]).to_string());
        let slots = SlotChanges { slots: vec![slot], is_cut: true };
        let change = Change { actor: Some(actor), slots, ..Change::default() };
        assert_eq!(
            change.lines(100),
            [
                "f0100  added  ".to_owned(),
                format!("  {one}  {zero}  {two}"),
                "  more slots differ; --slots-max N lists more".to_owned(),
            ]
        );
        assert_eq!(
            change.json(100),
            json!({
                "id": "f0100", "change": "added", "fields": [], "slots_cut": true,
                "slots": [{ "slot": one, "before": zero, "after": two }], "entries": [], "entries_cut": false,
            })
        );
    }

    #[test]
    fn an_actor_that_differs_in_entries_alone_is_changed_and_they_stand_below_it() {
        let key = |key: &[u8]| EntryKey::new(key).unwrap();
        let entries = vec![
            EntryChange { key: key(b"a"), before: None, after: Some(vec![]) },
            EntryChange { key: key(b"b\x01"), before: Some(vec![7, 0xff]), after: None },
        ];
        let change = Change { entries: EntryChanges { entries, is_cut: true }, ..Change::default() };
        assert_eq!(
            change.lines(101),
            [
                "f0101  changed  entries",
                "  0x61  none  0x",
                "  0x6201  0x07ff  none",
                "  more entries differ; --entries-max N lists more",
            ]
        );
        assert_eq!(
            change.json(101),
            json!({
                "id": "f0101", "change": "changed", "fields": ["entries"], "slots": [], "slots_cut": false,
                "entries": [
                    { "key": "0x61", "before": null, "after": "0x" },
                    { "key": "0x6201", "before": "0x07ff", "after": null },
                ],
                "entries_cut": true,
            })
        );
        // None may be listed, and still they differ.
        let change = Change { entries: EntryChanges { entries: vec![], is_cut: true }, ..Change::default() };
        assert_eq!(change.json(101)["fields"], json!(["entries"]));
    }
}
