//! Partial aggregates: what a tile keeps of its events, so that a window is the merge of its tiles.

use mlops_core::{EventTime, Value};

use super::{Item, Overflow, codec, partial::Partial, ratio};
use crate::{Error, Feature, Function, Result, index::NO_CREATED};

/// The partial result of one feature over some events of one key.
///
/// A state is made for a feature and is used with that feature only. It knows no window: whoever holds
/// states decides which events go into which, and merges those that a window is made of. If the tiles of a
/// window follow each other and are merged in the order of time, the result is the value that the join gives,
/// bit for bit; those of an approximate quantile must be as long as the hop of its [`Accuracy`](crate::Accuracy).
///
/// Except for an approximate quantile the order in which events are added does not matter, but for events
/// of one event time and created time, among which the one added later is the newer.
///
/// ```
/// use mlops_features::{days, DataType, Entity, EventTime, Feature, FeatureView, PartialAggregate, Value};
///
/// let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// let purchase = FeatureView::builder("purchase").entity(customer).event_time("at")
///     .field("amount", DataType::Float64).build()?;
/// let spend = Feature::sum(&purchase, "amount").over(days(30))?;
///
/// let noon = EventTime::parse("2011-07-01T12:00:00Z")?;
/// let (mut monday, mut tuesday) = (PartialAggregate::new(&spend), PartialAggregate::new(&spend));
/// monday.add(&spend, &[Value::Float(1e16)], noon, None);
/// monday.add(&spend, &[Value::Float(1.0)], noon, None);
/// tuesday.add(&spend, &[Value::Float(-1e16)], noon + days(1), None);
/// monday.merge(&spend, &PartialAggregate::from_bytes(&spend, &tuesday.to_bytes())?)?;
/// assert_eq!(monday.finish(&spend, noon + days(2))?, Value::Float(1.0)); // nothing is lost on the way
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct State {
    pub(super) partials: Vec<Partial>,
}

impl State {
    /// Nothing yet.
    pub fn new(feature: &Feature) -> Self {
        Self {
            partials: feature.measures().iter().map(Partial::new).collect(),
        }
    }

    /// Adds an event, if the feature's filter holds for it: its fields in the order of the view, its event time
    /// and its created time. A field that is not there is null.
    pub fn add(
        &mut self,
        feature: &Feature,
        fields: &[Value],
        time: EventTime,
        created: Option<EventTime>,
    ) {
        let items: Vec<Item<'_>> = fields.iter().map(Item::of).collect();
        let created = created.map_or(NO_CREATED, EventTime::micros);
        self.add_items(feature, &items, time.micros(), created);
    }

    /// Adds an event; its created time is [`NO_CREATED`] if it has none.
    pub(crate) fn add_items(
        &mut self,
        feature: &Feature,
        fields: &[Item<'_>],
        time: i64,
        created: i64,
    ) {
        let item = |field: usize| fields.get(field).copied().unwrap_or(Item::Null);
        for (measure, partial) in feature.measures().iter().zip(&mut self.partials) {
            if measure.takes(&item) {
                partial.add(measure, &item, (time, created));
            }
        }
    }

    /// Adds what another state of the same feature holds, as what came later.
    ///
    /// # Errors
    /// [`Error::UnlikeStates`] if it is the state of another feature.
    pub fn merge(&mut self, feature: &Feature, later: &Self) -> Result<()> {
        if self.partials.len() != later.partials.len() {
            return Err(Error::UnlikeStates {
                what: "partial aggregate",
                reason: "the features differ",
            });
        }
        let measures = feature.measures().iter();
        for (measure, (partial, more)) in
            measures.zip(self.partials.iter_mut().zip(&later.partials))
        {
            partial.merge(measure, more)?;
        }
        Ok(())
    }

    /// The feature's value at an instant.
    ///
    /// # Errors
    /// [`Error::SumOverflow`] if a sum of whole numbers does not fit 64 bits.
    pub fn finish(&self, feature: &Feature, at: EventTime) -> Result<Value> {
        let value = self.value(feature, at.micros());
        value.map_err(|Overflow| crate::join::overflow(feature, at.micros()))
    }

    fn value(&self, feature: &Feature, at: i64) -> Result<Value, Overflow> {
        let ttl = feature.view().ttl();
        let oldest = ttl.map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
        let expired = |time: i64| time < oldest;
        let values = self.partials.iter().zip(feature.measures());
        let mut values = values.map(|(partial, measure)| partial.finish(measure, at, &expired));
        let first = values.next().unwrap_or(Ok(Value::Null))?;
        match values.next() {
            None => Ok(first),
            Some(below) => Ok(ratio(first.as_f64(), below?.as_f64()).into()),
        }
    }

    /// Whether events may be added in any order; if not, one that comes late asks for its tile to be
    /// made anew of its events in order.
    pub fn is_order_free(feature: &Feature) -> bool {
        let measures = feature.measures();
        !measures
            .iter()
            .any(|m| matches!(m.function, Function::ApproxQuantile(..)))
    }

    /// The state as bytes, with a mark and a version; states that hold the same events have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::write(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote for the same feature; the bytes may come from anywhere.
    ///
    /// # Errors
    /// [`Error::BrokenState`] if they are anything else, or of another feature.
    pub fn from_bytes(feature: &Feature, bytes: &[u8]) -> Result<Self> {
        codec::read(feature, bytes)
    }
}
