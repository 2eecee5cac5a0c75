//! What rows mean on a store: order, ties, TTL, nulls, keys, horizons.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray},
    datatypes::DataType,
};
use mlops_core::{EntityKey, KeyPart, Table, Value};

use super::{
    Case,
    bench::{Bench, Row, at},
    ensure, text,
};
use crate::{
    Entity, Error, Feature, FeatureService, FeatureView, Status,
    online::{Change, OnlineTable, StoreKey, read},
};

pub(super) const OLDER_LOSES: Case = Case {
    name: "an older row does not replace a newer one, within a call and across calls",
    check: |store| {
        let bench = Bench::new(store, "older", 0)?;
        bench.write(
            store,
            9,
            &[(1, 9, Some(1), Some(9)), (1, 5, Some(9), Some(5))],
        )?;
        bench.expect(store, 9, 9, Status::Present)?;
        bench.write(store, 9, &[(1, 7, Some(9), Some(7))])?;
        bench.expect(store, 9, 9, Status::Present)
    },
};

pub(super) const CREATED_BREAKS_TIES: Case = Case {
    name: "among rows of one event time the newer created time wins and none is the lowest",
    check: |store| {
        for rows in [
            [(None, 1), (Some(6), 2), (Some(7), 3)],
            [(Some(7), 3), (Some(6), 2), (None, 1)],
        ] {
            let bench = Bench::new(store, "created", 0)?;
            for (created, value) in rows {
                bench.write(store, 5, &[(1, 5, created, Some(value))])?;
            }
            bench.expect(store, 6, 3, Status::Present)?;
        }
        Ok(())
    },
};

pub(super) const LAST_WRITE: Case = Case {
    name: "of rows that agree in both times the last write counts, once",
    check: |store| {
        let bench = Bench::new(store, "tie", 0)?;
        for value in [1, 2, 3] {
            bench.write(store, 5, &[(1, 5, Some(6), Some(value))])?;
        }
        bench.expect(store, 6, 3, Status::Present)?;
        let batch = bench.read(store, &[1], 6)?;
        let total = batch.row(0).get("total").cloned();
        ensure(total == Some(Value::Int(3)), || {
            format!("the sum is {total:?}")
        })
    },
};

pub(super) const AGAIN: Case = Case {
    name: "writing the same rows again changes no byte",
    check: |store| {
        let bench = Bench::new(store, "again", 3)?;
        let rows = [
            (1, 4, None, Some(4)),
            (1, 8, Some(8), None),
            (1, 6, Some(7), Some(6)),
        ];
        let held = || {
            let mut held = None;
            let key = [StoreKey::new(&EntityKey::from(1))];
            let done = store.read(bench.table.id(), &key, &mut |_, bytes| {
                held = bytes.map(<[u8]>::to_vec);
                Ok(())
            });
            done.map_err(text).map(|()| held)
        };
        bench.write(store, 9, &rows)?;
        let first = held()?;
        bench.write(store, 9, &rows)?;
        let second = held()?;
        ensure(first.is_some() && first == second, || {
            format!("{first:?}, then {second:?}")
        })
    },
};

pub(super) const ANY_ORDER: Case = Case {
    name: "the state does not depend on the order in which rows came",
    check: |store| {
        let rows = [
            (1, 2, None, Some(1)),
            (1, 9, Some(9), Some(2)),
            (1, 4, Some(5), None),
            (1, 9, Some(10), Some(8)),
            (1, 7, None, Some(16)),
        ];
        let mut seen: Option<(Vec<Value>, Vec<Status>)> = None;
        for turn in 0..rows.len() {
            let bench = Bench::new(store, "order", 4)?;
            for step in 0..rows.len() {
                let row = rows[(turn + step * 2) % rows.len()];
                bench.write(store, 12, &[row])?;
            }
            let batch = bench.read(store, &[1], 11)?;
            let row = (batch.row(0).values.to_vec(), batch.row(0).statuses.to_vec());
            let same = seen.get_or_insert_with(|| row.clone()) == &row;
            ensure(same, || format!("{row:?} and {seen:?}"))?;
        }
        Ok(())
    },
};

