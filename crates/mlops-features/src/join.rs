//! The point-in-time join: for each row of a spine the feature values that were visible at its time.
//!
//! The rule (2a of the contract): among the rows of the view with an equal key, event time not after the
//! spine's (strictly before it if the view's boundary is exclusive), and not older than the TTL, take the
//! one with the largest (event time, created time, arrival); copy its values, nulls included; if there is
//! none, all are null. Every spine row gives exactly one output row, in order.
//!
//! Offline and online call the same [`evaluate`] on the same sorted slice.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder,
        TimestampMicrosecondBuilder,
    },
    datatypes::TimestampMicrosecondType,
};
use mlops_core::{EventTime, Role, Table, TableSchema, Value};

use crate::{
    Boundary, Cutoff, Error, Feature, FeatureService, FieldKind, Function, Result, Status,
    entity::KeyType,
    index::{Dictionary, Packed, Rows, ViewIndex},
    plan::Group,
    service::quoted,
    transform,
    view::restore,
    window::{Known, Scratch, fold},
};

const MICROS_PER_DAY: f64 = 86_400e6;

/// A value as the index holds it; a text is a code of its field's dictionary.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Scalar {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Code(u32),
    Time(i64),
}

impl Scalar {
    pub(crate) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// What one feature answers at one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) scalar: Scalar,
    pub(crate) status: Status,
    pub(crate) time: Option<i64>,
}

impl Answer {
    pub(crate) const NOTHING: Self = Self {
        scalar: Scalar::Null,
        status: Status::NotFound,
        time: None,
    };
}

/// Computes all features of a group for one key at one instant; a key without rows has `None`.
pub(crate) fn evaluate(
    group: &Group,
    rows: Option<&Rows<'_>>,
    at: i64,
    scratch: &mut Scratch,
    out: &mut [Answer],
) -> Result<(), usize> {
    out.fill(Answer::NOTHING);
    for fold in &group.folds {
        for (slot, function) in &fold.slots {
            if matches!(function, Function::Count | Function::DistinctCount) {
                out[*slot].scalar = Scalar::Int(0);
            }
        }
    }
    let Some(rows) = rows else { return Ok(()) };
    let (view, times) = (&group.view, rows.times());
    let boundary = view.boundary();
    let upper = times.partition_point(|time| boundary.sees(*time, at));
    let known = match view.cutoff() {
        Cutoff::EventTime => Known {
            created: None,
            until: 0,
        },
        Cutoff::CreatedTime => Known {
            created: rows.created(),
            until: match boundary {
                Boundary::Inclusive => at,
                Boundary::Exclusive => at.saturating_sub(1),
            },
        },
    };
    let Some(newest) = (0..upper).rev().find(|row| known.sees(*row)) else {
        return Ok(());
    };

    let ttl = view
        .ttl()
        .map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
    let expired = times[newest] < ttl;
    for (slot, field) in &group.newest {
        let scalar = match field {
            _ if expired => Scalar::Null,
            None => Scalar::Float((at.saturating_sub(times[newest])) as f64 / MICROS_PER_DAY),
            Some(field) => value(rows, newest, *field, view.fields()[*field].kind()),
        };
        out[*slot] = Answer {
            scalar,
            status: match scalar {
                _ if expired => Status::Expired,
                Scalar::Null => Status::Null,
                _ => Status::Present,
            },
            time: Some(times[newest]),
        };
    }
    for aggregates in &group.folds {
        let edge = at.saturating_sub(group.windows[aggregates.window].micros());
        let lower = times.partition_point(|time| boundary.sees(*time, edge));
        let window = lower.min(upper)..upper;
        let time = window.contains(&newest).then(|| times[newest]);
        for (slot, _) in &aggregates.slots {
            out[*slot].status = Status::Null;
            out[*slot].time = time;
        }
        let mut put = |slot: usize, scalar: Scalar| {
            out[slot].scalar = scalar;
            if !matches!(scalar, Scalar::Null) {
                out[slot].status = Status::Present;
            }
        };
        if let Some(field) = aggregates.field {
            let slots = &aggregates.slots;
            fold(rows, window, known, field, slots, scratch, put).map_err(|(slot, _)| slot)?;
        } else {
            let events = Scalar::count(window.filter(|row| known.sees(*row)).count());
            aggregates
                .slots
                .iter()
                .for_each(|(slot, _)| put(*slot, events));
        }
    }
    Ok(())
}

fn value(rows: &Rows<'_>, row: usize, field: usize, kind: FieldKind) -> Scalar {
    let column = &rows.block.columns[field];
    let row = rows.range.start + row;
    if !column.is_valid(row) {
        return Scalar::Null;
    }
    match &column.data {
        Packed::Bool(values) => Scalar::Bool(values[row]),
        Packed::Int(values) if kind == FieldKind::Time => Scalar::Time(values[row]),
        Packed::Int(values) => Scalar::Int(values[row]),
        Packed::Float(values) => Scalar::Float(values[row]),
        Packed::Code(values) => Scalar::Code(values[row]),
    }
}

/// A scalar as it leaves the store.
pub(crate) fn to_value(scalar: Scalar, words: Option<&Dictionary>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Time(value) => Value::Time(EventTime::from_micros(value)),
        Scalar::Code(code) => {
            let words = words.expect("only a field of texts gives a code");
            Value::Str(words.word(code).to_owned())
        }
    }
}

/// The overflow of one feature as an error.
pub(crate) fn overflow(feature: &Feature, at: i64) -> Error {
    Error::SumOverflow {
        feature: feature.name().to_string(),
        at: EventTime::from_micros(at),
    }
}

