//! The pool held against one that looks at everything, every time.

use std::cmp::Reverse;

use super::*;

/// What the pool decides, without any of its indices.
struct Model {
    waiting: Vec<(Transaction, u64)>,
}

impl Model {
    fn at(&self, sender: &Address, nonce: u64) -> Option<&(Transaction, u64)> {
        self.waiting.iter().find(|(waiting, _)| waiting.sender() == *sender && waiting.nonce() == nonce)
    }

    fn of(&self, sender: Address) -> impl Iterator<Item = &Transaction> {
        self.waiting.iter().map(|(waiting, _)| waiting).filter(move |waiting| waiting.sender() == sender)
    }

    fn is_gapped(&self, one: &Transaction, accounts: &Accounts) -> bool {
        let mut before = accounts.of(&one.sender()).nonce..one.nonce();
        before.any(|nonce| self.at(&one.sender(), nonce).is_none())
    }

    /// How many of `sender`, or of everyone, wait for a nonce that is missing.
    fn gapped(&self, sender: Option<Address>, accounts: &Accounts) -> usize {
        let waiting = self.waiting.iter().map(|(waiting, _)| waiting);
        let waiting = waiting.filter(|one| sender.is_none_or(|sender| one.sender() == sender));
        waiting.filter(|one| self.is_gapped(one, accounts)).count()
    }

    fn drop_last(&mut self, sender: Address) {
        let last = self.of(sender).map(Transaction::nonce).max().unwrap();
        self.waiting.retain(|(waiting, _)| (waiting.sender(), waiting.nonce()) != (sender, last));
    }

    fn admit(&mut self, new: &Transaction, accounts: &Accounts, now_ms: u64) -> bool {
        let (nonce, sender) = (new.nonce(), new.sender());
        let state = accounts.of(&sender);
        let in_range = (state.nonce..state.nonce + limits().per_sender_max).contains(&nonce);
        let others = self.of(sender).filter(|waiting| waiting.nonce() != nonce);
        let together = others.chain([new]).map(|waiting| waiting.cost_max().unwrap()).sum::<u128>();
        if !in_range || together > state.balance || new.fee_cap(1) < RULES.base_fee_min {
            return false;
        }
        let raised = |price: u128| price + (price / 10).max(1);
        if let Some((old, _)) = self.at(&sender, nonce)
            && (new.fee_cap(1) < raised(old.fee_cap(1)) || new.tip_cap(1) < raised(old.tip_cap(1)))
        {
            return false;
        }
        let (is_gapped, is_new) = (self.is_gapped(new, accounts), self.at(&sender, nonce).is_none());
        if is_gapped && is_new && self.gapped(Some(sender), accounts) >= limits().gapped_per_sender_max {
            return false;
        }
        let before = self.waiting.clone();
        while self.waiting.len() >= limits().transactions_max
            || (is_gapped && self.gapped(None, accounts) >= limits().gapped_max)
        {
            let rank = |one: &&Transaction| (!self.is_gapped(one, accounts), one.tip_cap(1), one.hash());
            let cheapest = self.waiting.iter().map(|(waiting, _)| waiting).min_by_key(rank).unwrap();
            let (loser, loser_is_gapped) = (cheapest.sender(), self.is_gapped(cheapest, accounts));
            let is_outbid =
                loser_is_gapped == is_gapped && cheapest.tip_cap(1) < new.tip_cap(1) && cheapest.sender() != sender;
            if !is_outbid && (is_gapped || !loser_is_gapped) {
                self.waiting = before;
                return false;
            }
            self.drop_last(loser);
        }
        self.waiting.retain(|(waiting, _)| (waiting.sender(), waiting.nonce()) != (sender, nonce));
        self.waiting.push((new.clone(), now_ms));
        true
    }

