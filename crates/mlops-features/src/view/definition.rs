//! The definition of a view.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::DataType,
};
use mlops_core::{Column, Digest, EventTime, Role, Span, Table, TableSchema, ViewName};

use super::{Boundary, Cutoff, FeatureViewBuilder, Field, ViewSource, storage};
use crate::{
    Entity, Error, Result,
    entity::{KeyType, uuids},
    service::quoted,
};

/// A checked definition of one source of events; cheap to clone.
///
/// Two views are equal if they give the same values: owner, descriptions, tags, personal data flags and sources
/// play no part.
///
/// ```
/// use mlops_features::{DataType, Entity, FeatureView, Span, ViewSource};
///
/// let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// let purchase = FeatureView::builder("purchase")
///     .entity(customer)
///     .event_time("invoice_date")
///     .ttl(Span::days(365))
///     .field("amount", DataType::Decimal128(12, 2)).unit("GBP").from_column("Amount")
///     .field("phone", DataType::Utf8).pii().describe("as the customer gave it")
///     .rename("customer_id", "CustomerID")
///     .owner("sales@example.org")
///     .tag("domain", "retail")
///     .source(ViewSource::from_url("s3://lake/invoices.parquet"))
///     .build()?;
/// assert_eq!(purchase.field("amount")?.unit(), Some("GBP"));
/// assert_eq!(purchase.source_column("customer_id"), "CustomerID");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureView(Arc<Definition>);

#[derive(Debug)]
pub(crate) struct Definition {
    pub(super) name: ViewName,
    pub(super) entity: Entity,
    pub(super) event_time: String,
    pub(super) created_time: Option<String>,
    pub(super) ttl: Option<Span>,
    pub(super) boundary: Boundary,
    pub(super) cutoff: Cutoff,
    pub(super) fields: Vec<Field>,
    /// Keys and times that have another name in the source.
    pub(super) renames: BTreeMap<String, String>,
    pub(super) owner: String,
    pub(super) description: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) sources: Vec<ViewSource>,
    pub(super) digest: Digest,
}

impl PartialEq for FeatureView {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for FeatureView {}

impl FeatureView {
    /// Starts the definition of a view.
    pub fn builder(name: impl Into<String>) -> FeatureViewBuilder {
        FeatureViewBuilder::new(name.into())
    }

    pub(super) fn new(definition: Definition) -> Self {
        Self(Arc::new(definition))
    }

    /// The view's name.
    pub fn name(&self) -> &ViewName {
        &self.0.name
    }

    /// What its features describe.
    pub fn entity(&self) -> &Entity {
        &self.0.entity
    }

    /// The column that says when an event became true.
    pub fn event_time(&self) -> &str {
        &self.0.event_time
    }

    /// The column that says when a row became known, if there is one.
    pub fn created_time(&self) -> Option<&str> {
        self.0.created_time.as_deref()
    }

    /// For how long the latest row is valid, both ends included; `None` is for ever.
    pub fn ttl(&self) -> Option<Span> {
        self.0.ttl
    }

    /// Whether an event at the very instant of the question is seen.
    pub fn boundary(&self) -> Boundary {
        self.0.boundary
    }

    /// Whether rows that became known later are hidden.
    pub fn cutoff(&self) -> Cutoff {
        self.0.cutoff
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// Who answers for the view; empty if nobody said.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// What the view is; empty if nobody said.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// Its tags, by name.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.0.tags
    }

    /// Where its rows come from, in the order in which the sources were stated.
    pub fn sources(&self) -> &[ViewSource] {
        &self.0.sources
    }

    /// The column of the source that a key, time or field is read from: its own name unless stated otherwise.
    pub fn source_column<'a>(&'a self, column: &'a str) -> &'a str {
        if let Some(source) = self.0.renames.get(column) {
            return source;
        }
        let field = self.fields().iter().find(|field| field.name == column);
        field.map_or(column, Field::source)
    }

