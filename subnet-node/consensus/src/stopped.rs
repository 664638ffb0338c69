//! Why an engine stopped, and whether it may be started again.
//!
//! | what happened | type | then |
//! |---|---|---|
//! | an actor of the engine died | [`EngineUnavailable`] | starting again is safe |
//! | the engine refuses to go on (write-ahead log damaged or unwritable) | [`EngineFatal::SafetyHalt`] | must stay down: it might sign twice |
//! | the application cannot go on | [`EngineFatal::Application`] | the node stops; its operator mends the disk |

use crate::application::ApplicationFatal;
use crate::config::ConfigRejected;

/// Why [`crate::Engine::start`] gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// A setting is wrong; it will be wrong again.
    #[error(transparent)]
    Rejected(#[from] ConfigRejected),
    /// May work later.
    #[error(transparent)]
    Unavailable(#[from] EngineUnavailable),
}

/// Why [`crate::Running::wait`] ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineStopped {
    /// May be started again.
    #[error(transparent)]
    Unavailable(#[from] EngineUnavailable),
    /// May not.
    #[error(transparent)]
    Fatal(#[from] EngineFatal),
}

/// The engine does not run, and may be started again.
#[derive(Debug, thiserror::Error)]
pub enum EngineUnavailable {
    /// It did not come up: a port is taken, the write-ahead log is locked by another process.
    #[error("consensus engine did not start: {0}")]
    Start(String),
    /// A part of it ended; nothing unsafe happened.
    #[error("consensus engine lost one of its parts; starting it again is safe")]
    Lost,
}

/// The engine does not run and must not be started before someone has looked.
#[derive(Debug, thiserror::Error)]
pub enum EngineFatal {
    /// The engine's memory of its own votes cannot be relied on.
    #[error("consensus engine halted to not sign twice: its write-ahead log is damaged or cannot be written")]
    SafetyHalt,
    /// The application gave up.
    #[error("application cannot go on")]
    Application(#[from] ApplicationFatal),
}

impl EngineStopped {
    /// Whether even a restart by a supervisor must be prevented: a second start would run on a shortened write-ahead log.
    #[must_use]
    pub const fn must_stay_down(&self) -> bool {
        matches!(self, Self::Fatal(EngineFatal::SafetyHalt))
    }
}