    fn prune(&mut self, now_ms: u64, accounts: &Accounts) {
        self.waiting.retain(|(waiting, _)| waiting.nonce() >= accounts.of(&waiting.sender()).nonce);
        for (sender, state) in &accounts.0 {
            while self.of(*sender).map(|waiting| waiting.cost_max().unwrap()).sum::<u128>() > state.balance {
                self.drop_last(*sender);
            }
        }
        let oldest_ms = now_ms.saturating_sub(limits().lifetime_ms);
        let mut old: Vec<_> = self.waiting.iter().filter(|(_, arrived_ms)| *arrived_ms < oldest_ms).cloned().collect();
        old.sort_by_key(|(waiting, arrived_ms)| (*arrived_ms, waiting.hash()));
        self.waiting.retain(|(_, arrived_ms)| *arrived_ms >= oldest_ms);
        for sender in old.iter().map(|(waiting, _)| waiting.sender()) {
            loop {
                let of_sender = self.gapped(Some(sender), accounts);
                let is_over = self.gapped(None, accounts) > limits().gapped_max;
                if of_sender == 0 || (!is_over && of_sender <= limits().gapped_per_sender_max) {
                    break;
                }
                self.drop_last(sender);
            }
        }
    }

    fn select(&self, mut space: BlockSpace, accounts: &Accounts) -> Vec<Transaction> {
        let (mut accounts, mut ended, mut taken) = (accounts.clone(), Vec::new(), Vec::new());
        loop {
            let tip =
                |waiting: &Transaction| Some(waiting.tip_cap(1).min(waiting.fee_cap(1).checked_sub(space.base_fee)?));
            let is_next = |(waiting, _): &&(Transaction, u64)| {
                let state = accounts.of(&waiting.sender());
                !ended.contains(&waiting.sender())
                    && waiting.nonce() == state.nonce
                    && waiting.cost_max().unwrap() <= state.balance
                    && tip(waiting).is_some()
            };
            let rank = |(waiting, arrived_ms): &&(Transaction, u64)| {
                (tip(waiting), Reverse(*arrived_ms), Reverse(waiting.hash()))
            };
            let Some((best, _)) = self.waiting.iter().filter(is_next).max_by_key(rank) else { return taken };
            let (gas, bytes) = (best.block_gas_limit(1), best.raw().len());
            let Fill { gas: gas_left, bytes: bytes_left } = if taken.is_empty() { space.most } else { space.fill };
            if gas > gas_left || bytes > bytes_left {
                ended.push(best.sender());
                continue;
            }
            let left = Fill { gas: space.fill.gas.saturating_sub(gas), bytes: space.fill.bytes.saturating_sub(bytes) };
            space = BlockSpace { fill: left, ..space };
            accounts.run(best);
            taken.push(best.clone());
        }
    }
}

/// The state, as far as the pool asks.
#[derive(Clone)]
struct Accounts(Vec<(Address, SenderState)>);

impl Accounts {
    fn of(&self, sender: &Address) -> SenderState {
        self.0.iter().find(|(address, _)| address == sender).unwrap().1
    }

    fn change(&mut self, sender: &Address, change: impl FnOnce(&mut SenderState)) {
        change(&mut self.0.iter_mut().find(|(address, _)| address == sender).unwrap().1);
    }

    fn run(&mut self, transaction: &Transaction) {
        let state = self.of(&transaction.sender());
        assert_eq!(transaction.nonce(), state.nonce, "no gap, and nothing that is used up");
        let balance = state.balance.checked_sub(transaction.cost_max().unwrap()).expect("nothing that is not covered");
        self.change(&transaction.sender(), |state| *state = SenderState { nonce: state.nonce + 1, balance });
    }
}

#[derive(Clone, Debug)]
enum Event {
    Arrives {
        seed: u8,
        nonce: u64,
        tip: u128,
        slack: u128,
    },
    Time(u64),
    /// A contract moves a sender's money, or an authorization uses up a nonce, in the next block.
    Elsewhere {
        seed: u8,
        balance: Option<u128>,
        nonces: u64,
    },
    Block {
        base_fee: u128,
        transfers: u64,
        extra: u64,
        bytes: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1..5u8, 0..7u64, 0..60u128, prop_oneof![Just(0), 0..120u128])
            .prop_map(|(seed, nonce, tip, slack)| Event::Arrives { seed, nonce, tip: tip + 7, slack }),
        1 => (0..400u64).prop_map(Event::Time),
        1 => (1..5u8, prop::option::of(0..8_000_000u128), 0..2u64)
            .prop_map(|(seed, balance, nonces)| Event::Elsewhere { seed, balance, nonces }),
        3 => (7..120u128, 0..6u64, prop_oneof![Just(0), Just(21_000)], prop_oneof![Just(1 << 20), 0..600usize])
            .prop_map(|(base_fee, transfers, extra, bytes)| Event::Block { base_fee, transfers, extra, bytes }),
    ]
}

