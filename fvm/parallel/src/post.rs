//! The committer's post: whoever finds it free takes it, and nobody waits for it.
//!
//! ```text
//! say what there is to do ─▶ free? ─▶ no: who holds it looks once more after giving it up
//!                             │ yes ◀──────────────────────────────────────────────────┐
//!                             ▼                                                        │ yes
//!                            work while there is any ─▶ give it up ─▶ has more come meanwhile?
//! ```
//!
//! Between saying and trying, and between giving up and looking, stands a fence each: either who says it finds the post free, or who
//! held it finds what was said.

use std::sync::PoisonError;

use crate::sync::{AtomicBool, Mutex, Ordering, fence};

/// What one at a time works on.
#[derive(Debug)]
pub(crate) struct Post<T>(Mutex<T>);

/// Says that there is something to do. Who says it tries for the post next, or finds out otherwise what its holder has said before.
pub(crate) fn say(what: &AtomicBool) {
    what.store(true, Ordering::SeqCst);
    fence(Ordering::SeqCst);
}

impl<T> Post<T> {
    /// A post that is free.
    pub(crate) fn new(desk: T) -> Self {
        Self(Mutex::new(desk))
    }

    /// Does the `work` unless somebody is at it, and again while `is_more` comes.
    pub(crate) fn hold(&self, mut work: impl FnMut(&mut T), is_more: impl Fn() -> bool) {
        loop {
            let Ok(mut desk) = self.0.try_lock() else { return };
            work(&mut desk);
            drop(desk);
            // What was said between the last look and the unlocking had nobody to do it.
            fence(Ordering::SeqCst);
            if !is_more() {
                return;
            }
        }
    }

    /// What was worked on.
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
