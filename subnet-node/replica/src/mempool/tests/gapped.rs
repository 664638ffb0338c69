//! What cannot run yet has a small part of the pool, and holds it from nobody.

use super::*;

/// A transaction of that many bytes and some more.
fn long(seed: u8, nonce: u64, tip: u128, bytes: usize) -> Transaction {
    let unsigned = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: tip + 7,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(EvmAddress::repeat_byte(9)),
        input: vec![0; bytes].into(),
        ..TxEip1559::default()
    };
    let key = SecpSecretKey::from_bytes(&[seed; 32]).unwrap();
    Transaction::Ethereum(EthereumTransaction::sign(unsigned, &key).into())
}

#[test]
fn a_flood_that_never_runs_leaves_room_for_who_tips_nothing_whatever_the_floods_sender_has() {
    let limits = MempoolLimits { bytes_max: 32 << 20, gapped_bytes_max: 2 << 20, ..MempoolLimits::default() };
    let flood: Vec<_> = (1..300).map(|nonce| long(1, nonce, 1, 130_000)).collect();
    assert!(flood.iter().map(|one| one.raw().len()).sum::<usize>() > limits.bytes_max);
    for (balance, waiting) in [(flood[0].cost_max().unwrap(), 1), (u128::MAX, 16)] {
        let mut pool = Mempool::new(limits.clone(), RULES);
        let state = SenderState { nonce: 0, balance };
        let admit = |one: &&Transaction| pool.admit((*one).clone(), state, Height(0), 0).is_ok();
        assert_eq!(flood.iter().filter(admit).count(), waiting);
        let transfer = capped(2, 0, 0, 100);
        pool.admit(transfer.clone(), RICH, Height(0), 0).unwrap();
        assert_eq!((taken(&mut pool, SPACE), pool.pending(), pool.len()), (vec![transfer], 1, waiting + 1));
        is_whole(&pool);
    }
}

#[test]
fn of_one_sender_no_more_than_sixty_four_wait_for_a_missing_nonce() {
    let mut pool = Mempool::new(MempoolLimits::default(), RULES);
    for nonce in 1..=512 {
        let refusal = MempoolRejected::TooManyGapped { missing: 0, got: nonce, max: 64 };
        let expected = if nonce <= 64 { Ok(()) } else { Err(refusal) };
        assert_eq!(pool.admit(transfer(1, nonce, 10), RICH, Height(0), 0), expected);
    }
    let refusal = pool.admit(transfer(1, 65, 10), RICH, Height(0), 0).unwrap_err().to_string();
    let words = "nonce too high: nonce 0 is missing, transaction nonce 65; at most 64 wait for a missing one";
    assert_eq!(refusal, words);
    pool.admit(transfer(1, 64, 120), RICH, Height(0), 0).expect("a replacement counts once");
    pool.admit(transfer(1, 0, 10), RICH, Height(0), 0).expect("the missing one is none of them");
    assert_eq!((pool.len(), pool.pending()), (65, 65));
    pool.admit(transfer(1, 66, 10), RICH, Height(0), 0).unwrap();
    assert_eq!((pool.len(), pool.pending()), (66, 65));
    is_whole(&pool);
}

#[test]
fn those_of_all_senders_that_wait_for_missing_nonces_share_a_part_of_the_pool_by_what_they_tip() {
    let mut pool = pool_of(&[transfer(1, 1, 5), transfer(1, 2, 50), transfer(2, 1, 20), transfer(3, 1, 30)]);
    let full = MempoolRejected::GappedFull { transactions: 4, bytes: pool.bytes() };
    for refused in [transfer(4, 1, 5), transfer(1, 3, 60)] {
        assert_eq!(pool.admit(refused, RICH, Height(0), 0), Err(full.clone()), "no better, or the cheapest is its own");
    }
    pool.admit(transfer(4, 1, 6), RICH, Height(0), 0).unwrap();
    assert!(pool.get(&transfer(1, 2, 50).hash()).is_none(), "the last of the cheapest's sender went");
    assert!(pool.get(&transfer(1, 1, 5).hash()).is_some());
    is_whole(&pool);

    let short = MempoolLimits { gapped_bytes_max: pool.bytes() - 1, ..limits() };
    let mut pool = Mempool::new(short, RULES);
    let admit = |one| pool.admit(one, RICH, Height(0), 0).is_ok();
    let four = [transfer(4, 1, 6), transfer(2, 1, 20), transfer(3, 1, 30), transfer(1, 1, 5)];
    assert_eq!(four.map(admit), [true, true, true, false], "bytes are shared as well");
    is_whole(&pool);
}

