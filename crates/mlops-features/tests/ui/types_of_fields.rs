use mlops_features::{Entity, EventTime, FeatureView};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct TextTime {
    customer_id: i64,
    at: String,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct ListField {
    customer_id: i64,
    at: EventTime,
    amounts: Vec<f64>,
}

fn main() {}
