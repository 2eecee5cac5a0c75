//! No bytes bring the reader of Arrow streams down, and a table that it accepts is sound.
//!
//! Arrow's reader answers some damaged streams with a panic, which `Table::from_ipc` turns into an
//! error. The fuzzer's own hook would end the run at that panic, so it is kept for panics elsewhere; one
//! of Arrow's that gets out ends the run as well.

use mlops_core::{Table, Value};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Ok(table) = Table::from_ipc(data) else {
        return;
    };
    let written = table.to_ipc();
    let back = Table::from_ipc(&written).expect("what is written is read");
    // bytes and not schemas: Arrow writes an empty time zone as none
    assert_eq!(back.to_ipc(), written);
    let _ = (table.keys(), table.event_times());
    for column in table.schema().columns() {
        let array = table.column(column.name()).expect("it is in the schema");
        for row in 0..table.rows().min(100) {
            let value = Value::from_array(column.name(), array, row);
            assert!(!matches!(value, Ok(Value::Null)) || column.is_nullable());
        }
    }
    let keep: Vec<bool> = (0..table.rows()).map(|row| row % 2 == 0).collect();
    let half = table.filter(&keep).expect("a mask of the same length");
    let both = Table::concat(&[half, table]).expect("the same schema");
    let _ = both.digest();
}
