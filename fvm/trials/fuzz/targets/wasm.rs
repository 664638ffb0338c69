//! The target `wasm`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: tributary_fuzz::init(), |data: &[u8]| tributary_trials::wasm::run(data));
