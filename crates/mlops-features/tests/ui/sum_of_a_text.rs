use mlops_features::{Entity, EventTime, FeatureView, days};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct Purchase {
    customer_id: i64,
    at: EventTime,
    country: Option<String>,
}

fn main() {
    let _ = Purchase::country().sum().over(days(30));
}
