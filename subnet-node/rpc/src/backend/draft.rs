//! A state that goes on from block to block beside the chain.

use tributary_fvm::Leash;
use tributary_fvm::simulation::{Simulated, SimulatedBlock, SimulationRejected};

use super::ReadUnavailable;

/// A state that blocks are run on to see what would become of them; forgotten when it is dropped.
pub trait Draft<'a> {
    /// Runs a block, and is the state after it. All blocks of a simulation hang on one leash.
    ///
    /// # Errors
    /// [`SimulateRejected`]; the draft is gone.
    fn run(self: Box<Self>, block: &SimulatedBlock, leash: &Leash) -> Result<Ran<'a>, SimulateRejected>;
}

/// The state after a block, and what became of its calls.
pub type Ran<'a> = (Box<dyn Draft<'a> + 'a>, Vec<Simulated>);

/// Why a block is not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateRejected {
    /// It cannot be as its caller wants it, or took too long.
    #[error(transparent)]
    Simulation(#[from] SimulationRejected),
    /// The node cannot run it now.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
}
