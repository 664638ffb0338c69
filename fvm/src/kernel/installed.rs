//! The code that actors are made of: what is installed, and installing more.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use tributary_primitives::actors::SYSTEM_ID;
use tributary_primitives::raw_cid;
use tributary_wasm::{CodeRejected, GasTracker, SyscallError, prices};

use super::{Kernel, fatal};
use crate::error::StateFatal;
use crate::journal::blocks::Blocks;
use crate::state::ActorHead;
use crate::state::{StateView, system};

impl<V: StateView> Kernel<V> {
    /// Whether the init actor may make actors of this code.
    pub(crate) fn is_installed(&mut self, code: &Cid) -> Result<bool, SyscallError> {
        let root = self.system().map_err(fatal)?.state;
        system::is_installed(&Blocks::of(&mut self.journal), &root, code).map_err(fatal)
    }

    /// Whether the chain lets this actor install code.
    pub(crate) fn may_install(&self, actor: ActorID) -> bool {
        self.course.machine.params().code_installer.allows(actor)
    }

    /// Checks a module, compiles it and installs it; charges what compiling takes beyond its bytes. Inner error: it is no actor's code, and
    /// nothing changed.
    pub(crate) fn install(
        &mut self,
        wasm: &[u8],
        gas: &mut GasTracker,
    ) -> Result<Result<Cid, CodeRejected>, SyscallError> {
        let (code, engine) = (raw_cid(wasm), self.course.machine.engine());
        let survey = match engine.survey(wasm) {
            Ok(survey) => survey,
            Err(rejected) => return Ok(Err(rejected)),
        };
        gas.charge(prices::compile(wasm.len(), survey.compile_ns))?;
        let loaded = engine.load(code, wasm, self.journal.purpose());
        if let Err(rejected) = loaded.map_err(|refused| fatal(StateFatal::refused(&refused)))? {
            return Ok(Err(rejected));
        }
        let head = self.system().map_err(fatal)?;
        let state = system::install(&Blocks::of(&mut self.journal), &head.state, &code).map_err(fatal)?;
        self.journal.put_block(code, wasm.into());
        self.journal.set_actor(SYSTEM_ID, Some(ActorHead { state, ..ActorHead::clone(&head) }));
        Ok(Ok(code))
    }

    fn system(&mut self) -> Result<Arc<ActorHead>, StateFatal> {
        let head = self.journal.actor(SYSTEM_ID)?;
        head.ok_or_else(|| StateFatal::Invariant("there is no system actor".to_owned()))
    }
}
