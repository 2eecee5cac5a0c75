//! No bytes make a sketch or a partial aggregate panic, and what is read is written back as it was.
//!
//! The first byte picks a sketch or one of the features, the rest is what is read.

use std::sync::LazyLock;

use mlops_features::{
    DataType, Entity, EventTime, Feature, FeatureView, PartialAggregate, Span, Value,
    sketch::{HyperLogLog, Kll},
};

static FEATURES: LazyLock<Vec<Feature>> = LazyLock::new(|| {
    let entity = Entity::new("e", [("id", DataType::Int64)]).expect("one key");
    let view = FeatureView::builder("v")
        .entity(entity)
        .event_time("at")
        .field("x", DataType::Float64)
        .field("n", DataType::Int64)
        .field("word", DataType::Utf8)
        .field("due", EventTime::data_type())
        .build()
        .expect("four fields");
    let view = &view;
    let all = [
        Feature::sum(view, "x"),
        Feature::variance(view, "x"),
        Feature::std_dev(view, "n"),
        Feature::max(view, "due"),
        Feature::last_k(view, "word", 3),
        Feature::first(view, "due"),
        Feature::distinct_count(view, "word"),
        Feature::distinct_count(view, "n"),
        Feature::approx_distinct_count(view, "word", 4),
        Feature::quantile(view, "x", 0.5),
        Feature::approx_quantile(view, "x", 0.5, 8),
        Feature::variance(view, "x").by("word", 3),
        Feature::sum(view, "n").per(Feature::events(view)),
    ];
    let all = all.into_iter().map(|aggregate| aggregate.over(Span::days(1)));
    all.map(|feature| feature.expect("it fits its field")).collect()
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match usize::from(*kind) {
        0 => {
            if let Ok(mut sketch) = HyperLogLog::from_bytes(bytes) {
                assert_eq!(sketch.to_bytes(), bytes);
                let same = sketch.clone();
                sketch.merge(&same).expect("the same precision");
                sketch.add_word(7);
                let _ = sketch.estimate();
            }
        }
        1 => {
            if let Ok(mut sketch) = Kll::from_bytes(bytes) {
                assert_eq!(sketch.to_bytes(), bytes);
                let same = sketch.clone();
                sketch.merge(&same).expect("the same size");
                sketch.add(1.0);
                let _ = sketch.quantile(0.5);
            }
        }
        other => {
            let feature = &FEATURES[other % FEATURES.len()];
            if let Ok(mut state) = PartialAggregate::from_bytes(feature, bytes) {
                assert_eq!(state.to_bytes(), bytes);
                let same = state.clone();
                state.merge(feature, &same).expect("the same feature");
                let fields = [Value::Float(1.5), Value::Int(2), "w".into(), Value::Null];
                let noon = EventTime::from_micros(0);
                state.add(feature, &fields, noon, None);
                let _ = state.finish(feature, noon);
            }
        }
    }
}
