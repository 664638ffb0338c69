//! Parallel execution equals execution in order, whatever the threads do.
#![allow(clippy::as_conversions, reason = "small numbers of a test")]

#[cfg(not(shuttle))]
mod held;
#[cfg(not(shuttle))]
mod hot;
#[cfg(not(shuttle))]
mod lanes;
#[cfg(not(shuttle))]
mod lessons;
#[cfg(shuttle)]
mod schedules;
#[cfg(not(shuttle))]
mod stops;
#[cfg(not(shuttle))]
mod threads;
mod toy;
#[cfg(not(shuttle))]
mod waits;
