//! A block that was committed, run once more in order and held against what this node made of it.
//!
//! ```text
//! commit ─▶ due?  no                 ─▶ nothing
//!            │    yes, one runs      ─▶ skipped, counted
//!            ▼ yes
//!          in order, on the parent's state from the store, by a thread of low priority
//!            ├─ state cannot be read ─▶ skipped, counted, a warning
//!            ├─ same outcome         ─▶ counted
//!            └─ another              ─▶ dump, SAFETY_HALT, the node stops
//!
//! dump ─▶ `inspect replay`: in order and on threads, as often as asked ─▶ who was wrong
//! ```
//!
//! What is checked is all that stands between a block's bytes and its outcome: decoding, threads, and the state that the live
//! execution keeps in memory from block to block, where this one reads every block of it anew.
//!
//! | module | is |
//! |---|---|
//! | [`words`] | a block to run, and what running it gave |
//! | [`law`] | what is due, what differs, and who was wrong |
//! | [`recorder`] | a store that keeps what is read from it |
//! | [`replay`] | runs a block once more |
//! | [`dump`] | all of it as files |
//! | [`checker`] | the thread |

pub mod checker;
pub mod dump;
pub mod law;
pub mod recorder;
pub mod replay;
pub mod words;