    /// A field by name.
    ///
    /// # Errors
    /// [`Error::UnknownField`] if the view does not declare it.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.field_index(name).map(|i| &self.0.fields[i])
    }

    /// The identity of the definition: it changes with whatever changes a feature value or its meaning, the columns of
    /// the source included, and with nothing that people only read.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The columns that a table of this view's events has: keys, times, fields.
    ///
    /// Keys may be null in a source; such rows can answer nothing and are counted when they are ingested.
    pub fn schema(&self) -> TableSchema {
        let keys = self.entity().keys().iter();
        let keys = keys.map(|(name, kind)| Column::key(name, kind.clone()).nullable(true));
        let created = self.created_time().map(|name| {
            Column::new(name, EventTime::data_type(), Role::CreatedTime).nullable(true)
        });
        let fields = self.fields().iter().map(|field| {
            let column = Column::value(field.name(), field.data_type().clone());
            match field.unit() {
                Some(unit) => column.unit(unit),
                None => column,
            }
        });
        let time = Column::event_time(self.event_time());
        TableSchema::new(keys.chain([time]).chain(created).chain(fields))
            .expect("`build` checked the names")
    }

    /// The view's columns out of rows as they stand in its source: found by their names there, renamed, and in the
    /// view's types. Columns that the view does not declare are left out.
    ///
    /// Event and created times may have any unit; without a zone they are meant in UTC, and digits past the
    /// microsecond are cut off towards the past.
    ///
    /// # Errors
    /// [`Error::ViewMismatch`] if a column is missing or has a type that cannot become the declared one without loss,
    /// and those of [`Table::new`], for instance for a null event time.
    pub fn table_from(&self, batch: &RecordBatch) -> Result<Table> {
        let schema = self.schema();
        let times = [Some(self.event_time()), self.created_time()];
        let columns = schema.columns().iter().map(|column| {
            let source = self.source_column(column.name());
            let array = batch.column_by_name(source).ok_or_else(|| {
                let names = batch.schema_ref().fields().iter();
                let names = quoted(names.map(|field| field.name().as_str()));
                self.mismatch(format!("there is no column `{source}`, there is {names}"))
            })?;
            let taken = if times.contains(&Some(column.name())) {
                storage::instants_of(array)?
            } else {
                in_type(source, column, array)?
            };
            taken.ok_or_else(|| {
                let (found, wanted) = (array.data_type(), column.data_type());
                self.mismatch(format!("column `{source}` is {found} and must be {wanted}"))
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Table::new(schema, columns)?)
    }

    fn mismatch(&self, reason: String) -> Error {
        Error::ViewMismatch {
            view: self.name().to_string(),
            reason,
        }
    }

    pub(crate) fn field_index(&self, name: &str) -> Result<usize> {
        let fields = self.fields();
        fields
            .iter()
            .position(|f| f.name == name)
            .ok_or_else(|| Error::UnknownField {
                view: self.name().to_string(),
                field: name.to_owned(),
                available: quoted(fields.iter().map(Field::name)),
            })
    }
}

/// A key or field in the declared type; `None` if its type cannot become that.
fn in_type(source: &str, column: &Column, array: &ArrayRef) -> Result<Option<ArrayRef>> {
    let (found, wanted) = (array.data_type(), column.data_type());
    if found == wanted {
        return Ok(Some(Arc::clone(array)));
    }
    let fits = match column.role() {
        Role::Key => KeyType::of(wanted).is_some_and(|kind| kind.reads(found)),
        _ => storage::takes(found, wanted),
    };
    if !fits {
        return Ok(None);
    }
    if *wanted == DataType::FixedSizeBinary(16) {
        return uuids(source, array).map(|ids| Some(Arc::new(ids) as ArrayRef));
    }
    let stored = storage::store(array, wanted)?.map_err(|unfit| {
        Error::Core(mlops_core::Error::Unrepresentable {
            column: source.to_owned(),
            row: unfit.row,
            reason: unfit.reason,
        })
    })?;
    storage::restore(stored, wanted).map(Some)
}
