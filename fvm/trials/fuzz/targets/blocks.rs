//! The target `blocks`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: tributary_fuzz::init(), |data: &[u8]| tributary_trials::blocks::run(data));
