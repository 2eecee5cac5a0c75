//! A warm scratch predicts without taking memory.

#![expect(
    unsafe_code,
    reason = "counting allocations needs an allocator of our own"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use mlops_core::Value;
use mlops_model::{Model, Scratch};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `GlobalAlloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `GlobalAlloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_scratch_takes_no_memory() {
    let mut families = std::collections::BTreeSet::new();
    for seed in 0..80 {
        let spec = crate::support::model(seed);
        families.insert(spec.family().to_owned());
        let rows = crate::support::rows(&spec, seed, 50);
        let mut scratch = Scratch::new();
        spec.predict_row(&rows[0], &mut scratch).unwrap();
        let before = COUNT.with(Cell::get);
        let mut sum = 0.0;
        for row in &rows {
            sum += spec.predict_row(row, &mut scratch).unwrap()[0];
        }
        assert_eq!(COUNT.with(Cell::get), before, "{}", spec.family());
        assert!(sum.is_finite());
    }
    assert_eq!(families.len(), crate::support::FAMILIES.len());
}

#[test]
fn sequences_of_any_length_take_no_memory_either() {
    for spec in crate::sequence_models::golden() {
        let model = spec.to_model(6).unwrap();
        let row = |steps: u32| {
            let list = || {
                (0..steps)
                    .map(|step| Value::from(f64::from(step)))
                    .collect()
            };
            vec![
                Value::List(list()),
                Value::List(list()),
                Value::List(list()),
            ]
        };
        let rows: Vec<Vec<Value>> = (1..=6).map(row).collect();
        let mut scratch = Scratch::new();
        model.predict_row(&rows[0], &mut scratch).unwrap();
        let before = COUNT.with(Cell::get);
        for row in &rows {
            model.predict_row(row, &mut scratch).unwrap();
        }
        assert_eq!(COUNT.with(Cell::get), before);
    }
}
