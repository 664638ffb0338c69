use std::cell::RefCell;

use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_shared::address::Address;
use tributary_primitives::{cbor_cid, raw_cid};

use super::*;
use crate::testing::{World, put};
use crate::{ActorAt, read};

type Block = (Cid, Vec<u8>);

fn archive(world: &World) -> Vec<u8> {
    export(&world.store, &world.root, Vec::new()).unwrap().1
}

fn blocks(archive: &[u8]) -> Vec<Block> {
    let (mut car, _) = CarReader::open(archive).unwrap();
    std::iter::from_fn(|| car.block().unwrap()).collect()
}

fn file(root: &Cid, blocks: &[Block]) -> Vec<u8> {
    let mut car = CarWriter::new(Vec::new(), root).unwrap();
    blocks.iter().for_each(|(cid, bytes)| car.block(cid, bytes).unwrap());
    car.into_inner()
}

#[test]
fn a_state_goes_out_and_comes_back_byte_for_byte() {
    let world = World::small();
    let bytes = archive(&world);
    let store = MemoryBlockstore::default();
    let done = import(bytes.as_slice(), &store, Some(&world.root)).unwrap();
    assert_eq!(export(&store, &world.root, Vec::new()).unwrap(), (done.clone(), bytes.clone()));
    let all = blocks(&bytes);
    assert_eq!((done.root, done.blocks), (world.root, all.len().try_into().unwrap()));
    assert_eq!(all[0].0, world.root, "the root comes first");
    let actor = read(&store, &world.root, &ActorAt(Address::new_id(101))).unwrap();
    assert_eq!(actor.unwrap().1, world.actors[&101]);
}

#[test]
fn filecoins_own_reader_reads_an_archive() {
    let world = World::small();
    let store = MemoryBlockstore::default();
    let roots = fvm_ipld_car::load_car(&store, archive(&world).as_slice()).unwrap();
    assert_eq!(roots, [world.root]);
    assert_eq!(export(&store, &world.root, Vec::new()).unwrap().1, archive(&world));
}

#[test]
fn each_fault_of_an_archive_is_refused_for_its_own_reason_and_leaves_no_root() {
    let world = World::small();
    let good = archive(&world);
    let root = world.root;
    let stranger = (raw_cid(b"stranger"), b"stranger".to_vec());
    let with = |change: &dyn Fn(&mut Vec<Block>)| {
        let mut blocks = blocks(&good);
        change(&mut blocks);
        file(&root, &blocks)
    };
    let cut = good[..good.len() - 1].to_vec();
    let rows: [(&str, Vec<u8>); 9] = [
        ("the file ends early", cut),
        ("the file ends early", [&good[..], &[0xff]].concat()),
        ("has no CID of state", [&good[..], &[0x00]].concat()),
        ("is linked and missing", with(&|blocks| drop(blocks.pop()))),
        ("is linked by no block", with(&|blocks| blocks.push(stranger.clone()))),
        ("is linked by no block", with(&|blocks| blocks.push(blocks[0].clone()))),
        ("an archive is depth first", with(&|blocks| blocks.swap(1, 2))),
        ("not what it names", with(&|blocks| blocks[1].1[0] ^= 1)),
        ("cannot be a state root", file(&stranger.0, std::slice::from_ref(&stranger))),
    ];
    for (reason, bad) in rows {
        let store = MemoryBlockstore::default();
        let refusal = import(bad.as_slice(), &store, None).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{refusal} is not {reason}");
        assert!(!store.has(&root).unwrap(), "{reason}");
    }
    let store = MemoryBlockstore::default();
    let refusal = import(good.as_slice(), &store, Some(&stranger.0)).unwrap_err().to_string();
    assert!(refusal.contains("the archive holds state root"), "{refusal}");
}

#[test]
fn an_incomplete_or_damaged_store_makes_no_archive() {
    let world = World::small();
    let missing = export(&MemoryBlockstore::default(), &world.root, Vec::new());
    assert!(matches!(missing, Err(ArchiveRejected::Missing(cid)) if *cid == world.root));
    world.store.put_keyed(&raw_cid(b"code"), b"other").unwrap();
    let damaged = export(&world.store, &world.root, Vec::new());
    assert!(matches!(damaged, Err(ArchiveRejected::Damaged(cid)) if *cid == raw_cid(b"code")));
}

#[test]
fn links_of_every_kind_are_followed_or_passed_by() {
    let store = MemoryBlockstore::default();
    // As an actor may write it: a map with a number for a key, which stricter readers refuse.
    let odd = [&[0xa1, 0x01, 0xd8, 0x2a, 0x58, 0x27, 0x00][..], &raw_cid(b"leaf").to_bytes()].concat();
    store.put_keyed(&cbor_cid(&odd), &odd).unwrap();
    store.put_keyed(&raw_cid(b"leaf"), b"leaf").unwrap();
    let root = put(&store, &(cbor_cid(&odd), raw_cid(&[]), cbor_cid(&odd), raw_cid(b"leaf")));
    let (done, bytes) = export(&store, &root, Vec::new()).unwrap();
    let names: Vec<_> = blocks(&bytes).into_iter().map(|(cid, _)| cid).collect();
    assert_eq!((done.blocks, names), (3, vec![root, cbor_cid(&odd), raw_cid(b"leaf")]));
    assert_eq!(import(bytes.as_slice(), &MemoryBlockstore::default(), None).unwrap(), done);
}

/// A store that keeps only the order of what is put.
#[derive(Default)]
struct Order(RefCell<Vec<Cid>>);

impl Blockstore for Order {
    fn get(&self, _: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        self.0.borrow_mut().push(*cid);
        Ok(())
    }
}

#[test]
fn the_root_is_written_last() {
    let world = World::small();
    let store = Order::default();
    import(archive(&world).as_slice(), &store, None).unwrap();
    assert_eq!(store.0.borrow().last(), Some(&world.root));
    assert_eq!(store.0.borrow().iter().filter(|cid| **cid == world.root).count(), 1);
}
