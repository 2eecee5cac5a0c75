use mlops_features::{Entity, EventTime, FeatureView};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct NoKey {
    customer: i64,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct OtherKeyType {
    customer_id: String,
    at: EventTime,
}

fn main() {}
