use fvm_ipld_car::{Block, CarHeader, CarWriter};
use fvm_ipld_encoding::{DAG_CBOR, to_vec};
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::raw_cid;

use super::*;

/// What a file is written from.
#[derive(Clone)]
struct Parts {
    roots: usize,
    version: u32,
    names: Vec<String>,
    /// Blocks left out: the root, the list, the code of each.
    without: Option<usize>,
}

impl Parts {
    fn good() -> Self {
        let name = |number| BuiltinActor::from_number(number).map_or("other", BuiltinActor::name);
        Self { roots: 1, version: 1, names: (1..=16).map(|number| name(number).to_owned()).collect(), without: None }
    }

    fn car(&self) -> Vec<u8> {
        let dag = |data: Vec<u8>| Block { cid: Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(&data)), data };
        let code =
            |at: usize| Block { cid: raw_cid(&[u8::try_from(at).unwrap()]), data: vec![u8::try_from(at).unwrap()] };
        let codes: Vec<_> = (0..self.names.len()).map(code).collect();
        let list: Vec<_> = self.names.iter().zip(&codes).map(|(name, code)| (name, code.cid)).collect();
        let list = dag(to_vec(&list).unwrap());
        let root = dag(to_vec(&(self.version, list.cid)).unwrap());
        let mut file = Vec::new();
        let mut writer = CarWriter::new(CarHeader::from(vec![root.cid; self.roots]), &mut file).unwrap();
        let blocks = [root, list].into_iter().chain(codes).enumerate();
        for (_, block) in blocks.filter(|(at, _)| self.without != Some(*at)) {
            writer.write(block).unwrap();
        }
        file
    }
}

#[test]
fn an_actor_of_ours_is_found_under_its_name_and_number() {
    let bundle = Bundle::read(&Parts::good().car()).unwrap();
    assert_eq!(bundle.code_for(&BuiltinActor::Evm.code()), Some(raw_cid(&[13])));
    assert_eq!(bundle.ours_for(&raw_cid(&[13])), Some(BuiltinActor::Evm.code()));
    assert_eq!((bundle.code_for(&raw_cid(b"a user's")), bundle.ours_for(&raw_cid(b"a user's"))), (None, None));
    assert!(bundle.blocks().contains_key(&bundle.manifest()));
}

#[test]
fn what_is_no_bundle_is_refused_with_its_reason() {
    let good = Parts::good();
    let mut moved = good.names.clone();
    moved.swap(13, 14);
    let changed = good.car().iter().rev().skip(1).rev().chain(&[0xff]).copied().collect();
    let rows: [(&str, Vec<u8>); 9] = [
        ("uvarint", vec![]),
        ("expected to read at least 110 bytes", b"not a CAR file at all".to_vec()),
        ("2 roots", Parts { roots: 2, ..good.clone() }.car()),
        ("no block for its root", Parts { without: Some(0), ..good.clone() }.car()),
        ("version is 2", Parts { version: 2, ..good.clone() }.car()),
        ("no block for its list", Parts { without: Some(1), ..good.clone() }.car()),
        ("actor 14 is eam, not evm", Parts { names: moved, ..good.clone() }.car()),
        ("no block for the code of ethaccount", Parts { without: Some(17), ..good }.car()),
        ("incorrect CID", changed),
    ];
    for (reason, file) in rows {
        let refused = format!("{:#}", Bundle::read(&file).unwrap_err());
        assert!(refused.contains(reason), "{refused} for {reason}");
    }
}

#[test]
fn a_path_without_a_bundle_is_named() {
    let refused = format!("{:#}", Bundle::open(Path::new("/nowhere/actors.car")).unwrap_err());
    assert!(refused.starts_with("/nowhere/actors.car cannot be opened"), "{refused}");
}
