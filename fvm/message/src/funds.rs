//! What a sender lacks to pay for a transaction, in the words of Ethereum's clients: of the mempool that refuses it, and of the RPC that
//! says so.

/// By how much a transaction is above its sender's balance, in go-ethereum's words: what waits is named only where the transaction alone
/// could be paid. All in attoTRB.
///
/// Source: go-ethereum, `core/txpool/validation.go`.
#[must_use]
pub fn overshot(balance: u128, queued: u128, cost: u128) -> String {
    match balance.checked_sub(cost) {
        None => format!("balance {balance}, tx cost {cost}, overshot {}", cost - balance),
        Some(left) => {
            let overshot = queued.saturating_sub(left);
            format!("balance {balance}, queued cost {queued}, tx cost {cost}, overshot {overshot}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_named_only_where_the_transaction_alone_could_be_paid() {
        for ((balance, queued, cost), words) in [
            ((5, 0, 7), "balance 5, tx cost 7, overshot 2"),
            ((5, 3, 7), "balance 5, tx cost 7, overshot 2"),
            ((7, 1, 7), "balance 7, queued cost 1, tx cost 7, overshot 1"),
            ((9, 5, 7), "balance 9, queued cost 5, tx cost 7, overshot 3"),
            ((0, 0, u128::MAX), format!("balance 0, tx cost {0}, overshot {0}", u128::MAX).as_str()),
        ] {
            assert_eq!(overshot(balance, queued, cost), words);
        }
    }
}
