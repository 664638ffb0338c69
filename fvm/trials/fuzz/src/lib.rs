//! What all targets do before their first input.

/// Lets a panic unwind. libFuzzer's binding aborts at once, but the executor catches panics of the instrumenter, which refuses a
/// module by them; those that reach the target still end the run.
pub fn init() {
    drop(std::panic::take_hook());
}
