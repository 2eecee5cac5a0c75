//! The point-in-time join: for each row of a spine the feature values that were visible at its time.
//!
//! The rule (2a of the contract): among the rows of the view with an equal key, event time not after the
//! spine's (strictly before it if the view's boundary is exclusive), and not older than the TTL, take the
//! one with the largest (event time, created time, arrival); copy its values, nulls included; if there is
//! none, all are null. Every spine row gives exactly one output row, in order.
//!
//! An online read asks [`evaluate`] for one key at one instant. A join asks [`batch`], which walks once over
//! the events of a key for all of its rows; both give the same bits for the same question.

mod batch;
mod cells;
mod point;
mod scalar;

use std::{num::NonZeroUsize, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::TimestampMicrosecondType,
};
use mlops_core::{EventTime, Role, Table, TableSchema};

pub(crate) use point::{Answer, evaluate};
pub(crate) use scalar::{Scalar, to_value};

use crate::{
    Error, Feature, FeatureService, KeyType, Result, index::ViewIndex, plan::Group,
    service::quoted, transform, view::restore,
};

/// The overflow of one feature as an error.
pub(crate) fn overflow(feature: &Feature, at: i64) -> Error {
    Error::SumOverflow {
        feature: feature.name().to_string(),
        at: EventTime::from_micros(at),
    }
}

/// The feature of a slot of a group; the part of a ratio is that of the ratio.
pub(crate) fn feature_of<'a>(
    service: &'a FeatureService,
    group: &Group,
    slot: usize,
) -> &'a Feature {
    let part = group
        .ratios
        .iter()
        .find(|ratio| ratio.above == slot || ratio.below == slot);
    let slot = part.map_or(slot, |ratio| ratio.slot);
    &service.features()[group.features[slot]]
}

/// Adds the features of a service to a spine. `views` has one index for each group of the service.
///
/// # Complexity
/// A sort of the spine's rows by key and time, and for each view one pass over the events of the keys that
/// the spine asks for: events and rows add up and do not multiply. See [`Slider`](crate::window::Slider).
pub(crate) fn join(
    service: &FeatureService,
    views: &[ViewIndex],
    spine: &Table,
    threads: NonZeroUsize,
) -> Result<Table> {
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
        let features = group.features.iter().map(|at| &service.features()[*at]);
        let cells: Vec<cells::Cells> = features.map(|f| cells::Cells::new(f.shape())).collect();
        let runs = batch::answer(group, index, &ids, &times, &cells, threads);
        let mut runs = runs.map_err(|(row, slot)| {
            overflow(feature_of(service, group, slot), times[row as usize])
        })?;
        for (slot, (at, cells)) in group.features.iter().zip(&cells).enumerate() {
            let nothing = group.counts.iter().find(|(counted, _)| *counted == slot);
            let nothing = nothing.map_or(Scalar::Null, |(_, map)| Scalar::nothing(*map));
            let words = service.features()[*at]
                .field_at()
                .map(|field| index.dictionary(field));
            let rows = times.len();
            let column = cells::gather(cells, rows, &nothing, &mut runs, slot, words);
            let declared = service.features()[*at].data_type();
            outputs[*at] = Some(restore(column, &declared)?);
        }
    }
    let columns = schema.columns().iter().cloned();
    let columns = columns.chain(service.features().iter().map(Feature::column));
    let arrays = spine.batch().columns().iter().cloned();
    let arrays = arrays.chain(outputs.into_iter().flatten());
    let joined = Table::new(TableSchema::new(columns)?, arrays.collect())?;
    transform::apply_batch(service, joined)
}

/// The instants of a spine.
pub(crate) fn spine_times(spine: &Table) -> Result<Vec<i64>> {
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
    let columns = key_columns(group, spine)?;
    let names: Vec<&str> = group.join_on.iter().map(String::as_str).collect();
    index.keys().lookup(&names, &columns, spine.rows())
}

/// The columns of a spine that a group is joined on, in the order of the view's keys.
pub(crate) fn key_columns(group: &Group, spine: &Table) -> Result<Vec<ArrayRef>> {
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
    columns.collect()
}