/// Asks until nobody is unsure, as a proposer does.
fn select(pool: &mut Mempool, space: BlockSpace, height: Height, accounts: &Accounts) -> Vec<Transaction> {
    loop {
        let Selection { transactions, unsure } = pool.select(space, height, usize::MAX);
        if unsure.is_empty() {
            return transactions;
        }
        for sender in unsure {
            pool.learn(&sender, accounts.of(&sender), height);
        }
    }
}

/// Runs `events`. After a block the pool is told of everybody in turn if `tells_all`, else only of the block's senders.
fn run(events: Vec<Event>, tells_all: bool) {
    let (mut pool, mut model) = (Mempool::new(limits(), RULES), Model { waiting: Vec::new() });
    let rich = SenderState { nonce: 0, balance: 8_000_000 };
    let mut accounts = Accounts((1..5).map(|seed| (sender(seed), rich)).collect());
    let (mut now_ms, mut height, mut elsewhere) = (0, Height(0), Vec::new());
    for event in events {
        match event {
            Event::Arrives { seed, nonce, tip, slack } => {
                let (new, state) = (capped(seed, nonce, tip, tip + slack), accounts.of(&sender(seed)));
                let admitted = pool.admit(new.clone(), state, height, now_ms);
                if tells_all {
                    assert_eq!(model.admit(&new, &accounts, now_ms), admitted.is_ok(), "{admitted:?}");
                }
            }
            Event::Time(ms) => now_ms += ms,
            Event::Elsewhere { seed, balance, nonces } => elsewhere.push((sender(seed), balance, nonces)),
            Event::Block { base_fee, transfers, extra, bytes } => {
                let fill = Fill { gas: transfers * 21_000, bytes };
                let space = BlockSpace { most: Fill { gas: fill.gas + extra, bytes }, fill, base_fee };
                let taken = select(&mut pool, space, height, &accounts);
                if tells_all {
                    assert_eq!(taken, model.select(space, &accounts));
                }
                taken.iter().for_each(|transaction| accounts.run(transaction));
                for (sender, balance, nonces) in elsewhere.drain(..) {
                    accounts.change(&sender, |state| {
                        *state = SenderState { nonce: state.nonce + nonces, balance: balance.unwrap_or(state.balance) };
                    });
                }
                height = height.next();
                let named: Vec<_> = taken.iter().map(Transaction::sender).collect();
                let mut due = pool.due(named.iter().copied());
                due.retain(|sender| tells_all || named.contains(sender));
                due.iter().for_each(|sender| pool.learn(sender, accounts.of(sender), height));
                pool.expire(now_ms);
                model.prune(now_ms, &accounts);
            }
        }
        is_whole(&pool);
    }
    height = height.next();
    for sender in pool.due(std::iter::empty()) {
        pool.learn(&sender, accounts.of(&sender), height);
    }
    pool.expire(now_ms);
    model.prune(now_ms, &accounts);
    is_whole(&pool);
    for waiting in all(&pool) {
        let state = accounts.of(&waiting.sender());
        assert!(waiting.nonce() >= state.nonce && waiting.cost_max().unwrap() <= state.balance);
    }
    if tells_all {
        let mut left: Vec<_> = all(&pool).map(Transaction::hash).collect();
        let mut expected: Vec<_> = model.waiting.iter().map(|(waiting, _)| waiting.hash()).collect();
        left.sort();
        expected.sort();
        assert_eq!(left, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_pool_decides_as_one_that_looks_at_everything(events in prop::collection::vec(event(), 0..60)) {
        run(events, true);
    }

    /// The block is asserted to hold nothing void, though the pool was told less than it holds.
    #[test]
    fn nothing_void_is_taken_and_nothing_void_stays(events in prop::collection::vec(event(), 0..60)) {
        run(events, false);
    }
}
