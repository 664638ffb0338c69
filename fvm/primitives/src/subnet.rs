//! Where a network stands in the hierarchy.
//!
//! ```text
//! /r31415            the root network with chain id 31415
//! /r31415/f0100      its child, registered with actor 100 of the root
//! /r31415/f0100/f0103
//! ```
//!
//! A child is named by the actor that judges its checkpoints on the parent. Decisions are final at once, so an actor's id never
//! changes, and the name says where to look.

use std::fmt;
use std::str::FromStr;

use fvm_shared::ActorID;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network's name: the root's chain id, then one actor id for each level below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetId {
    root: u64,
    route: Vec<ActorID>,
}

/// Why a text or a list of numbers is no subnet id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubnetIdRejected {
    /// The text does not start with `/r` and a number.
    #[error("subnet id {0:?} must start with /r and the root's chain id, as in /r31415/f0100")]
    NoRoot(String),
    /// A level is not `/f0` and an actor id.
    #[error("subnet id {id:?}: level {level:?} must be f0 and an actor id, as in /r31415/f0100")]
    BadLevel {
        /// The whole text.
        id: String,
        /// The level at fault.
        level: String,
    },
    /// More levels than [`SubnetId::DEPTH_MAX`].
    #[error("subnet id has {0} levels below the root; at most {max} are allowed", max = SubnetId::DEPTH_MAX)]
    TooDeep(usize),
}

impl SubnetId {
    /// Most levels below the root. Bounds the id before it is allocated.
    pub const DEPTH_MAX: usize = 16;

    /// The network without a parent whose Ethereum chain id is `chain_id`.
    #[must_use]
    pub const fn root(chain_id: u64) -> Self {
        Self { root: chain_id, route: Vec::new() }
    }

    /// The child whose checkpoints `actor` of this network judges.
    ///
    /// # Errors
    /// [`SubnetIdRejected::TooDeep`] past [`Self::DEPTH_MAX`] levels.
    pub fn child(&self, actor: ActorID) -> Result<Self, SubnetIdRejected> {
        let depth = self.route.len() + 1;
        if depth > Self::DEPTH_MAX {
            return Err(SubnetIdRejected::TooDeep(depth));
        }
        let route = self.route.iter().copied().chain([actor]).collect();
        Ok(Self { root: self.root, route })
    }

    /// The network one level up; `None` for a root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.route.split_last()?;
        Some(Self { root: self.root, route: above.to_vec() })
    }

    /// The actor on the parent that judges this network's checkpoints; `None` for a root.
    #[must_use]
    pub fn actor(&self) -> Option<ActorID> {
        self.route.last().copied()
    }

    /// The root's chain id.
    #[must_use]
    pub const fn root_chain_id(&self) -> u64 {
        self.root
    }

    /// Levels below the root; 0 for a root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.route.len()
    }
}

impl fmt::Display for SubnetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/r{}", self.root)?;
        self.route.iter().try_for_each(|actor| write!(f, "/f0{actor}"))
    }
}

impl FromStr for SubnetId {
    type Err = SubnetIdRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no_root = || SubnetIdRejected::NoRoot(text.chars().take(64).collect());
        let mut levels = text.strip_prefix("/r").ok_or_else(no_root)?.split('/');
        let root = levels.next().and_then(parse_number).ok_or_else(no_root)?;
        levels.try_fold(Self::root(root), |id, level| {
            let actor = level.strip_prefix("f0").and_then(parse_number).ok_or_else(|| SubnetIdRejected::BadLevel {
                id: text.chars().take(64).collect(),
                level: level.chars().take(64).collect(),
            })?;
            id.child(actor)
        })
    }
}

/// A decimal number in its only spelling: no sign, no leading zero.
fn parse_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// In JSON the text, in DAG-CBOR the tuple `[root, [actor, …]]`.
impl Serialize for SubnetId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        (self.root, &self.route).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SubnetId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
        }
        let (root, route) = <(u64, Vec<ActorID>)>::deserialize(deserializer)?;
        if route.len() > Self::DEPTH_MAX {
            return Err(D::Error::custom(SubnetIdRejected::TooDeep(route.len())));
        }
        Ok(Self { root, route })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text_and_its_cbor() {
        for text in ["/r1", "/r31415/f0100", "/r31415/f0100/f018446744073709551615"] {
            let id: SubnetId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            let cbor = fvm_ipld_encoding::to_vec(&id).unwrap();
            assert_eq!(fvm_ipld_encoding::from_slice::<SubnetId>(&cbor).unwrap(), id);
        }
    }

    #[test]
    fn a_child_knows_its_parent_and_its_actor() {
        let child = SubnetId::root(7).child(100).unwrap();
        assert_eq!((child.parent(), child.actor()), (Some(SubnetId::root(7)), Some(100)));
        assert_eq!((SubnetId::root(7).parent(), SubnetId::root(7).actor()), (None, None));
    }

    #[test]
    fn each_bad_text_is_refused_for_its_own_reason() {
        let too_deep = format!("/r1{}", "/f0100".repeat(SubnetId::DEPTH_MAX + 1));
        for (text, reason) in [
            ("", "must start with /r"),
            ("r1", "must start with /r"),
            ("/r01", "must start with /r"),
            ("/r1/", "must be f0"),
            ("/r1/f1100", "must be f0"),
            ("/r1/f0-1", "must be f0"),
            (too_deep.as_str(), "17 levels"),
        ] {
            let refusal = text.parse::<SubnetId>().unwrap_err().to_string();
            assert!(refusal.contains(reason), "{text:?}: {refusal}");
        }
    }
}
