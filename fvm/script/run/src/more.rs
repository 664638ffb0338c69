//! `actor`, `debug`, `event`, `gas`, `network`, `rand` and the rest of `self`.

use fvm_sdk::sys;
use fvm_shared::event::Flags;
use tributary_script::{EventHeader, Op};

use crate::Run;

impl Run {
    pub(crate) fn more(&mut self, op: Op) {
        // SAFETY: pointers and lengths are those of live buffers.
        unsafe {
            match op {
                Op::CurrentBalance => self.log.outcome(sys::sself::current_balance()),
                Op::SelfDestruct(burn) => self.log.outcome(sys::sself::self_destruct(burn)),
                Op::DebugEnabled => self.log.outcome(sys::debug::enabled()),
                Op::Log(text) => self.log.outcome(sys::debug::log(text.0.as_ptr(), text.0.len() as u32)),
                Op::StoreArtifact { name, data } => self.log.outcome(sys::debug::store_artifact(
                    name.0.as_ptr(),
                    name.0.len() as u32,
                    data.0.as_ptr(),
                    data.0.len() as u32,
                )),
                Op::Emit { headers, keys, values } => self.emit(&headers, &keys.0, &values.0),
                Op::Charge { name, amount } => {
                    self.log.outcome(sys::gas::charge(name.0.as_ptr(), name.0.len() as u32, amount));
                }
                Op::Available => self.log.outcome(sys::gas::available()),
                Op::NetworkContext => self.log.outcome(sys::network::context()),
                Op::TipsetCid { epoch, out_len } => {
                    self.bytes(out_len, |out| sys::network::tipset_cid(epoch, out, out_len));
                }
                Op::CirculatingSupply => self.log.outcome(sys::network::total_fil_circ_supply()),
                Op::ChainRandomness(epoch) => self.log.outcome(sys::rand::get_chain_randomness(epoch)),
                Op::BeaconRandomness(epoch) => self.log.outcome(sys::rand::get_beacon_randomness(epoch)),
                op => self.actor(op),
            }
        }
    }

    fn actor(&mut self, op: Op) {
        // SAFETY: as above.
        unsafe {
            match op {
                Op::Resolve(address) => {
                    self.log.outcome(sys::actor::resolve_address(address.0.as_ptr(), address.0.len() as u32));
                }
                Op::DelegatedAddress { actor, out_len } => {
                    self.bytes(out_len, |out| sys::actor::lookup_delegated_address(actor, out, out_len));
                }
                Op::CodeCid { actor, out_len } => {
                    self.bytes(out_len, |out| sys::actor::get_actor_code_cid(actor, out, out_len));
                }
                Op::BuiltinType(cid) => {
                    let actor_type = self.cid(&cid, |at| sys::actor::get_builtin_actor_type(at));
                    self.log.outcome(actor_type);
                }
                Op::CodeForType { actor_type, out_len } => {
                    self.bytes(out_len, |out| sys::actor::get_code_cid_for_type(actor_type, out, out_len));
                }
                Op::NextAddress { out_len } => {
                    self.bytes(out_len, |out| sys::actor::next_actor_address(out, out_len));
                }
                Op::CreateActor { id, code, address } => {
                    let address = address.0;
                    let made =
                        self.cid(&code, |at| sys::actor::create_actor(id, at, address.as_ptr(), address.len() as u32));
                    self.log.outcome(made);
                }
                Op::BalanceOf(actor) => self.log.outcome(sys::actor::balance_of(actor)),
                _ => {}
            }
        }
    }

    fn emit(&mut self, headers: &[EventHeader], keys: &[u8], values: &[u8]) {
        let entry = |header: &EventHeader| sys::event::EventEntry {
            flags: Flags::from_bits_retain(header.flags),
            codec: header.codec,
            key_len: header.key_len,
            val_len: header.value_len,
        };
        let entries: Vec<_> = headers.iter().map(entry).collect();
        // SAFETY: pointers and lengths are vectors'.
        self.log.outcome(unsafe {
            sys::event::emit_event(
                entries.as_ptr(),
                entries.len() as u32,
                keys.as_ptr(),
                keys.len() as u32,
                values.as_ptr(),
                values.len() as u32,
            )
        });
    }
}
