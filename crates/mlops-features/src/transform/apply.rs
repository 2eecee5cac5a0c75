//! The hooks: transforms after the join offline, inside the read online.
//!
//! The join computes the features of a service, these functions add what depends on the request and take
//! out what stays inside. [`check_spine`] and [`check_request`] come first, so that a missing column costs
//! nothing.

use std::{cell::OnceCell, collections::BTreeMap};

use arrow::array::ArrayRef;
use mlops_core::{Column, EntityKey, EventTime, KeyPart, Role, Table, TableSchema, Value};

use super::{
    Transform,
    kind::{Cell, Kind},
};
use crate::{Error, FeatureService, OnlineRow, Result, Status, service::quoted};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Refuses a spine that lacks a request column or has one that a transform would add.
pub(crate) fn check_spine(service: &FeatureService, spine: &Table) -> Result<()> {
    let on_demand = service.on_demand();
    let schema = spine.schema();
    for (column, expected) in &on_demand.requests {
        let Ok(at) = schema.index_of(column) else {
            return Err(Error::MissingRequest {
                service: service.name().to_string(),
                column: column.clone(),
                available: quoted(schema.columns().iter().map(Column::name)),
            });
        };
        let found = &schema.columns()[at];
        if Kind::of_input(found.data_type()) != Kind::of_input(expected) {
            return Err(request_type(
                service,
                column,
                &found.data_type().to_string(),
            ));
        }
        if found.role() == Role::Label {
            let found = "the label of the spine, which no request will have";
            return Err(request_type(service, column, found));
        }
    }
    for transform in &on_demand.transforms {
        if schema.index_of(transform.name().as_str()).is_ok() {
            return Err(Error::NameCollision {
                name: transform.name().to_string(),
                first: "a column of the spine".to_owned(),
                second: "a transform".to_owned(),
            });
        }
    }
    Ok(())
}

/// Adds the transforms to a spine that has its features, and drops what is hidden.
pub(crate) fn apply_batch(service: &FeatureService, joined: Table) -> Result<Table> {
    let on_demand = service.on_demand();
    if on_demand.transforms.is_empty() && on_demand.hidden.is_empty() {
        return Ok(joined);
    }
    let schema = joined.schema();
    let names = service
        .features()
        .iter()
        .map(|feature| feature.name().as_str())
        .chain(service.keys().iter().map(|(key, _)| key.as_str()))
        .chain(on_demand.requests.iter().map(|(name, _)| name.as_str()));
    let mut inputs = Vec::new();
    for name in names {
        inputs.push(ArrayRef::clone(joined.column(name)?));
    }
    let at = schema.only(Role::EventTime)?;
    inputs.push(ArrayRef::clone(joined.batch().column(at)));
    let mut arrays: Vec<Option<ArrayRef>> = vec![None; on_demand.transforms.len()];
    for place in &on_demand.order {
        let program = &on_demand.transforms[*place].program;
        let array = program.rows(&inputs, joined.rows())?;
        inputs.push(ArrayRef::clone(&array));
        arrays[*place] = Some(array);
    }
    let hides = |name: &str| {
        let mut hidden = on_demand.hidden.iter();
        hidden.any(|at| service.features()[*at].name().as_str() == name)
    };
    let kept = schema.columns().iter().zip(joined.batch().columns());
    let kept = kept.filter(|(column, _)| !hides(column.name()));
    let kept = kept.map(|(column, array)| (column.clone(), ArrayRef::clone(array)));
    let added = on_demand.transforms.iter().zip(arrays);
    let added = added.filter(|(transform, _)| !transform.is_hidden());
    let added = added.filter_map(|(transform, array)| Some((transform.column(), array?)));
    let (columns, arrays): (Vec<Column>, Vec<ArrayRef>) = kept.chain(added).unzip();
    Ok(Table::new(TableSchema::new(columns)?, arrays)?)
}

/// Takes the request columns out of a training set: a model reads what a service answers, online as well.
pub(crate) fn without_requests(service: &FeatureService, joined: Table) -> Result<Table> {
    let requests = &service.on_demand().requests;
    if requests.is_empty() {
        return Ok(joined);
    }
    let columns = joined.schema().columns().iter();
    let columns = columns.zip(joined.batch().columns());
    let (columns, arrays): (Vec<Column>, Vec<ArrayRef>) = columns
        .filter(|(column, _)| {
            let asked = requests.iter().any(|(name, _)| name == column.name());
            !asked || column.role() != Role::Value
        })
        .map(|(column, array)| (column.clone(), ArrayRef::clone(array)))
        .unzip();
    Ok(Table::new(TableSchema::new(columns)?, arrays)?)
}

