//! `ipld` and the part of `self` that names blocks.

use fvm_sdk::sys;
use tributary_script::{CidArg, Op};

use crate::Run;

const DAG_CBOR: u64 = 0x71;
const BLAKE2B_256: u64 = 0xb220;
/// Bytes of a CID of state, at most.
const CID_BYTES: u32 = 100;

impl Run {
    pub(crate) fn ipld(&mut self, op: Op) {
        // SAFETY: pointers and lengths are those of live buffers; an address from a script is the host's to refuse.
        unsafe {
            match op {
                Op::Open(cid) => {
                    let opened = self.cid(&cid, |at| sys::ipld::block_open(at));
                    self.log.outcome(opened);
                }
                Op::Create { codec, data } => {
                    self.log.outcome(sys::ipld::block_create(codec, data.0.as_ptr(), data.0.len() as u32));
                }
                Op::CreateLarge { codec, len } => {
                    let data = large(codec, len);
                    self.log.outcome(sys::ipld::block_create(codec, data.as_ptr(), data.len() as u32));
                }
                Op::CreateAt { codec, at, len } => {
                    self.log.outcome(sys::ipld::block_create(codec, at as usize as *const u8, len));
                }
                Op::Read { block, offset, len } => {
                    let mut buffer = vec![0u8; len as usize];
                    let read = sys::ipld::block_read(block, offset, buffer.as_mut_ptr(), len);
                    self.log.outcome(read);
                    self.log.result(&buffer);
                }
                Op::Stat(block) => self.log.outcome(sys::ipld::block_stat(block)),
                Op::Link { block, hash, hash_len, out_len } => {
                    self.bytes(out_len, |out| sys::ipld::block_link(block, hash, hash_len, out, out_len));
                }
                Op::Root { out_len } => self.bytes(out_len, |out| sys::sself::root(out, out_len)),
                Op::SetRoot(cid) => {
                    let set = self.cid(&cid, |at| sys::sself::set_root(at));
                    self.log.outcome(set);
                }
                Op::Write(number) => self.write(number),
                _ => self.read_state(),
            }
        }
    }

    fn write(&mut self, number: u64) {
        let data = fvm_ipld_encoding::to_vec(&(number,)).expect("a number encodes");
        // SAFETY: pointer and length are a vector's.
        let block = unsafe { sys::ipld::block_create(DAG_CBOR, data.as_ptr(), data.len() as u32) };
        let block = block.expect("a small block without links");
        self.bytes(CID_BYTES, |out| {
            // SAFETY: the buffer has the length given.
            unsafe { sys::ipld::block_link(block, BLAKE2B_256, 32, out, CID_BYTES) }
        });
        self.ipld(Op::SetRoot(CidArg::Latest));
    }

    fn read_state(&mut self) {
        self.ipld(Op::Root { out_len: CID_BYTES });
        // SAFETY: the host refuses what is no CID.
        let opened = self.cid(&CidArg::Latest, |at| unsafe { sys::ipld::block_open(at) });
        match opened {
            Ok(block) => self.ipld(Op::Read { block: block.id, offset: 0, len: block.size }),
            Err(number) => self.log.error(number),
        }
    }
}

/// A block of zeros: raw, or as a CBOR byte string.
fn large(codec: u64, len: u32) -> Vec<u8> {
    let mut data = if codec == DAG_CBOR { [&[0x5a][..], &len.to_be_bytes()].concat() } else { Vec::new() };
    data.resize(data.len() + len as usize, 0);
    data
}
