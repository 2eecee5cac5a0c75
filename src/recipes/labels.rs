//! Labels from events: who was active, and who then stayed away.
//!
//! For each cut-off, every entity with an event in the `active_within` before it becomes one row; its label is
//! true when no event follows within the `horizon` after it. Only events *at or after* the cut-off decide the
//! label and only earlier ones decide who is asked about, so that features joined with an exclusive upper
//! bound never share a row with the label.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Column, EntityKey, Error, EventTime, KeyPart, Result, Role, Span, Table, TableSchema,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryBuilder, Int64Array, StringArray,
            TimestampMicrosecondArray,
        },
        compute::cast,
        datatypes::DataType,
    },
};

/// The times of all events of each entity, sorted: what labels are made from.
#[derive(Debug, Clone)]
pub struct Activity {
    keys: Vec<Column>,
    times: BTreeMap<EntityKey, Vec<EventTime>>,
    last: EventTime,
}

impl Activity {
    /// Reads keys and event times; rows with a null in the key are left out.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] without a key or an event time column, [`Error::EmptyTable`] without rows.
    pub fn of(events: &Table) -> Result<Self> {
        let schema = events.schema();
        schema.only(Role::Key)?;
        let keys = schema
            .with_role(Role::Key)
            .map(|i| schema.columns()[i].clone())
            .collect();
        let mut times: BTreeMap<EntityKey, Vec<EventTime>> = BTreeMap::new();
        for (key, time) in events.keys()?.into_iter().zip(events.event_times()?) {
            if let Some(key) = key {
                times.entry(key).or_default().push(time);
            }
        }
        for of_one in times.values_mut() {
            of_one.sort_unstable();
        }
        let last = times.values().filter_map(|t| t.last()).max().copied();
        Ok(Self {
            keys,
            times,
            last: last.ok_or_else(|| Error::EmptyTable {
                table: "activity".into(),
            })?,
        })
    }

    /// The latest event of all.
    pub fn last_event(&self) -> EventTime {
        self.last
    }

    /// The entities with an event in `[cutoff - active_within, cutoff)`, in the order of their keys.
    pub fn active(&self, cutoff: EventTime, active_within: Span) -> Vec<&EntityKey> {
        let from = cutoff - active_within;
        let active = |times: &[EventTime]| {
            let before = times.partition_point(|t| *t < cutoff);
            before > 0 && times[before - 1] >= from
        };
        let entities = self.times.iter();
        entities
            .filter(|(_, times)| active(times))
            .map(|(key, _)| key)
            .collect()
    }

    /// Whether an entity has no event in `[cutoff, cutoff + horizon)`; true for an unknown one.
    pub fn stays_away(&self, key: &EntityKey, cutoff: EventTime, horizon: Span) -> bool {
        self.times.get(key).is_none_or(|times| {
            let next = times.partition_point(|t| *t < cutoff);
            times.get(next).is_none_or(|t| *t >= cutoff + horizon)
        })
    }

    /// The spine of one cut-off: key columns, `event_timestamp` and the boolean label `label`.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] if nobody was active, [`Error::InvalidSchema`] if `label` is a key's name.
    pub fn churn_spine(
        &self,
        cutoff: EventTime,
        active_within: Span,
        horizon: Span,
        label: &str,
    ) -> Result<Table> {
        let active = self.active(cutoff, active_within);
        if active.is_empty() {
            return Err(Error::EmptyTable {
                table: format!("spine at {cutoff}"),
            });
        }
        let times = vec![cutoff.micros(); active.len()];
        let labels: Vec<bool> = active
            .iter()
            .map(|key| self.stays_away(key, cutoff, horizon))
            .collect();
        let mut columns = self.keys.clone();
        columns.push(Column::event_time("event_timestamp"));
        columns.push(Column::new(label, DataType::Boolean, Role::Label).nullable(false));
        let mut arrays: Vec<ArrayRef> = (0..self.keys.len())
            .map(|i| key_array(&self.keys[i], active.iter().map(|key| &key.parts()[i])))
            .collect();
        arrays.push(Arc::new(
            TimestampMicrosecondArray::from(times).with_timezone("UTC"),
        ));
        arrays.push(Arc::new(BooleanArray::from(labels)));
        Table::new(TableSchema::new(columns)?, arrays)
    }
}