/// The request columns in order, each as the type that it was declared with.
///
/// A whole number serves for a real one if it is exact, and an RFC 3339 text for an instant: JSON has
/// neither `5.0` apart from `5` nor times.
pub(crate) fn check_request(
    service: &FeatureService,
    request: &BTreeMap<String, Value>,
) -> Result<Vec<Value>> {
    let columns = service.on_demand().requests.iter();
    let values = columns.map(|(column, expected)| {
        let Some(value) = request.get(column) else {
            return Err(Error::MissingRequest {
                service: service.name().to_string(),
                column: column.clone(),
                available: quoted(request.keys().map(String::as_str)),
            });
        };
        let wanted = Kind::of_input(expected);
        let refused = |found: &str| Err(request_type(service, column, found));
        match (Cell::of(value), wanted) {
            (Some(Cell::Null), _) => Ok(Value::Null),
            (Some(Cell::Int(value)), Some(Kind::Float)) => {
                if value.unsigned_abs() <= 1 << 53 {
                    Ok(Value::Float(value as f64))
                } else {
                    refused("a whole number past 2^53")
                }
            }
            (Some(Cell::Text(text)), Some(Kind::Time)) => match EventTime::parse(&text) {
                Ok(time) => Ok(Value::Time(time)),
                Err(_) => refused("a text that is no RFC 3339 time"),
            },
            (Some(cell), Some(wanted)) if cell.kind() == Some(wanted) => Ok(value.clone()),
            (cell, _) => refused(
                cell.and_then(|cell| cell.kind())
                    .map_or("nested", Kind::name),
            ),
        }
    });
    values.collect()
}

fn request_type(service: &FeatureService, column: &str, found: &str) -> Error {
    let requests = &service.on_demand().requests;
    let declared = requests.iter().find(|(name, _)| name == column);
    Error::RequestType {
        service: service.name().to_string(),
        column: column.to_owned(),
        expected: declared.map_or_else(String::new, |(_, data_type)| data_type.to_string()),
        found: found.to_owned(),
    }
}

/// The part as expressions read its column: a day is its midnight in UTC.
fn key_value(part: &KeyPart) -> Value {
    match part {
        KeyPart::Date(day) => {
            let micros = i64::from(day.days()).saturating_mul(MICROS_PER_DAY);
            Value::Time(EventTime::from_micros(micros))
        }
        part => part.to_value(),
    }
}

/// Adds the transforms to a row of features, and drops what is hidden. `request` is what
/// [`check_request`] gave.
pub(crate) fn apply_row(
    service: &FeatureService,
    mut row: OnlineRow,
    key: &EntityKey,
    at: EventTime,
    request: Vec<Value>,
) -> Result<OnlineRow> {
    let on_demand = service.on_demand();
    if on_demand.transforms.is_empty() && on_demand.hidden.is_empty() {
        return Ok(row);
    }
    let features = row.values.len();
    let mut rest: Vec<Value> = key.parts().iter().map(key_value).collect();
    rest.extend(request);
    rest.push(Value::Time(at));
    let done: Vec<OnceCell<Value>> = vec![OnceCell::new(); on_demand.order.len()];
    let load = |slot: usize| {
        let value = if slot < features {
            Some(&row.values[slot].1)
        } else if slot < features + rest.len() {
            Some(&rest[slot - features])
        } else {
            done[slot - features - rest.len()].get()
        };
        value.and_then(Cell::of).unwrap_or(Cell::Null)
    };
    // a null that is no answer must not become one, by `coalesce` for instance
    let lacks = |transform: &Transform| {
        let mut statuses = transform.rests_on.iter().map(|at| row.statuses[*at]);
        statuses.any(|status| status == Status::NotRetained)
    };
    let mut stack = Vec::with_capacity(16);
    for (slot, place) in done.iter().zip(&on_demand.order) {
        let transform = &on_demand.transforms[*place];
        let value = if lacks(transform) {
            Value::Null
        } else {
            transform.program.run(&mut stack, load)?.into_value()
        };
        slot.get_or_init(|| value);
    }
    drop(stack);

    let mut values = vec![Value::Null; done.len()];
    for (value, place) in done.into_iter().zip(&on_demand.order) {
        values[*place] = value.into_inner().unwrap_or_default();
    }
    let about: Vec<_> = on_demand
        .transforms
        .iter()
        .zip(&values)
        .map(|(transform, value)| {
            let times = transform.rests_on.iter().map(|at| row.event_times[*at]);
            let status = match value {
                _ if lacks(transform) => Status::NotRetained,
                Value::Null => Status::Null,
                _ => Status::Present,
            };
            (status, times.flatten().max())
        })
        .collect();
    if !on_demand.hidden.is_empty() {
        let shown = |at: &usize| !on_demand.hidden.contains(at);
        let kept: Vec<usize> = (0..features).filter(shown).collect();
        row = OnlineRow {
            values: kept.iter().map(|at| row.values[*at].clone()).collect(),
            statuses: kept.iter().map(|at| row.statuses[*at]).collect(),
            event_times: kept.iter().map(|at| row.event_times[*at]).collect(),
        };
    }
    for ((transform, value), (status, time)) in on_demand.transforms.iter().zip(values).zip(about) {
        if !transform.is_hidden() {
            row.values.push((transform.name().clone(), value));
            row.statuses.push(status);
            row.event_times.push(time);
        }
    }
    Ok(row)
}
