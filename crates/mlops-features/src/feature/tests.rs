//! Which features can be defined, what they are called, and what is said of those that cannot.

use arrow::datatypes::DataType;
use mlops_core::Span;

use super::*;
use crate::{Entity, Error, FeatureView};

fn view() -> FeatureView {
    FeatureView::builder("purchase")
        .entity(Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap())
        .event_time("at")
        .field("amount", DataType::Float64)
        .unit("GBP")
        .field("quantity", DataType::Int64)
        .field("country", DataType::Utf8)
        .field("returned", DataType::Boolean)
        .field("due", mlops_core::EventTime::data_type())
        .build()
        .unwrap()
}

#[test]
fn functions_fit_the_types_that_they_can_answer_for() {
    use Function::{
        ApproxDistinctCount, Count, DistinctCount, First, Last, LastK, Latest, Max, Mean, Min,
        Quantile, StdDev, Sum, Variance,
    };
    let (variance, deviation) = (Variance(Divisor::Sample), StdDev(Divisor::Population));
    let median = Quantile(Rank::new(0.5).unwrap());
    let all = [
        Latest,
        Sum,
        Count,
        Mean,
        Min,
        Max,
        DistinctCount,
        variance,
        deviation,
        First,
        Last,
        LastK(3),
        ApproxDistinctCount(12),
        median,
    ];
    let check = |field: &str, refused: &[Function]| {
        for function in all {
            let made = Aggregate::new(&view(), Some(field.to_owned()), function).build(None);
            assert_eq!(
                made.is_err(),
                refused.contains(&function),
                "{function:?} of {field}"
            );
        }
    };
    check("amount", &[]);
    check("quantity", &[]);
    let numeric = [Sum, Mean, Min, Max, variance, deviation, median];
    check("country", &numeric);
    check("returned", &numeric);
    check("due", &[Sum, Mean, variance, deviation, median]);
    assert!(matches!(
        Feature::sum(&view(), "amout").over(days(1)),
        Err(Error::UnknownField { .. })
    ));
    assert!(Feature::sum(&view(), "amount").over(Span::ZERO).is_err());
    assert!(
        Feature::sum(&view(), "amount")
            .named("a b")
            .over(days(1))
            .is_err()
    );
}

#[test]
fn the_output_type_is_stated_and_never_promoted() {
    let sum = |field: &str| Feature::sum(&view(), field).over(days(1)).unwrap();
    assert_eq!(sum("quantity").data_type(), DataType::Int64);
    assert_eq!(sum("amount").data_type(), DataType::Float64);
    assert_eq!(sum("amount").unit(), Some("GBP"));
    let events = Feature::events(&view()).over(days(7)).unwrap();
    assert_eq!(
        (events.name().as_str(), events.is_nullable()),
        ("purchase_count_7d", false)
    );
    let since = Feature::time_since_last(&view()).unwrap();
    assert_eq!(
        (since.name().as_str(), since.unit()),
        ("purchase_time_since_last", Some("days"))
    );
}

#[test]
fn a_role_renames_the_key_and_prefixes_the_name() {
    let feature = Feature::latest(&view(), "country").unwrap();
    let buyer = feature
        .clone()
        .keyed_by("buyer", &[("customer_id", "buyer_id")])
        .unwrap();
    assert_eq!(buyer.name().as_str(), "buyer__country_latest");
    assert_eq!(buyer.join_on(), ["buyer_id"]);
    assert_ne!(buyer.digest(), feature.digest());
    assert!(feature.clone().keyed_by("b", &[("x", "y")]).is_err());
    let twice = [("customer_id", "y"), ("customer_id", "z")];
    assert!(feature.keyed_by("b", &twice).is_err());
}

#[test]
fn what_cannot_be_computed_is_refused_with_the_name_of_the_feature() {
    let view = view();
    let (amount, events) = (|| Feature::sum(&view, "amount"), || Feature::events(&view));
    let quantile = |rank| Feature::quantile(&view, "amount", rank);
    let sketch = |size| Feature::approx_quantile(&view, "amount", 0.5, size);
    let field = |name: &str| Filter::field(name);
    let other = FeatureView::builder("other")
        .entity(view.entity().clone())
        .event_time("at")
        .build()
        .unwrap();
    for (aggregate, expect) in [
        (quantile(1.5), "its rank is 1.5"),
        (quantile(f64::NAN), "its rank is NaN"),
        (sketch(4), "8 to 4096"),
        (
            sketch(200).accuracy(Accuracy::Exact),
            "sawtooth or snapshot",
        ),
        (
            amount().accuracy(Accuracy::Snapshot(Span::ZERO)),
            "a hop of nothing",
        ),
        (Feature::last_k(&view, "amount", 0), "1 to 1024"),
        (
            Feature::approx_distinct_count(&view, "amount", 3),
            "4 to 16",
        ),
        (amount().population(), "only a variance has a divisor"),
        (events().by("amount", 5), "makes no categories"),
        (events().by("country", 0), "may have 1 to 4096"),
        (
            Feature::max(&view, "amount").by("country", 5),
            "cannot take a map by category",
        ),
        (amount().per(events().by("country", 5)), "must be numbers"),
        (
            amount().per(Feature::last(&view, "country")),
            "must be numbers",
        ),
        (amount().per(events().per(events())), "a ratio of ratios"),
        (amount().per(quantile(2.0)), "its rank is 2"),
        (amount().per(Feature::events(&other)), "must be of one view"),
        (
            amount().per(events()).only(field("amount").is_null()),
            "part of a ratio",
        ),
        (
            amount().only(field("amuont").is_null()),
            "no field `amuont`",
        ),
        (
            amount().only(field("amount").equals(3)),
            "`amount` holds Float64",
        ),
        (
            amount().only(field("country").is_one_of([1])),
            "`country` holds Utf8",
        ),
        (
            amount().only(field("returned").is_above(true)),
            "`returned` holds Boolean",
        ),
    ] {
        let error = aggregate.over(days(1)).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    let wide = (0..300).fold(field("amount").is_null(), |all, i| {
        all.or(field("quantity").equals(i))
    });
    let error = amount().only(wide).over(days(1)).unwrap_err();
    assert!(error.to_string().contains("more than 256 parts"), "{error}");
}

#[test]
fn names_tell_what_is_computed() {
    let view = view();
    let check = |aggregate: Aggregate, name: &str, nullable: bool| {
        let feature = aggregate.over(days(7)).unwrap();
        let found = (feature.name().as_str(), feature.is_nullable());
        assert_eq!(found, (name, nullable));
    };
    check(
        Feature::quantile(&view, "amount", 0.99),
        "amount_quantile_0.99_7d",
        true,
    );
    check(
        Feature::last_k(&view, "country", 5),
        "country_last_5_7d",
        true,
    );
    check(
        Feature::std_dev(&view, "amount").population(),
        "amount_population_std_7d",
        true,
    );
    let events = || Feature::events(&view);
    check(
        events().by("country", 9),
        "purchase_count_by_country_7d",
        false,
    );
    check(
        events().per(events()),
        "purchase_count_per_purchase_count_7d",
        true,
    );
    check(
        Feature::approx_distinct_count(&view, "due", 9),
        "due_approx_distinct_count_7d",
        false,
    );
    assert_ne!(
        events().over(days(7)).unwrap().digest(),
        events()
            .only(Filter::field("due").is_present())
            .over(days(7))
            .unwrap()
            .digest()
    );
}