/// Builds a key column of the type that the events have.
fn key_array<'a>(column: &Column, parts: impl Iterator<Item = &'a KeyPart>) -> ArrayRef {
    match column.data_type() {
        DataType::Boolean => Arc::new(
            parts
                .map(|part| matches!(part, KeyPart::Bool(true)))
                .collect::<BooleanArray>(),
        ),
        text if text.is_string() => {
            let texts = StringArray::from_iter_values(parts.map(|part| match part {
                KeyPart::Str(text) => text.clone(),
                other => other.to_string(),
            }));
            cast(&texts, text).expect("a text is a text in every encoding")
        }
        DataType::FixedSizeBinary(16) => {
            let mut ids = FixedSizeBinaryBuilder::new(16);
            for part in parts {
                match part {
                    KeyPart::Uuid(id) => ids.append_value(id.as_bytes()).expect("16 bytes"),
                    _ => ids.append_null(),
                }
            }
            Arc::new(ids.finish())
        }
        DataType::Date32 => {
            let days = parts.map(|part| match part {
                KeyPart::Date(day) => Some(day.days()),
                _ => None,
            });
            Arc::new(days.collect::<Date32Array>())
        }
        other => {
            let numbers: Int64Array = parts
                .map(|part| match part {
                    KeyPart::Int(number) => Some(*number),
                    _ => None,
                })
                .collect();
            let narrow = cast(&numbers, other);
            narrow.expect("the keys were read from a column of that type")
        }
    }
}

/// The first instants of the calendar months in UTC that lie in `[from, to]`.
pub fn month_starts(from: EventTime, to: EventTime) -> Vec<EventTime> {
    let date = from.date();
    let mut parts = date.rsplitn(3, '-').skip(1);
    let month: i64 = parts.next().and_then(|m| m.parse().ok()).unwrap_or(1);
    let year: i64 = parts.next().and_then(|y| y.parse().ok()).unwrap_or(1970);
    (0..)
        .map(|i| (year + (month - 1 + i) / 12, (month - 1 + i) % 12 + 1))
        .map_while(|(y, m)| EventTime::parse(&format!("{y:04}-{m:02}-01T00:00:00Z")).ok())
        .take_while(|t| *t <= to)
        .filter(|t| *t >= from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u32) -> EventTime {
        EventTime::from_seconds(0) + Span::days(n)
    }

    fn activity(events: &[(i64, u32)]) -> Activity {
        let schema =
            TableSchema::new([Column::key("id", DataType::Int64), Column::event_time("at")]);
        let ids: Int64Array = events.iter().map(|e| e.0).collect();
        let times: Vec<i64> = events.iter().map(|e| day(e.1).micros()).collect();
        let times = TimestampMicrosecondArray::from(times).with_timezone("UTC");
        let table = Table::new(schema.unwrap(), vec![Arc::new(ids), Arc::new(times)]);
        Activity::of(&table.unwrap()).unwrap()
    }

    #[test]
    fn an_event_on_the_cutoff_is_future_and_one_at_the_end_of_the_horizon_is_too_late() {
        let activity = activity(&[(1, 5), (1, 10), (2, 5), (2, 40), (3, 10), (4, 0)]);
        let active = activity.active(day(10), Span::days(9));
        assert_eq!(active, [&EntityKey::from(1), &EntityKey::from(2)]);
        assert!(!activity.stays_away(&1.into(), day(10), Span::days(30)));
        assert!(activity.stays_away(&2.into(), day(10), Span::days(30)));
        assert!(!activity.stays_away(&2.into(), day(10), Span::days(31)));
        assert!(activity.stays_away(&9.into(), day(10), Span::days(30)));
        assert_eq!(activity.last_event(), day(40));
    }

    #[test]
    fn a_spine_holds_one_row_for_each_active_entity() {
        let activity = activity(&[(1, 5), (1, 10), (2, 5)]);
        let spine = activity
            .churn_spine(day(10), Span::days(9), Span::days(30), "churned")
            .unwrap();
        assert_eq!(spine.rows(), 2);
        assert_eq!(spine.event_times().unwrap(), [day(10); 2]);
        let nobody = activity.churn_spine(day(90), Span::days(9), Span::days(30), "churned");
        assert!(nobody.is_err());
    }

    #[test]
    fn months_start_on_their_first_day() {
        let time = |text: &str| EventTime::parse(text).unwrap();
        let starts = month_starts(time("2010-12-01T08:26:00Z"), time("2011-03-01T00:00:00Z"));
        let dates: Vec<String> = starts.iter().map(|t| t.date()).collect();
        assert_eq!(dates, ["2011-01-01", "2011-02-01", "2011-03-01"]);
    }
}
