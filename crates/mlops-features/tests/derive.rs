//! The derives: what they make of a struct, and what they refuse to compile.

use mlops_core::{EntityKey, EventTime, Span, Value};
use mlops_features::{
    Boundary, Cutoff, DataType, Entity, EntityRow, Error, FeatureService, FeatureStore,
    FeatureView, FieldKind, ViewRow, days, hours, minutes,
};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(Entity)]
#[entity(name = "basket")]
struct ShopBasket {
    shop: String,
    number: u32,
    online: bool,
}

/// One purchase line.
#[derive(FeatureView)]
#[view(entity = Customer, time = invoice_date, ttl = "365d")]
struct Purchase {
    customer_id: i64,
    invoice_date: EventTime,
    #[view(unit = "GBP")]
    amount: f64,
    quantity: Option<u16>,
    country: Option<String>,
    returned: bool,
    due: Option<EventTime>,
}

#[derive(FeatureView)]
#[view(
    entity = ShopBasket, time = at, created = loaded, boundary = "exclusive", cutoff = "created_time",
    name = "line", crate = "mlops_features"
)]
struct BasketLine {
    online: bool,
    number: Option<i64>,
    shop: String,
    at: EventTime,
    loaded: Option<EventTime>,
    r#type: String,
}

fn at(day: i64) -> EventTime {
    EventTime::from_seconds(day * 86_400)
}

#[test]
fn a_struct_becomes_the_definition_that_the_builder_makes() {
    let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    assert_eq!(Customer::entity(), customer);
    let expected = FeatureView::builder("purchase")
        .entity(customer)
        .event_time("invoice_date")
        .ttl(Span::days(365))
        .field("amount", DataType::Float64)
        .unit("GBP")
        .field("quantity", DataType::UInt16)
        .field("country", DataType::Utf8)
        .field("returned", DataType::Boolean)
        .field("due", EventTime::data_type())
        .build()
        .unwrap();
    assert_eq!(Purchase::view(), expected);

    let line = BasketLine::view();
    assert_eq!(
        (line.boundary(), line.cutoff()),
        (Boundary::Exclusive, Cutoff::CreatedTime)
    );
    assert_eq!(
        (line.name().as_str(), line.created_time()),
        ("line", Some("loaded"))
    );
    assert_eq!(line.field("type").unwrap().kind(), FieldKind::Str);
    assert_eq!(line.fields().len(), 1, "keys and times are no fields");
    let basket = ShopBasket {
        shop: "a".into(),
        number: 1,
        online: true,
    };
    assert_eq!(
        basket.key(),
        EntityKey::new(["a".into(), 1.into(), true.into()])
    );
    assert_eq!(ShopBasket::entity().keys().len(), 3);
}

#[test]
fn handles_build_the_features_that_they_name() {
    let names: Vec<String> = [
        Purchase::amount().sum().over(days(30)),
        Purchase::amount().mean().over(hours(12)),
        Purchase::quantity().min().over(minutes(90)),
        Purchase::due().max().over(days(14)),
        Purchase::country().distinct_count().over(days(90)),
        Purchase::returned().count().named("returns").over(days(1)),
        Purchase::country().latest(),
        Purchase::events().over(days(7)),
        Purchase::time_since_last(),
    ]
    .into_iter()
    .map(|feature| feature.unwrap().name().to_string())
    .collect();
    let expected = [
        "amount_sum_30d",
        "amount_mean_12h",
        "quantity_min_90m",
        "due_max_14d",
        "country_distinct_count_90d",
        "returns",
        "country_latest",
        "purchase_count_7d",
        "purchase_time_since_last",
    ];
    assert_eq!(names, expected);
    let key = Purchase::customer_id().latest();
    assert!(matches!(key, Err(Error::UnknownField { field, .. }) if field == "customer_id"));
}

#[test]
fn rows_travel_from_structs_to_features() {
    let store = FeatureStore::new();
    store.register(Purchase::view()).unwrap();
    let row = |day: i64, amount: f64, quantity: Option<u16>, country: Option<&str>| Purchase {
        customer_id: 7,
        invoice_date: at(day),
        amount,
        quantity,
        country: country.map(str::to_owned),
        returned: amount < 0.0,
        due: quantity.map(|_| at(day + 14)),
    };
    let rows = [
        row(3, -1.0, None, None),
        row(1, 2.5, Some(2), Some("UK")),
        row(2, 4.0, Some(1), Some("FR")),
    ];
    store.push_rows(&rows).unwrap();
    let service = FeatureService::named("churn")
        .unwrap()
        .feature(Purchase::amount().sum().over(days(30)))
        .feature(Purchase::quantity().sum().over(days(2)))
        .feature(Purchase::country().latest())
        .feature(Purchase::due().max().over(days(30)))
        .feature(Purchase::returned().latest())
        .feature(Purchase::time_since_last())
        .build()
        .unwrap();
    let key = Customer { customer_id: 7 }.key();
    let online = store.online(&service, &key, at(3)).unwrap();
    let json = serde_json::to_value(online.into_map()).unwrap();
    let expected = serde_json::json!({
        "amount_sum_30d": 5.5,
        "quantity_sum_2d": 1,
        "country_latest": null,
        "due_max_30d": "1970-01-17T00:00:00Z",
        "returned_latest": true,
        "purchase_time_since_last": 0.0,
    });
    assert_eq!(json, expected);

    store.register(BasketLine::view()).unwrap();
    let line = |number| BasketLine {
        online: true,
        number,
        shop: "a".into(),
        at: at(0),
        loaded: Some(at(0)),
        r#type: "food".into(),
    };
    store.push_rows(&[line(Some(1)), line(None)]).unwrap();
    assert_eq!(store.rows("line").unwrap(), 1, "a null key answers nothing");
    let service = FeatureService::named("s")
        .unwrap()
        .feature(BasketLine::r#type().latest());
    let service = service.build().unwrap();
    let basket = EntityKey::new(["a".into(), 1.into(), true.into()]);
    let read = |time| {
        store
            .online(&service, &basket, time)
            .unwrap()
            .values
            .remove(0)
            .1
    };
    assert_eq!(read(at(0)), Value::Null);
    assert_eq!(read(at(1)), Value::from("food"));
}

#[test]
fn what_is_wrong_with_a_struct_is_a_compile_error_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
