//! Why a node ends: of all that went wrong, what its operator is told and its supervisor acts on.
//!
//! | the first that holds | ends with |
//! |---|---|
//! | consensus must stay down | its safety halt, whatever else there was |
//! | a hand met something | the first such cause: what consensus says then follows from it |
//! | consensus ended by itself | why |
//! | the last state was not saved | why |
//! | it was asked to | success |

use tributary_consensus::{EngineFatal, EngineStopped};

use crate::halt::Cause;

/// What is known at the end.
#[derive(Debug, Default)]
pub struct Ending {
    /// The first that a hand met.
    pub met: Option<Cause>,
    /// Why consensus ended, if it was not asked to or could not.
    pub consensus: Option<EngineStopped>,
    /// What was not saved.
    pub unsaved: Option<anyhow::Error>,
}

impl Ending {
    /// Consensus' safety halt: nobody may start the node again before a person looked.
    #[must_use]
    pub fn safety_halt(&self) -> Option<&EngineStopped> {
        self.consensus.as_ref().filter(|why| why.must_stay_down())
    }

    /// What the node ends with.
    ///
    /// # Errors
    /// As the table says.
    pub fn conclude(self) -> anyhow::Result<()> {
        let is_safety_halt = self.safety_halt().is_some();
        let Self { met, consensus, unsaved } = self;
        let met = met.filter(|_| !is_safety_halt).map(anyhow::Error::from_boxed);
        let consensus = consensus.map(|why| match why {
            EngineStopped::Fatal(EngineFatal::Application(cause)) => cause.into(),
            why => why.into(),
        });
        met.or(consensus).or(unsaved).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use tributary_consensus::{ApplicationFatal, EngineUnavailable};

    use super::*;

    fn ended(met: Option<&'static str>, consensus: Option<EngineStopped>, unsaved: Option<&'static str>) -> String {
        let ending = Ending { met: met.map(Cause::from), consensus, unsaved: unsaved.map(anyhow::Error::msg) };
        ending.conclude().map_or_else(|why| why.to_string(), |()| "asked".to_owned())
    }

    #[test]
    fn a_safety_halt_is_never_lost_and_else_the_first_cause_is_told() {
        let safety = || EngineStopped::from(EngineFatal::SafetyHalt);
        let lost = || EngineStopped::from(EngineUnavailable::Lost);
        let application = || EngineStopped::from(EngineFatal::from(ApplicationFatal("a block is damaged".into())));
        for (met, consensus, unsaved, told) in [
            (None, None, None, "asked"),
            (None, None, Some("no trees"), "no trees"),
            (None, Some(lost()), Some("no trees"), "consensus engine lost one of its parts"),
            (None, Some(application()), None, "a block is damaged"),
            (Some("the disk is full"), None, None, "the disk is full"),
            (Some("the disk is full"), Some(application()), Some("no trees"), "the disk is full"),
            (Some("the disk is full"), Some(safety()), Some("no trees"), "consensus engine halted to not sign twice"),
            (None, Some(safety()), None, "consensus engine halted to not sign twice"),
        ] {
            let said = ended(met, consensus, unsaved);
            assert!(said.starts_with(told), "{told}: {said}");
        }
    }
}