pub(super) const RACING_ROWS: Case = Case {
    name: "the newest row wins however writers race",
    check: |store| {
        let bench = Bench::new(store, "racing", 0)?;
        let writer = |first: i64| {
            let times = (0..40).map(move |step| first + step * 4);
            times
                .rev()
                .try_for_each(|time| bench.write(store, 200, &[(1, time, None, Some(time))]))
        };
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|first| scope.spawn(move || writer(first)))
                .collect();
            let mut done = writers.into_iter();
            done.try_for_each(|writer| writer.join().expect("a writer returns its error"))
        })?;
        bench.expect(store, 159, 159, Status::Present)
    },
};

pub(super) const TTL: Case = Case {
    name: "the TTL is judged at the instant of the read, its end inclusive",
    check: |store| {
        let bench = Bench::new(store, "ttl", 0)?;
        bench.write(store, 5, &[(1, 5, None, Some(7))])?;
        bench.expect(store, 25, 7, Status::Present)?;
        bench.expect(store, 26, Value::Null, Status::Expired)?;
        bench.expect(store, 25, 7, Status::Present)
    },
};

pub(super) const NULL_IS_NOT_MISSING: Case = Case {
    name: "null, missing and expired are three things, and a newer null hides an older value",
    check: |store| {
        let bench = Bench::new(store, "null", 0)?;
        bench.expect(store, 5, Value::Null, Status::NotFound)?;
        bench.write(store, 5, &[(1, 4, None, Some(7)), (1, 5, None, None)])?;
        bench.expect(store, 5, Value::Null, Status::Null)?;
        bench.expect(store, 30, Value::Null, Status::Expired)?;
        let batch = bench.read(store, &[1, 2], 5)?;
        let times = (batch.row(0).event_times[0], batch.row(1).event_times[0]);
        ensure(times == (Some(at(5)), None), || {
            format!("the event times are {times:?}")
        })
    },
};

pub(super) const REPEATED_KEYS: Case = Case {
    name: "a batch answers in the order of its keys, repeated ones alike",
    check: |store| {
        let bench = Bench::new(store, "batch", 0)?;
        let rows: Vec<Row> = (0..40).map(|key| (key, 5, None, Some(key * 10))).collect();
        bench.write(store, 5, &rows)?;
        let keys: Vec<i64> = (0..100).map(|i| (i * 7) % 50).collect();
        let batch = bench.read(store, &keys, 5)?;
        for (key, row) in keys.iter().zip(batch.rows()) {
            let expected = if *key < 40 {
                Value::Int(key * 10)
            } else {
                Value::Null
            };
            ensure(row.values[0] == expected, || {
                format!("key {key} has {:?}", row.values[0])
            })?;
        }
        Ok(())
    },
};

pub(super) const KEY_TYPES: Case = Case {
    name: "composite keys of texts are not glued together",
    check: |store| {
        let made = || -> Result<_, Error> {
            let keys = [("a", DataType::Utf8), ("b", DataType::Utf8)];
            let view = FeatureView::builder("conformance-glue")
                .entity(Entity::new("pair", keys)?)
                .event_time("at")
                .field("x", DataType::Int64)
                .build()?;
            let service = FeatureService::named("s")?
                .feature(Feature::latest(&view, "x"))
                .build()?;
            let table = OnlineTable::new(&view);
            store.clear(table.id())?;
            let time = TimestampMicrosecondArray::from(vec![5, 5]).with_timezone("UTC");
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(vec!["1", "12"])),
                Arc::new(StringArray::from(vec!["23", "3"])),
                Arc::new(time),
                Arc::new(Int64Array::from(vec![1, 2])),
            ];
            table.write(store.as_ref(), &Table::new(view.schema(), columns)?, at(5))?;
            let pair = |a: &str, b: &str| EntityKey::new([KeyPart::from(a), KeyPart::from(b)]);
            let keys = [pair("1", "23"), pair("12", "3"), pair("123", "")];
            let batch = read(store.as_ref(), &[table], &service, &keys, at(5))?;
            Ok(batch
                .rows()
                .map(|row| row.values[0].clone())
                .collect::<Vec<_>>())
        };
        let values = made().map_err(text)?;
        let expected = [Value::Int(1), Value::Int(2), Value::Null];
        ensure(values == expected, || format!("{values:?}"))
    },
};

