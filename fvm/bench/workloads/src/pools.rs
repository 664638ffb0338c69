//! Constant-product pools of two coins: what makes them, and swaps.

use tributary_primitives::EthAddress;

use crate::contract::{CREATE_GAS, Contract, ContractRejected, HOLDING, created_by, list, number, word};

/// What every pool has of either coin.
const RESERVE: u64 = 1 << 60;
/// Holders that get their coins in one transaction.
const HOLDERS: usize = 256;
/// Least that is paid in a swap, and how many amounts from there on may be.
const PAID: usize = 1_000;
/// Less than 2^24, the most that a transaction may have (EIP-7825).
const GIVE_GAS: u64 = 16_000_000;
const SYNC_GAS: u64 = 100_000;
/// The method that the workloads call.
const SWAP: &str = "swap(bool,uint256,uint256)";

/// An Ethereum transaction of the set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whom it calls; none where it creates a contract.
    pub to: Option<EthAddress>,
    /// What it says.
    pub input: Vec<u8>,
    /// More than it needs.
    pub gas: u64,
}

/// Pools that are there.
#[derive(Clone, Debug)]
pub struct Pools {
    contract: Contract,
    all: Vec<EthAddress>,
}

impl Pools {
    /// `count` pools of the same two coins, and what makes them, in this order: `founder` sends all of it, from its nonce `nonce` on.
    /// Each of `holders` has its share of both coins then.
    ///
    /// # Errors
    /// When a file is not what the compiler made.
    pub fn founded_by(
        founder: EthAddress,
        nonce: u64,
        count: usize,
        holders: &[EthAddress],
    ) -> Result<(Self, Vec<Step>), ContractRejected> {
        let (coin, pool) = (Contract::coin()?, Contract::pool()?);
        let mut created = (nonce..).map(|nonce| created_by(founder, nonce));
        let coins: Vec<_> = created.by_ref().take(2).collect();
        let all: Vec<_> = created.take(count).collect();
        let mut steps = vec![create(coin.creation(&[])); coins.len()];
        let of_both: Vec<_> = coins.iter().map(|coin| word(&coin.0)).collect();
        steps.extend(vec![create(pool.creation(&of_both)); count]);
        for at in coins {
            let trust = coin.call("trust(address[])", &[&[number(32)], &list(&all)[..]].concat())?;
            steps.push(call(at, trust, GIVE_GAS));
            for (some, each) in holders.chunks(HOLDERS).map(|some| (some, HOLDING)).chain([(&all[..], RESERVE)]) {
                let words = [&[number(64), number(each)], &list(some)[..]].concat();
                steps.push(call(at, coin.call("give(address[],uint256)", &words)?, GIVE_GAS));
            }
        }
        for at in &all {
            steps.push(call(*at, pool.call("sync()", &[])?, SYNC_GAS));
        }
        pool.call(SWAP, &[])?;
        Ok((Self { contract: pool, all }, steps))
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// A swap of a little in one of the first `among` pools, in either direction: which pool, and what to say to it. `below` draws a
    /// number below the one it is given.
    ///
    /// # Panics
    /// When there are fewer pools, or `below` does not keep to its bound.
    pub fn swap(&self, among: usize, mut below: impl FnMut(usize) -> usize) -> (EthAddress, Vec<u8>) {
        let pool = self.all[below(among)];
        let (direction, paid) = (below(2), PAID + below(PAID));
        let words = [direction, paid, 1].map(|count| number(u64::try_from(count).unwrap_or(u64::MAX)));
        (pool, self.contract.call(SWAP, &words).expect("a pool has a swap"))
    }
}

const fn create(input: Vec<u8>) -> Step {
    Step { to: None, input, gas: CREATE_GAS }
}

const fn call(to: EthAddress, input: Vec<u8>, gas: u64) -> Step {
    Step { to: Some(to), input, gas }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUNDER: EthAddress = EthAddress([7; 20]);

    #[test]
    fn every_pool_is_created_trusted_provided_for_and_synced() {
        let (pools, steps) = Pools::founded_by(FOUNDER, 5, 3, &[FOUNDER; 300]).unwrap();
        let created = steps.iter().take_while(|step| step.to.is_none()).count();
        assert_eq!((pools.count(), created), (3, 5));
        assert_eq!(pools.all, [7, 8, 9].map(|nonce| created_by(FOUNDER, nonce)), "the coins are created first");
        // Of either coin: trust, the holders in two parts, the pools' reserves. Then every pool looks what it has.
        let coins = [5, 6].map(|nonce| [Some(created_by(FOUNDER, nonce)); 4]);
        let called: Vec<_> = steps[created..].iter().map(|step| step.to).collect();
        let pools = pools.all.iter().copied().map(Some);
        assert_eq!(called, coins.into_iter().flatten().chain(pools).collect::<Vec<_>>());
    }

    #[test]
    fn a_swap_is_of_one_of_the_first_pools_and_pays_a_little() {
        let (pools, _) = Pools::founded_by(FOUNDER, 0, 3, &[]).unwrap();
        let (pool, input) = pools.swap(2, |bound| bound - 1);
        assert_eq!((pool, input.len()), (pools.all[1], 4 + 3 * 32));
        assert_eq!((input[35], &input[66..68], input[99]), (1, &1_999_u16.to_be_bytes()[..], 1));
    }
}