#[test]
fn in_a_full_pool_those_that_cannot_run_go_first_and_drive_out_none_that_can() {
    let pending = (0..3).flat_map(|nonce| [transfer(3, nonce, 1), transfer(4, nonce, 2)]);
    let mut pool = pool_of(&[transfer(1, 1, 90), transfer(2, 1, 80)].into_iter().chain(pending).collect::<Vec<_>>());
    let mut admit = |one| pool.admit(one, RICH, Height(0), 0);
    admit(transfer(5, 1, 85)).expect("it tips more than another that cannot run");
    let refusal = admit(transfer(6, 1, 85)).unwrap_err();
    assert_eq!(refusal, MempoolRejected::FutureReplacesPending);
    assert!(refusal.to_string().starts_with("future transaction tries to replace pending"), "{refusal}");
    admit(capped(7, 0, 0, 100)).expect("it can run");
    assert!(pool.get(&transfer(5, 1, 85).hash()).is_none(), "the cheapest of those that cannot run went");
    pool.admit(capped(8, 0, 0, 100), RICH, Height(0), 0).unwrap();
    assert_eq!((pool.len(), pool.pending()), (8, 8));
    let refusal = pool.admit(capped(9, 0, 0, 100), RICH, Height(0), 0).unwrap_err();
    assert!(matches!(refusal, MempoolRejected::PoolFull { transactions: 8, .. }), "{refusal}");
    let refusal = pool.admit(transfer(10, 1, 99), RICH, Height(0), 0);
    assert_eq!(refusal, Err(MempoolRejected::FutureReplacesPending), "whatever it tips");
    is_whole(&pool);
}

#[test]
fn who_is_refused_drives_nobody_out() {
    let others: Vec<_> = [5, 50, 50, 50].into_iter().zip(1..).map(|(tip, seed)| transfer(seed, 0, tip)).collect();
    let bytes_max = others.iter().map(|one| one.raw().len()).sum::<usize>();
    let mut pool = Mempool::new(MempoolLimits { bytes_max, ..limits() }, RULES);
    for one in &others {
        pool.admit(one.clone(), RICH, Height(0), 0).unwrap();
    }
    let full = MempoolRejected::PoolFull { transactions: 4, bytes: bytes_max };
    assert_eq!(pool.admit(long(5, 0, 10, 60), RICH, Height(0), 0), Err(full), "one would go for it, and two must");
    assert!(pool.len() == 4 && pool.get(&others[0].hash()).is_some());
    pool.admit(long(5, 0, 60, 60), RICH, Height(0), 0).unwrap();
    assert_eq!(pool.len(), 3);
    is_whole(&pool);
}

#[test]
fn a_gap_that_opens_before_what_waits_costs_its_sender_the_last_ones() {
    let mut pool = pool_of(&[transfer(1, 0, 10)]);
    for nonce in 1..6 {
        pool.admit(transfer(1, nonce, 10), RICH, Height(0), 500).unwrap();
    }
    assert_eq!(pool.pending(), 6);
    pool.expire(1_001);
    let kept: Vec<_> = pool.of(&sender(1), 0).map(show).collect();
    assert_eq!(kept, [1, 2, 3].map(|nonce| (sender(1), nonce, false)), "as many as may be gapped");
    is_whole(&pool);

    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(2, 0, 10)]);
    for (seed, nonce) in [1, 2].into_iter().flat_map(|seed| [1, 2, 3].map(|nonce| (seed, nonce))) {
        pool.admit(transfer(seed, nonce, 10), RICH, Height(0), 500).unwrap();
    }
    pool.expire(1_001);
    assert_eq!((pool.len(), pool.pending()), (4, 0), "as many as may be gapped of all");
    is_whole(&pool);

    let mut pool = pool_of(&[]);
    let at = |nonce| SenderState { nonce, ..RICH };
    for nonce in 2..6 {
        pool.admit(transfer(1, nonce, 10), at(2), Height(0), 0).unwrap();
    }
    pool.learn(&sender(1), at(1), Height(1));
    assert_eq!((pool.len(), pool.pending()), (3, 0), "a nonce that goes back opens one too");
    is_whole(&pool);
}
