use mlops_features::{Entity, EventTime, FeatureView};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at, ttl = "-1d")]
struct NegativeTtl {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at, tll = "1d")]
struct MisspeltOption {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at, boundary = "open")]
struct UnknownBoundary {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer)]
struct NoTime {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = happened)]
struct OtherTime {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct Reserved {
    customer_id: i64,
    at: EventTime,
    events: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at, cutoff = "created_time")]
struct NoCreatedTime {
    customer_id: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct UnknownFieldOption {
    customer_id: i64,
    at: EventTime,
    #[view(units = "GBP")]
    amount: f64,
}

fn main() {}
