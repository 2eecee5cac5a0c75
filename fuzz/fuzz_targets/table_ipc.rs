#![no_main]

libfuzzer_sys::fuzz_target!(init: mlops_fuzz_targets::hook(), |data: &[u8]| mlops_fuzz_targets::table_ipc::run(data));
