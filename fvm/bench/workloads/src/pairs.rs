//! Who sends to whom.

use crate::draw::{Draw, Zipf};

/// How senders and receivers are chosen. Nobody sends to himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// Senders in turn, receivers at random.
    Random,
    /// Of every two accounts the first sends to the second. With two accounts a transaction no two transactions of a block meet.
    Own,
    /// Senders in turn, receivers by Zipf's law.
    Zipf,
    /// Everybody to the first account.
    OneReceiver,
    /// The first account to accounts at random.
    OneSender,
    /// Each to the next, who sends next.
    Chain,
}

/// Chooses among so many accounts, of which there are at least two.
#[derive(Clone, Debug)]
pub struct Chooser {
    accounts: usize,
    zipf: Zipf,
    draw: Draw,
}

impl Chooser {
    /// Among `accounts`, from the seed that every run has.
    #[must_use]
    pub fn new(accounts: usize) -> Self {
        Self { accounts, zipf: Zipf::new(accounts), draw: Draw::new(0x5eed) }
    }

    /// The sender and the receiver of the transaction with this number.
    pub fn pair(&mut self, pairs: Pairs, turn: usize) -> (usize, usize) {
        let sender = turn % self.accounts;
        match pairs {
            Pairs::Random => (sender, self.other(sender)),
            Pairs::Own => {
                let first = turn % (self.accounts / 2) * 2;
                (first, first + 1)
            }
            Pairs::Zipf => {
                let receiver = self.zipf.next(&mut self.draw);
                (sender, if receiver == sender { self.other(sender) } else { receiver })
            }
            Pairs::OneReceiver => (1 + turn % (self.accounts - 1), 0),
            Pairs::OneSender => (0, self.other(0)),
            Pairs::Chain => (sender, (sender + 1) % self.accounts),
        }
    }

    /// Anything below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.draw.below(bound)
    }

    /// Anybody but `sender`.
    fn other(&mut self, sender: usize) -> usize {
        let drawn = self.below(self.accounts - 1);
        if drawn < sender { drawn } else { drawn + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Pairs; 6] =
        [Pairs::Random, Pairs::Own, Pairs::Zipf, Pairs::OneReceiver, Pairs::OneSender, Pairs::Chain];

    #[test]
    fn nobody_sends_to_himself_and_nobody_is_made_up() {
        for pairs in ALL {
            for accounts in [2, 3, 100] {
                let mut chooser = Chooser::new(accounts);
                for turn in 0..300 {
                    let (from, to) = chooser.pair(pairs, turn);
                    assert!(from != to && from < accounts && to < accounts, "{pairs:?} of {accounts}: {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn pairs_of_their_own_share_nobody_and_a_chain_shares_everybody() {
        let mut chooser = Chooser::new(100);
        let own: Vec<_> = (0..50).map(|turn| chooser.pair(Pairs::Own, turn)).collect();
        assert!(own.iter().enumerate().all(|(at, pair)| *pair == (2 * at, 2 * at + 1)));
        let chain: Vec<_> = (0..100).map(|turn| chooser.pair(Pairs::Chain, turn)).collect();
        assert!(chain.windows(2).all(|two| two[0].1 == two[1].0));
    }
}
