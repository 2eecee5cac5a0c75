//! A view, a service and an empty table to try rows on.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, TimestampMicrosecondArray},
    datatypes::DataType,
};
use mlops_core::{EntityKey, EventTime, Span, Table, Value};

use super::{ensure, text};
use crate::{
    Entity, Error, Feature, FeatureService, FeatureView, Status,
    online::{OnlineBatch, OnlineStore, OnlineTable, read},
};

pub(super) type Store = Arc<dyn OnlineStore>;

/// A row: key, event time, created time, value.
pub(super) type Row = (i64, i64, Option<i64>, Option<i64>);

pub(super) struct Bench {
    pub(super) table: OnlineTable,
    pub(super) service: FeatureService,
}

pub(super) fn at(micros: i64) -> EventTime {
    EventTime::from_micros(micros)
}

fn span(micros: i64) -> Span {
    Span::from_micros(micros).unwrap_or(Span::ZERO)
}

impl Bench {
    /// A view of that name with a TTL of 20 and a window of 10, and an empty table for it.
    pub(super) fn new(store: &Store, name: &str, keep: i64) -> Result<Self, String> {
        let made = || -> Result<Self, Error> {
            let view = FeatureView::builder(format!("conformance-{name}"))
                .entity(Entity::new("user", [("id", DataType::Int64)])?)
                .event_time("at")
                .created_time("loaded")
                .ttl(span(20))
                .field("amount", DataType::Int64)
                .build()?;
            let service = FeatureService::named("s")?
                .feature(Feature::latest(&view, "amount")?)
                .feature(
                    Feature::sum(&view, "amount")
                        .named("total")
                        .over(span(10))?,
                )
                .build()?;
            let table = OnlineTable::new(&view).serving(&service).keep(span(keep));
            store.clear(table.id())?;
            Ok(Self { table, service })
        };
        made().map_err(text)
    }

    pub(super) fn write(&self, store: &Store, now: i64, rows: &[Row]) -> Result<(), String> {
        let times = |values: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
            times(rows.iter().map(|row| Some(row.1)).collect()),
            times(rows.iter().map(|row| row.2).collect()),
            Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
        ];
        let rows = Table::new(self.table.view().schema(), columns).map_err(text)?;
        self.table
            .write(store.as_ref(), &rows, at(now))
            .map_err(text)?;
        Ok(())
    }

    pub(super) fn read(
        &self,
        store: &Store,
        keys: &[i64],
        instant: i64,
    ) -> Result<OnlineBatch, String> {
        let keys: Vec<EntityKey> = keys.iter().map(|key| EntityKey::from(*key)).collect();
        let tables = std::slice::from_ref(&self.table);
        read(store.as_ref(), tables, &self.service, &keys, at(instant)).map_err(text)
    }

    /// Checks the latest value of key 1 and its status.
    pub(super) fn expect(
        &self,
        store: &Store,
        instant: i64,
        value: impl Into<Value>,
        status: Status,
    ) -> Result<(), String> {
        let batch = self.read(store, &[1], instant)?;
        let row = batch.row(0);
        let right = row.values[0] == value.into() && row.statuses[0] == status;
        ensure(right, || {
            format!("{:?}, {:?} at {instant}", row.values[0], row.statuses[0])
        })
    }
}
