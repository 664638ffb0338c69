//! The links of a block, paying for each field looked at. `tributary_primitives::links` has the rules; here are the prices, and what an
//! actor sees when they are broken.

use cid::Cid;
use fvm_shared::error::ErrorNumber;
pub(crate) use tributary_primitives::links::{BLAKE2B_256, BLAKE2B_256_BYTES};
use tributary_primitives::links::{LinkRejected, Part, links};

use crate::error::{SyscallError, rejected};
use crate::gas::GasTracker;
use crate::prices;

/// The links of `data`, in order. Cost: linear in the number of CBOR items.
pub(crate) fn scan(codec: u64, data: &[u8], gas: &mut GasTracker) -> Result<Vec<Cid>, SyscallError> {
    links(codec, data, &mut |part| {
        let price = match part {
            Part::Item => prices::CBOR_FIELD,
            Part::Cid => prices::CBOR_CID,
        };
        Ok(gas.charge(price)?)
    })
}

impl From<LinkRejected> for SyscallError {
    fn from(why: LinkRejected) -> Self {
        let number = match &why {
            LinkRejected::Codec(_) => ErrorNumber::IllegalCodec,
            LinkRejected::Malformed(_) => ErrorNumber::Serialization,
            LinkRejected::Foreign(_) => ErrorNumber::NotFound,
        };
        rejected(number, why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use cid::multihash::Multihash;
    use fvm_ipld_encoding::{CBOR, DAG_CBOR, IPLD_RAW, to_vec};
    use fvm_shared::IDENTITY_HASH;
    use multihash_codetable::{Code, MultihashDigest};
    use tributary_primitives::raw_cid;

    use super::*;
    use crate::gas::Gas;

    fn scanned(codec: u64, data: &[u8]) -> (Result<Vec<Cid>, SyscallError>, Gas) {
        let mut gas = GasTracker::new(1_000_000);
        (scan(codec, data, &mut gas), gas.used())
    }

    #[test]
    fn only_dag_cbor_has_links_and_pays_for_its_fields() {
        let link = raw_cid(b"foobar");
        let data = to_vec(&(0_u64, link, 1_u64)).unwrap();
        for (codec, links, gas) in
            [(DAG_CBOR, vec![link], Gas::new(4 * 35 + 400)), (CBOR, vec![], Gas::ZERO), (IPLD_RAW, vec![], Gas::ZERO)]
        {
            let (found, used) = scanned(codec, &data);
            assert_eq!((found.unwrap(), used), (links, gas), "{codec:#x}");
        }
    }

    #[test]
    fn a_block_inside_a_cid_is_scanned_in_place() {
        let link = raw_cid(b"foobar");
        let inner = to_vec(&(0_u64, link)).unwrap();
        let inline = Cid::new_v1(DAG_CBOR, Multihash::wrap(IDENTITY_HASH, &inner).unwrap());
        let (found, used) = scanned(DAG_CBOR, &to_vec(&(inline, 7_u64)).unwrap());
        assert_eq!((found.unwrap(), used), (vec![link], Gas::new(6 * 35 + 2 * 400)));
    }

    #[test]
    fn each_fault_has_its_own_number() {
        let foreign = Cid::new_v1(DAG_CBOR, Code::Sha2_256.digest(b"x"));
        for (codec, data, number) in [
            (0x70, vec![], ErrorNumber::IllegalCodec),
            (DAG_CBOR, vec![0x1f], ErrorNumber::Serialization),
            (DAG_CBOR, to_vec(&(foreign,)).unwrap(), ErrorNumber::NotFound),
        ] {
            let Err(SyscallError::Rejected(why)) = scanned(codec, &data).0 else { panic!("{data:x?} is valid") };
            assert_eq!(why.number, number);
        }
    }

    #[test]
    fn a_scan_stops_when_gas_runs_out() {
        let data = to_vec(&vec![1_u64; 100]).unwrap();
        let mut gas = GasTracker::new(35 * 50);
        assert!(matches!(scan(DAG_CBOR, &data, &mut gas), Err(SyscallError::Halt(_))));
    }
}
