//! What goes wrong at one node, and what its write-ahead log tells.

use std::path::PathBuf;
use std::time::Duration;

use tributary_primitives::Height;

use super::disk::{Contents, Disk};
use super::{DEADLINE, Network};

/// How often a file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Of a write-ahead log: bytes of its header, and of each entry's; what an entry begins with that is a vote or a proposal.
const LOG_HEADER: usize = 12;
const ENTRY_HEADER: usize = 13;
const SIGNED: u8 = 1;

/// What goes wrong at one node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    ProposesWrongAppHash,
    /// Of the block decided there. Peers send it, and it is `taken`, or not until the fault ends.
    LosesBody {
        height: Height,
        taken: bool,
    },
    LostBody {
        taken: bool,
    },
    DiskFull,
}

impl Disk {
    pub(crate) fn fault(&self, fault: Fault) {
        self.with(|disk| disk.fault = fault);
    }

    pub(super) fn suffers(&self, fault: Fault) -> bool {
        self.with(|disk| disk.fault == fault)
    }

    pub(crate) fn lost_a_body(&self) -> bool {
        self.with(|disk| matches!(disk.fault, Fault::LostBody { .. }))
    }
}

impl Contents {
    /// Loses the block decided at this height, where that is the fault.
    pub(super) fn lose_body(&mut self, decided: Height) {
        if let Fault::LosesBody { height, taken } = self.fault
            && height == decided
        {
            self.fault = Fault::LostBody { taken };
            self.undecided.clear();
        }
    }
}

impl Network {
    fn wal(&self, position: usize) -> PathBuf {
        self.wal_dir(position).join("consensus.wal")
    }

    /// Flips a bit in the first entry of a node's write-ahead log.
    pub(crate) fn damage_wal(&self, position: usize) {
        let path = self.wal(position);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[LOG_HEADER + ENTRY_HEADER] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    /// Whether a validator's write-ahead log has a vote or a proposal of its own: it is there before it is sent.
    pub(crate) fn has_signed(&self, position: usize) -> bool {
        let (log, own) = (std::fs::read(self.wal(position)).unwrap(), self.address(position).0);
        let mut rest = log.get(LOG_HEADER..).unwrap_or_default();
        // The entry's header is a flag, the length, and a checksum. One that is being written is not there yet.
        while let Some((header, after)) = rest.split_at_checked(ENTRY_HEADER) {
            let length = u64::from_be_bytes(header[1..9].try_into().unwrap());
            let Some((entry, next)) = after.split_at_checked(usize::try_from(length).unwrap()) else { break };
            if entry[0] == SIGNED && entry.windows(own.len()).any(|part| part == own) {
                return true;
            }
            rest = next;
        }
        false
    }

    /// A validator lacks the block that it decided, and what it had signed is out of its log.
    pub(crate) async fn until_sitting_out(&self, position: usize) {
        let sitting_out = async {
            while !self.disk(position).lost_a_body() || self.has_signed(position) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(DEADLINE, sitting_out).await.unwrap();
    }
}
