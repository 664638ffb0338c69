//! The init actor's words: how a user makes an actor of installed code.
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/types.rs`.

use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::address::Address;
use fvm_shared::{ActorID, MethodNum};

/// Method that makes an actor.
pub const EXEC: MethodNum = 2;

/// Its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ExecParams {
    /// Code that is installed.
    pub code: Cid,
    /// Parameters of the new actor's constructor.
    pub params: RawBytes,
}

/// What it returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ExecReturn {
    /// The new actor's f0 address.
    pub id: Address,
    /// Its f2 address, which no other actor ever gets.
    pub robust: Address,
}

/// The id of the actor that was made, from what [`EXEC`] returned; `None` for anything else.
#[must_use]
pub fn made_actor(returned: &[u8]) -> Option<ActorID> {
    let made: ExecReturn = fvm_ipld_encoding::from_slice(returned).ok()?;
    made.id.id().ok()
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::to_vec;

    use super::*;
    use crate::raw_cid;

    #[test]
    fn the_tuples_are_the_init_actors() {
        let params = ExecParams { code: raw_cid(b"code"), params: RawBytes::new(vec![7]) };
        assert_eq!(to_vec(&params).unwrap(), to_vec(&(raw_cid(b"code"), RawBytes::new(vec![7]))).unwrap());
        let (id, robust) = (Address::new_id(103), Address::new_actor(b"robust"));
        assert_eq!(to_vec(&ExecReturn { id, robust }).unwrap(), to_vec(&(id, robust)).unwrap());
    }

    #[test]
    fn the_actor_that_was_made_is_read_from_the_answer() {
        let robust = Address::new_actor(b"robust");
        assert_eq!(made_actor(&to_vec(&(Address::new_id(103), robust)).unwrap()), Some(103));
        assert_eq!(made_actor(&to_vec(&(robust, robust)).unwrap()), None);
        assert_eq!(made_actor(&[0x80]), None);
    }
}