pub(super) const BEFORE_THE_HORIZON: Case = Case {
    name: "an instant before the horizon is not answered with a wrong value",
    check: |store| {
        let bench = Bench::new(store, "horizon", 3)?;
        let rows = [2, 9, 30].map(|time| (1, time, None, Some(time)));
        bench.write(store, 30, &rows)?;
        bench.expect(store, 27, 9, Status::Present)?;
        bench.expect(store, 12, 9, Status::Present)?;
        bench.expect(store, 8, Value::Null, Status::NotRetained)
    },
};

pub(super) const FUTURE_ROWS: Case = Case {
    name: "a row of the future hides no present one",
    check: |store| {
        let bench = Bench::new(store, "future", 0)?;
        bench.write(
            store,
            5,
            &[(1, 5, None, Some(5)), (1, 1_000, None, Some(1_000))],
        )?;
        bench.expect(store, 6, 5, Status::Present)?;
        bench.expect(store, 1_000, 1_000, Status::Present)
    },
};

pub(super) const WINDOWS: Case = Case {
    name: "a window holds late events, and each event once",
    check: |store| {
        let bench = Bench::new(store, "window", 0)?;
        let rows = [
            (1, 1, None, Some(1)),
            (1, 11, None, Some(10)),
            (1, 6, None, Some(100)),
        ];
        for row in rows {
            bench.write(store, 11, &[row])?;
        }
        bench.write(store, 11, &rows)?;
        for (instant, total) in [(11, 110), (15, 110), (16, 10), (20, 10)] {
            let batch = bench.read(store, &[1], instant)?;
            let seen = batch.row(0).get("total").cloned();
            ensure(seen == Some(Value::Int(total)), || {
                format!("{seen:?} at {instant}")
            })?;
        }
        Ok(())
    },
};

pub(super) const DEFINITIONS: Case = Case {
    name: "another definition of a view is another table",
    check: |store| {
        let bench = Bench::new(store, "definition", 0)?;
        bench.write(store, 5, &[(1, 5, None, Some(5))])?;
        let view = bench.table.view();
        let other = FeatureView::builder(view.name().as_str())
            .entity(view.entity().clone())
            .event_time("at")
            .field("amount", DataType::Utf8)
            .build()
            .map_err(text)?;
        let other = OnlineTable::new(&other);
        ensure(other.id() != bench.table.id(), || {
            format!("both are `{}`", other.id())
        })
    },
};

pub(super) const DAMAGE: Case = Case {
    name: "damaged bytes are an error that names view and key, for reads and for writes",
    check: |store| {
        let bench = Bench::new(store, "damage", 0)?;
        bench.write(store, 5, &[(1, 5, None, Some(5))])?;
        let key = [StoreKey::new(&EntityKey::from(1))];
        let broken = store.update(bench.table.id(), &key, &mut |_, bytes| {
            let mut bytes = bytes.unwrap_or_default().to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Ok(Change::Put(bytes))
        });
        broken.map_err(text)?;
        let errors = [
            bench.read(store, &[1], 5).err(),
            bench.write(store, 5, &[(1, 6, None, None)]).err(),
        ];
        for error in errors {
            let named = error
                .as_ref()
                .is_some_and(|e| e.contains("conformance-damage") && e.contains("(1)"));
            ensure(named, || format!("{error:?}"))?;
        }
        Ok(())
    },
};
