//! The target `message`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: tributary_fuzz::init(), |data: &[u8]| tributary_trials::message::run(data));
