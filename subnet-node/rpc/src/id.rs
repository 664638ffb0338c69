//! Names of subscriptions and filters: 128 random bits, so that nobody guesses another's.

/// A new one, as a quantity. Source: go-ethereum, `rpc/subscription.go`, `NewID`.
pub fn new() -> String {
    format!("{:#x}", rand::random::<u128>())
}