/// Adds the features of a service to a spine. `views` has one index for each group of the service.
pub(crate) fn join(service: &FeatureService, views: &[ViewIndex], spine: &Table) -> Result<Table> {
    transform::check_spine(service, spine)?;
    let schema = spine.schema();
    for feature in service.features() {
        if schema.index_of(feature.name().as_str()).is_ok() {
            return Err(Error::NameCollision {
                name: feature.name().to_string(),
                first: "a column of the spine".to_owned(),
                second: "a feature".to_owned(),
            });
        }
    }
    let times = spine_times(spine)?;
    let mut outputs: Vec<Option<ArrayRef>> = vec![None; service.features().len()];
    for (group, index) in service.groups().iter().zip(views) {
        let ids = lookup(group, index, spine)?;
        let features: Vec<&Feature> = group
            .features
            .iter()
            .map(|i| &service.features()[*i])
            .collect();
        let mut builders: Vec<Output> = features.iter().map(|f| Output::new(f.kind())).collect();
        let mut answers = vec![Answer::NOTHING; features.len()];
        let mut scratch = Scratch::default();
        for (id, at) in ids.into_iter().zip(&times) {
            let rows = id.map(|id| index.rows(id));
            evaluate(group, rows.as_ref(), *at, &mut scratch, &mut answers)
                .map_err(|slot| overflow(features[slot], *at))?;
            for ((answer, output), feature) in answers.iter().zip(&mut builders).zip(&features) {
                let words = feature.field_at().map(|field| index.dictionary(field));
                output.push(answer.scalar, words);
            }
        }
        for (at, output) in group.features.iter().zip(builders) {
            let data_type = service.features()[*at].data_type();
            outputs[*at] = Some(restore(output.finish(), &data_type)?);
        }
    }
    let columns = schema.columns().iter().cloned();
    let columns = columns.chain(service.features().iter().map(Feature::column));
    let arrays = spine.batch().columns().iter().cloned();
    let arrays = arrays.chain(outputs.into_iter().flatten());
    let joined = Table::new(TableSchema::new(columns)?, arrays.collect())?;
    transform::apply_batch(service, joined)
}

fn spine_times(spine: &Table) -> Result<Vec<i64>> {
    let schema = spine.schema();
    let at = schema
        .only(Role::EventTime)
        .map_err(|_| Error::SpineMissingTime {
            available: quoted(schema.columns().iter().map(mlops_core::Column::name)),
        })?;
    let column = spine
        .batch()
        .column(at)
        .as_primitive::<TimestampMicrosecondType>();
    if let Some(row) = (0..column.len()).find(|row| column.is_null(*row)) {
        return Err(mlops_core::Error::UnexpectedNull {
            column: schema.columns()[at].name().to_owned(),
            row,
        }
        .into());
    }
    Ok(column.values().to_vec())
}

/// The id of the key in each row of the spine; `None` where it is null or has no event.
fn lookup(group: &Group, index: &ViewIndex, spine: &Table) -> Result<Vec<Option<u32>>> {
    let (view, schema) = (&group.view, spine.schema());
    let keys = group.join_on.iter().zip(view.entity().keys());
    let columns = keys.map(|(column, (_, expected))| {
        let at = schema
            .index_of(column)
            .map_err(|_| Error::SpineMissingKey {
                view: view.name().to_string(),
                column: column.clone(),
                available: quoted(schema.columns().iter().map(mlops_core::Column::name)),
            })?;
        let array = spine.batch().column(at);
        if !KeyType::of(expected).is_some_and(|kind| kind.reads(array.data_type())) {
            return Err(Error::SpineKeyType {
                view: view.name().to_string(),
                column: column.clone(),
                expected: expected.clone(),
                found: array.data_type().clone(),
            });
        }
        Ok(Arc::clone(array))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let names: Vec<&str> = group.join_on.iter().map(String::as_str).collect();
    index.keys().lookup(&names, &columns, spine.rows())
}

/// A column of the output while it grows.
enum Output {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Str(StringBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl Output {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Bool => Self::Bool(BooleanBuilder::new()),
            FieldKind::Int => Self::Int(Int64Builder::new()),
            FieldKind::Float => Self::Float(Float64Builder::new()),
            FieldKind::Str => Self::Str(StringBuilder::new()),
            FieldKind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn push(&mut self, scalar: Scalar, words: Option<&Dictionary>) {
        match (self, scalar) {
            (Self::Bool(column), Scalar::Bool(value)) => column.append_value(value),
            (Self::Int(column), Scalar::Int(value)) => column.append_value(value),
            (Self::Float(column), Scalar::Float(value)) => column.append_value(value),
            (Self::Time(column), Scalar::Time(value)) => column.append_value(value),
            (Self::Str(column), Scalar::Code(code)) => {
                column.append_value(
                    words
                        .expect("only a field of texts gives a code")
                        .word(code),
                );
            }
            (Self::Bool(column), _) => column.append_null(),
            (Self::Int(column), _) => column.append_null(),
            (Self::Float(column), _) => column.append_null(),
            (Self::Time(column), _) => column.append_null(),
            (Self::Str(column), _) => column.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut column) => Arc::new(column.finish()),
            Self::Int(mut column) => Arc::new(column.finish()),
            Self::Float(mut column) => Arc::new(column.finish()),
            Self::Time(mut column) => Arc::new(column.finish()),
            Self::Str(mut column) => Arc::new(column.finish()),
        }
    }
}
