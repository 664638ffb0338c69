//! Whose turn it is where only so many run at once.
//!
//! ```text
//! come ─▶ fewer run than may?   yes ─▶ runs
//!             │ no
//!             ├─ its client has as many waiting as places are left? ─▶ refused
//!             └─▶ waits ─▶ once one that ran is done: the first of the client whose turn it is, clients taking turns
//! ```
//!
//! So a client with many that wait delays another's by one, each time a place comes free; and it has half of the places to wait at most, two
//! such clients a third each, so that there is always one left for one more.
//!
//! Source: Nagle, RFC 970, 4.1; of the places as [`room`](crate::room).

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::clients::Client;

/// One that waits, among those of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What became of one that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// It runs.
    Runs,
    /// It waits.
    Waits(Ticket),
    /// It is not taken in.
    Refused,
}

/// Those that run, and those that wait, each as a `T`.
#[derive(Debug)]
pub struct Turns<T> {
    running_max: usize,
    waiting_max: usize,
    running: usize,
    waiting: usize,
    /// Of each client in the order in which they came. Nobody who has none.
    of: HashMap<Client, BTreeMap<Ticket, T>>,
    /// The clients that have some, the next first.
    round: VecDeque<Client>,
    next: u64,
}

impl<T> Turns<T> {
    /// Nobody yet. At most `running_max` run at once, and `waiting_max` wait.
    pub fn new(running_max: usize, waiting_max: usize) -> Self {
        let (of, round) = (HashMap::new(), VecDeque::new());
        Self { running_max, waiting_max, running: 0, waiting: 0, of, round, next: 0 }
    }

    /// One of `client` came. Cost: a look-up.
    pub fn come(&mut self, client: Client, waiter: impl FnOnce() -> T) -> Came {
        // While any wait, as many run as may.
        if self.running < self.running_max {
            self.running += 1;
            return Came::Runs;
        }
        if self.waiting_of(client) >= self.waiting_max - self.waiting {
            return Came::Refused;
        }
        let ticket = Ticket(self.next);
        let of_client = self.of.entry(client).or_insert_with(|| {
            self.round.push_back(client);
            BTreeMap::new()
        });
        of_client.insert(ticket, waiter());
        self.next += 1;
        self.waiting += 1;
        Came::Waits(ticket)
    }

    /// One that ran is done: whose turn it is now, and that runs in its place.
    pub fn done(&mut self) -> Option<T> {
        let Some(client) = self.round.pop_front() else {
            self.running -= 1;
            return None;
        };
        let of_client = self.of.get_mut(&client)?;
        let (_, next) = of_client.pop_first()?;
        if of_client.is_empty() {
            self.of.remove(&client);
        } else {
            self.round.push_back(client);
        }
        self.waiting -= 1;
        Some(next)
    }

    /// One that waited does not any more. Nothing, if its turn came before. Cost: a step for each client that has some waiting.
    pub fn leave(&mut self, client: Client, ticket: Ticket) {
        let Some(of_client) = self.of.get_mut(&client) else { return };
        if of_client.remove(&ticket).is_none() {
            return;
        }
        if of_client.is_empty() {
            self.of.remove(&client);
            self.round.retain(|other| *other != client);
        }
        self.waiting -= 1;
    }

    fn waiting_of(&self, client: Client) -> usize {
        self.of.get(&client).map_or(0, BTreeMap::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Client::at([192, 0, 2, last].into())
    }

    /// One after the other of these clients comes, each under the number of its place in the list; those that wait.
    fn came(turns: &mut Turns<usize>, clients: &[u8]) -> Vec<usize> {
        let come = |(number, last): (usize, &u8)| match turns.come(client(*last), || number) {
            Came::Waits(_) => Some(number),
            Came::Runs | Came::Refused => None,
        };
        clients.iter().enumerate().filter_map(come).collect()
    }

    fn all_done(turns: &mut Turns<usize>) -> Vec<usize> {
        std::iter::from_fn(|| turns.done()).collect()
    }

    #[test]
    fn clients_take_turns_and_each_has_its_own_in_order() {
        for (clients, order) in [
            (&[0, 1, 1, 1, 1][..], &[1, 2, 3, 4][..]),
            (&[0, 1, 1, 1, 1, 2], &[1, 5, 2, 3, 4]),
            (&[0, 1, 1, 1, 2, 2, 3], &[1, 4, 6, 2, 5, 3]),
            (&[0, 3, 2, 1, 1, 2, 3], &[1, 2, 3, 6, 5, 4]),
        ] {
            let mut turns = Turns::new(1, 100);
            assert_eq!(came(&mut turns, clients).len(), order.len());
            assert_eq!(all_done(&mut turns), order, "{clients:?}");
            assert_eq!((turns.running, turns.waiting, turns.of.len()), (0, 0, 0));
        }
    }

    #[test]
    fn a_client_with_many_that_wait_delays_another_by_one() {
        for already_done in 0..50 {
            let mut turns = Turns::new(1, 1_000);
            came(&mut turns, &[1; 100]);
            for _ in 0..already_done {
                turns.done().unwrap();
            }
            assert!(matches!(turns.come(client(2), || 1_000), Came::Waits(_)));
            let order = [turns.done(), turns.done()];
            assert!(order.contains(&Some(1_000)), "{order:?} after {already_done}");
        }
    }

    #[test]
    fn a_client_has_as_many_places_as_it_leaves_to_the_others() {
        for (places, clients, waiting) in
            [(0, 1, 0), (1, 1, 1), (2, 1, 1), (3, 1, 2), (1_000, 1, 500), (1_000, 2, 667), (1_000, 3, 750)]
        {
            let mut turns = Turns::new(1, places);
            let flood: Vec<u8> = (0..2_000).flat_map(|_| 1..=clients).collect();
            let came = came(&mut turns, &flood);
            assert_eq!((came.len(), turns.waiting), (waiting, waiting), "{clients} of {places}");
            if places > 1 {
                assert!(matches!(turns.come(client(9), || 0), Came::Waits(_)), "there is always one for one more");
            }
        }
    }

    #[test]
    fn who_leaves_gives_up_its_place_once() {
        let mut turns = Turns::new(1, 4);
        assert_eq!(turns.come(client(1), || 0), Came::Runs);
        let [first, second] = [1, 2].map(|number| turns.come(client(1), || number));
        let (Came::Waits(first), Came::Waits(second)) = (first, second) else { panic!("there are four places") };
        assert_eq!(turns.come(client(1), || 3), Came::Refused);
        assert!(matches!(turns.come(client(2), || 4), Came::Waits(_)));
        for _ in 0..2 {
            turns.leave(client(1), first);
            assert_eq!(turns.waiting, 2);
        }
        turns.leave(client(1), second);
        assert_eq!(turns.round, [client(2)], "whoever has none has no turn");
        assert_eq!(turns.done(), Some(4));
        turns.leave(client(2), second);
        assert_eq!((turns.done(), turns.running, turns.waiting), (None, 0, 0));
    }
}
